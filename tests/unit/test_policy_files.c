/* Loading from real files: who may own and write them, what they may be, the folder policies.d; and hostile
 * texts. */
#include "app/plan_file.h"
#include "base/buf.h"
#include "policy/examples.h"
#include "policy/load.h"
#include "policy/source.h"
#include "policy/yaml.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define GOOD                                                                                                 \
    "version: 1\ntargets: {prod: {account: \"123456789012\"}}\npolicies:\n"                                  \
    "  - {name: first, targets: [prod], match: {age: {older_than: 30d, field: queued_at}}}\n"
#define POLICY(name)                                                                                         \
    "version: 1\npolicies:\n  - {name: " name ", targets: [prod], match: {age: {older_than: 1d}}}\n"

struct place_on_disk {
    char folder[64];
    char main[128];
    char policies[128];
};

static int set_up(void **state)
{
    static struct place_on_disk disk;
    strcpy(disk.folder, "/tmp/jobsweep-policy-XXXXXX");
    if (mkdtemp(disk.folder) == NULL) {
        return -1;
    }
    snprintf(disk.main, sizeof disk.main, "%s/jobsweep.yaml", disk.folder);
    snprintf(disk.policies, sizeof disk.policies, "%s/policies.d", disk.folder);
    *state = &disk;
    return 0;
}

/* Removes what the tests make: two levels. */
static int tear_down(void **state)
{
    const struct place_on_disk *disk = *state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf -- '%s'", disk->folder);
    return system(command);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0644), 0);
}

static void make_policies(const struct place_on_disk *disk)
{
    assert_int_equal(mkdir(disk->policies, 0755), 0);
    assert_int_equal(chmod(disk->policies, 0755), 0);
}

/* Loads and compares what the diagnostics say, without the folder in front; NULL wants none and a
 * configuration. */
static struct config *load(const struct place_on_disk *disk, const char *wanted)
{
    struct diagnostics diagnostics;
    struct buf out, shown;
    diagnostics_init(&diagnostics);
    buf_init(&out, 100000);
    buf_init(&shown, 100000);
    struct config *config = config_load(disk->main, &diagnostics);
    diagnostics_print(&diagnostics, &out);
    for (const char *at = buf_string(&out); *at != '\0'; at++) {
        if (strncmp(at, disk->folder, strlen(disk->folder)) == 0) {
            at += strlen(disk->folder); /* and the slash behind it */
        } else {
            buf_char(&shown, *at);
        }
    }
    assert_string_equal(buf_string(&shown), wanted != NULL ? wanted : "");
    assert_int_equal(config == NULL, diagnostics.errors > 0);
    buf_finish(&out);
    buf_finish(&shown);
    diagnostics_finish(&diagnostics);
    return config;
}

static void a_regular_file_is_read(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    struct config *config = load(disk, NULL);
    assert_int_equal(config->policy_count, 1);
    assert_string_equal(config->files[0], disk->main);
    assert_ptr_equal(config->policies[0].place.file, config->files[0]);
    assert_ptr_equal(config_policy(config, "first"), &config->policies[0]);
    assert_null(config_policy(config, "second"));
    assert_ptr_equal(config_target(config, "prod"), &config->targets[0]);
    assert_ptr_equal(config_ref(config), config);
    config_unref(config);
    config_unref(config);
    config_unref(NULL);
}

static void a_missing_file_is_named(void **state)
{
    assert_null(load(*state, "jobsweep.yaml: error: cannot be opened: No such file or directory\n"));
}

static void what_others_can_write_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    assert_int_equal(chmod(disk->main, 0664), 0);
    assert_null(
        load(disk, "jobsweep.yaml: error: can be written by its group (mode 0664): use chmod go-w\n"));
    assert_int_equal(chmod(disk->main, 0646), 0);
    assert_null(
        load(disk, "jobsweep.yaml: error: can be written by everybody (mode 0646): use chmod go-w\n"));
}

static void a_foreign_owner_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    if (geteuid() != 0) {
        print_message("# SKIP only root can give a file away\n");
        return;
    }
    assert_int_equal(chown(disk->main, 12345, 0), 0);
    assert_null(load(disk, "jobsweep.yaml: error: belongs to user 12345: only root or user 0 may own it\n"));
}

