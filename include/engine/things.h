/* What the registry says of things, as far as a policy asks (policy/asks.h): who is in a group, of a type,
 * has an attribute, is found by a query. Each question is one listing, read to its end before any row is
 * judged; what cannot be read to its end fails, and then nothing is known of anything.
 *
 * Names are kept as they are, in one table for all questions, with a bit for each question: a hash that
 * collides decides nothing. Some 40 bytes a thing of twenty letters, THINGS_MAX at most.
 *
 * Where a "no" can let an execution go (none_of, protect), it must be that of a thing that exists: one that
 * the registry does not know was perhaps a member until yesterday. So the registry is listed too, or each
 * thing described where they are known by their names. Of a thing that does not exist no fact is known. */
#ifndef ENGINE_THINGS_H
#define ENGINE_THINGS_H

#include "base/err.h"
#include "engine/dispatcher.h"
#include "policy/match.h"

#include <stdbool.h>
#include <stdint.h>

#define THINGS_MAX 16000000 /* with more than this it fails */

struct things;

struct things_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    const struct policy *policy;
    bool protect_only; /* what `protect` asks, for rows that were selected before */
    void *owner;
    void (*warning)(void *owner, const char *text);
};

struct things *things_create(const struct things_config *config);
/* Before things_start(): nothing is wanted of any but those that are named so. */
void things_only(struct things *things, const char *thing_name);
/* Whether there is anything to find out. */
bool things_needed(const struct things *things);
/* Finds it out; done() comes once, never from inside this or things_cancel(). */
void things_start(struct things *things, void (*done)(void *owner), void *owner);
void things_cancel(struct things *things);  /* a wish: done() still comes */
void things_destroy(struct things *things); /* before things_start(), or after done(); takes NULL */

/* Once done: ERR_NONE, ERR_CANCELED, or why not everything is known. why may be NULL. */
const struct err *things_failure(const struct things *things, enum answer_class *why);

/* For policy/match.h; job may be NULL. things NULL, not done or failed: nothing is known of things. */
struct match_facts things_facts(const struct things *things, const struct job *job);

/* Whether the names below are all things in question: no other can be wanted by the policy. */
bool things_bounded(const struct things *things);
uint32_t things_count(const struct things *things); /* names that were met, wanted or not */
const char *things_name(const struct things *things, uint32_t number);

#endif
