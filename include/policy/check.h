/* What no single key can tell: whether the keys of a target or a policy go together. */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "policy/policy.h"
#include "policy/reader.h"
#include "policy/yaml.h"

/* node: the map that the target was read from. */
void check_target(const struct reader *reader, const struct yaml_node *node, const struct target *target);

/* node: the map that the policy was read from; defaults: the map of `defaults`, or NULL. The policy is the
 * last one of reader->config. */
void check_policy(const struct reader *reader, const struct yaml_node *node, const struct yaml_node *defaults,
                  const struct policy *policy);

#endif