static void only_regular_files_are_read(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "other.yaml", GOOD);
    assert_int_equal(symlink("other.yaml", disk->main), 0);
    assert_null(
        load(disk, "jobsweep.yaml: error: is a symbolic link: only files and folders themselves are read\n"));
    assert_int_equal(unlink(disk->main), 0);
    assert_int_equal(mkdir(disk->main, 0755), 0);
    assert_null(load(disk, "jobsweep.yaml: error: is no regular file\n"));
    assert_int_equal(rmdir(disk->main), 0);
    assert_int_equal(mkfifo(disk->main, 0644), 0);
    assert_null(load(disk, "jobsweep.yaml: error: is no regular file\n"));
}

/* --- each place that a file is read from, and each kind of file that may not be --- */

static void read_main(const char *path, struct buf *said)
{
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics);
    config_unref(config_load(path, &diagnostics));
    diagnostics_print(&diagnostics, said);
    diagnostics_finish(&diagnostics);
}

/* path is the one in policies.d; the main file beside it is fine. */
static void read_in_folder(const char *path, struct buf *said)
{
    char folder[256], main[300];
    snprintf(folder, sizeof folder, "%.*s", (int)(strstr(path, "/policies.d") - path), path);
    snprintf(main, sizeof main, "%s/jobsweep.yaml", folder);
    put(folder, "jobsweep.yaml", GOOD);
    read_main(main, said);
}

static void read_examples(const char *path, struct buf *said)
{
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics);
    struct config *config = config_load_text("x", GOOD, strlen(GOOD), &diagnostics);
    examples_free(examples_load(path, config, &diagnostics));
    diagnostics_print(&diagnostics, said);
    diagnostics_finish(&diagnostics);
    config_unref(config);
}

static void read_plan(const char *path, struct buf *said)
{
    struct plan_file file;
    struct err err;
    plan_file_init(&file, NULL);
    assert_int_equal(plan_file_read(&file, path, &err), -1);
    buf_text(said, err.msg);
    plan_file_finish(&file);
}

static const struct {
    void (*read)(const char *path, struct buf *said);
    const char *name; /* within the folder */
} PLACES[] = {{read_main, "jobsweep.yaml"},
              {read_in_folder, "policies.d/a.yaml"},
              {read_examples, "tests.yaml"},
              {read_plan, "plan.jsonl"}};

enum kind { GROUP_WRITABLE, WORLD_WRITABLE, LINK, FOREIGN, FIFO, FOLDER, DEVICE, ABSENT, KINDS };

static const char *const REFUSALS[KINDS] = {
    [GROUP_WRITABLE] = "can be written by its group (mode 0664): use chmod go-w",
    [WORLD_WRITABLE] = "can be written by everybody (mode 0666): use chmod go-w",
    [LINK] = "is a symbolic link: only files and folders themselves are read",
    [FOREIGN] = "belongs to user 12345: only root or user 0 may own it",
    [FIFO] = "is no regular file",
    [FOLDER] = "is no regular file",
    [DEVICE] = "is no regular file",
    [ABSENT] = "cannot be opened: No such file or directory",
};

