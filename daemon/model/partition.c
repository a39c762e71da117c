/* See model/partition.h. */
#include "model/partition.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *prefix, *partition;
} PARTITIONS[] = {
    {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
    {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"},
};

const char *partition_of_region(const char *region)
{
    for (size_t i = 0; i < sizeof PARTITIONS / sizeof PARTITIONS[0]; i++) {
        if (strncmp(region, PARTITIONS[i].prefix, strlen(PARTITIONS[i].prefix)) == 0) {
            return PARTITIONS[i].partition;
        }
    }
    return "aws";
}
