/* Parameters of a deletion: from words and documents to a request target, or to what is wrong with them. */
#include "tap.h"

#include "app/aws_document.h"
#include "app/aws_parameters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRONG "Parameter validation failed:\n"

/* The target; else "STATUS: what is wrong". */
static void make(const struct aws_arguments *arguments, const char *query, struct buf *out)
{
    struct aws_failure failure;
    buf_init(out, (size_t)1024 * 1024);
    aws_failure_init(&failure);
    struct py_value *parameters = aws_parameters_collect(arguments, &failure);
    bool made = parameters != NULL && aws_parameters_validate(parameters, &failure) &&
                aws_parameters_target(parameters, "/b", query, out, &failure);
    if (!made) {
        buf_reset(out);
        buf_printf(out, "%d: ", (int)failure.exit);
        buf_text(out, buf_string(&failure.message));
    }
    py_free(parameters);
    aws_failure_finish(&failure);
}

static void check(const struct aws_arguments *arguments, const char *expected)
{
    struct buf found;
    make(arguments, "", &found);
    assert_string_equal(buf_string(&found), expected);
    buf_finish(&found);
}

static void names_are_sent_as_they_are_but_for_the_encoding(void **state)
{
    static const struct {
        const char *job, *thing, *number, *target;
    } cases[] = {
        {"j", "a:b~c", "1", "/b/things/a%3Ab~c/jobs/j/executionNumber/1"},
        {"..", ".", " -07 ", "/b/things/./jobs/../executionNumber/-7"},
        {"a/b?c#d%41", "\xc3\xa9 +&", "1_0",
         "/b/things/%C3%A9%20%2B%26/jobs/a%2Fb%3Fc%23d%2541/executionNumber/10"},
        {"j", "t\n", "99999999999999999999", "/b/things/t%0A/jobs/j/executionNumber/99999999999999999999"},
        {"\xff", "t", "1",
         "255: 'utf-8' codec can't encode character '\\udcff' in position 0: surrogates not allowed"},
        {"\xc3\xa9z\xff\xfe", "t", "1",
         "255: 'utf-8' codec can't encode characters in position 2-3: surrogates not allowed"},
        {"", "t", "1", "252: " WRONG "Invalid length for parameter jobId, value: 0, valid min length: 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct aws_arguments arguments = {
            .job_id = cases[i].job, .thing_name = cases[i].thing, .execution_number = cases[i].number};
        check(&arguments, cases[i].target);
    }
}

static void the_query_has_the_endpoints_own_first(void **state)
{
    const struct aws_arguments arguments = {.job_id = "j",
                                            .thing_name = "t",
                                            .execution_number = "1",
                                            .force = AWS_SWITCH_OFF,
                                            .namespace_id = "a b"};
    struct buf found;
    (void)state;
    make(&arguments, "x=1", &found);
    assert_string_equal(buf_string(&found),
                        "/b/things/t/jobs/j/executionNumber/1?x=1&force=false&namespaceId=a%20b");
    buf_finish(&found);
}

