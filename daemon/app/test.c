/* jobsweep test: policies on examples. */
#include "app/commands.h"

#include "app/say.h"
#include "base/text.h"
#include "policy/diagnostics.h"
#include "policy/examples.h"

#include <stdio.h>
#include <string.h>

#define PRINTED_MAX (16 * 1024 * 1024)

struct testing {
    const struct options *options;
    const struct config *config;
    struct buf out;
    size_t passed, failed;
    size_t unread; /* files */
};

/* --- one difference ------------------------------------------------------------------------------------ */

static const char *word(bool delete)
{
    return delete ? "delete" : "keep";
}

static void print_verdict(const struct example *example, struct buf *out)
{
    const struct place *place = example->verdict.place;
    buf_printf(out, "%s: ", word(example->verdict.delete));
    text_visible(out, example->verdict.reason);
    if (place != NULL && place->line > 0) {
        buf_text(out, " (");
        text_visible(out, place->file);
        buf_printf(out, ":%d:%d)", place->line, place->column);
    }
}

static void print_expectation(const struct example *example, struct buf *out)
{
    buf_text(out, word(example->delete));
    if (example->because != NULL) {
        buf_text(out, ": ");
        text_visible(out, example->because);
    }
}

static void print_difference(const struct example *example, struct buf *out)
{
    buf_printf(out, "  line %d: ", example->place.line);
    job_execution_print(out, &example->execution);
    buf_text(out, "\n    expected ");
    print_expectation(example, out);
    buf_text(out, "\n    found    ");
    print_verdict(example, out);
    buf_char(out, '\n');
}

/* --- a test in each format ----------------------------------------------------------------------------- */

static size_t count_differences(const struct example_test *test)
{
    size_t differences = 0;
    for (size_t i = 0; i < test->count; i++) {
        differences += !example_met(&test->given[i]);
    }
    return differences;
}

static void print_differences(const struct example_test *test, struct buf *out)
{
    for (size_t i = 0; i < test->count; i++) {
        if (!example_met(&test->given[i])) {
            print_difference(&test->given[i], out);
        }
    }
}

static void test_as_text(struct testing *testing, const struct example_test *test, size_t differences)
{
    if (differences == 0 && testing->options->quiet) {
        return;
    }
    buf_text(&testing->out, differences == 0 ? "ok      " : "FAILED  ");
    text_visible(&testing->out, test->name);
    if (differences > 0) {
        buf_printf(&testing->out, " (%s, policy %s)\n", test->place.file, test->policy);
        print_differences(test, &testing->out);
    } else {
        buf_char(&testing->out, '\n');
    }
}

static void member(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, ",\"%s\":", key);
    text_json(out, value);
}

static void test_as_json(struct testing *testing, const struct example_test *test, size_t differences)
{
    struct buf *out = &testing->out;
    const char *separator = "";
    buf_text(out, "{\"event\":\"test\"");
    member(out, "file", test->place.file);
    buf_printf(out, ",\"line\":%d", test->place.line);
    member(out, "name", test->name);
    member(out, "policy", test->policy);
    buf_printf(out, ",\"passed\":%s,\"differences\":[", differences == 0 ? "true" : "false");
    for (size_t i = 0; i < test->count; i++) {
        const struct example *example = &test->given[i];
        if (example_met(example)) {
            continue;
        }
        buf_printf(out, "%s{\"line\":%d", separator, example->place.line);
        member(out, "expected", word(example->delete));
        if (example->because != NULL) {
            member(out, "because", example->because);
        }
        member(out, "verdict", word(example->verdict.delete));
        member(out, "reason", example->verdict.reason);
        buf_char(out, '}');
        separator = ",";
    }
    buf_text(out, "]}\n");
}

/* Text for XML 1.0: what text_visible() leaves is allowed there once these are written otherwise. */
static void print_xml(struct buf *out, const char *text)
{
    struct buf visible;
    buf_init(&visible, PRINTED_MAX);
    text_visible(&visible, text);
    for (const char *at = buf_string(&visible); *at != '\0'; at++) {
        const char *escaped = *at == '&'   ? "&amp;"
                              : *at == '<' ? "&lt;"
                              : *at == '>' ? "&gt;"
                              : *at == '"' ? "&quot;"
                                           : NULL;
        if (escaped != NULL) {
            buf_text(out, escaped);
        } else {
            buf_char(out, *at);
        }
    }
    buf_finish(&visible);
}

static void attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    print_xml(out, value);
    buf_char(out, '"');
}

