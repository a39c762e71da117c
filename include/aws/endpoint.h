/* From a region to an address, by AWS's partitions (botocore partitions.json and endpoint-rule-set-1.json of
 * the services, 1.43). */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_URL_MAX 1024

struct endpoint_query {
    const char *service; /* "iot", "sts", "sso" or "sso-oidc" */
    const char *region;
    const char *url; /* a configured one; NULL: by region */
    bool fips, dual_stack;
};

/* "https://iot.eu-west-1.amazonaws.com", or the configured one as it is. An unknown but well-formed region
 * gets the partition `aws`. -1 with ERR_INVALID in botocore's words: a configured address together with fips
 * or dual_stack; a region that endpoint_check_region() refuses. */
int endpoint_resolve(const struct endpoint_query *query, char *out, size_t size, struct err *err);

/* -1 with ERR_INVALID, "Provided region_name 'us east' doesn't match a supported format.": what is no label
 * of a host name, has capitals, or is a number. */
int endpoint_check_region(const char *region, struct err *err);

/* "fips-us-east-1" and "us-east-1-fips" are older spellings of us-east-1 with FIPS: takes the word away, and
 * tells whether it was there. region has passed endpoint_check_region(). */
bool endpoint_strip_fips(const char *region, char out[64]);

/* The region of an availability zone: of "eu-west-1a", and of a local zone such as "us-west-2-lax-1a". What
 * has no number between hyphens loses its last character, as in the AWS CLI. Not checked; cut to fit. */
void endpoint_zone_region(const char *zone, char region[64]);

#endif
