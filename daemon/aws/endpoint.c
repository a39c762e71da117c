/* See aws/endpoint.h. */
#include "aws/endpoint.h"

#include "base/text.h"
#include "model/names.h"

#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define WORD   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct partition {
    const char *prefixes[10]; /* of its regions: PREFIX-WORD-NUMBER */
    const char *global;       /* its region that is none */
    const char *suffix, *dual_stack_suffix;
    bool fips_is_plain; /* but for iot, the usual hosts are the FIPS ones */
};

static const struct partition PARTITIONS[] = {
    {.prefixes = {"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"},
     .global = "aws-global",
     .suffix = "amazonaws.com",
     .dual_stack_suffix = "api.aws"},
    {.prefixes = {"cn-"},
     .global = "aws-cn-global",
     .suffix = "amazonaws.com.cn",
     .dual_stack_suffix = "api.amazonwebservices.com.cn"},
    {.prefixes = {"us-gov-"},
     .global = "aws-us-gov-global",
     .suffix = "amazonaws.com",
     .dual_stack_suffix = "api.aws",
     .fips_is_plain = true},
    {.prefixes = {"us-iso-"},
     .global = "aws-iso-global",
     .suffix = "c2s.ic.gov",
     .dual_stack_suffix = "api.aws.ic.gov"},
    {.prefixes = {"us-isob-"},
     .global = "aws-iso-b-global",
     .suffix = "sc2s.sgov.gov",
     .dual_stack_suffix = "api.aws.scloud"},
    {.prefixes = {"eu-isoe-"},
     .global = "aws-iso-e-global",
     .suffix = "cloud.adc-e.uk",
     .dual_stack_suffix = "api.cloud-aws.adc-e.uk"},
    {.prefixes = {"us-isof-"},
     .global = "aws-iso-f-global",
     .suffix = "csp.hci.ic.gov",
     .dual_stack_suffix = "api.aws.hci.ic.gov"},
    {.prefixes = {"eusc-de-"}, .suffix = "amazonaws.eu", .dual_stack_suffix = "api.amazonwebservices.eu"},
};

static const struct {
    const char *name, *host;
} SERVICES[] = {{"iot", "iot"},
                {"sts", "sts"},
                {"sso", "portal.sso"},
                {"sso-oidc", "oidc"},
                {"service-quotas", "servicequotas"}};

/* --- partitions
 * ---------------------------------------------------------------------------------------------- */

static bool has_prefix(const char *region, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(region, prefix, length) != 0) {
        return false;
    }
    const char *number = region + length + strspn(region + length, WORD);
    return number > region + length && *number == '-' && number[1] != '\0' &&
           number[1 + strspn(number + 1, DIGITS)] == '\0';
}

static bool is_in(const char *region, const struct partition *partition)
{
    for (int i = 0; partition->prefixes[i] != NULL; i++) {
        if (has_prefix(region, partition->prefixes[i])) {
            return true;
        }
    }
    return partition->global != NULL && strcmp(region, partition->global) == 0;
}

static const struct partition *find_partition(const char *region)
{
    for (size_t i = 0; i < sizeof PARTITIONS / sizeof PARTITIONS[0]; i++) {
        if (is_in(region, &PARTITIONS[i])) {
            return &PARTITIONS[i];
        }
    }
    return &PARTITIONS[0]; /* the regions of tomorrow */
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

int endpoint_url(const char *service, const char *region, char *out, size_t size, struct err *err)
{
    const struct endpoint_query query = {.service = service, .region = region};
    return endpoint_resolve(&query, out, size, err);
}