static void test_as_junit(struct testing *testing, const struct example_test *test, size_t differences)
{
    struct buf *out = &testing->out;
    buf_text(out, "    <testcase");
    attribute(out, "classname", test->policy);
    attribute(out, "name", test->name);
    if (differences == 0) {
        buf_text(out, "/>\n");
        return;
    }
    buf_printf(out, ">\n      <failure message=\"%zu of %zu executions\">\n", differences, test->count);
    for (size_t i = 0; i < test->count; i++) {
        struct buf line;
        if (example_met(&test->given[i])) {
            continue;
        }
        buf_init(&line, 4096);
        job_execution_print(&line, &test->given[i].execution);
        buf_text(&line, ": expected ");
        print_expectation(&test->given[i], &line);
        buf_text(&line, ", found ");
        print_verdict(&test->given[i], &line);
        print_xml(out, buf_string(&line));
        buf_char(out, '\n');
        buf_finish(&line);
    }
    buf_text(out, "      </failure>\n    </testcase>\n");
}

/* --- files --------------------------------------------------------------------------------------------- */

static void print_test(struct testing *testing, const struct example_test *test, size_t differences)
{
    switch (testing->options->format) {
    case OUTPUT_JSON:
        test_as_json(testing, test, differences);
        break;
    case OUTPUT_JUNIT:
        test_as_junit(testing, test, differences);
        break;
    case OUTPUT_TEXT:
        test_as_text(testing, test, differences);
        break;
    }
}

static void run_file(struct testing *testing, const struct examples *examples)
{
    size_t failed = 0;
    for (size_t i = 0; i < examples->count; i++) {
        examples_run(testing->config, examples, &examples->tests[i]);
        failed += count_differences(&examples->tests[i]) > 0;
    }
    if (testing->options->format == OUTPUT_JUNIT) {
        buf_text(&testing->out, "  <testsuite");
        attribute(&testing->out, "name", examples->file);
        buf_printf(&testing->out, " tests=\"%zu\" failures=\"%zu\">\n", examples->count, failed);
    }
    for (size_t i = 0; i < examples->count; i++) {
        print_test(testing, &examples->tests[i], count_differences(&examples->tests[i]));
    }
    buf_text(&testing->out, testing->options->format == OUTPUT_JUNIT ? "  </testsuite>\n" : "");
    testing->failed += failed;
    testing->passed += examples->count - failed;
}

static void read_file(struct testing *testing, const char *path)
{
    struct diagnostics diagnostics;
    struct buf said;
    diagnostics_init(&diagnostics);
    buf_init(&said, PRINTED_MAX);
    struct examples *examples = examples_load(path, testing->config, &diagnostics);
    diagnostics_print(&diagnostics, &said);
    fputs(buf_string(&said), stderr);
    if (examples != NULL) {
        run_file(testing, examples);
    }
    testing->unread += examples == NULL;
    examples_free(examples);
    buf_finish(&said);
    diagnostics_finish(&diagnostics);
}

static void end(struct testing *testing, enum exit_status status)
{
    if (testing->options->format == OUTPUT_JUNIT) {
        buf_text(&testing->out, "</testsuites>\n");
    } else if (testing->options->format == OUTPUT_JSON) {
        buf_printf(&testing->out, "{\"event\":\"tests\",\"passed\":%zu,\"failed\":%zu,\"exit\":%d}\n",
                   testing->passed, testing->failed, (int)status);
    } else if (!testing->options->quiet) {
        buf_printf(&testing->out, "%zu passed, %zu failed", testing->passed, testing->failed);
        if (testing->unread > 0) {
            buf_printf(&testing->out, ", %zu file%s not read", testing->unread,
                       testing->unread == 1 ? "" : "s");
        }
        buf_char(&testing->out, '\n');
    }
    if (testing->out.overflow) {
        say("there is more to say than can be printed");
    }
    fputs(buf_string(&testing->out), stdout);
    buf_finish(&testing->out);
}

enum exit_status command_test(const struct options *options)
{
    struct testing testing = {.options = options};
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    testing.config = config;
    buf_init(&testing.out, PRINTED_MAX);
    if (options->format == OUTPUT_JUNIT) {
        buf_text(&testing.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    }
    for (size_t i = 0; i < options->file_count; i++) {
        read_file(&testing, options->files[i]);
    }
    enum exit_status status = testing.unread > 0 ? EXIT_USAGE : testing.failed > 0 ? EXIT_FAILED : EXIT_FINE;
    end(&testing, status);
    config_unref(config);
    return status;
}
