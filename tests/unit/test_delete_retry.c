/* When a single deletion is sent again, and when it never is. */
#include "tap.h"

#include "app/delete_retry.h"

static enum delete_verdict decide(struct delete_retry *retry, int status, const char *code)
{
    const struct delete_attempt attempt = {.status = status, .code = code};
    return delete_retry_decide(retry, &attempt);
}

static void answers_decide_as_botocore_has_it(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum delete_verdict verdict, forced;
    } cases[] = {
        {200, "", DELETE_DONE, DELETE_DONE},
        {204, "", DELETE_DONE, DELETE_DONE},
        {400, "ThrottlingException", DELETE_AGAIN, DELETE_AGAIN},
        {429, "ThrottlingException", DELETE_AGAIN, DELETE_AGAIN},
        {429, "429", DELETE_FAILED, DELETE_FAILED},
        {400, "RequestTimeout", DELETE_AGAIN, DELETE_AGAIN},
        {410, "LimitExceededException", DELETE_AGAIN, DELETE_AGAIN},
        {400, "InvalidRequestException", DELETE_FAILED, DELETE_FAILED},
        {403, "AccessDeniedException", DELETE_FAILED, DELETE_FAILED},
        {404, "ResourceNotFoundException", DELETE_FAILED, DELETE_FAILED},
        {409, "InvalidStateTransitionException", DELETE_FAILED, DELETE_FAILED},
        {301, "301", DELETE_FAILED, DELETE_FAILED},
        {500, "500", DELETE_AGAIN, DELETE_UNKNOWN},
        {502, "502", DELETE_AGAIN, DELETE_UNKNOWN},
        {503, "ServiceUnavailableException", DELETE_AGAIN, DELETE_UNKNOWN},
        {503, "ThrottlingException", DELETE_AGAIN, DELETE_UNKNOWN},
        {504, "504", DELETE_AGAIN, DELETE_UNKNOWN},
        {501, "501", DELETE_FAILED, DELETE_UNKNOWN},
        {505, "505", DELETE_FAILED, DELETE_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int force = 0; force <= 1; force++) {
            struct delete_retry retry;
            delete_retry_init(&retry, 3, force);
            enum delete_verdict found = decide(&retry, cases[i].status, cases[i].code);
            if (found != (force ? cases[i].forced : cases[i].verdict)) {
                fail_msg("%d %s, force %d: %d", cases[i].status, cases[i].code, force, (int)found);
            }
        }
    }
}

static void what_may_have_left_is_never_sent_again(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct delete_retry retry;
        const struct delete_attempt lost = {.status = 0, .code = "", .maybe_sent = true};
        const struct delete_attempt foreign = {.status = 200, .code = "", .unreadable = true};
        delete_retry_init(&retry, 10, false);
        assert_int_equal(delete_retry_decide(&retry, kind == 0 ? &lost : &foreign), DELETE_UNKNOWN);
    }
}

static void what_did_not_leave_is_sent_again_until_the_attempts_are_used_up(void **state)
{
    const struct delete_attempt refused = {.status = 0, .code = ""};
    struct delete_retry retry;
    (void)state;
    delete_retry_init(&retry, 3, true);
    assert_int_equal(delete_retry_decide(&retry, &refused), DELETE_AGAIN);
    assert_int_equal(delete_retry_reached(&retry), -1);
    assert_int_equal(delete_retry_decide(&retry, &refused), DELETE_AGAIN);
    assert_int_equal(delete_retry_decide(&retry, &refused), DELETE_FAILED);
    assert_int_equal(delete_retry_reached(&retry), 2);
}

/* 500 tokens, 5 for a try, 10 for one after a connect timeout. */
static void the_quota_ends_it_before_the_attempts_do(void **state)
{
    for (int timed = 0; timed <= 1; timed++) {
        const struct delete_attempt refused = {.status = 0, .code = "", .connect_timed = timed};
        struct delete_retry retry;
        int tries = 0;
        (void)state;
        delete_retry_init(&retry, 1000, false);
        while (delete_retry_decide(&retry, &refused) == DELETE_AGAIN) {
            tries++;
        }
        assert_int_equal(tries, timed ? 50 : 100);
        assert_int_equal(delete_retry_reached(&retry), -1);
    }
}

static void the_last_attempt_tells_how_many_there_were(void **state)
{
    struct delete_retry retry;
    (void)state;
    delete_retry_init(&retry, 1, false);
    assert_int_equal(decide(&retry, 404, "ResourceNotFoundException"), DELETE_FAILED);
    assert_int_equal(delete_retry_reached(&retry), 0);
    delete_retry_init(&retry, 2, false);
    assert_int_equal(decide(&retry, 503, ""), DELETE_AGAIN);
    assert_int_equal(decide(&retry, 503, ""), DELETE_FAILED);
    assert_int_equal(delete_retry_reached(&retry), 1);
}

static void pauses_double_up_to_twenty_seconds(void **state)
{
    static const int64_t most_ms[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000};
    struct delete_retry retry;
    (void)state;
    delete_retry_init(&retry, 100, false);
    for (size_t i = 0; i < sizeof most_ms / sizeof most_ms[0]; i++) {
        assert_int_equal(decide(&retry, 503, ""), DELETE_AGAIN);
        assert_int_equal(delete_retry_pause_ms(&retry, 0), 0);
        assert_int_equal(delete_retry_pause_ms(&retry, 0.5), most_ms[i] / 2);
        assert_int_equal(delete_retry_pause_ms(&retry, 1), most_ms[i]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_decide_as_botocore_has_it),
    cmocka_unit_test(what_may_have_left_is_never_sent_again),
    cmocka_unit_test(what_did_not_leave_is_sent_again_until_the_attempts_are_used_up),
    cmocka_unit_test(the_quota_ends_it_before_the_attempts_do),
    cmocka_unit_test(the_last_attempt_tells_how_many_there_were),
    cmocka_unit_test(pauses_double_up_to_twenty_seconds),
};

TAP_MAIN(tests)
