/* on_finish: the programs that policies have started after their runs. A few at once, the rest one after the
 * other; each has a minute, then it is asked to end, and killed five seconds later. What it says and how it
 * ends is logged, and changes nothing. */
#ifndef APP_HOOKS_H
#define APP_HOOKS_H

#include "app/runner.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct hooks;

/* idle() comes from the loop, when the last one has ended. */
struct hooks *hooks_create(uv_loop_t *loop, void (*idle)(void *owner), void *owner);
void hooks_destroy(struct hooks *hooks); /* none may be under way; takes NULL */

/* What a run that is done is to its policy's on_finish. */
enum run_result hooks_result(const struct report *report);

/* Starts the program, if the policy has one for how this run ended. Nothing of the run is kept. */
void hooks_finish_run(struct hooks *hooks, const struct run *run);
size_t hooks_count(const struct hooks *hooks);
/* Those that wait are dropped, those under way killed. */
void hooks_cancel(struct hooks *hooks);

#endif
