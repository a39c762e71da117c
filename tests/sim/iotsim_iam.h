/* IAM policies, as far as the simulator knows them: Version, Statement (one or a list), Sid, Effect, Action
 * and Resource (one or a list, with * and ?). What it does not know (NotAction, NotResource, Condition,
 * Principal) makes a policy malformed rather than be ignored, so that no test relies on what is not judged.
 */
#ifndef SIM_IOTSIM_IAM_H
#define SIM_IOTSIM_IAM_H

#include "aws/json.h"
#include "base/err.h"

#include <stdbool.h>

struct iam_policy;

/* NULL with err (what is wrong with it) for anything that is no such policy. Free it with iam_policy_free().
 */
struct iam_policy *iam_policy_read(const struct json_value *document, struct err *err);
void iam_policy_free(struct iam_policy *policy); /* takes NULL */

enum iam_verdict { IAM_SILENT, IAM_ALLOWED, IAM_DENIED };

/* What this policy alone says: a Deny that matches wins over every Allow (IAM user guide, "Policy evaluation
 * logic"). Actions are compared without regard to case, resources with. */
enum iam_verdict iam_judge(const struct iam_policy *policy, const char *action, const char *resource);

#endif
