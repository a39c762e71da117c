/* See aws/endpoint.h. */
#include "aws/endpoint.h"

#include "base/text.h"
#include "model/names.h"
#include "model/partition.h"

#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"

static const struct partition {
    const char *name, *suffix, *dual_stack_suffix;
    bool fips_is_plain; /* but for iot, the usual hosts are the FIPS ones */
} PARTITIONS[] = {
    {"aws", "amazonaws.com", "api.aws", false},
    {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"aws-us-gov", "amazonaws.com", "api.aws", true},
    {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", false},
    {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", false},
    {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", false},
    {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", false},
    {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", false},
};

static const struct {
    const char *name, *host;
} SERVICES[] = {{"iot", "iot"},
                {"sts", "sts"},
                {"sso", "portal.sso"},
                {"sso-oidc", "oidc"},
                {"service-quotas", "servicequotas"}};

static const struct partition *find_partition(const char *region)
{
    const char *name = partition_of_region(region);
    size_t i = 0;
    while (i + 1 < sizeof PARTITIONS / sizeof PARTITIONS[0] && strcmp(PARTITIONS[i].name, name) != 0) {
        i++;
    }
    return &PARTITIONS[i];
}

/* --- regions
 * ------------------------------------------------------------------------------------------------- */

int endpoint_check_region(const char *region, struct err *err)
{
    if (region_valid(region) && region[strspn(region, DIGITS)] != '\0') {
        return 0;
    }
    return err_set(err, ERR_INVALID, "Provided region_name '%.64s' doesn't match a supported format.",
                   region);
}

void endpoint_zone_region(const char *zone, char region[64])
{
    size_t length = strlen(zone) > 0 ? strlen(zone) - 1 : 0;
    for (const char *at = strchr(zone, '-'); at != NULL; at = strchr(at + 1, '-')) {
        size_t digits = strspn(at + 1, DIGITS);
        if (digits > 0) {
            length = (size_t)(at - zone) + 1 + digits;
            break;
        }
    }
    snprintf(region, 64, "%.*s", (int)(length < 63 ? length : 63), zone);
}

/* Copies from without the word, wherever it is; what does not fit is cut. */
static void copy_without(const char *from, const char *word, char *to, size_t size)
{
    size_t used = 0, length = strlen(word);
    while (*from != '\0' && used + 1 < size) {
        if (strncmp(from, word, length) == 0) {
            from += length;
        } else {
            to[used++] = *from++;
        }
    }
    to[used] = '\0';
}

bool endpoint_strip_fips(const char *region, char out[64])
{
    char front[64];
    bool found = strstr(region, "fips-") != NULL || strstr(region, "-fips") != NULL;
    copy_without(region, "fips-", front, sizeof front);
    copy_without(front, "-fips", out, 64);
    return found;
}

/* --- addresses
 * ----------------------------------------------------------------------------------------------- */

static const char *contradiction(const struct endpoint_query *query)
{
    if (query->url != NULL && query->fips) {
        return "Invalid Configuration: FIPS and custom endpoint are not supported";
    }
    if (query->url != NULL && query->dual_stack) {
        return "Invalid Configuration: Dualstack and custom endpoint are not supported";
    }
    return NULL;
}

static const char *host_of(const char *service)
{
    for (size_t i = 0; i < sizeof SERVICES / sizeof SERVICES[0]; i++) {
        if (strcmp(service, SERVICES[i].name) == 0) {
            return SERVICES[i].host;
        }
    }
    return service;
}

static int by_region(const struct endpoint_query *query, char *out, size_t size)
{
    const struct partition *partition = find_partition(query->region);
    bool plain = partition->fips_is_plain && !query->dual_stack && strcmp(query->service, "iot") != 0;
    return snprintf(out, size, "https://%s%s.%s.%s", host_of(query->service),
                    query->fips && !plain ? "-fips" : "", query->region,
                    query->dual_stack ? partition->dual_stack_suffix : partition->suffix);
}

int endpoint_resolve(const struct endpoint_query *query, char *out, size_t size, struct err *err)
{
    const char *wrong = contradiction(query);
    if (wrong != NULL) {
        return err_set(err, ERR_INVALID, "%s", wrong);
    }
    if (endpoint_check_region(query->region, err) != 0) {
        return -1;
    }
    int length = query->url != NULL ? snprintf(out, size, "%s", query->url) : by_region(query, out, size);
    return (size_t)length < size ? 0
                                 : err_set(err, ERR_TOO_BIG, "the address of %s is too long", query->service);
}
