/* Rows that people give: the forms that are taken, and a table of what is wrong with files, each with the
 * messages word for word. */
#include "app/row_reader.h"

#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

struct given { /* an input */
    const char *text;
    size_t length, at;
};

static ssize_t read_given(void *ctx, char *bytes, size_t size)
{
    struct given *given = ctx;
    size_t left = given->length - given->at;
    size_t count = left < size ? left : size;
    count = count < 7 ? count : 7;
    memcpy(bytes, given->text + given->at, count);
    given->at += count;
    return (ssize_t)count;
}

/* Each row as LINE:JOB/THING/NUMBER, and how many are kept; then each message as it is printed. */
static void read_in(const struct row_reader_config *where, const char *text, size_t length, struct buf *out)
{
    struct given given = {.text = text, .length = length};
    struct diagnostics diagnostics;
    struct read_row row;
    struct input *input = mem_zalloc(sizeof *input);
    diagnostics_init(&diagnostics);
    struct row_reader_config config = *where;
    config.name = "f";
    config.diagnostics = &diagnostics;
    input_init(input, read_given, &given);
    struct row_reader *reader = row_reader_create(&config, input);
    while (row_reader_next(reader, &row) > 0) {
        buf_printf(out, "%lld:%s/%s/%lld\n", (long long)row.line, row.execution.job_id,
                   row.execution.thing_name, (long long)row.execution.number);
    }
    assert_int_equal(row_reader_next(reader, &row), 0); /* the end stays the end */
    if (row_reader_kept(reader) > 0) {
        buf_printf(out, "kept %lld\n", (long long)row_reader_kept(reader));
    }
    diagnostics_print(&diagnostics, out);
    diagnostics_finish(&diagnostics);
    row_reader_destroy(reader);
    free(input);
}

#define ACCOUNT "123456789012"
#define REGION  "eu-west-1"

static void read_all(const char *text, size_t length, const char *job, const char *thing, struct buf *out)
{
    const struct row_reader_config config = {
        .job_id = job, .thing_name = thing, .target = "eu", .account = ACCOUNT, .region = REGION};
    read_in(&config, text, length, out);
}

static void expect_in(const struct row_reader_config *config, const char *text, const char *means)
{
    struct buf out;
    buf_init(&out, 65536);
    read_in(config, text, strlen(text), &out);
    if (strcmp(buf_string(&out), means) != 0) {
        fail_msg("%s\n--- gives ---\n%s--- not ---\n%s", text, buf_string(&out), means);
    }
    buf_finish(&out);
}

static void expect(const char *text, const char *job, const char *thing, const char *means)
{
    const struct row_reader_config config = {
        .job_id = job, .thing_name = thing, .target = "eu", .account = ACCOUNT, .region = REGION};
    expect_in(&config, text, means);
}

/* --- what is taken ---------------------------------------------------------------------------------------
 */

#define HEADER "job_id,thing_name,execution_number\n"

