/* What of the registry a policy asks: the facts about things in its clauses, those of `protect` included, so
 * that they can be found out before any row is judged. */
#ifndef POLICY_ASKS_H
#define POLICY_ASKS_H

#include "policy/match.h"

#include <stdbool.h>
#include <stdint.h>

struct ask {
    enum thing_fact fact;
    const char *name; /* of an attribute; else NULL */
    const char *value;
    bool releases; /* its answer "no" can let an execution go: inside none_of, or of protect */
};

/* Calls each() for every fact, as often as it is asked; texts are the policy's. protect_only: leaves out what
 * match asks. Rules of `protect` that ended by now_ms ask nothing; 0: all do. */
void policy_asks(const struct policy *policy, bool protect_only, int64_t now_ms,
                 void (*each)(void *ctx, const struct ask *ask), void *ctx);

/* Whether the policy, or only its `protect`, has a fact whose "no" must come from a thing that exists. */
bool policy_asks_existence(const struct policy *policy, bool protect_only, int64_t now_ms);

/* Whether match can hold only for things of which it asks a fact: then those that have it are all things in
 * question. */
bool policy_bounds_things(const struct policy *policy);

#endif
