/* The manual pages describe every key and every option, with its words and its default, and no other. They
 * are read as source: each is an item, `.It Cm KEY , KEY` or `.It Fl x , -option`, and its text up to the
 * next. */
#include "tap.h"

#include "app/options.h"
#include "base/mem.h"
#include "model/outcome.h"
#include "policy/schema.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 64
#define ITEMS_MAX 128

struct item {
    char *head; /* behind ".It " */
    char *text; /* macros and all, one line after the other */
};

struct page {
    struct item items[ITEMS_MAX];
    size_t count;
};

/* The items of one subsection, or with NULL of the whole page. */
static void read_page(struct page *page, const char *path, const char *subsection)
{
    char line[1024];
    bool inside = subsection == NULL;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: cannot be opened", path);
    page->count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        struct item *item = page->count > 0 ? &page->items[page->count - 1] : NULL;
        line[strcspn(line, "\n")] = '\0';
        if (subsection != NULL && (strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".Sh ", 4) == 0)) {
            inside = strcmp(line + 4, subsection) == 0;
        } else if (inside && strncmp(line, ".It ", 4) == 0) {
            assert_in_range(page->count, 0, ITEMS_MAX - 1);
            page->items[page->count++] = (struct item){mem_strdup(line + 4), mem_strdup("")};
        } else if (inside && item != NULL) {
            size_t size = strlen(item->text) + strlen(line) + 2;
            char *longer = mem_alloc(size);
            snprintf(longer, size, "%s%s\n", item->text, line);
            free(item->text);
            item->text = longer;
        }
    }
    fclose(file);
    if (page->count == 0)
        fail_msg("%s: nothing in %s", path, subsection != NULL ? subsection : "it");
}

static void free_page(struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free(page->items[i].head);
        free(page->items[i].text);
    }
}

/* Whether a word stands in the text by itself: "schedule" is not in "schedule.cron", but in "schedule." */
static bool has_word(const char *text, const char *word)
{
    static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
        const char *end = at + length;
        bool begins = at == text || strchr(inner, at[-1]) == NULL;
        if (*end == '.')
            end++;
        if (begins && (*end == '\0' || strchr(inner, *end) == NULL))
            return true;
    }
    return false;
}

/* The words that follow a macro in an item's head, up to the next macro. */
static size_t heads(const struct item *item, const char *macro, char *copy, const char *words[WORDS_MAX])
{
    size_t count = 0;
    bool taking = false;
    strcpy(copy, item->head);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        bool is_macro = strlen(word) == 2 && word[0] >= 'A' && word[0] <= 'Z';
        if (is_macro)
            taking = strcmp(word, macro) == 0;
        else if (taking && strcmp(word, ",") != 0 && count < WORDS_MAX)
            words[count++] = word;
    }
    return count;
}

static const struct item *find_item(const struct page *page, const char *macro, const char *name)
{
    char copy[1024];
    const char *words[WORDS_MAX];
    for (size_t i = 0; i < page->count; i++) {
        size_t count = heads(&page->items[i], macro, copy, words);
        for (size_t j = 0; j < count; j++) {
            if (strcmp(words[j], name) == 0)
                return &page->items[i];
        }
    }
    return NULL;
}

/* --- keys ---------------------------------------------------------------------------------------------- */

#define KEYS "man/jobsweep.yaml.5"

static const char *const SECTIONS[] = {[SCHEMA_FILE] = "The file",
                                       [SCHEMA_TARGET] = "A target",
                                       [SCHEMA_POLICY] = "A policy",
                                       [SCHEMA_MATCH] = "What matches",
                                       [SCHEMA_KEEP] = "Keep rules",
                                       [SCHEMA_PROTECT] = "Protection",
                                       [SCHEMA_EXAMPLES] = "A file of examples",
                                       [SCHEMA_TEST] = "A test",
                                       [SCHEMA_GIVEN] = "An execution"};