static const struct {
    const char *text, *job, *thing, *means;
} good[] = {
    {HEADER "a,b,1\n", NULL, NULL, "2:a/b/1\n"},
    {HEADER, NULL, NULL, ""},
    {HEADER "a,b,\n\na,b,9223372036854775807", NULL, NULL, "2:a/b/0\n4:a/b/9223372036854775807\n"},
    {"\xef\xbb\xbfthingName,status,jobId\r\n\"b:c\",\"x,\"\"\r\ny\",a\r\nd,,e\r\n", NULL, NULL,
     "2:a/b:c/0\n4:e/d/0\nf: warning: columns that are not looked at: status\n"},
    {"job_id,thing_name,x,y\x1b,x\na,b,1,2,3\n", NULL, NULL,
     "2:a/b/0\nf: warning: columns that are not looked at: x, y\\x1b\n"},
    {"{\"jobId\":\"a\",\"thingName\":\"b\",\"site\":\"x\"}\n{\"jobId\":\"a\",\"thingName\":\"c\",\"site\":1,"
     "\"status\":\"FAILED\"}\n",
     NULL, NULL, "1:a/b/0\n2:a/c/0\nf: warning: keys that are not looked at: site\n"},
    {"thing_name\nb\nc\n", "a", NULL, "2:a/b/0\n3:a/c/0\n"},
    {"execution_number\n1\n2\n", "a", "b", "2:a/b/1\n3:a/b/2\n"},
    {"job_id,thing_name\n,b\nc,b\n", "a", NULL, "2:a/b/0\n3:c/b/0\n"},
    {"job_id,thing_name,verdict,target\na,b,keep,eu\na,c,delete,\n", NULL, NULL, "3:a/c/0\nkept 1\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"execution_number\":1}\n", NULL, NULL, "1:a/b/1\n"},
    {"\n "
     "{\"jobId\":\"a\",\"thingName\":\"b\"}\n\n{\"jobId\":\"a\",\"thingName\":\"c\",\"executionNumber\":"
     "null}",
     NULL, NULL, "2:a/b/0\n4:a/c/0\n"},
    {"{\"event\":\"row\",\"policy\":\"old\",\"target\":\"eu\",\"job_id\":\"a\",\"thing_name\":\"b\","
     "\"execution_number\":2,"
     "\"status\":\"FAILED\",\"queued_at\":null,\"started_at\":null,\"last_updated_at\":null,\"verdict\":"
     "\"delete\","
     "\"reason\":\"x\"}\n"
     "{\"event\":\"row\",\"job_id\":\"a\",\"thing_name\":\"c\",\"verdict\":\"keep\"}\n"
     "{\"event\":\"target\",\"policy\":\"old\",\"target\":\"us\",\"end\":\"planned\"}\n{\"event\":\"report\","
     "\"selected\":1,\"outcomes\":{\"deleted\":0},\"exit\":0}\n",
     NULL, NULL, "1:a/b/2\nkept 1\n"},
    {"{\"executionSummaries\": [{\"thingArn\": \"arn:aws:iot:eu-west-1:123456789012:thing/b\", "
     "\"jobExecutionSummary\": "
     "{\"status\": \"SUCCEEDED\", \"executionNumber\": 3}}, {\"thingArn\": "
     "\"arn:aws:iot:eu-west-1:123456789012:thing/c\", "
     "\"jobExecutionSummary\": {}}], \"nextToken\": \"t\"}",
     "a", NULL, "1:a/b/3\n1:a/c/0\n"},
    {"{\n    \"executionSummaries\": [\n        {\n            \"jobId\": \"a\",\n            "
     "\"jobExecutionSummary\": {\n"
     "                \"executionNumber\": 4\n            }\n        }\n    ]\n}\n",
     NULL, "b", "3:a/b/4\n"},
    {"{\n\"nextToken\": {\"x\": [1, \"]}\"]}, \"executionSummaries\": []}", NULL, NULL, ""},
    {"[{\"jobId\":\"a\",\"thingName\":\"b\"},\n{\"jobId\":\"a\",\"thingName\":\"c\"}]\n", NULL, NULL,
     "1:a/b/0\n2:a/c/0\n"},
    {"[]", NULL, NULL, ""},
};

static void what_people_have_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect(good[i].text, good[i].job, good[i].thing, good[i].means);
    }
}

/* --- what is not -----------------------------------------------------------------------------------------
 */

#define NO_COLUMNS(missing, option, found)                                                                   \
    "f:1:1: error: the header has no column " missing " (nor is there " option                               \
    "); the first line names the columns: job_id, thing_name, execution_number, separated by commas, not "   \
    "\"" found "\"\n"
#define NUMBER(found)                                                                                        \
    "execution_number takes a whole number above 0, or nothing for the newest, not \"" found "\"\n"
#define JOB(found)   "job_id takes 1 to 64 of a-z A-Z 0-9 _ -, not \"" found "\"\n"
#define THING(found) "thing_name takes 1 to 128 of a-z A-Z 0-9 : _ -, not \"" found "\"\n"

