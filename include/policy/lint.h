/* What is allowed and still looks like a mistake, over all policies of a configuration. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/policy.h"

/* Tells each finding with its place: the policy that is looked at, or a rule of it, or where the
 * configuration begins. */
void lint_policies(const struct config *config,
                   void (*tell)(void *owner, const struct place *place, const char *message), void *owner);

#endif
