/* From a region to an address, by AWS's partitions (botocore partitions.json). */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "base/err.h"

#include <stddef.h>

/* "https://iot.eu-west-1.amazonaws.com". service: "iot" or "sts". ERR_INVALID for a region that is no host
 * name label (region_valid()). An unknown but well-formed region gets the partition `aws`. */
int endpoint_url(const char *service, const char *region, char *out, size_t size, struct err *err);

/* The region for a target that names none: AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`. -1 with
 * ERR_NOT_FOUND when there is none, ERR_INVALID when it is malformed. profile may be NULL as for credentials.
 */
int endpoint_region(const char *profile, char out[64], struct err *err);

#endif