static const struct {
    const char *text, *means;
} bad[] = {
    {"", "f:1:1: error: nothing is there: neither the header of a CSV nor a row of JSON\n"},
    {" \r\n\t\n", "f:1:1: error: nothing is there: neither the header of a CSV nor a row of JSON\n"},
    /* the header */
    {"a,b,1\n", NO_COLUMNS("job_id", "--job", "a") NO_COLUMNS("thing_name", "--thing", "a")},
#define OTHER_NAME(name)                                                                                     \
    {"job_id,thing_name," name "\na,b,1\n",                                                                  \
     "f:1:19: error: unknown column \"" name "\"; did you mean execution_number?\n"},                        \
    {                                                                                                        \
        "{\"job_id\":\"a\",\"thing_name\":\"b\",\"" name "\":1}\n",                                          \
            "f:1:1: error: unknown key \"" name "\"; did you mean execution_number?\n"                       \
    }
    OTHER_NAME("number"),
    OTHER_NAME("exec_number"),
    OTHER_NAME("execution"),
    OTHER_NAME("execution_no"),
    OTHER_NAME("execution_id"),
    OTHER_NAME("exec"),
    OTHER_NAME("Exec_No"),
    {"job_id,thing_name,execution_numbr\na,b,1\n",
     "f:1:19: error: unknown column \"execution_numbr\"; did you mean execution_number?\n"},
    {"JOB_ID,thing_name\na,b\n", "f:1:1: error: unknown column \"JOB_ID\"; did you mean job_id?\n"},
    {"job_id, thing_name\na,b\n", "f:1:8: error: unknown column \" thing_name\"; did you mean thing_name?\n"},
    {"job_id;thing_name;execution_number\na;b;1\n",
     NO_COLUMNS("job_id", "--job", "job_id;thing_name;execution_number")
         NO_COLUMNS("thing_name", "--thing", "job_id;thing_name;execution_number")},
    {"job_id,execution_number\na,1\n", NO_COLUMNS("thing_name", "--thing", "job_id")},
    {"job_id,jobId,thing_name\na,a,b\n", "f:1:8: error: a second column \"jobId\"\n"},
    {"\"job_id,thing_name\na,b\n", "f:1:1: error: a quoted field that never ends\n"},
    {"\xff\xfej\0", "f:1:1: error: this is UTF-16; rows are read as UTF-8\n"},
    /* records */
    {HEADER "a,b\n", "f:2:1: error: the record has 2 fields, the header 3\n"},
    {HEADER "a,b,1,\nc,d,1\n", "3:c/d/1\nf:2:1: error: the record has 4 fields, the header 3\n"},
    {HEADER "a,b,0\n", "f:2:5: error: " NUMBER("0")},
    {HEADER "a,b,-1\n", "f:2:5: error: " NUMBER("-1")},
    {HEADER "a,b,1.0\n", "f:2:5: error: " NUMBER("1.0")},
    {HEADER "a,b,1e3\n", "f:2:5: error: " NUMBER("1e3")},
    {HEADER "a,b, 1\n", "f:2:5: error: " NUMBER(" 1")},
    {HEADER "a,b,9223372036854775808\n", "f:2:5: error: " NUMBER("9223372036854775808")},
    {HEADER ",b,1\n", "f:2:1: error: the row has no job_id\n"},
    {HEADER "a,,1\n", "f:2:3: error: the row has no thing_name\n"},
    {HEADER "a/..,b?force=true,x\n",
     "f:2:1: error: " JOB("a/..") "f:2:6: error: " THING("b?force=true") "f:2:19: error: " NUMBER("x")},
    {HEADER "a:b,b,1\n", "f:2:1: error: " JOB("a:b")},
    {HEADER "\"a\nb\",c,1\n", "f:2:1: error: " JOB("a\\x0ab")},
    {HEADER "a\x1b[31m,b,1\n", "f:2:1: error: " JOB("a\\x1b[31m")},
    {HEADER "a\"x,b,1\nc,d,2\n", "3:c/d/2\nf:2:2: error: a quote inside of a field that is not quoted; such "
                                 "a field stands in quotes, and a "
                                 "quote in it is written twice\n"},
    {HEADER "\"a\"x,b,1\n", "f:2:4: error: text behind the closing quote of a field\n"},
    {HEADER "a,b,1\nc,\"d,2\ne,f,3\n", "2:a/b/1\nf:3:3: error: a quoted field that never ends\n"},
    {HEADER "a,b\xff,1\n", "f:2:3: error: a field that is not UTF-8\n"},
    {"job_id,thing_name,verdict\na,b,Delete\n", "f:2:5: error: verdict is delete or keep, not \"Delete\"\n"},
    {"job_id,thing_name,target\na,b,us\n", "f:2:5: error: the row is of target \"us\", not of eu\n"},
    /* JSON Lines */
    {"{\"job_id\":\"a\",\"thing_name\":\"b\"\n{\"job_id\":\"a\",\"thing_name\":\"c\"}\n",
     "2:a/c/0\nf:1:1: error: malformed JSON (unexpected end of data)\n"},
    {"{\"job_id\":\"a\"} x\n", "f:1:1: error: JSON with an unexpected character\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\"}\nnull\n7\n",
     "1:a/b/0\nf:2:1: error: a row is an object, {\"job_id\": ...}\nf:3:1: error: a row is an object, "
     "{\"job_id\": "
     "...}\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"execution_number\":\"1\"}\n",
     "f:1:1: error: execution_number takes a whole number\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"execution_number\":1.0}\n", "f:1:1: error: " NUMBER("1.0")},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"execution_number\":0}\n", "f:1:1: error: " NUMBER("0")},
    {"{\"job_id\":7,\"thing_name\":\"b\"}\n", "f:1:1: error: job_id takes a string\n"},
    {"{\"thing_name\":\"b\"}\n", "f:1:1: error: the row has no job_id\n"},
    {"{}\n", "f:1:1: error: the row has no job_id\nf:1:1: error: the row has no thing_name\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"executionNumbr\":1}\n",
     "f:1:1: error: unknown key \"executionNumbr\"; did you mean executionNumber?\n"},
    {"{\"job_id\":\"a\",\"jobId\":\"c\",\"thing_name\":\"b\"}\n",
     "f:1:1: error: jobId says something else than a key before it\n"},
    {"{\"job_id\":\"a\",\"thing_name\":\"b\",\"thingArn\":\"arn:aws:iot:eu-west-1:123456789012:thing/c\"}\n",
     "f:1:1: error: thingArn says something else than a key before it\n"},
    {"{\"job_id\":\"a\",\"thingArn\":\"gw-1\"}\n", "f:1:1: error: thingArn is no ARN of a thing\n"},
    {"{\"event\":\"history\",\"job_id\":\"a\",\"thing_name\":\"b\"}\n",
     "f:1:1: error: \"event\":\"history\" is no row\n"},
    {"{\"job_id\":\"a\\u0000\",\"thing_name\":\"b\"}\n", "f:1:1: error: JSON with a NUL in a string\n"},
    /* documents */
    {"{\n\"job_id\":\"a\",\"thing_name\":\"b\"}\n",
     "f:2:31: error: the object has no \"executionSummaries\"\n"},
    {"[{\"job_id\":\"a\",\"thing_name\":\"b\"}", "1:a/b/0\nf:1:33: error: the document ends in the middle\n"},
    {"[{\"job_id\":\"a\",\"thing_name\":\"b\"} {}]", "1:a/b/0\nf:1:34: error: a comma or ] is missing\n"},
    {"[{\"job_id\":\"a\",\"thing_name\":\"b\"},]",
     "1:a/b/0\nf:1:34: error: a value is missing or never ends\n"},
    {"[{\"job_id\":\"a\",\"thing_name\":\"b\"}] x",
     "1:a/b/0\nf:1:35: error: text behind the end of the document\n"},
    {"[1,{\"job_id\":\"a\"",
     "f:1:2: error: a row is an object, {\"job_id\": ...}\nf:1:4: error: a value is missing "
     "or never ends\n"},
    {"{\"executionSummaries\": {}}", "f:1:27: error: the object has no \"executionSummaries\"\n"},
    {"{\"executionSummaries\": [], \"executionSummaries\": []}",
     "f:1:51: error: a second \"executionSummaries\"\n"},
    {"{\n\"a\" 1}", "f:2:5: error: a key and a colon are missing\n"},
    {"{\n\"a\": 1 \"b\": 2}", "f:2:8: error: a comma or } is missing\n"},
};

