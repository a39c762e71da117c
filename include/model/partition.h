/* The partitions of AWS, which the ARNs of a region begin with. Source: botocore's partitions.json. */
#ifndef MODEL_PARTITION_H
#define MODEL_PARTITION_H

/* "aws", "aws-cn", "aws-us-gov" and so on. "aws" for a region that is not known, and for "". */
const char *partition_of_region(const char *region);

#endif
