/* Plans in files: what was written is read again, and a file that was cut anywhere, or changed in any byte,
 * is refused with the line. */
#include "app/plan_file.h"

#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATED_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define EXPIRES_MS (CREATED_MS + 86400000)

struct spot {
    char folder[64], path[128];
    struct err err;
};

static void begin(struct spot *place)
{
    strcpy(place->folder, "/tmp/jobsweep-plan-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/plan", place->folder);
}

static void end(struct spot *place)
{
    unlink(place->path);
    assert_int_equal(rmdir(place->folder), 0); /* nothing temporary is left */
}

static void open_file(struct plan_file *file)
{
    struct err err;
    struct spool *spool = spool_create(&err);
    assert_non_null(spool);
    plan_file_init(file, spool);
}

static void add_plan(struct plan_file *file, const char *policy, int rows)
{
    struct plan_file_plan *plan = plan_file_add(file);
    struct run_header *header = &plan->header;
    strcpy(header->policy, policy);
    strcpy(header->policy_sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    strcpy(header->target, "prod");
    strcpy(header->account, "123456789012");
    strcpy(header->region, "eu-west-1");
    header->started_ms = CREATED_MS;
    plan->listed = rows + 5;
    plan->remaining = 3;
    for (int i = 0; i < rows; i++) {
        struct plan_row row = {.execution = {.job_id = "fw-1", .number = i + 1}, .force = i % 2 == 1};
        struct fingerprint *fingerprint = &row.execution.fingerprint;
        struct err err;
        snprintf(row.execution.thing_name, sizeof row.execution.thing_name, "gw-%d", i);
        strcpy(row.reason, "status \"X\" \xc3\xa4, age over 30d");
        fingerprint->status = i % 2 == 1 ? EXECUTION_IN_PROGRESS : EXECUTION_SUCCEEDED;
        timestamp_parse("1.621884415241E9", &fingerprint->queued_at);
        timestamp_parse("1560787023.6360", &fingerprint->last_updated_at);
        fingerprint->version_number = i;
        assert_int_equal(spool_add(plan->rows, &row, &err), 0);
    }
}

static void write_file(struct spot *place, char sha256[65])
{
    struct plan_file file;
    open_file(&file);
    file.created_ms = CREATED_MS;
    file.expires_ms = EXPIRES_MS;
    add_plan(&file, "old", 3);
    add_plan(&file, "none", 0);
    add_plan(&file, "older", 2);
    if (plan_file_write(&file, place->path, &place->err) != 0) {
        fail_msg("%s", place->err.msg);
    }
    memcpy(sha256, file.sha256, 65);
    plan_file_finish(&file);
}

static void expect_rows(const struct plan_file_plan *plan, int rows)
{
    struct row_source source;
    struct plan_row row;
    struct err err;
    spool_source(plan->rows, &source);
    assert_int_equal(source.count, rows);
    for (int i = 0; i < rows; i++) {
        assert_int_equal(source.next(source.ctx, &row, &err), 1);
        assert_int_equal(row.execution.number, i + 1);
        assert_string_equal(row.execution.fingerprint.queued_at.text, "1.621884415241E9");
        assert_string_equal(row.execution.fingerprint.started_at.text, "");
        assert_string_equal(row.execution.fingerprint.last_updated_at.text, "1560787023.6360");
        assert_int_equal(row.execution.fingerprint.version_number, i);
        assert_int_equal(row.force, i % 2 == 1);
        assert_string_equal(row.reason, "status \"X\" \xc3\xa4, age over 30d");
    }
    assert_int_equal(source.next(source.ctx, &row, &err), 0);
}

static void what_is_written_is_read_again(void **state)
{
    struct spot place;
    struct plan_file file;
    struct stat status;
    char sha256[65], origin[RUN_ORIGIN_MAX + 1];
    (void)state;
    begin(&place);
    write_file(&place, sha256);
    assert_int_equal(stat(place.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    open_file(&file);
    if (plan_file_read(&file, place.path, &place.err) != 0) {
        fail_msg("%s", place.err.msg);
    }
    assert_int_equal(file.count, 3);
    assert_int_equal(file.created_ms, CREATED_MS);
    assert_int_equal(file.expires_ms, EXPIRES_MS);
    assert_string_equal(file.sha256, sha256);
    assert_string_equal(file.plans[0].header.policy, "old");
    assert_string_equal(file.plans[2].header.region, "eu-west-1");
    assert_int_equal(file.plans[2].listed, 7);
    assert_int_equal(file.plans[2].remaining, 3);
    expect_rows(&file.plans[0], 3);
    expect_rows(&file.plans[1], 0);
    expect_rows(&file.plans[2], 2);
    plan_file_origin(&file, origin);
    assert_non_null(strstr(origin, sha256));
    assert_int_equal(plan_file_origin_expires_ms(origin), EXPIRES_MS);
    assert_int_equal(plan_file_origin_expires_ms(""), 0);
    assert_int_equal(plan_file_origin_expires_ms("rows of plan x until 2026-01-01T00:00:00Z"), 0);
    plan_file_finish(&file);
    end(&place);
}

/* --- files that are not what was written ------------------------------------------------------------------
 */

static char *load(const struct spot *place, size_t *length)
{
    FILE *file = fopen(place->path, "r");
    char *bytes = mem_alloc(65536);
    assert_non_null(file);
    *length = fread(bytes, 1, 65535, file);
    bytes[*length] = '\0';
    fclose(file);
    return bytes;
}

static void store(const struct spot *place, const char *bytes, size_t length)
{
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    assert_int_equal(chmod(place->path, 0600), 0);
}

/* The line that the message names; 0: the file was taken. */
static int refused_line(struct spot *place, const char *bytes, size_t length)
{
    struct plan_file file;
    int line = 0;
    store(place, bytes, length);
    open_file(&file);
    if (plan_file_read(&file, place->path, &place->err) != 0) {
        size_t path = strlen(place->path);
        assert_int_equal(place->err.code, ERR_SYNTAX);
        assert_int_equal(strncmp(place->err.msg, place->path, path), 0);
        line = atoi(place->err.msg + path + 1);
        assert_int_not_equal(line, 0);
    }
    plan_file_finish(&file);
    return line;
}

static int line_of(const char *bytes, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at; i++) {
        line += bytes[i] == '\n';
    }
    return line;
}

static void a_file_that_was_cut_is_refused_wherever(void **state)
{
    struct spot place;
    char sha256[65];
    size_t length;
    (void)state;
    begin(&place);
    write_file(&place, sha256);
    char *bytes = load(&place, &length);
    for (size_t cut = 0; cut < length; cut++) {
        int line = refused_line(&place, bytes, cut);
        assert_int_equal(line, line_of(bytes, cut));
    }
    assert_int_equal(refused_line(&place, bytes, length), 0);
    free(bytes);
    end(&place);
}

static void a_byte_that_was_changed_is_refused_in_its_line(void **state)
{
    struct spot place;
    char sha256[65];
    size_t length;
    (void)state;
    begin(&place);
    write_file(&place, sha256);
    char *bytes = load(&place, &length);
    for (size_t at = 0; at < length; at++) {
        char was = bytes[at];
        bytes[at] = was == '\n' ? ' ' : (char)(was ^ 1);
        int line = refused_line(&place, bytes, length), wanted = line_of(bytes, at);
        bytes[at] = was;
        if (line != wanted) {
            fail_msg("byte %zu: line %d is named, not %d", at, line, wanted);
        }
    }
    free(bytes);
    end(&place);
}

/* Lines that are whole by themselves, but not where they stand. */
static void a_line_that_is_missing_repeated_or_moved_is_refused(void **state)
{
    struct spot place;
    char sha256[65], other[65536];
    size_t length;
    (void)state;
    begin(&place);
    write_file(&place, sha256);
    char *bytes = load(&place, &length);
    for (char *line = bytes; line < bytes + length; line = strchr(line, '\n') + 1) {
        size_t before = (size_t)(line - bytes), size = strcspn(line, "\n") + 1;
        int number = line_of(bytes, before);
        bool last = before + size == length;
        memcpy(other, bytes, before);
        memcpy(other + before, line + size, length - before - size);
        assert_int_equal(refused_line(&place, other, length - size), number); /* the next one is there */
        memcpy(other + before + size, line, length - before);
        memcpy(other + before, line, size);
        assert_int_equal(refused_line(&place, other, length + size), number + 1);
        if (!last) {
            size_t next = strcspn(line + size, "\n") + 1;
            memcpy(other, bytes, length);
            memcpy(other + before, line + size, next);
            memcpy(other + before + next, line, size);
            assert_int_equal(refused_line(&place, other, length), number);
        }
    }
    free(bytes);
    end(&place);
}

static const struct {
    const char *text, *message;
} strange[] = {
    {"", ":1: the file is empty"},
    {"hello\n", ":1: this is no plan of jobsweep"},
    {"{\"event\":\"row\"}\n", ":1: this is no plan of jobsweep"},
    {"\n", ":1: this is no plan of jobsweep"},
    {"{\"jobsweep_plan\":1", ":1: the file ends inside of this line"},
};

static void what_is_no_plan_is_refused(void **state)
{
    struct spot place;
    (void)state;
    begin(&place);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        assert_int_equal(refused_line(&place, strange[i].text, strlen(strange[i].text)), 1);
        assert_string_equal(place.err.msg + strlen(place.path), strange[i].message);
    }
    end(&place);
}

/* Sums of them would overflow, and what is below zero is under every abort_if. */
static void counts_that_no_fleet_has_are_refused(void **state)
{
    static const struct {
        int64_t listed, remaining;
        int line;
    } table[] = {{5, 1000000000000, 0}, {5, 1000000000001, 2}, {INT64_MAX, 3, 2}, {5, INT64_MAX, 2}};
    struct spot place;
    size_t length;
    (void)state;
    begin(&place);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct plan_file file;
        open_file(&file);
        file.created_ms = CREATED_MS;
        file.expires_ms = EXPIRES_MS;
        add_plan(&file, "old", 2);
        file.plans[0].listed = table[i].listed;
        file.plans[0].remaining = table[i].remaining;
        assert_int_equal(plan_file_write(&file, place.path, &place.err), 0);
        plan_file_finish(&file);
        char *bytes = load(&place, &length);
        assert_int_equal(refused_line(&place, bytes, length), table[i].line);
        free(bytes);
    }
    end(&place);
}