static void documents_yield_to_the_command_line(void **state)
{
    static const struct {
        const char *json, *yaml, *job, *expected;
    } cases[] = {
        {"{\"jobId\":\"a\",\"thingName\":\"b\",\"executionNumber\":7,\"force\":true}", NULL, "cli",
         "/b/things/b/jobs/cli/executionNumber/7?force=true"},
        {NULL, "jobId: a\nthingName: b\nexecutionNumber: 0x10\nnamespaceId: n\nforce: false", NULL,
         "/b/things/b/jobs/a/executionNumber/16?namespaceId=n&force=false"},
        {"{\"jobId\":\"a\",\"thingName\":\"b\",\"executionNumber\":true}", NULL, NULL,
         "/b/things/b/jobs/a/executionNumber/True"},
        {"{\"jobId\":\"\\ud83d\\ude42\",\"thingName\":\"b\",\"executionNumber\":1}", NULL, NULL,
         "/b/things/b/jobs/%F0%9F%99%82/executionNumber/1"},
        {"{\"jobId\":\"\\ud83d\",\"thingName\":\"b\",\"executionNumber\":1}", NULL, NULL,
         "255: 'utf-8' codec can't encode character '\\ud83d' in position 0: surrogates not allowed"},
        {"{}", "{}", NULL, "252: Only one --cli-input- parameter may be specified."},
        {"{", NULL, NULL, "252: Error parsing parameter 'cli-input-json': Invalid JSON received."},
        {NULL, "[", NULL, "252: Error parsing parameter 'cli-input-yaml': Invalid YAML received."},
        {"[1]", NULL, NULL,
         "252: Error parsing parameter '--cli-input-json': Invalid type: expecting map, received <class "
         "'list'>"},
        {NULL, "", NULL,
         "252: Error parsing parameter '--cli-input-yaml': Invalid type: expecting map, received <class "
         "'NoneType'>"},
        {NULL, "{1: 2}", NULL, "255: keywords must be strings"},
        {"{\"jobId\":1,\"x\":2,\"executionNumber\":1.0,\"force\":\"yes\",\"namespaceId\":null}", NULL, NULL,
         "252: " WRONG "Missing required parameter in input: \"thingName\"\n"
         "Unknown parameter in input: \"x\", must be one of: jobId, thingName, executionNumber, force, "
         "namespaceId\n"
         "Invalid type for parameter jobId, value: 1, type: <class 'int'>, valid types: <class 'str'>\n"
         "Invalid type for parameter executionNumber, value: 1.0, type: <class 'float'>, valid types: <class "
         "'int'>\n"
         "Invalid type for parameter force, value: yes, type: <class 'str'>, valid types: <class 'bool'>\n"
         "Invalid type for parameter namespaceId, value: None, type: <class 'NoneType'>, valid types: <class "
         "'str'>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct aws_arguments arguments = {
            .job_id = cases[i].job, .cli_input_json = cases[i].json, .cli_input_yaml = cases[i].yaml};
        check(&arguments, cases[i].expected);
    }
}

/* --- files -----------------------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/jobsweep-parameters-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 && setenv("HOME", folder, 1) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    return unlink("text") == 0 && unlink("bytes") == 0 && chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *content, size_t length)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    fclose(file);
}

static void files_are_read_where_values_name_them(void **state)
{
    static const struct {
        const char *value, *expected;
    } cases[] = {
        {"file://text", "/b/things/t/jobs/a%0Ab%0A/executionNumber/1"},
        {"file://~/text", "/b/things/t/jobs/a%0Ab%0A/executionNumber/1"},
        {"file://${HOME}/text", "/b/things/t/jobs/a%0Ab%0A/executionNumber/1"},
        {"file://$HOME/text", "/b/things/t/jobs/a%0Ab%0A/executionNumber/1"},
        {"file://$NOT_SET_HERE/text", "252: Error parsing parameter '--job-id': Unable to load paramfile "
                                      "file://$NOT_SET_HERE/text: [Errno 2] No "
                                      "such file or directory: '$NOT_SET_HERE/text'"},
        {"file://no 'file", "252: Error parsing parameter '--job-id': Unable to load paramfile file://no "
                            "'file: [Errno 2] No such file "
                            "or directory: \"no 'file\""},
        {"file://.", "252: Error parsing parameter '--job-id': Unable to load paramfile file://.: [Errno 21] "
                     "Is a directory: '.'"},
        {"file://bytes",
         "252: Error parsing parameter '--job-id': Unable to load paramfile (bytes), text contents could not "
         "be "
         "decoded.  If this is a binary file, please use the fileb:// prefix instead of the file:// prefix."},
        {"fileb://bytes",
         "252: " WRONG
         "Invalid type for parameter jobId, value: b'\\xe9\\x00', type: <class 'bytes'>, valid types: "
         "<class 'str'>"},
        {"File://text", "/b/things/t/jobs/File%3A%2F%2Ftext/executionNumber/1"},
    };
    (void)state;
    write_file("text", "a\r\nb\r", 5);
    write_file("bytes", "\xe9\0", 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct aws_arguments arguments = {
            .job_id = cases[i].value, .thing_name = "t", .execution_number = "1"};
        check(&arguments, cases[i].expected);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_are_sent_as_they_are_but_for_the_encoding),
    cmocka_unit_test(the_query_has_the_endpoints_own_first),
    cmocka_unit_test(documents_yield_to_the_command_line),
    cmocka_unit_test_setup_teardown(files_are_read_where_values_name_them, enter_folder, leave_folder),
};

TAP_MAIN(tests)
