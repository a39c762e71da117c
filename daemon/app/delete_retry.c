/* See app/delete_retry.h; botocore/retries/standard.py, quota.py. */
#include "app/delete_retry.h"

#include <stddef.h>
#include <string.h>

#define TOKENS       500
#define TOKENS_EACH  5
#define TOKENS_TIMED 10
#define PAUSE_MAX_S  20

void delete_retry_init(struct delete_retry *retry, int max_attempts, bool force)
{
    *retry = (struct delete_retry){.force = force, .max_attempts = max_attempts, .tokens = TOKENS};
}

static bool is_temporary_code(const char *code)
{
    static const char *const codes[] = {"RequestTimeout",
                                        "RequestTimeoutException",
                                        "PriorRequestNotComplete",
                                        "Throttling",
                                        "ThrottlingException",
                                        "ThrottledException",
                                        "RequestThrottledException",
                                        "TooManyRequestsException",
                                        "ProvisionedThroughputExceededException",
                                        "TransactionInProgressException",
                                        "RequestLimitExceeded",
                                        "BandwidthLimitExceeded",
                                        "LimitExceededException",
                                        "RequestThrottled",
                                        "SlowDown",
                                        "EC2ThrottledException"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_temporary_status(int status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

static bool take_tokens(struct delete_retry *retry, int tokens)
{
    if (retry->tokens < tokens) {
        return false;
    }
    retry->tokens -= tokens;
    return true;
}

static enum delete_verdict again(struct delete_retry *retry, int tokens)
{
    return retry->attempts < retry->max_attempts && take_tokens(retry, tokens) ? DELETE_AGAIN : DELETE_FAILED;
}

enum delete_verdict delete_retry_decide(struct delete_retry *retry, const struct delete_attempt *attempt)
{
    retry->attempts++;
    if (attempt->status == 0) {
        return attempt->maybe_sent ? DELETE_UNKNOWN
                                   : again(retry, attempt->connect_timed ? TOKENS_TIMED : TOKENS_EACH);
    }
    if (attempt->status / 100 == 2) {
        return attempt->unreadable ? DELETE_UNKNOWN : DELETE_DONE;
    }
    /* Forced, a deletion that is carried out twice can hit an execution that is at work. */
    if (attempt->status >= 500 && retry->force) {
        return DELETE_UNKNOWN;
    }
    if (is_temporary_status(attempt->status) || is_temporary_code(attempt->code)) {
        return again(retry, TOKENS_EACH);
    }
    return DELETE_FAILED;
}

int64_t delete_retry_pause_ms(const struct delete_retry *retry, double chance)
{
    int64_t most_s = retry->attempts > 5 ? PAUSE_MAX_S : INT64_C(1) << (retry->attempts - 1);
    return (int64_t)(chance * 1000.0 * (double)(most_s < PAUSE_MAX_S ? most_s : PAUSE_MAX_S));
}

int delete_retry_reached(const struct delete_retry *retry)
{
    return retry->attempts >= retry->max_attempts ? retry->attempts - 1 : -1;
}