static void refuse(struct spot *place, enum err_code code)
{
    struct plan_file file;
    open_file(&file);
    assert_int_equal(plan_file_read(&file, place->path, &place->err), -1);
    assert_int_equal(place->err.code, code);
    assert_int_equal(file.count, 0);
    plan_file_finish(&file);
}

static void only_a_file_that_nobody_else_can_write_is_read(void **state)
{
    struct spot place;
    char sha256[65];
    (void)state;
    begin(&place);
    refuse(&place, ERR_NOT_FOUND);
    write_file(&place, sha256);
    chmod(place.path, 0620);
    refuse(&place, ERR_PERMISSION);
    chmod(place.path, 0602);
    refuse(&place, ERR_PERMISSION);
    chmod(place.path, 0600);
    if (chown(place.path, 12345, (gid_t)-1) == 0) { /* as root only; others cannot give a file away */
        refuse(&place, ERR_PERMISSION);
    }
    unlink(place.path);
    assert_int_equal(mkfifo(place.path, 0600), 0);
    refuse(&place, ERR_PERMISSION);
    end(&place);
}

static void a_plan_replaces_the_one_before_or_leaves_it(void **state)
{
    struct spot place;
    struct plan_file file;
    char first[65], second[65], long_path[5000];
    size_t before, after;
    (void)state;
    begin(&place);
    write_file(&place, first);
    free(load(&place, &before));
    write_file(&place, second);
    assert_string_equal(first, second);
    free(load(&place, &after));
    assert_int_equal(before, after);
    open_file(&file);
    assert_int_equal(plan_file_write(&file, "/nonexistent-folder/plan", &place.err), -1);
    assert_int_equal(place.err.code, ERR_NOT_FOUND);
    assert_int_equal(plan_file_write(&file, place.folder, &place.err), -1); /* cannot be renamed to */
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(plan_file_write(&file, long_path, &place.err), -1);
    assert_int_equal(place.err.code, ERR_TOO_BIG);
    plan_file_finish(&file);
    end(&place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_written_is_read_again),
    cmocka_unit_test(a_file_that_was_cut_is_refused_wherever),
    cmocka_unit_test(a_byte_that_was_changed_is_refused_in_its_line),
    cmocka_unit_test(a_line_that_is_missing_repeated_or_moved_is_refused),
    cmocka_unit_test(what_is_no_plan_is_refused),
    cmocka_unit_test(counts_that_no_fleet_has_are_refused),
    cmocka_unit_test(only_a_file_that_nobody_else_can_write_is_read),
    cmocka_unit_test(a_plan_replaces_the_one_before_or_leaves_it),
};

TAP_MAIN(tests)
