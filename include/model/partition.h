/* The partitions of AWS, which the ARNs of a region begin with. Source: botocore's partitions.json. */
#ifndef MODEL_PARTITION_H
#define MODEL_PARTITION_H

/* "aws", "aws-cn", "aws-us-gov" and so on. "aws" for a region that is not known, and for "". */
const char *partition_of_region(const char *region);

/* The region of AWS that a name which is almost its own probably means ("eu-wets-1": "eu-west-1"); NULL for
 * one in a known place, whatever its number, and for one that is near to none: there will be more of them. */
const char *partition_mistaken_region(const char *region);

#endif