static void a_row_is_described(const struct page *page, const struct schema_row *row)
{
    const struct item *item = find_item(page, "Cm", row->path);
    if (item == NULL)
        fail_msg(KEYS ": nothing on %s", row->path);
    for (int i = 0; row->words != NULL && row->words[i] != NULL; i++) {
        if (!has_word(item->text, row->words[i]))
            fail_msg(KEYS ": %s can be %s", row->path, row->words[i]);
    }
    if (row->fallback != NULL && !has_word(item->text, row->fallback))
        fail_msg(KEYS ": %s is %s by default", row->path, row->fallback);
    if ((row->flags & SCHEMA_REQUIRED) != 0 && strchr(row->path, '.') == NULL &&
        strstr(item->text, "Needed") == NULL)
        fail_msg(KEYS ": %s is needed", row->path);
    if ((row->flags & SCHEMA_NULLABLE) != 0 && !has_word(item->text, "null"))
        fail_msg(KEYS ": %s can be null", row->path);
    if ((row->flags & SCHEMA_MAIN_ONLY) != 0 && strstr(item->text, "Only in the main file") == NULL)
        fail_msg(KEYS ": %s may stand in the main file only", row->path);
}

static void every_key_is_described_with_its_words_and_its_default(void **state)
{
    size_t count, described = 0;
    const struct schema_row *rows = schema_rows(&count);
    (void)state;
    for (int scope = SCHEMA_FILE; scope <= SCHEMA_GIVEN; scope++) {
        struct page page = {0};
        read_page(&page, KEYS, SECTIONS[scope]);
        for (size_t i = 0; i < count; i++) {
            if ((int)rows[i].scope != scope || schema_later(&rows[i]))
                continue;
            a_row_is_described(&page, &rows[i]);
            described++;
        }
        free_page(&page);
    }
    assert_true(described > 30);
}

static const struct schema_row *row_of(int scope, const char *path)
{
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if ((int)rows[i].scope == scope && strcmp(rows[i].path, path) == 0)
            return &rows[i];
    }
    return NULL;
}

static void no_other_key_is_described(void **state)
{
    (void)state;
    for (int scope = SCHEMA_FILE; scope <= SCHEMA_GIVEN; scope++) {
        struct page page = {0};
        read_page(&page, KEYS, SECTIONS[scope]);
        for (size_t i = 0; i < page.count; i++) {
            char copy[1024];
            const char *words[WORDS_MAX];
            size_t named = heads(&page.items[i], "Cm", copy, words);
            for (size_t j = 0; j < named; j++) {
                const struct schema_row *row = row_of(scope, words[j]);
                if (row == NULL || schema_later(row))
                    fail_msg(KEYS ": %s: there is no key %s", SECTIONS[scope], words[j]);
            }
        }
        free_page(&page);
    }
}

static void what_is_inherited_stands_under_defaults(void **state)
{
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    struct page page = {0};
    (void)state;
    read_page(&page, KEYS, SECTIONS[SCHEMA_FILE]);
    const struct item *item = find_item(&page, "Cm", "defaults");
    assert_non_null(item);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].scope != SCHEMA_POLICY || schema_later(&rows[i]) || strchr(rows[i].path, '.') != NULL)
            continue;
        bool inherited = (rows[i].flags & SCHEMA_INHERITED) != 0;
        if (has_word(item->text, rows[i].path) != inherited)
            fail_msg(KEYS ": defaults: %s", rows[i].path);
    }
    free_page(&page);
}

static void keys_of_later_versions_are_named(void **state)
{
    static const char *const heads_of[] = {
        [SCHEMA_FILE] = "Of the file", [SCHEMA_TARGET] = "Of a target", [SCHEMA_POLICY] = "Of a policy",
        [SCHEMA_MATCH] = "Of match",   [SCHEMA_KEEP] = "Of keep",       [SCHEMA_PROTECT] = "Of protection",
        [SCHEMA_EXAMPLES] = "none",    [SCHEMA_TEST] = "none",          [SCHEMA_GIVEN] = "none"};
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    struct page page = {0};
    (void)state;
    read_page(&page, KEYS, "Keys of later versions");
    for (size_t i = 0; i < count; i++) {
        const struct item *item = NULL;
        for (size_t j = 0; j < page.count; j++)
            item = strcmp(page.items[j].head, heads_of[rows[i].scope]) == 0 ? &page.items[j] : item;
        bool named = item != NULL && has_word(item->text, rows[i].path);
        if (named != schema_later(&rows[i]))
            fail_msg(KEYS ": %s: %s", heads_of[rows[i].scope], rows[i].path);
    }
    free_page(&page);
}

