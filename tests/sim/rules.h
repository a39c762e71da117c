/* What the documents promise, written down a second time for the oracle: so that an error in the program is
 * not an error of its judge. */
#ifndef SIM_RULES_H
#define SIM_RULES_H

#include "model/job.h"
#include "model/job_execution.h"
#include "policy/policy.h"

bool rules_terminal(enum execution_status status);
/* The same incarnation in the same state: status and times to the letter, and the version where both tell it.
 */
bool rules_same(const struct fingerprint *a, const struct fingerprint *b);
/* NULL when the policy holds for it whatever its age, else why not. job is NULL where nothing is known of it.
 */
const char *rules_ignore(const struct policy *policy, const struct job *job,
                         const struct job_execution *execution, int64_t service_ms);
/* NULL when the policy takes it at this moment of the service's clock, unless a keep rule holds (sim/kept.h),
 * else why it is to be kept. */
const char *rules_keep(const struct policy *policy, const struct job *job,
                       const struct job_execution *execution, int64_t service_ms);
/* verify: risky may leave the look out: nothing new can come under an old number of this job. */
bool rules_settled(const struct job *job);

#endif
