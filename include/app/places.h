/* What is kept of targets between their runs: the link and how often it failed; and the accounts and regions,
 * which two targets may share without knowing of each other. */
#ifndef APP_PLACES_H
#define APP_PLACES_H

#include "app/link.h"
#include "app/sts_pace.h"
#include "app/world.h"
#include "base/err.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

struct places;
struct run;

struct target_state { /* a target */
    char name[TARGET_NAME_MAX + 1];
    struct link *link;     /* NULL: no run needs it */
    struct config *config; /* that the link was made by: a run with another one needs another link */
    struct run *runs;      /* the runner's: those in it, in the order of their submission */
    /* the module's */
    struct places *places;
    bool stale; /* the link is made anew before the next run */
    bool idle;  /* has a link and no run */
    int64_t since_ns;
    int denials; /* runs in a row that failed for credentials, permissions or the account */
    int64_t rests_until_ns;
    struct target_state *prev, *next;
    UT_hash_handle hh;
};

struct site {                                       /* an account in a region */
    char name[ACCOUNT_LENGTH + 1 + REGION_MAX + 1]; /* "ACCOUNT/REGION" */
    size_t unsettled; /* runs of an earlier process that were tried here, and are still open */
    struct run *runs; /* the runner's, as above */
    UT_hash_handle hh;
};

struct places_config {
    struct world *world;
    /* As in struct runner_config. */
    void (*episode)(void *owner, const char *target, enum operation operation, bool begins,
                    int64_t rate_before, int64_t rate_now);
    void *owner;
    struct metrics *metrics; /* as in struct link_config */
    int64_t idle_ns;         /* how long a link without runs is kept; 20 minutes when 0 */
};

struct places *places_create(const struct places_config *config);
void places_destroy(struct places *places); /* takes NULL; no run may be in it */

void places_each(const struct places *places, void (*each)(void *owner, const struct target_state *place),
                 void *owner);
struct target_state *places_target(struct places *places, const char *name); /* made when it is new */
const struct target_state *places_known(const struct places *places,
                                        const char *name); /* NULL when it is new */
struct site *places_site(struct places *places, const char *account, const char *region);
const struct credentials_pace *places_pace(const struct places *places); /* to begin with a target */

/* Sees to it that the place has a link for this target and configuration whose sessions, where a role is
 * assumed, are limited to session_policy (NULL: not). fresh: it was made anew, and knows no learned paces. -1
 * as link_create(). */
int places_reach(struct target_state *place, struct config *config, const struct target *target,
                 const char *session_policy, bool *fresh, struct err *err);
/* No run needs the link now. It is let go later on: after longer than a signature can live. */
void places_rest(struct target_state *place);

/* How a run ended: denied for its credentials, its permissions or its account, or not. */
void places_note(struct target_state *place, bool denied);
/* How long new runs should be spared, in milliseconds: about a minute after the first denied run in a row,
 * twice as long after each further one, up to an hour. 0: not at all. */
int64_t places_rest_ms(const struct target_state *place);

/* No link is used for runs that begin later, and no target rests. */
void places_renew(struct places *places);

/* No link, of now or later, hands a deletion to the service while it is so: see dispatcher_hold(). */
void places_hold(struct places *places, bool hold);

#endif
