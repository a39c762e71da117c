/* The targets of the configuration: an entry of the file stands for one account in one region, or for every
 * pair of the accounts and regions that it lists. */
#ifndef POLICY_TARGETS_H
#define POLICY_TARGETS_H

#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/reader.h"
#include "policy/yaml.h"

#define TARGETS_MAX 10000 /* of all files together */

/* Reads the entry whose key is given and adds what it stands for to reader->config, checked. Of many targets
 * with the same fault only the first is complained about. */
void targets_read(const struct reader *reader, const struct yaml_node *key);

/* Once all are read: warns where two entries name the same account and region, because what runs there shares
 * one quota, and so waits for each other. */
void targets_compare(const struct config *config, struct diagnostics *diagnostics);

#endif
