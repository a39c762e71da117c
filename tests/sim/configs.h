/* The policies of a seed, and the new versions that a reload brings. */
#ifndef SIM_CONFIGS_H
#define SIM_CONFIGS_H

#include "policy/policy.h"
#include "sim/sim.h"

struct configs;

struct configs *configs_create(const struct sim *sim); /* the sim's world and fleet are there already */
void configs_destroy(struct configs *configs);
int configs_count(const struct configs *configs);
/* The present version of a policy; stays valid. sha256 may be NULL. */
const struct policy *configs_policy(const struct configs *configs, int number, const char **sha256);
int configs_find(const struct configs *configs, const char *name); /* number, or -1 */
bool configs_plan_only(const struct configs *configs);             /* the target allows no more than plans */
void configs_reload(struct configs *configs); /* a new version of one of them; what the target allows */
void configs_heal(struct configs *configs);   /* each has the time that it takes, as after a reload */
void configs_use(struct configs *configs, const struct policy *policy); /* this one alone */

#endif
