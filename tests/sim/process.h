/* The process under test: the real engine on the real ledger, one sweep behind the other at each site, with
 * what `app` does around them: it opens the ledger, goes on with what an earlier process left, sweeps policy
 * after policy, reloads them, and ends when its ledger fails. It can be killed between any two events. */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

#include "policy/policy.h"
#include "sim/sim.h"

struct process;

struct process *process_create(struct sim *sim); /* starts it */
void process_destroy(struct process *process);   /* when it is over; takes NULL */

void process_kill(struct process *process);    /* and starts another one later */
void process_abandon(struct process *process); /* kills it for good */
void process_reload(struct process *process);
void process_cancel(struct process *process, bool hurry);
void process_pause(struct process *process, bool pause); /* else it resumes; over restarts, too */
/* Everything healed: it ends what it has begun and then sweeps each policy until nothing is left. */
void process_heal(struct process *process);

int process_runs(const struct process *process);     /* so far */
int process_restarts(const struct process *process); /* so far */
bool process_over(const struct process *process);    /* healed, swept and closed */
/* Of a site's last round: the policies that swept everything, and when the round began by the service's
 * clock. */
int process_swept(const struct process *process, const struct site *site, const struct policy **policies,
                  int64_t *from_ms);

/* Makes the policy of a test instead of the drawn ones; before the first run. */
void process_use_policy(struct process *process, const struct policy *policy);

#endif