/* False where it cannot be made here. */
static bool make_kind(enum kind kind, const char *folder, const char *name)
{
    char path[256], other[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(other, sizeof other, "%s/other", folder);
    put(folder, "other", GOOD);
    switch (kind) {
    case GROUP_WRITABLE:
    case WORLD_WRITABLE:
        put(folder, name, GOOD);
        return chmod(path, kind == GROUP_WRITABLE ? 0664 : 0666) == 0;
    case FOREIGN:
        put(folder, name, GOOD);
        return geteuid() == 0 && chown(path, 12345, 0) == 0;
    case LINK:
        return symlink(other, path) == 0;
    case FIFO:
        return mkfifo(path, 0644) == 0;
    case FOLDER:
        return mkdir(path, 0755) == 0;
    case DEVICE: /* /dev/zero, by another name */
        return geteuid() == 0 && mknod(path, S_IFCHR | 0644, makedev(1, 5)) == 0;
    default:
        return kind == ABSENT;
    }
}

static void assert_refused(const struct place_on_disk *disk, size_t place, enum kind kind)
{
    char path[256], command[600];
    struct buf said;
    snprintf(path, sizeof path, "%s/%s", disk->folder, PLACES[place].name);
    bool made = REFUSALS[kind] != NULL && make_kind(kind, disk->folder, PLACES[place].name);
    /* What is not in the folder is not missed there. */
    if (made && !(kind == ABSENT && PLACES[place].read == read_in_folder)) {
        buf_init(&said, 100000);
        PLACES[place].read(path, &said);
        if (strstr(buf_string(&said), REFUSALS[kind]) == NULL || strstr(buf_string(&said), path) == NULL) {
            fail_msg("%s, kind %d: %s", PLACES[place].name, (int)kind, buf_string(&said));
        }
        buf_finish(&said);
    }
    snprintf(command, sizeof command, "rm -rf -- '%s'", path);
    assert_int_equal(system(command), 0);
}

static void whatever_is_read_must_be_a_regular_file_of_ours(void **state)
{
    const struct place_on_disk *disk = *state;
    make_policies(disk);
    for (size_t place = 0; place < sizeof PLACES / sizeof PLACES[0]; place++) {
        for (int kind = 0; kind < KINDS; kind++) {
            assert_refused(disk, place, (enum kind)kind);
        }
    }
}

static void what_somebody_else_has_read_must_have_stood_still_too(void **state)
{
    const struct place_on_disk *disk = *state;
    struct source source;
    struct err err;
    put(disk->folder, "jobsweep.yaml", GOOD);
    assert_int_equal(source_open(&source, AT_FDCWD, disk->main, &err), 0);
    assert_int_equal(source_close(&source, &err), 0);
    assert_int_equal(source_open(&source, AT_FDCWD, disk->main, &err), 0);
    put(disk->folder, "jobsweep.yaml", GOOD "# more\n");
    assert_int_equal(source_close(&source, &err), -1);
    assert_string_equal(err.msg, "changed while it was read");
}

static void devices_are_refused(void **state)
{
    (void)state;
    struct source source;
    struct err err;
    assert_int_equal(source_open(&source, AT_FDCWD, "/dev/zero", &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_string_equal(err.msg, "is no regular file");
}

static void a_file_that_changes_while_it_is_read_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    struct source source;
    struct buf out;
    struct err err;
    put(disk->folder, "jobsweep.yaml", GOOD);
    buf_init(&out, CONFIG_FILE_MAX);
    assert_int_equal(source_open(&source, AT_FDCWD, disk->main, &err), 0);
    put(disk->folder, "jobsweep.yaml", GOOD "# more\n");
    assert_int_equal(source_read(&source, &out, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "changed while it was read");
    buf_finish(&out);
}

static void a_large_file_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    assert_int_equal(truncate(disk->main, CONFIG_FILE_MAX + 1), 0);
    assert_null(load(disk, "jobsweep.yaml: error: is larger than 1048576 bytes\n"));
}

static void the_folder_is_read_in_the_order_of_names(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    make_policies(disk);
    put(disk->policies, "20-b.yaml",
        "version: 1\npolicies:\n  - {name: third, targets: [prod], match: {status: [FAILED], age: "
        "{older_than: "
        "1h}}}\n");
    put(disk->policies, "10-a.yaml", POLICY("second"));
    put(disk->policies, ".hidden.yaml", "not even YAML: [");
    put(disk->policies, "README", "nothing");
    struct config *config = load(disk, NULL);
    assert_int_equal(config->file_count, 3);
    assert_string_equal(config->policies[0].name, "first");
    assert_string_equal(config->policies[1].name, "second");
    assert_string_equal(config->policies[2].name, "third");
    config_unref(config);
}

static void a_yml_file_is_warned_about(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    make_policies(disk);
    put(disk->policies, "a.yml", POLICY("second"));
    config_unref(load(disk, "policies.d/a.yml: warning: is not read: only *.yaml is\n"));
}

static void a_folder_that_others_can_write_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    make_policies(disk);
    assert_int_equal(chmod(disk->policies, 0777), 0);
    assert_null(load(disk, "policies.d: error: can be written by everybody (mode 0777): use chmod go-w\n"));
}

static void a_folder_that_is_none_is_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    put(disk->folder, "policies.d", "");
    assert_null(load(disk, "policies.d: error: is no folder (links are not followed)\n"));
    assert_int_equal(unlink(disk->policies), 0);
    assert_int_equal(symlink("/tmp", disk->policies), 0);
    assert_null(load(disk, "policies.d: error: is no folder (links are not followed)\n"));
}

