/* See model/partition.h. */
#include "model/partition.h"

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS "0123456789"
#define WORD   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const struct partition {
    const char *name;
    const char *global;       /* its region that is none */
    const char *prefixes[10]; /* of its regions: PREFIX-WORD-NUMBER */
} PARTITIONS[] = {
    {"aws", "aws-global", {"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"}},
    {"aws-cn", "aws-cn-global", {"cn-"}},
    {"aws-us-gov", "aws-us-gov-global", {"us-gov-"}},
    {"aws-iso", "aws-iso-global", {"us-iso-"}},
    {"aws-iso-b", "aws-iso-b-global", {"us-isob-"}},
    {"aws-iso-e", "aws-iso-e-global", {"eu-isoe-"}},
    {"aws-iso-f", "aws-iso-f-global", {"us-isof-"}},
    {"aws-eusc", NULL, {"eusc-de-"}},
};

/* The areas are PARTITIONS'; where a region of tomorrow is in a known area it has one of these, too. */
static const char *const DIRECTIONS[] = {"north",     "east",      "south",     "west",     "central",
                                         "northeast", "northwest", "southeast", "southwest"};

static const char *const REGIONS[] = {"af-south-1",
                                      "ap-east-1",
                                      "ap-east-2",
                                      "ap-northeast-1",
                                      "ap-northeast-2",
                                      "ap-northeast-3",
                                      "ap-south-1",
                                      "ap-south-2",
                                      "ap-southeast-1",
                                      "ap-southeast-2",
                                      "ap-southeast-3",
                                      "ap-southeast-4",
                                      "ap-southeast-5",
                                      "ap-southeast-6",
                                      "ap-southeast-7",
                                      "ca-central-1",
                                      "ca-west-1",
                                      "eu-central-1",
                                      "eu-central-2",
                                      "eu-north-1",
                                      "eu-south-1",
                                      "eu-south-2",
                                      "eu-west-1",
                                      "eu-west-2",
                                      "eu-west-3",
                                      "il-central-1",
                                      "me-central-1",
                                      "me-south-1",
                                      "mx-central-1",
                                      "sa-east-1",
                                      "us-east-1",
                                      "us-east-2",
                                      "us-west-1",
                                      "us-west-2",
                                      "cn-north-1",
                                      "cn-northwest-1",
                                      "us-gov-east-1",
                                      "us-gov-west-1",
                                      "us-iso-east-1",
                                      "us-iso-west-1",
                                      "us-isob-east-1",
                                      "us-isob-west-1",
                                      "eu-isoe-west-1",
                                      "us-isof-east-1",
                                      "us-isof-south-1",
                                      "eusc-de-east-1",
                                      NULL};

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

/* "west-1" */
static bool is_direction(const char *text)
{
    size_t length = strcspn(text, "-");
    for (size_t i = 0; i < sizeof DIRECTIONS / sizeof DIRECTIONS[0]; i++) {
        if (strlen(DIRECTIONS[i]) == length && strncmp(text, DIRECTIONS[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_known(const char *region)
{
    for (size_t i = 0; i < sizeof PARTITIONS / sizeof PARTITIONS[0]; i++) {
        for (int j = 0; PARTITIONS[i].prefixes[j] != NULL; j++) {
            const char *prefix = PARTITIONS[i].prefixes[j];
            if (has_prefix(region, prefix) && is_direction(region + strlen(prefix))) {
                return true;
            }
        }
    }
    return false;
}

const char *partition_mistaken_region(const char *region)
{
    return is_known(region) ? NULL : text_nearest(region, REGIONS);
}

const char *partition_of_region(const char *region)
{
    for (size_t i = 0; i < sizeof PARTITIONS / sizeof PARTITIONS[0]; i++) {
        if (is_in(region, &PARTITIONS[i])) {
            return PARTITIONS[i].name;
        }
    }
    return PARTITIONS[0].name; /* the regions of tomorrow */
}
