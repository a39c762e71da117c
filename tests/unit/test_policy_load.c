/* Loading configurations: each file of tests/policy/good must give the values of its .dump, each of
 * tests/policy/bad the messages of its .err. JOBSWEEP_GOLDEN=write writes these files anew: read the
 * difference before you keep it. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "policy/load.h"
#include "policy/schema.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CASES_MAX 1000
#define TEXT_MAX  (4 * 1024 * 1024)

static void read_file(const char *path, struct buf *out)
{
    char chunk[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(out, TEXT_MAX);
    for (ssize_t got; fd >= 0 && (got = read(fd, chunk, sizeof chunk)) > 0;) {
        buf_append(out, chunk, (size_t)got);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void compare_golden(const char *yaml_path, const char *ending, const char *found)
{
    struct buf wanted;
    char path[512];
    snprintf(path, sizeof path, "%.*s%s", (int)(strlen(yaml_path) - strlen(".yaml")), yaml_path, ending);
    const char *write_golden = getenv("JOBSWEEP_GOLDEN");
    if (write_golden != NULL && strcmp(write_golden, "write") == 0) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(found, file);
        fclose(file);
    }
    read_file(path, &wanted);
    assert_string_equal(found, buf_string(&wanted));
    buf_finish(&wanted);
}

/* The diagnostics name the file without its folder. */
static struct config *load(const char *path, struct diagnostics *diagnostics)
{
    struct buf text;
    read_file(path, &text);
    struct config *config =
        config_load_text(strrchr(path, '/') + 1, buf_string(&text), text.length, diagnostics);
    buf_finish(&text);
    return config;
}

static void dump(const struct config *config, const struct diagnostics *diagnostics, struct buf *out)
{
    char retain[48];
    buf_printf(out, "state_directory %s", config->state_directory != NULL ? config->state_directory : "-");
    if (config->retain_ms != 400 * TIME_MS_PER_DAY) {
        buf_printf(out, " retain %s", time_duration(config->retain_ms, retain));
    }
    if (config->log_level != LOG_INFO || config->log_format != LOG_AUTO) {
        buf_printf(out, " log %s %s", log_level_words[config->log_level],
                   log_format_words[config->log_format]);
    }
    if (config->metrics.port != 0) {
        buf_printf(out, " metrics at %s:%d:%d ", config->metrics.place.file, config->metrics.place.line,
                   config->metrics.place.column);
        schema_print_row(config, schema_find(SCHEMA_FILE, "metrics.", "listen"), config, out);
    }
    if (config->control_socket != NULL) {
        buf_printf(out, " control %s", config->control_socket);
    }
    buf_char(out, '\n');
    for (size_t i = 0; i < config->target_count; i++) {
        const struct target *target = &config->targets[i];
        buf_printf(out, "target %s at %s:%d:%d\n  ", target->name, target->place.file, target->place.line,
                   target->place.column);
        schema_print(config, SCHEMA_TARGET, target, out);
        buf_char(out, '\n');
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        buf_printf(out, "policy %s at %s:%d:%d\n  %s\n", policy->name, policy->place.file, policy->place.line,
                   policy->place.column, policy->canonical);
    }
    diagnostics_print(diagnostics, out);
}

static void good_file_gives_its_dump(void **state)
{
    struct diagnostics diagnostics;
    struct buf out;
    diagnostics_init(&diagnostics);
    buf_init(&out, TEXT_MAX);
    struct config *config = load(*state, &diagnostics);
    if (config == NULL) {
        diagnostics_print(&diagnostics, &out);
        fail_msg("refused: %s", buf_string(&out));
    }
    dump(config, &diagnostics, &out);
    compare_golden(*state, ".dump", buf_string(&out));
    config_unref(config);
    buf_finish(&out);
    diagnostics_finish(&diagnostics);
}

static void bad_file_gives_its_messages(void **state)
{
    struct diagnostics diagnostics;
    struct buf out;
    diagnostics_init(&diagnostics);
    buf_init(&out, TEXT_MAX);
    assert_null(load(*state, &diagnostics));
    assert_true(diagnostics.errors > 0);
    diagnostics_print(&diagnostics, &out);
    compare_golden(*state, ".err", buf_string(&out));
    buf_finish(&out);
    diagnostics_finish(&diagnostics);
}

static int only_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".yaml") == 0;
}

static size_t add_folder(struct CMUnitTest *tests, size_t count, const char *folder,
                         CMUnitTestFunction function)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, only_yaml, alphasort);
    for (int i = 0; i < found; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        char *kept = mem_strdup(path);
        if (count < CASES_MAX) {
            tests[count++] = (struct CMUnitTest){.name = kept, .test_func = function, .initial_state = kept};
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void the_folders_were_found(void **state)
{
    assert_true(*(const size_t *)*state > 150);
}

int main(void)
{
    static struct CMUnitTest tests[CASES_MAX + 1];
    size_t count = add_folder(tests, 0, "tests/policy/good", good_file_gives_its_dump);
    count = add_folder(tests, count, "tests/policy/bad", bad_file_gives_its_messages);
    size_t files = count;
    tests[count++] = (struct CMUnitTest){
        .name = "the_folders_were_found", .test_func = the_folders_were_found, .initial_state = &files};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests("policy_load", tests, count, NULL, NULL);
    for (size_t i = 0; i < files; i++) {
        free(tests[i].initial_state);
    }
    return failed;
}
