/* What a person should look at when a sweep went wrong. */
#include "app/advice.h"

#include <stddef.h>
#include <string.h>

static const char *by_refusal(const struct err *err)
{
    if (strstr(err->msg, "AssumeRole") != NULL) {
        return "check the trust policy of the role, external_id of the target, and whether its credentials "
               "allow sts:AssumeRole (jobsweep whoami tries it)";
    }
    if (err->code == ERR_CREDENTIALS) {
        return "check profile and credentials of the target (jobsweep whoami shows where they come from)";
    }
    if (strstr(err->msg, "AccessDenied") != NULL) {
        return "jobsweep iam-policy prints what the IAM policy of the target's credentials has to allow";
    }
    return "check region, access keys and profile of the target (jobsweep whoami), and what its IAM policy "
           "allows (jobsweep iam-policy)";
}

static const char *by_answer(enum answer_class why, const struct err *err)
{
    switch (why) {
    case ANSWER_DENIED:
        return by_refusal(err);
    case ANSWER_EXPIRED:
        return "check where the target's credentials come from: these have expired, or are not known (any "
               "more)";
    case ANSWER_SKEWED:
        return "check this machine's clock";
    default:
        return NULL;
    }
}

const char *advice(const struct report *report)
{
    const char *text = by_answer(report->why, &report->err);
    if (text != NULL) {
        return text;
    }
    switch (report->err.code) {
    case ERR_RESOLVE:
        return "check region and endpoint_url of the target, and this machine's name service";
    case ERR_CONNECT:
        return "check endpoint_url of the target, the network, and whether a firewall is in the way";
    case ERR_TLS:
        return "check ca_bundle of the target (or AWS_CA_BUNDLE) and the host name in its endpoint_url";
    case ERR_TIMEOUT:
    case ERR_BROKEN:
        return "check endpoint_url of the target and the network; nothing useful answers there";
    case ERR_UNAVAILABLE:
        return "try again later, or check whether this machine reaches what hands out the target's "
               "credentials";
    case ERR_CREDENTIALS:
        return "check account, profile and credentials of the target (jobsweep whoami)";
    default:
        return NULL;
    }
}
