/* What is printed when delete-job-execution fails, in each format. */
#include "tap.h"

#include "app/aws_failure.h"
#include "app/plain_yaml.h"

#include <string.h>

#define STATE_TEXT "JobExecution is in IN_PROGRESS state. Use force to delete."

static void check(const struct aws_failure *failure, enum aws_error_format format, const char *expected)
{
    const struct aws_failure_style style = {.format = format, .columns = 80};
    struct buf out;
    buf_init(&out, 65536);
    aws_failure_render(failure, &style, &out);
    assert_string_equal(buf_string(&out), expected);
    buf_finish(&out);
}

static void the_services_error_has_every_format(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_service(&failure, "InvalidStateTransitionException", STATE_TEXT, -1);
    assert_int_equal(failure.exit, EXIT_AWS_SERVICE);
    check(&failure, AWS_ERROR_ENHANCED,
          "\njobsweep: [ERROR]: An error occurred (InvalidStateTransitionException) when calling the "
          "DeleteJobExecution operation: " STATE_TEXT "\n");
    check(&failure, AWS_ERROR_JSON,
          "{\n    \"Message\": \"" STATE_TEXT "\",\n    \"Code\": \"InvalidStateTransitionException\",\n"
          "    \"message\": \"" STATE_TEXT "\"\n}\n");
    check(&failure, AWS_ERROR_TEXT, "InvalidStateTransitionException\t" STATE_TEXT "\t" STATE_TEXT "\n");
    check(&failure, AWS_ERROR_YAML,
          "Code: InvalidStateTransitionException\nMessage: " STATE_TEXT "\nmessage: " STATE_TEXT "\n");
    check(&failure, AWS_ERROR_TABLE,
          "---------------------------------------------------------------------------\n"
          "|                                  error                                  |\n"
          "+---------+---------------------------------------------------------------+\n"
          "|  Code   |  InvalidStateTransitionException                              |\n"
          "|  Message|  JobExecution is in IN_PROGRESS state. Use force to delete.   |\n"
          "|  message|  JobExecution is in IN_PROGRESS state. Use force to delete.   |\n"
          "+---------+---------------------------------------------------------------+\n");
    aws_failure_finish(&failure);
}

static void a_narrow_table_lies(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_service(&failure, "500", "Internal Server Error", 2);
    check(&failure, AWS_ERROR_TABLE,
          "-----------------------------------\n"
          "|              error              |\n"
          "+------+--------------------------+\n"
          "| Code |         Message          |\n"
          "+------+--------------------------+\n"
          "|  500 |  Internal Server Error   |\n"
          "+------+--------------------------+\n");
    check(&failure, AWS_ERROR_LEGACY,
          "\njobsweep: [ERROR]: An error occurred (500) when calling the DeleteJobExecution operation "
          "(reached max "
          "retries: 2): Internal Server Error\n");
    aws_failure_finish(&failure);
}

static void a_plain_failure_is_a_sentence_in_every_format(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_other(&failure, "The config profile (%s) could not be found", "x");
    for (int format = AWS_ERROR_ENHANCED; format <= AWS_ERROR_TABLE; format++) {
        check(&failure, (enum aws_error_format)format,
              "\njobsweep: [ERROR]: The config profile (x) could not be found\n");
    }
    failure.note = "Look first.";
    check(&failure, AWS_ERROR_JSON,
          "\njobsweep: [ERROR]: The config profile (x) could not be found\njobsweep: [ERROR]: Look first.\n");
    aws_failure_finish(&failure);
}

static void a_failure_without_a_word_is_the_prefix_alone(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_other(&failure, "%s", "");
    check(&failure, AWS_ERROR_ENHANCED, "\njobsweep: [ERROR]:\n");
    aws_failure_finish(&failure);
}

