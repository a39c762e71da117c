/* See app/row_reader.h. */
#include "app/row_reader.h"

#include "app/json_items.h"
#include "app/row_names.h"
#include "aws/json.h"
#include "base/csv.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include "model/names.h"
#include "model/partition.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IGNORED_MAX        100 /* names that are remembered */
#define IGNORED_TOLD_BYTES 512

struct row_reader {
    struct row_reader_config config;
    struct input *input;
    bool json, begun, over;
    struct csv csv;
    struct json_items items;
    int at[COLUMN_COUNT];  /* of a CSV: which field; -1: none */
    size_t fields;         /* of its header */
    struct names *ignored; /* columns or keys that nobody looks at */
    int64_t kept;
};

/* What one row says; NULL: nothing. */
struct words {
    const char *text[COLUMN_COUNT];
    int64_t line[COLUMN_COUNT], column[COLUMN_COUNT]; /* where it says so */
};

static void refuse(struct row_reader *reader, int64_t line, int64_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void refuse(struct row_reader *reader, int64_t line, int64_t column, const char *format, ...)
{
    char message[512];
    const struct place place = {.file = reader->config.name,
                                .line = line < INT_MAX ? (int)line : INT_MAX,
                                .column = column < INT_MAX ? (int)column : INT_MAX};
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    diagnostics_add(reader->config.diagnostics, &place, false, NULL, "%s", message);
}

static void ignore(struct row_reader *reader, const char *name)
{
    if (names_count(reader->ignored) < IGNORED_MAX) {
        names_intern(reader->ignored, name);
    }
}

static void tell_ignored(struct row_reader *reader)
{
    const struct place whole = {.file = reader->config.name};
    struct buf text;
    buf_init(&text, IGNORED_TOLD_BYTES);
    for (uint32_t i = 0; i < names_count(reader->ignored); i++) {
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", names_text(reader->ignored, i));
    }
    if (text.length > 0 && reader->config.diagnostics->errors == 0) {
        diagnostics_add(reader->config.diagnostics, &whole, true, NULL, "%s that are not looked at: %s%s",
                        reader->json ? "keys" : "columns", buf_string(&text), text.overflow ? ", ..." : "");
    }
    buf_finish(&text);
}

/* --- what a row says ----------------------------------------------------------------------------------- */

/* False when it was refused. */
static bool take_name(struct row_reader *reader, const struct words *words, enum column which,
                      const char *otherwise, char *to, size_t size)
{
    bool job = which == COLUMN_JOB;
    const char *what = job ? "job_id" : "thing_name";
    const char *text = words->text[which];
    text = text != NULL && text[0] != '\0' ? text : otherwise;
    if (text == NULL) {
        refuse(reader, words->line[which], words->column[which], "the row has no %s", what);
        return false;
    }
    if (job ? job_id_valid(text) : thing_name_valid(text)) {
        return text_copy(to, size, text);
    }
    refuse(reader, words->line[which], words->column[which], "%s takes 1 to %d of %s, not \"%.160s\"", what,
           job ? JOB_ID_MAX : THING_NAME_MAX, job ? "a-z A-Z 0-9 _ -" : "a-z A-Z 0-9 : _ -", text);
    return false;
}

static bool take_number(struct row_reader *reader, const struct words *words, int64_t *number)
{
    const char *text = words->text[COLUMN_NUMBER];
    *number = 0;
    if (text == NULL || text[0] == '\0' || text_int64(text, 1, INT64_MAX, number)) {
        return true;
    }
    refuse(reader, words->line[COLUMN_NUMBER], words->column[COLUMN_NUMBER],
           "execution_number takes a whole number above 0, or nothing for the newest, not \"%.80s\"", text);
    return false;
}

static bool take_verdict(struct row_reader *reader, const struct words *words, bool *keep)
{
    const char *text = words->text[COLUMN_VERDICT];
    *keep = text != NULL && strcmp(text, "keep") == 0;
    if (*keep || text == NULL || text[0] == '\0' || strcmp(text, "delete") == 0) {
        return true;
    }
    refuse(reader, words->line[COLUMN_VERDICT], words->column[COLUMN_VERDICT],
           "verdict is delete or keep, not \"%.80s\"", text);
    return false;
}

/* "ENTRY/ACCOUNT/REGION": the name of a target that says where it is. */
static bool says_where(const struct row_reader_config *config, const char *target)
{
    char where[128];
    size_t length = strlen(target);
    snprintf(where, sizeof where, "/%s/%s", config->account, config->region);
    return length > strlen(where) && strcmp(target + length - strlen(where), where) == 0;
}

/* What was planned elsewhere would be looked for under the same names here, and a row has no fingerprint that
 * would tell the two apart. */
static bool take_target(struct row_reader *reader, const struct words *words)
{
    const struct row_reader_config *config = &reader->config;
    const char *text = words->text[COLUMN_TARGET], *wanted = config->target;
    bool fits =
        wanted != NULL ? text != NULL && strcmp(text, wanted) == 0 : text != NULL && says_where(config, text);
    if (text == NULL || text[0] == '\0' || fits) {
        return true;
    }
    if (wanted != NULL) {
        refuse(reader, words->line[COLUMN_TARGET], words->column[COLUMN_TARGET],
               "the row is of target \"%.64s\", not of %s", text, wanted);
    } else {
        refuse(reader, words->line[COLUMN_TARGET], words->column[COLUMN_TARGET],
               "the row is of target \"%.64s\"; without a configuration nothing says whether that is account "
               "%s in %s",
               text, config->account, config->region);
    }
    return false;
}

/* wanted "": it is not known, and then nothing can be deleted either. */
static bool take_place(struct row_reader *reader, const struct words *words, enum column which,
                       const char *wanted)
{
    const char *text = words->text[which];
    if (text == NULL || text[0] == '\0' || wanted[0] == '\0' || strcmp(text, wanted) == 0) {
        return true;
    }
    refuse(reader, words->line[which], words->column[which], "the row is of %s \"%.64s\", not of %s",
           which == COLUMN_ACCOUNT ? "account" : "region", text, wanted);
    return false;
}

/* 1: a row; 0: none, because it was refused or is to be kept. All that is wrong with it is told. */
static int take(struct row_reader *reader, const struct words *words, struct read_row *row)
{
    struct job_execution *execution = &row->execution;
    bool keep, good;
    *row = (struct read_row){0};
    good = take_name(reader, words, COLUMN_JOB, reader->config.job_id, execution->job_id,
                     sizeof execution->job_id);
    good &= take_name(reader, words, COLUMN_THING, reader->config.thing_name, execution->thing_name,
                      sizeof execution->thing_name);
    good &= take_number(reader, words, &execution->number);
    good &= take_verdict(reader, words, &keep);
    good &= take_target(reader, words);
    good &= take_place(reader, words, COLUMN_ACCOUNT, reader->config.account);
    good &= take_place(reader, words, COLUMN_REGION, reader->config.region);
    reader->kept += good && keep;
    return good && !keep;
}

/* --- CSV ----------------------------------------------------------------------------------------------- */

static void tell_csv(struct row_reader *reader)
{
    const struct csv *csv = &reader->csv;
    refuse(reader, csv->problem_line, csv->problem_column, "%s", csv->problem);
}

/* One cell of the header. */
static void read_heading(struct row_reader *reader, size_t field)
{
    const char *name = csv_text(&reader->csv, field);
    const struct csv_field *place = &reader->csv.fields[field];
    enum column column = row_names_find(name);
    const char *nearest = column == COLUMN_COUNT ? row_names_nearest(name) : NULL;
    if (nearest != NULL) {
        refuse(reader, place->line, place->column, "unknown column \"%.80s\"; did you mean %s?", name,
               nearest);
    } else if (column != COLUMN_COUNT && reader->at[column] >= 0) {
        refuse(reader, place->line, place->column, "a second column \"%s\"", name);
    } else if (column != COLUMN_COUNT) {
        reader->at[column] = (int)field;
    } else {
        ignore(reader, name);
    }
}

static void miss_column(struct row_reader *reader, const char *name, const char *option)
{
    const char *first = csv_text(&reader->csv, 0);
    refuse(reader, reader->csv.line, 1,
           "the header has no column %s (nor is there %s); the first line names the columns: job_id, "
           "thing_name, execution_number, separated by commas, not \"%.80s\"",
           name, option, first);
}

static bool read_header(struct row_reader *reader)
{
    size_t before = reader->config.diagnostics->errors;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        reader->at[i] = -1;
    }
    int result = csv_next(&reader->csv);
    if (result < 0) {
        tell_csv(reader);
    }
    if (result <= 0) {
        return false;
    }
    reader->fields = reader->csv.count;
    for (size_t i = 0; i < reader->csv.count; i++) {
        read_heading(reader, i);
    }
    if (reader->config.diagnostics->errors > before) {
        return false;
    }
    if (reader->at[COLUMN_JOB] < 0 && reader->config.job_id == NULL) {
        miss_column(reader, "job_id", "--job");
    }
    if (reader->at[COLUMN_THING] < 0 && reader->config.thing_name == NULL) {
        miss_column(reader, "thing_name", "--thing");
    }
    return reader->config.diagnostics->errors == before;
}

