/* See model/partition.h. */
#include "model/partition.h"

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

const char *partition_of_region(const char *region)
{
    for (size_t i = 0; i < sizeof PARTITIONS / sizeof PARTITIONS[0]; i++) {
        if (is_in(region, &PARTITIONS[i])) {
            return PARTITIONS[i].name;
        }
    }
    return PARTITIONS[0].name; /* the regions of tomorrow */
}