static void codes_of_the_aws_command_are_told_unless_legacy(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_parameters(&failure, "a\n\n%s", "usage\n");
    check(&failure, AWS_ERROR_ENHANCED,
          "\njobsweep: [ERROR]: An error occurred (ParamValidation): a\n\nusage\n");
    check(&failure, AWS_ERROR_LEGACY, "\njobsweep: [ERROR]: a\n\nusage\n");
    check(&failure, AWS_ERROR_JSON,
          "{\n    \"Code\": \"ParamValidation\",\n    \"Message\": \"a\\n\\nusage\\n\"\n}\n");
    aws_failure_finish(&failure);
    aws_failure_init(&failure);
    aws_failure_no_region(&failure);
    assert_int_equal(failure.exit, EXIT_AWS_CONFIGURATION);
    check(
        &failure, AWS_ERROR_YAML,
        "Code: NoRegion\nMessage: You must specify a region. You can also configure your region by running\n"
        "  \"aws configure\".\n");
    aws_failure_finish(&failure);
}

static void control_characters_are_made_visible(void **state)
{
    struct aws_failure failure;
    (void)state;
    aws_failure_init(&failure);
    aws_failure_service(&failure, "AccessDeniedException", "a\033[2Jb\r", -1);
    check(&failure, AWS_ERROR_TEXT, "AccessDeniedException\ta\\x1b[2Jb\\x0d\n");
    check(&failure, AWS_ERROR_YAML, "Code: AccessDeniedException\nMessage: \"a\\u001b[2Jb\\u000d\"\n");
    aws_failure_finish(&failure);
    aws_failure_init(&failure);
    aws_failure_service(&failure, "AccessDeniedException",
                        "\xc3\xbc\xc2\x9b"
                        "2J\x9b\t\n",
                        -1);
    check(&failure, AWS_ERROR_TEXT, "AccessDeniedException\t\xc3\xbc\\xc2\\x9b2J\\x9b\t\n\n");
    aws_failure_finish(&failure);
}

static void formats_have_names_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(aws_error_format_named("json"), AWS_ERROR_JSON);
    assert_int_equal(aws_error_format_named("LEGACY"), AWS_ERROR_LEGACY);
    assert_int_equal(aws_error_format_named("bogus"), AWS_ERROR_ENHANCED);
    assert_int_equal(aws_error_format_named(NULL), AWS_ERROR_ENHANCED);
}

static void yaml_quotes_what_would_be_read_as_something_else(void **state)
{
    static const struct {
        const char *value, *line;
    } cases[] = {
        {"plain text", "k: plain text\n"},
        {"", "k: ''\n"},
        {"500", "k: '500'\n"},
        {"1.5", "k: '1.5'\n"},
        {"true", "k: 'true'\n"},
        {"null", "k: 'null'\n"},
        {"2001-01-01", "k: '2001-01-01'\n"},
        {"a: b", "k: 'a: b'\n"},
        {"a #b", "k: 'a #b'\n"},
        {"it's: so", "k: 'it''s: so'\n"},
        {"it's", "k: it's\n"},
        {"- a", "k: '- a'\n"},
        {"-a", "k: -a\n"},
        {"{a", "k: '{a'\n"},
        {"a:", "k: 'a:'\n"},
        {"a:b", "k: a:b\n"},
        {" a", "k: ' a'\n"},
        {"a\nb", "k: 'a\n\n  b'\n"},
        {"a\n b", "k: \"a\\n b\"\n"},
        {"a\tb", "k: \"a\\tb\"\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, 1024);
        plain_yaml_member(&out, "k", cases[i].value);
        assert_string_equal(buf_string(&out), cases[i].line);
        buf_finish(&out);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_services_error_has_every_format),
    cmocka_unit_test(a_narrow_table_lies),
    cmocka_unit_test(a_plain_failure_is_a_sentence_in_every_format),
    cmocka_unit_test(a_failure_without_a_word_is_the_prefix_alone),
    cmocka_unit_test(codes_of_the_aws_command_are_told_unless_legacy),
    cmocka_unit_test(control_characters_are_made_visible),
    cmocka_unit_test(formats_have_names_in_any_case),
    cmocka_unit_test(yaml_quotes_what_would_be_read_as_something_else),
};

TAP_MAIN(tests)
