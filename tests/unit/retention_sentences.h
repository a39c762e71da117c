/* The manual's sentences on `match`, `keep` and `protect`, applied to one execution of the world with all
 * others in sight, at world.now_ms. The C library's calendar (TZ) must be in the world's time zone. */
#ifndef UNIT_RETENTION_SENTENCES_H
#define UNIT_RETENTION_SENTENCES_H

#include "retention_world.h"

/* The policy has an age or keep rules. */
bool said_usable(void);
/* It goes, as far as neither a grace nor limits leave it for later. */
bool said_delete(const struct job_execution *execution);
/* Keep rules count it. */
bool said_counts(const struct job_execution *execution);
/* Of one that counts: this rule keeps it. */
bool said_rule(const struct keep_rule *rule, const struct job_execution *execution);
/* By the time that the policy goes by; ties are broken the same way every time. */
bool said_newer(const struct job_execution *a, const struct job_execution *b);

#endif
