/* The region that a machine is in, as its instance metadata service tells: what the AWS CLI asks when nothing
 * else names one. */
#ifndef AWS_INSTANCE_REGION_H
#define AWS_INSTANCE_REGION_H

#include "aws/credentials.h"
#include "aws/settings.h"

/* For a program that has nothing else to do yet: turns the loop until it is known, which takes two of the
 * settings' timeouts (a second each) where nobody answers. What it is has not been checked. -1 with
 * ERR_NOT_FOUND, and why, when there is none; AWS_EC2_METADATA_DISABLED is a reason. config: all but its
 * loop, http, wall_ms and ctx may be zeros. */
int instance_region_find(const struct credentials_config *config, const struct settings *settings,
                         char region[64], struct err *err);

#endif