static void one_bad_file_fails_all_and_all_faults_are_said(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD "protect: []\n");
    make_policies(disk);
    put(disk->policies, "a.yaml", POLICY("first"));
    put(disk->policies, "b.yaml", "version: 1\ndefaults: {}\n");
    put(disk->policies, "c.yaml", "version: 1\ntargets: {prod: {}}\n");
    assert_null(load(
        disk, "jobsweep.yaml:5:10: error: 'protect' must hold 1 to 1000 rules, in all files\n"
              "    protect: []\n             ^\n"
              "policies.d/a.yaml:3:12: error: the policy 'first' is already at jobsweep.yaml:4\n"
              "      - {name: first, targets: [prod], match: {age: {older_than: 1d}}}\n               ^\n"
              "policies.d/b.yaml:2:1: error: 'defaults' belongs into the main file, not into policies.d\n"
              "    defaults: {}\n    ^\n"
              "policies.d/c.yaml:2:17: error: the target 'prod' is already at jobsweep.yaml:2\n"
              "    targets: {prod: {}}\n                    ^\n"));
}

static void what_an_unreadable_file_may_hold_is_not_missed(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", "version: [\n");
    make_policies(disk);
    put(disk->policies, "a.yaml",
        "version: 1\npolicies:\n  - {name: a, match: {age: {older_than: 1d}}, mode: x}\n"
        "  - {name: b, targets: [prod], match: {age: {older_than: 1d}}}\n");
    assert_null(load(
        disk, "jobsweep.yaml:2:1: error: did not find expected node content (while parsing a flow node)\n"
              "    \n    ^\n"
              "policies.d/a.yaml:3:53: error: unknown mode 'x'; allowed: observe, enforce\n"
              "      - {name: a, match: {age: {older_than: 1d}}, mode: x}\n"
              "                                                        ^\n"));
}

static void too_many_files_are_refused(void **state)
{
    const struct place_on_disk *disk = *state;
    put(disk->folder, "jobsweep.yaml", GOOD);
    make_policies(disk);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "%03d.yaml", i);
        put(disk->policies, name, "version: 1\n");
    }
    assert_null(load(disk, "policies.d/099.yaml: error: is one file too many: 100 at most\n"));
}

/* --- hostile texts: refused, and so early that what follows cannot cost anything --- */

static void repeat(struct buf *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_text(text, part);
    }
}

static const struct hostile {
    const char *start, *part;
    size_t count;
    int line, column;
    size_t nodes; /* read at most */
    const char *message;
} HOSTILE[] = {
    {"", "[", 100000, 1, 33, 32, "nested more than 32 deep"},
    {"", "{a: ", 25000, 1, 129, 64, "nested more than 32 deep"},
    {"", "? ", 20000, 1, 3, 64, "a list or map as a key is not allowed"},
    {"", "- ", 20000, 1, 65, 32, "nested more than 32 deep"},
    {"", "[{a: ", 20000, 1, 81, 64, "nested more than 32 deep"},
    {"[", "a,", 500000, 1, 20000, 10000, "the file has more than 10,000 keys and values"},
    {"", "- a\n", 250000, 10000, 3, 10000, "the file has more than 10,000 keys and values"},
    {"", "&a ", 10000, 1, 1, 0, NULL},
    {"a: [", "&a x, ", 10000, 1, 5, 4, "anchors ('&') are not allowed"},
    {"a: ", "*a ", 10000, 1, 4, 4, NULL},
    {"", "%TAG !a! b\n", 90000, 1, 1, 0, "directives ('%' at the start of a line) are not allowed"},
    {"", "---\n", 200000, 2, 1, 1, "a second document in one file is not allowed"},
    {"", "!", 1000000, 1, 1, 0, NULL},
    {"a: \"", "x", 1000000, 1, 4, 3, NULL},
    {"", "a", 1000000, 1, 1, 1, "a configuration is a map that begins with 'version: 1'"},
    {"\xef\xbb\xbf", "a: 1\n", 1, 1, 1, 0, "a Unicode line separator or byte order mark"},
};

