/* The types of values that hold further values with rows of their own: match and its blocks, keep, protect;
 * and what stands only in them. */
#ifndef POLICY_BLOCKS_H
#define POLICY_BLOCKS_H

#include "policy/values.h"

extern const struct value_type value_match;        /* match and match_all of struct policy */
extern const struct value_type value_any_of;       /* any_of and any_of_count of struct match */
extern const struct value_type value_none_of;      /* none_of and none_of_count of struct match */
extern const struct value_type value_job_statuses; /* unsigned, 1 << enum job_status */
extern const struct value_type value_namespace;    /* char * */
extern const struct value_type value_attributes;   /* struct attribute_list */
extern const struct value_type value_keep;         /* keep and keep_count of struct policy */
extern const struct value_type value_per;          /* enum keep_per */
extern const struct value_type value_protect;      /* protect of struct config: adds to it */

#endif
