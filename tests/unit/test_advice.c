/* What a person should look at: by the answer, then by the error. */
#include "tap.h"

#include "app/advice.h"

#include <string.h>

static void advice_goes_by_what_went_wrong(void **state)
{
    static const struct {
        enum answer_class why;
        enum err_code code;
        const char *word; /* NULL: the error says it all */
    } rows[] = {
        {ANSWER_DONE, ERR_NONE, NULL},
        {ANSWER_DENIED, ERR_NONE, "IAM policy"},
        {ANSWER_DENIED, ERR_TIMEOUT, "IAM policy"}, /* the service's own word counts more */
        {ANSWER_EXPIRED, ERR_NONE, "expired"},
        {ANSWER_SKEWED, ERR_NONE, "clock"},
        {ANSWER_THROTTLED, ERR_NONE, NULL},
        {ANSWER_NOT_SENT, ERR_RESOLVE, "name service"},
        {ANSWER_NOT_SENT, ERR_CONNECT, "firewall"},
        {ANSWER_NOT_SENT, ERR_TLS, "ca_bundle"},
        {ANSWER_AMBIGUOUS, ERR_TIMEOUT, "endpoint_url"},
        {ANSWER_AMBIGUOUS, ERR_BROKEN, "endpoint_url"},
        {ANSWER_DONE, ERR_CREDENTIALS, "account, profile and credentials"},
        {ANSWER_DONE, ERR_IO, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report report = {.end = SWEEP_FAILED, .why = rows[i].why};
        report.err.code = rows[i].code;
        const char *text = advice(&report);
        if (rows[i].word == NULL)
            assert_null(text);
        else if (text == NULL || strstr(text, rows[i].word) == NULL)
            fail_msg("row %zu: %s", i, text != NULL ? text : "nothing");
    }
}

static void a_refusal_names_the_command_that_tells_more(void **state)
{
    static const struct {
        enum err_code code;
        const char *says, *word, *not ;
    } rows[] = {
        {ERR_CREDENTIALS, "profile 'ops' is not known", "jobsweep whoami", "iam-policy"},
        {ERR_CREDENTIALS, "AssumeRole arn:aws:iam::1:role/x: AccessDenied", "external_id", "iam-policy"},
        {ERR_PERMISSION, "ListJobs: AccessDeniedException: no", "jobsweep iam-policy", "whoami"},
        {ERR_PERMISSION, "ListJobs: InvalidClientTokenId", "jobsweep whoami", "AssumeRole"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report report = {.end = SWEEP_FAILED, .why = ANSWER_DENIED};
        err_set(&report.err, rows[i].code, "%s", rows[i].says);
        assert_non_null(strstr(advice(&report), rows[i].word));
        assert_null(strstr(advice(&report), rows[i].not ));
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(advice_goes_by_what_went_wrong),
                                          cmocka_unit_test(a_refusal_names_the_command_that_tells_more)};

TAP_MAIN(tests)