static void what_is_wrong_is_told_word_for_word(void **state)
{
    (void)state;
    assert_true(sizeof bad / sizeof bad[0] >= 50);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect(bad[i].text, NULL, NULL, bad[i].means);
    }
}

#define ARN_ROW(arn) "{\"job_id\":\"a\",\"thingArn\":\"" arn "\"}\n"
#define ARN(found)                                                                                           \
    "f:1:1: error: thingArn begins with \"" found "\", not with arn:aws:iot:" REGION ":" ACCOUNT "\n"
#define NOWHERE(target)                                                                                      \
    "the row is of target \"" target                                                                         \
    "\"; without a configuration nothing says whether that is account " ACCOUNT " in " REGION "\n"

static void rows_of_another_account_or_region_are_refused(void **state)
{
    static const struct row_reader_config named = {.target = "eu", .account = ACCOUNT, .region = REGION},
                                          unnamed = {.account = ACCOUNT, .region = REGION},
                                          unknown = {.target = "eu", .region = REGION};
    static const struct {
        const struct row_reader_config *config;
        const char *text, *means;
    } table[] = {
        {&named, ARN_ROW("arn:aws:iot:eu-west-1:123456789012:thing/b"), "1:a/b/0\n"},
        {&named, ARN_ROW("arn:aws:iot:us-east-1:123456789012:thing/b"),
         ARN("arn:aws:iot:us-east-1:123456789012")},
        {&named, ARN_ROW("arn:aws:iot:eu-west-1:999999999999:thing/b"),
         ARN("arn:aws:iot:eu-west-1:999999999999")},
        {&named, ARN_ROW("arn:aws-cn:iot:eu-west-1:123456789012:thing/b"),
         ARN("arn:aws-cn:iot:eu-west-1:123456789012")},
        {&named, ARN_ROW("arn:aws:iot:eu-west-1:1234567890123:thing/b"),
         ARN("arn:aws:iot:eu-west-1:1234567890123")},
        {&named, ARN_ROW("arn:aws:iot:eu-west-1:12345678901:thing/b"),
         ARN("arn:aws:iot:eu-west-1:12345678901")},
        {&named, ARN_ROW(":thing/b"), ARN("")},
        {&unnamed, ARN_ROW("arn:aws:iot:us-east-1:123456789012:thing/b"),
         ARN("arn:aws:iot:us-east-1:123456789012")},
        {&unknown, ARN_ROW("arn:aws:iot:eu-west-1:999999999999:thing/b"), "1:a/b/0\n"},
        {&unknown, ARN_ROW("arn:aws:iot:us-east-1:999999999999:thing/b"),
         "f:1:1: error: thingArn begins with \"arn:aws:iot:us-east-1:999999999999\", not with "
         "arn:aws:iot:eu-west-1:\n"},
        {&named, "job_id,thing_name,account,region\na,b," ACCOUNT "," REGION "\na,c,,\n",
         "2:a/b/0\n3:a/c/0\n"},
        {&named, "job_id,thing_name,account,region,reason\na,b,999999999999,us-east-1,x\n",
         "f:2:5: error: the row is of account \"999999999999\", not of " ACCOUNT
         "\nf:2:18: error: the row is of region \"us-east-1\", not of " REGION "\n"},
        {&unnamed, "job_id,thing_name,target\na,b,\na,c,eu/" ACCOUNT "/" REGION "\n", "2:a/b/0\n3:a/c/0\n"},
        {&unnamed, "job_id,thing_name,target\na,b,eu\n", "f:2:5: error: " NOWHERE("eu")},
        {&unnamed, "job_id,thing_name,target\na,b,eu/" ACCOUNT "\n", "f:2:5: error: " NOWHERE("eu/" ACCOUNT)},
        {&unnamed, "job_id,thing_name,target\na,b,eu/999999999999/" REGION "\n",
         "f:2:5: error: " NOWHERE("eu/999999999999/" REGION)},
        {&unnamed, "{\"event\":\"row\",\"target\":\"prod\",\"job_id\":\"a\",\"thing_name\":\"b\"}\n",
         "f:1:1: error: " NOWHERE("prod")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        expect_in(table[i].config, table[i].text, table[i].means);
    }
}

static void no_more_messages_are_kept_than_somebody_reads(void **state)
{
    struct buf text, out;
    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_text(&text, HEADER);
    for (int i = 0; i < 20000; i++) {
        buf_text(&text, "a b,c,0\n");
    }
    read_all(text.data, text.length, NULL, NULL, &out);
    assert_non_null(strstr(buf_string(&out), "f:2:1: error: " JOB("a b")));
    assert_non_null(strstr(buf_string(&out), "39900 more are not shown\n"));
    assert_true(out.length < 20000);
    buf_finish(&text);
    buf_finish(&out);
}

static void lines_and_objects_have_a_bound(void **state)
{
    static const char *const frames[][2] = {{"{\"x\":\"", "\"}\n{\"job_id\":\"a\",\"thing_name\":\"b\"}\n"},
                                            {"[{\"x\":\"", "\"}]"}};
    static const char *const means[] = {"2:a/b/0\nf:1:1: error: the line is over 64 KiB\n",
                                        "f:1:2: error: the object is over 64 KiB\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        buf_text(&text, frames[i][0]);
        for (int length = 0; length < 70000; length++) {
            buf_char(&text, 'x');
        }
        buf_text(&text, frames[i][1]);
        expect(buf_string(&text), NULL, NULL, means[i]);
        buf_finish(&text);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_people_have_is_taken),
    cmocka_unit_test(what_is_wrong_is_told_word_for_word),
    cmocka_unit_test(rows_of_another_account_or_region_are_refused),
    cmocka_unit_test(no_more_messages_are_kept_than_somebody_reads),
    cmocka_unit_test(lines_and_objects_have_a_bound),
};

TAP_MAIN(tests)
