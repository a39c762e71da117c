/* See aws/endpoint.h. Partitions: botocore's partitions.json. */
#include "aws/endpoint.h"

#include "aws/profile.h"
#include "base/text.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *prefix; /* of the region */
    const char *suffix; /* of the host */
} PARTITIONS[] = {
    {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}, {"eusc-", "amazonaws.eu"},
    {"", "amazonaws.com"}, /* every other, us-gov- too, and the regions of tomorrow */
};

int endpoint_url(const char *service, const char *region, char *out, size_t size, struct err *err)
{
    int i = 0;
    if (!region_valid(region)) {
        return err_set(err, ERR_INVALID,
                       "'%.64s' is no region: lower-case letters, digits and '-', such as eu-west-1", region);
    }
    while (strncmp(region, PARTITIONS[i].prefix, strlen(PARTITIONS[i].prefix)) != 0) {
        i++;
    }
    int length = snprintf(out, size, "https://%s.%s.%s", service, region, PARTITIONS[i].suffix);
    return (size_t)length < size
               ? 0
               : err_set(err, ERR_TOO_BIG, "the endpoint of region '%s' is too long", region);
}

static int take_region(const char *value, const char *where, char out[64], struct err *err)
{
    if (!region_valid(value)) {
        return err_set(err, ERR_INVALID, "%s: '%.64s' is no region such as eu-west-1", where, value);
    }
    text_copy(out, 64, value);
    return 0;
}

int endpoint_region(const char *profile, char out[64], struct err *err)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (int i = 0; i < 2; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && *value != '\0') {
            return take_region(value, variables[i], out, err);
        }
    }
    const char *chosen = profile != NULL ? profile : getenv("AWS_PROFILE");
    chosen = chosen != NULL && *chosen != '\0' ? chosen : "default";
    struct profiles *profiles = profiles_load(err);
    if (profiles == NULL) {
        return -1;
    }
    const char *value = profiles_get(profiles, chosen, "region");
    int result;
    if (value != NULL) {
        result = take_region(value, profiles_origin(profiles, chosen, "region"), out, err);
    } else {
        result = err_set(err, ERR_NOT_FOUND,
                         "no region: give the target one, set AWS_REGION, or set 'region' in "
                         "profile '%s'",
                         chosen);
    }
    profiles_free(profiles);
    return result;
}