static int take_record(struct row_reader *reader, struct read_row *row)
{
    const struct csv *csv = &reader->csv;
    struct words words = {0};
    if (csv->count != reader->fields) {
        refuse(reader, csv->line, 1, "the record has %zu field%s, the header %zu", csv->count,
               csv->count == 1 ? "" : "s", reader->fields);
        return 0;
    }
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int field = reader->at[i];
        words.line[i] = field >= 0 ? csv->fields[field].line : csv->line;
        words.column[i] = field >= 0 ? csv->fields[field].column : 1;
        words.text[i] = field >= 0 ? csv_text(csv, (size_t)field) : NULL;
    }
    int taken = take(reader, &words, row);
    row->line = csv->line;
    return taken;
}

static int next_record(struct row_reader *reader, struct read_row *row)
{
    for (;;) {
        int result = csv_next(&reader->csv);
        if (result == 0) {
            return 0;
        }
        if (result < 0) {
            tell_csv(reader);
        } else if (take_record(reader, row) > 0) {
            return 1;
        }
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

struct members {
    struct row_reader *reader;
    struct words words;
    bool refused;
};

static void refuse_item(struct members *members, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void refuse_item(struct members *members, const char *format, ...)
{
    char message[256];
    const struct json_items *items = &members->reader->items;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    refuse(members->reader, items->line, items->column, "%s", message);
    members->refused = true;
}

static void set_word(struct members *members, enum column column, const char *key,
                     const struct json_value *value)
{
    bool number = column == COLUMN_NUMBER;
    const char *text = number ? json_number(value) : json_string(value);
    const char *before = members->words.text[column];
    if (text == NULL) {
        refuse_item(members, "%s takes a %s", key, number ? "whole number" : "string");
    } else if (before != NULL && strcmp(before, text) != 0) {
        refuse_item(members, "%s says something else than a key before it", key);
    } else {
        members->words.text[column] = text;
    }
}

/* ours: what the ARNs of things here begin with, as far as it is known. */
static bool is_ours(const struct row_reader_config *config, const char *arn, size_t length, char ours[256])
{
    bool whole = config->account[0] != '\0';
    int known = snprintf(ours, 256, "arn:%s:iot:%s:%s", partition_of_region(config->region), config->region,
                         config->account);
    if (config->region[0] == '\0') {
        return true;
    }
    return strncmp(arn, ours, (size_t)known) == 0 &&
           (whole ? length == (size_t)known : length > (size_t)known);
}

/* arn:aws:iot:eu-west-1:123456789012:thing/gw-1 */
static void set_arn(struct members *members, const struct json_value *value)
{
    const struct row_reader_config *config = &members->reader->config;
    const char *arn = json_string(value);
    const char *name = arn != NULL ? strstr(arn, ":thing/") : NULL;
    const char *before = members->words.text[COLUMN_THING];
    int length = name != NULL && name - arn < 200 ? (int)(name - arn) : 200;
    char ours[256];
    if (name == NULL) {
        refuse_item(members, "%s is no ARN of a thing", "thingArn");
    } else if (!is_ours(config, arn, (size_t)(name - arn), ours)) {
        refuse_item(members, "thingArn begins with \"%.*s\", not with %s", length, arn, ours);
    } else if (before != NULL && strcmp(before, name + strlen(":thing/")) != 0) {
        refuse_item(members, "%s says something else than a key before it", "thingArn");
    } else {
        members->words.text[COLUMN_THING] = name + strlen(":thing/");
    }
}

static void on_member(void *ctx, const char *key, const struct json_value *value)
{
    struct members *members = ctx;
    enum column column = row_names_find(key);
    if (column != COLUMN_COUNT && value != NULL) {
        set_word(members, column, key, value);
    } else if (strcmp(key, "thingArn") == 0) {
        set_arn(members, value);
    } else if (strcmp(key, "jobExecutionSummary") == 0) {
        json_members(value, on_member, members);
    } else if (column == COLUMN_COUNT && row_names_nearest(key) != NULL) {
        refuse_item(members, "unknown key \"%.80s\"; did you mean %s?", key, row_names_nearest(key));
    } else if (column == COLUMN_COUNT && !row_names_silent(key)) {
        ignore(members->reader, key);
    }
}

/* A line of a plan that is no row: what it came to, in a target or in all. */
static bool is_report(const struct json_value *object)
{
    const char *event = json_string(json_get(object, "event"));
    static const char *const besides[] = {"plan", "target", "sum", "report"};
    for (size_t i = 0; event != NULL && i < sizeof besides / sizeof besides[0]; i++) {
        if (strcmp(event, besides[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int take_object(struct row_reader *reader, const struct json_value *object, struct read_row *row)
{
    struct members members = {.reader = reader};
    const char *event = json_string(json_get(object, "event"));
    for (int i = 0; i < COLUMN_COUNT; i++) {
        members.words.line[i] = reader->items.line;
        members.words.column[i] = reader->items.column;
    }
    if (is_report(object)) {
        return 0;
    }
    if (event != NULL && strcmp(event, "row") != 0) {
        refuse_item(&members, "\"event\":\"%.80s\" is no row", event);
        return 0;
    }
    json_members(object, on_member, &members);
    int taken = members.refused ? 0 : take(reader, &members.words, row);
    row->line = reader->items.line;
    return taken;
}

static int take_item(struct row_reader *reader, struct read_row *row)
{
    const struct json_items *items = &reader->items;
    struct err err;
    struct json_doc *doc = json_parse(buf_string(&items->text), items->text.length, &err);
    int taken = 0;
    if (doc == NULL) {
        refuse(reader, items->line, items->column, "%s", err.msg);
    } else if (!json_is_object(json_root(doc))) {
        refuse(reader, items->line, items->column, "a row is an object, {\"job_id\": ...}");
    } else {
        taken = take_object(reader, json_root(doc), row);
    }
    json_free(doc);
    return taken;
}

static int next_item(struct row_reader *reader, struct read_row *row)
{
    for (;;) {
        int result = json_items_next(&reader->items);
        if (result == 0) {
            return 0;
        }
        if (result < 0) {
            refuse(reader, reader->items.line, reader->items.column, "%s", reader->items.problem);
        } else if (take_item(reader, row) > 0) {
            return 1;
        }
    }
}

/* --- the face ------------------------------------------------------------------------------------------ */

/* UTF-16 shows in its first bytes, as its mark or as a NUL beside a letter. */
static bool is_utf16(const char *bytes, size_t length)
{
    return length >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0 ||
                           bytes[0] == '\0' || bytes[1] == '\0');
}

static bool begin(struct row_reader *reader)
{
    const char *bytes;
    size_t length = input_look(reader->input, 4096, &bytes);
    size_t at = 0;
    while (at < length && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != '\0') {
        at++;
    }
    if (at == length && reader->input->error == 0) {
        refuse(reader, 1, 1, "nothing is there: neither the header of a CSV nor a row of JSON");
    }
    if (is_utf16(bytes, length)) {
        refuse(reader, 1, 1, "this is UTF-16; rows are read as UTF-8");
    }
    if (at == length || is_utf16(bytes, length)) {
        return false;
    }
    reader->json = bytes[at] == '{' || bytes[at] == '[';
    if (reader->json) {
        json_items_init(&reader->items, reader->input);
        return true;
    }
    csv_init(&reader->csv, reader->input);
    return read_header(reader);
}

static void tell_input(struct row_reader *reader)
{
    struct input *input = reader->input;
    if (input->error != 0) {
        refuse(reader, input->line, input->column, "cannot be read on: %s", err_errno(input->error));
    }
}

int row_reader_next(struct row_reader *reader, struct read_row *row)
{
    if (reader->over) {
        return 0;
    }
    if (!reader->begun) {
        reader->begun = true;
        reader->over = !begin(reader);
    }
    int result = reader->over ? 0 : reader->json ? next_item(reader, row) : next_record(reader, row);
    if (result == 0) {
        reader->over = true;
        tell_input(reader);
        tell_ignored(reader);
    }
    return result;
}

int64_t row_reader_kept(const struct row_reader *reader)
{
    return reader->kept;
}

struct row_reader *row_reader_create(const struct row_reader_config *config, struct input *input)
{
    struct row_reader *reader = mem_zalloc(sizeof *reader);
    reader->config = *config;
    reader->config.account = config->account != NULL ? config->account : "";
    reader->config.region = config->region != NULL ? config->region : "";
    reader->input = input;
    reader->ignored = names_create();
    return reader;
}

void row_reader_destroy(struct row_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    json_items_finish(&reader->items);
    csv_finish(&reader->csv);
    names_destroy(reader->ignored);
    free(reader);
}
