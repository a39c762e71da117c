/* The names of AWS IoT and their limits, checked on what goes out and on what comes in.
 *
 * Source: the service model of `iot`, 2015-05-28 (botocore): jobId 1..64 of [a-zA-Z0-9_-], thingName and
 * thingGroupName 1..128 of [a-zA-Z0-9:_-], namespaceId [a-zA-Z0-9_-]+ (no length in the model; 64 here). */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include <stdbool.h>

#define JOB_ID_MAX       64
#define THING_NAME_MAX   128
#define NAMESPACE_ID_MAX 64
#define ACCOUNT_LENGTH   12
#define REGION_MAX       63
/* Of jobsweep's own targets: a name of 64, and "/ACCOUNT/REGION" where it is one of many. */
#define TARGET_NAME_MAX (64 + 1 + ACCOUNT_LENGTH + 1 + REGION_MAX)

bool job_id_valid(const char *text);
bool thing_name_valid(const char *text);
bool thing_group_name_valid(const char *text);
bool namespace_id_valid(const char *text);
bool account_id_valid(const char *text); /* twelve digits */

/* A region as a host name label, so that it can never name another host: 1..63 of [a-z0-9-], inner '-' only.
 */
bool region_valid(const char *text);

#endif
