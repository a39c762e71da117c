/* Sweeps over a simulated fleet whose things have groups, types and attributes, for the tests of what a
 * policy asks of them. */
#ifndef REGISTRY_WORLD_H
#define REGISTRY_WORLD_H

#include "engine/sweep.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_registry.h"
#include "sim/rig.h"

struct registry {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct protect_list protect;
    struct protect_rule rule;
    struct target target;
    struct sweep *sweep;
    struct report report;
    bool done;
    char warned[512];
    bool *eligible; /* by identity, once registry_assert_goes() was asked */
};

/* 60 things in seven groups, 4 jobs, 1,200 executions; a policy that takes all that are finished and older
 * than 30 days. */
void registry_begin(struct registry *test);
void registry_begin_with(struct registry *test, int things, int jobs, int executions);
void registry_finish(struct registry *test);
struct sweep_config registry_config_of(struct registry *test);
void registry_start(struct registry *test); /* a sweep */
void registry_sweep(struct registry *test); /* from its start to its end */

/* Sweeps, and compares with what should go, execution by execution: all that the policy wants, but for what
 * it asks of things, of the things that exist and are as the function says. */
void registry_assert_goes(struct registry *test,
                          bool (*thing)(const struct registry *test, const struct fleet_thing_about *thing));
/* In the group, or in one below it. */
bool registry_within(const struct registry *test, const struct fleet_thing_about *thing, const char *group);
bool registry_in_group_1(const struct registry *test, const struct fleet_thing_about *thing);
bool registry_not_in_group_1(const struct registry *test, const struct fleet_thing_about *thing);
void registry_protect_group_1(struct registry *test);

#endif
