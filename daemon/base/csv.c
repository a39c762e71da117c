/* See base/csv.h. */
#include "base/csv.h"

#include "base/text.h"

#include <stdbool.h>

void csv_init(struct csv *csv, struct input *input)
{
    *csv = (struct csv){.input = input};
    buf_init(&csv->text, CSV_RECORD_MAX);
}

void csv_finish(struct csv *csv)
{
    buf_finish(&csv->text);
}

const char *csv_text(const struct csv *csv, size_t field)
{
    return csv->text.data + csv->fields[field].offset;
}

/* The first problem of a record is the one that is told. */
static void refuse_at(struct csv *csv, int64_t line, int64_t column, const char *problem)
{
    if (csv->problem == NULL) {
        csv->problem = problem;
        csv->problem_line = line;
        csv->problem_column = column;
    }
}

static void refuse(struct csv *csv, const char *problem)
{
    refuse_at(csv, csv->input->line, csv->input->column, problem);
}

static bool at_line_end(struct csv *csv)
{
    int byte = input_peek(csv->input);
    return byte == '\n' || byte == INPUT_END;
}

static void take(struct csv *csv)
{
    if (input_peek(csv->input) == '\0') {
        refuse(csv, "a NUL byte");
    }
    char byte = (char)input_peek(csv->input);
    if (!buf_char(&csv->text, byte)) {
        refuse(csv, "the record is over 64 KiB");
    }
    input_next(csv->input);
}

static void read_plain(struct csv *csv)
{
    while (!at_line_end(csv) && input_peek(csv->input) != ',') {
        if (input_peek(csv->input) == '"') {
            refuse(csv, "a quote inside of a field that is not quoted; such a field stands in quotes, and a "
                        "quote in it is written twice");
        }
        take(csv);
    }
    if (at_line_end(csv) && csv->text.length > 0 && csv->text.data[csv->text.length - 1] == '\r') {
        csv->text.data[--csv->text.length] = '\0';
    }
}

/* Behind the closing quote, or at the end of the input. */
static void read_quoted(struct csv *csv)
{
    int64_t line = csv->input->line, column = csv->input->column;
    input_next(csv->input);
    for (;;) {
        int byte = input_peek(csv->input);
        if (byte == INPUT_END) {
            refuse_at(csv, line, column, "a quoted field that never ends");
            return;
        }
        if (byte != '"') {
            take(csv);
            continue;
        }
        input_next(csv->input);
        if (input_peek(csv->input) != '"') {
            return;
        }
        take(csv);
    }
}

static void end_quoted(struct csv *csv)
{
    if (input_peek(csv->input) == '\r') {
        input_next(csv->input);
    }
    if (!at_line_end(csv) && input_peek(csv->input) != ',') {
        refuse(csv, "text behind the closing quote of a field");
    }
    while (!at_line_end(csv) && input_peek(csv->input) != ',') {
        input_next(csv->input);
    }
}

static void read_field(struct csv *csv)
{
    struct csv_field field = {
        .offset = csv->text.length, .line = csv->input->line, .column = csv->input->column};
    if (input_peek(csv->input) == '"') {
        read_quoted(csv);
        end_quoted(csv);
    } else {
        read_plain(csv);
    }
    size_t length = csv->text.length - field.offset;
    if (length > 0 && !text_is_utf8(csv->text.data + field.offset, length)) {
        refuse_at(csv, field.line, field.column, "a field that is not UTF-8");
    }
    if (!buf_append(&csv->text, "", 1)) {
        refuse(csv, "the record is over 64 KiB");
    }
    if (csv->count < CSV_FIELDS_MAX) {
        csv->fields[csv->count++] = field;
    } else {
        refuse_at(csv, field.line, field.column, "more than 64 fields");
    }
}

static void skip_empty_lines(struct csv *csv)
{
    const char *bytes;
    while (input_peek(csv->input) == '\n' ||
           (input_peek(csv->input) == '\r' && input_look(csv->input, 2, &bytes) == 2 && bytes[1] == '\n')) {
        input_next(csv->input);
    }
}

int csv_next(struct csv *csv)
{
    buf_reset(&csv->text);
    csv->count = 0;
    csv->problem = NULL;
    skip_empty_lines(csv);
    csv->line = csv->input->line;
    if (input_peek(csv->input) == INPUT_END) {
        return 0;
    }
    read_field(csv);
    while (input_peek(csv->input) == ',') {
        input_next(csv->input);
        read_field(csv);
    }
    input_next(csv->input); /* the line feed */
    return csv->problem == NULL ? 1 : -1;
}
