/* When policies run: the next firing of each (policy/timetable.h), on a wall clock that may be set while we
 * wait.
 *
 * The clock is looked at once a minute at least. A clock set by up to three hours changes nothing but the
 * moment: a firing that was jumped over comes at once, one that was there already does not come again. After
 * a greater step (a clock that was wrong, and is right now) the firings are computed anew, and none that lies
 * between is made up for; cron(8) of Debian does the same. A machine that was suspended fires late, once.
 * A firing that comes over five minutes late is left out where its policy says `catch_up: never`.
 * What was missed while the program was down is the business of app/catch_up. */
#ifndef APP_SCHEDULER_H
#define APP_SCHEDULER_H

#include "engine/env.h"
#include "policy/policy.h"

#include <stdint.h>

struct scheduler;

/* fire() comes from the loop, once per firing; due_ms is the minute that it was meant for. It may call any
 * function here but scheduler_destroy(). env stays the caller's. */
struct scheduler *scheduler_create(const struct env *env,
                                   void (*fire)(void *owner, const char *policy, int64_t due_ms),
                                   void *owner);
void scheduler_destroy(struct scheduler *scheduler); /* takes NULL */

/* Replaces what is scheduled by the policies of config that have a schedule; a reference to it is held. A
 * policy that keeps its name, its expression, its window and its time zone keeps its next firing, so that
 * none falls between two sets. NULL: nothing is scheduled any more. */
void scheduler_load(struct scheduler *scheduler, struct config *config);

/* The next firing of all, in wall milliseconds, and whose it is (valid until the next load); -1 when there is
 * none. policy may be NULL. */
int64_t scheduler_next(const struct scheduler *scheduler, const char **policy);
/* Of this policy; 0 when there is none. */
int64_t scheduler_policy_next(const struct scheduler *scheduler, const char *policy);

#endif