/* --- options ------------------------------------------------------------------------------------------- */

/* The options in a help text, as mdoc writes them: "-config", and letters as "c". */
static size_t options_of(enum command command, char names[WORDS_MAX][64])
{
    struct buf out;
    size_t count = 0;
    buf_init(&out, 16384);
    options_help(command, &out);
    const char *at = strstr(buf_string(&out), "Options:\n");
    assert_non_null(at);
    for (at = strchr(at, '\n') + 1; strncmp(at, "  ", 2) == 0; at = strchr(at, '\n') + 1) {
        char letter = '\0', name[64];
        if (sscanf(at, " -%c, --%63[a-z-]", &letter, name) != 2) {
            letter = '\0';
            if (sscanf(at, " --%63[a-z-]", name) != 1)
                continue; /* the second line of a text */
        }
        assert_in_range(count, 0, WORDS_MAX - 2);
        snprintf(names[count++], 64, "-%.62s", name);
        if (letter != '\0')
            snprintf(names[count++], 64, "%c", letter);
    }
    buf_finish(&out);
    assert_true(count > 0);
    return count;
}

static bool is_among(const char *name, char names[][64], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void the_page_has_the_options_of(const char *path, enum command from, enum command to)
{
    static char names[8 * WORDS_MAX][64];
    struct page page = {0};
    size_t count = 0;
    read_page(&page, path, NULL);
    for (int command = (int)from; command <= (int)to; command++) {
        if ((command == COMMAND_DAEMON || command == COMMAND_DELETE_ONE) && from != to)
            continue; /* they have pages of their own */
        count += options_of((enum command)command, names + count);
    }
    for (size_t i = 0; i < count; i++) {
        if (find_item(&page, "Fl", names[i]) == NULL)
            fail_msg("%s: nothing on -%s", path, names[i]);
    }
    for (size_t i = 0; i < page.count; i++) {
        char copy[1024];
        const char *words[WORDS_MAX];
        size_t named = heads(&page.items[i], "Fl", copy, words);
        for (size_t j = 0; j < named; j++) {
            if (!is_among(words[j], names, count))
                fail_msg("%s: there is no option -%s", path, words[j]);
        }
    }
    free_page(&page);
}

static void every_option_is_in_the_page_of_its_program_and_no_other(void **state)
{
    (void)state;
    the_page_has_the_options_of("man/jobsweep.1", COMMAND_PLAN, COMMAND_NONE);
    the_page_has_the_options_of("man/jobsweepd.8", COMMAND_DAEMON, COMMAND_DAEMON);
    the_page_has_the_options_of("man/jobsweep-delete-job-execution.1", COMMAND_DELETE_ONE,
                                COMMAND_DELETE_ONE);
}

static void every_outcome_is_explained(void **state)
{
    struct page page = {0};
    (void)state;
    read_page(&page, "man/jobsweep.1", NULL);
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        bool found = false;
        for (size_t i = 0; i < page.count; i++)
            found = found || strcmp(page.items[i].head, outcome_name((enum outcome)outcome)) == 0;
        if (!found)
            fail_msg("man/jobsweep.1: nothing on %s", outcome_name((enum outcome)outcome));
    }
    free_page(&page);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_key_is_described_with_its_words_and_its_default),
    cmocka_unit_test(no_other_key_is_described),
    cmocka_unit_test(what_is_inherited_stands_under_defaults),
    cmocka_unit_test(keys_of_later_versions_are_named),
    cmocka_unit_test(every_option_is_in_the_page_of_its_program_and_no_other),
    cmocka_unit_test(every_outcome_is_explained),
};

TAP_MAIN(tests)
