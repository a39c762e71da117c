/* Which policies in which targets a command is about. */
#ifndef APP_SELECTION_H
#define APP_SELECTION_H

#include "app/options.h"
#include "base/err.h"
#include "engine/given.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct selected {
    const struct policy *policy;
    const struct target *target;
    const struct row_source *source; /* rows that are given; NULL: the policy lists them */
    const char *origin;              /* of these; NULL: none */
};

struct selection {
    struct selected *pairs; /* in the order of the policies on the command line, or in the files */
    size_t count;
};

/* Without names: all policies, or with only_enforcing those that enforce. With target_name only in targets
 * that are called so (target_is_called()). A repeated name counts once. -1 with ERR_NOT_FOUND: a name is
 * unknown (the nearest known one is said), or a named policy does not cover the target. The pairs belong to
 * config; selection_finish(). */
int selection_make(struct selection *selection, const struct config *config, char *const *names, size_t count,
                   const char *target_name, bool only_enforcing, struct err *err);
/* -1 with ERR_NOT_FOUND as above where no target is called so; NULL is fine. */
int selection_check_target(const struct config *config, const char *target_name, struct err *err);
void selection_finish(struct selection *selection);

/* Whether a sweep of this pair deletes; else why_not says why it only plans. why_not may be NULL. */
bool selection_deletes(const struct selected *pair, const char **why_not);

/* Whether this very pair is in it, with rows of this origin ("": listed). */
bool selection_has(const struct selection *selection, const struct policy *policy,
                   const struct target *target, const char *origin);

/* Whether the run was in the target's account and region, whatever either is called. */
bool selection_is_in(const struct target *target, const struct run_header *header);
/* The target in the account and region of a run that was recorded or planned before: the one of the same name
 * before any other; NULL when there is none. And the policy of this name, where it covers the target. */
const struct target *selection_target(const struct config *config, const struct run_header *header);
const struct policy *selection_policy(const struct config *config, const char *name,
                                      const struct target *target);

#endif
