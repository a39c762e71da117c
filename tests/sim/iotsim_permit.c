/* Whether a caller may do what it asks: the policies of its role or user, and its session policy, over each
 * resource that the operation needs. Wording: IAM user guide, "Troubleshoot access denied error messages". */
#include "sim/iotsim_route.h"

#include <stdio.h>
#include <string.h>

struct question {
    const struct iotsim_key *caller;
    const char *action, *resource;
    struct iotsim_reply *reply;
};

static const char *wording(const struct question *question)
{
    return strncmp(question->action, "sts:", 4) == 0 ? "AccessDenied" : "AccessDeniedException";
}

static bool deny(const struct question *question, const char *why)
{
    iotsim_refuse(question->reply, 403, wording(question),
                  "User: %s is not authorized to perform: %s on resource: %s %s", question->caller->arn,
                  question->action, question->resource, why);
    return false;
}

static bool deny_silent(const struct question *question, const char *kind)
{
    char why[160];

    snprintf(why, sizeof(why), "because no %s policy allows the %s action", kind, question->action);
    return deny(question, why);
}

/* An explicit deny of either kind is told first; then what the role lacks, then what the session lacks. */
static bool answer(const struct question *question)
{
    const struct iotsim_key *caller = question->caller;
    const struct iam_policy *own = caller->role ? caller->role->policy : caller->user_policy;
    enum iam_verdict of_own = own ? iam_judge(own, question->action, question->resource) : IAM_ALLOWED;
    enum iam_verdict of_session =
        caller->session ? iam_judge(caller->session, question->action, question->resource) : IAM_ALLOWED;

    if (of_own == IAM_DENIED) {
        return deny(question, "with an explicit deny in an identity-based policy");
    }
    if (of_session == IAM_DENIED) {
        return deny(question, "with an explicit deny in a session policy");
    }
    if (of_own != IAM_ALLOWED) {
        return deny_silent(question, "identity-based");
    }
    return of_session == IAM_ALLOWED || deny_silent(question, "session");
}

bool iotsim_permits(const struct iotsim_key *caller, const char *action, const char *resource,
                    struct iotsim_reply *reply)
{
    struct question question = {caller, action, resource, reply};

    return answer(&question);
}

static void resource_arn(const struct iotsim_asked *asked, char letter, char arn[IOTSIM_ARN_MAX])
{
    switch (letter) {
    case 'J':
        iotsim_arn(asked->place, "job", asked->call.job_id, arn);
        break;
    case 'T':
        iotsim_arn(asked->place, "thing", asked->call.thing_name, arn);
        break;
    case 'G':
        iotsim_arn(asked->place, "thinggroup", asked->call.group_name, arn);
        break;
    case 'I':
        iotsim_arn(asked->place, "index", "AWS_Things", arn);
        break;
    default:
        snprintf(arn, IOTSIM_ARN_MAX, "*");
    }
}

bool iotsim_permitted(const struct iotsim_asked *asked)
{
    char action[96], arn[IOTSIM_ARN_MAX];

    snprintf(action, sizeof(action), "%s:%s", iotsim_route_quotas(asked->request) ? "servicequotas" : "iot",
             asked->route->name);
    for (const char *letter = asked->route->resources; *letter; letter++) {
        resource_arn(asked, *letter, arn);
        if (!iotsim_permits(asked->caller, action, arn, asked->reply)) {
            asked->place->tallies[asked->route - iotsim_routes].denied++;
            return false;
        }
    }
    return true;
}