static void hostile_texts_are_refused_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof HOSTILE / sizeof HOSTILE[0]; i++) {
        const struct hostile *row = &HOSTILE[i];
        struct diagnostics diagnostics;
        struct yaml_file file;
        struct buf text;
        diagnostics_init(&diagnostics);
        buf_init(&text, CONFIG_FILE_MAX);
        buf_text(&text, row->start);
        repeat(&text, row->part, row->count);
        assert_false(text.overflow);
        yaml_parse(&file, "hostile", buf_string(&text), text.length, &diagnostics);
        assert_true(file.node_count <= row->nodes);
        yaml_finish(&file);
        diagnostics_finish(&diagnostics);

        assert_null(config_load_text("hostile", buf_string(&text), text.length, &diagnostics));
        assert_int_equal(diagnostics.errors, 1);
        assert_int_equal(diagnostics.items[0].line, row->line);
        assert_int_equal(diagnostics.items[0].column, row->column);
        assert_true(row->message == NULL || strcmp(diagnostics.items[0].message, row->message) == 0);
        assert_true(strlen(diagnostics.items[0].source) <= 16 * DIAGNOSTIC_SOURCE_MAX);
        diagnostics_finish(&diagnostics);
        buf_finish(&text);
    }
}

static void a_megabyte_and_a_byte_is_refused(void **state)
{
    (void)state;
    struct diagnostics diagnostics;
    struct buf text;
    diagnostics_init(&diagnostics);
    buf_init(&text, CONFIG_FILE_MAX + 1);
    repeat(&text, "#", CONFIG_FILE_MAX + 1);
    assert_null(config_load_text("x", buf_string(&text), text.length, &diagnostics));
    assert_string_equal(diagnostics.items[0].message, "the file is larger than 1 MiB");
    buf_finish(&text);
    diagnostics_finish(&diagnostics);
}

static void many_faults_are_counted_and_the_first_hundred_kept(void **state)
{
    (void)state;
    struct diagnostics diagnostics;
    struct buf text, out;
    diagnostics_init(&diagnostics);
    buf_init(&text, CONFIG_FILE_MAX);
    buf_init(&out, 1000000);
    buf_text(&text, "version: 1\n");
    for (int i = 0; i < 4000; i++) {
        buf_printf(&text, "key%d: 1\n", i);
    }
    assert_null(config_load_text("x", buf_string(&text), text.length, &diagnostics));
    assert_int_equal(diagnostics.errors, 4000);
    assert_int_equal(diagnostics.count, DIAGNOSTICS_MAX);
    assert_int_equal(diagnostics.items[99].line, 101);
    diagnostics_print(&diagnostics, &out);
    assert_non_null(strstr(buf_string(&out), "\n3900 more are not shown\n"));
    buf_finish(&text);
    buf_finish(&out);
    diagnostics_finish(&diagnostics);
}

static void the_number_of_policies_is_bounded(void **state)
{
    (void)state;
    struct diagnostics diagnostics;
    struct buf text;
    diagnostics_init(&diagnostics);
    buf_init(&text, CONFIG_FILE_MAX);
    buf_text(&text, "version: 1\npolicies:\n");
    repeat(&text, "- {name: a}\n", 1002);
    assert_null(config_load_text("x", buf_string(&text), text.length, &diagnostics));
    /* 999 repeated names; targets and match missing 1,000 times; two too many */
    assert_int_equal(diagnostics.errors, 999 + 2 * 1000 + 2);
    buf_finish(&text);
    diagnostics_finish(&diagnostics);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    ON_DISK(a_regular_file_is_read),
    ON_DISK(a_missing_file_is_named),
    ON_DISK(what_others_can_write_is_refused),
    ON_DISK(a_foreign_owner_is_refused),
    ON_DISK(only_regular_files_are_read),
    ON_DISK(whatever_is_read_must_be_a_regular_file_of_ours),
    ON_DISK(what_somebody_else_has_read_must_have_stood_still_too),
    cmocka_unit_test(devices_are_refused),
    ON_DISK(a_file_that_changes_while_it_is_read_is_refused),
    ON_DISK(a_large_file_is_refused),
    ON_DISK(the_folder_is_read_in_the_order_of_names),
    ON_DISK(a_yml_file_is_warned_about),
    ON_DISK(a_folder_that_others_can_write_is_refused),
    ON_DISK(a_folder_that_is_none_is_refused),
    ON_DISK(one_bad_file_fails_all_and_all_faults_are_said),
    ON_DISK(what_an_unreadable_file_may_hold_is_not_missed),
    ON_DISK(too_many_files_are_refused),
    cmocka_unit_test(hostile_texts_are_refused_early),
    cmocka_unit_test(a_megabyte_and_a_byte_is_refused),
    cmocka_unit_test(many_faults_are_counted_and_the_first_hundred_kept),
    cmocka_unit_test(the_number_of_policies_is_bounded),
};

TAP_MAIN(tests)
