/* See policy/diagnostics.h. What is kept has been made visible and cut when it came in, so that neither a
 * terminal nor the memory has to fear a hostile file. */
#include "policy/diagnostics.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1000

void diagnostics_init(struct diagnostics *diagnostics)
{
    *diagnostics = (struct diagnostics){0};
}

void diagnostics_finish(struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        free(diagnostics->items[i].file);
        free(diagnostics->items[i].message);
        free(diagnostics->items[i].source);
    }
    free(diagnostics->items);
    diagnostics_init(diagnostics);
}

bool diagnostics_room(const struct diagnostics *diagnostics)
{
    return diagnostics->count < DIAGNOSTICS_MAX;
}

static bool continues(char byte) /* is it inside of a UTF-8 sequence? */
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The byte behind `count` characters, or where the line ends. */
static const char *skip_characters(const char *text, size_t count)
{
    while (count > 0 && *text != '\0' && *text != '\n') {
        text++;
        count -= !continues(*text);
    }
    return text;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += !continues(*text);
    }
    return count;
}

/* Appends the text from..to, tabs as one space. */
static void append_visible(struct buf *out, const char *from, const char *to)
{
    char *part = mem_strndup(from, (size_t)(to - from));
    for (char *tab = part; (tab = strchr(tab, '\t')) != NULL;) {
        *tab = ' ';
    }
    text_visible(out, part);
    free(part);
}

/* Keeps a window of the line around the column, and where the caret stands in it. */
static void keep_source(struct diagnostic *item, const char *line)
{
    size_t before = item->column > 0 ? (size_t)item->column - 1 : 0;
    char *text = mem_strndup(line, strcspn(line, "\r\n"));
    size_t all = count_characters(text);
    size_t spare = all > DIAGNOSTIC_SOURCE_MAX ? all - DIAGNOSTIC_SOURCE_MAX : 0;
    size_t skipped = before > DIAGNOSTIC_SOURCE_MAX / 2 ? before - DIAGNOSTIC_SOURCE_MAX / 2 : 0;
    skipped = skipped < spare ? skipped : spare; /* a line that fits is shown as it is */
    free(text);
    const char *start = skip_characters(line, skipped);
    const char *place = skip_characters(start, before - skipped);
    const char *end = skip_characters(start, DIAGNOSTIC_SOURCE_MAX);
    if (end > start && end[-1] == '\r') {
        end--;
    }
    struct buf out;
    buf_init(&out, DIAGNOSTIC_SOURCE_MAX * 16 + 8);
    buf_text(&out, skipped > 0 ? "..." : "");
    append_visible(&out, start, place < end ? place : end);
    item->caret = (int)count_characters(buf_string(&out));
    append_visible(&out, place < end ? place : end, end);
    buf_text(&out, *end != '\0' && *end != '\n' && *end != '\r' ? "..." : "");
    item->source = mem_strdup(buf_string(&out));
    buf_finish(&out);
}

__attribute__((format(printf, 1, 0))) static char *visible_message(const char *format, va_list args)
{
    char raw[MESSAGE_MAX];
    struct buf out;
    vsnprintf(raw, sizeof raw, format, args);
    buf_init(&out, sizeof raw * 4);
    text_visible(&out, raw);
    char *message = mem_strdup(buf_string(&out));
    buf_finish(&out);
    return message;
}

void diagnostics_add(struct diagnostics *diagnostics, const struct place *place, bool warning,
                     const char *source, const char *format, ...)
{
    diagnostics->errors += !warning;
    diagnostics->warnings += warning;
    if (!diagnostics_room(diagnostics)) {
        return;
    }
    if (diagnostics->items == NULL) {
        diagnostics->items = mem_calloc(DIAGNOSTICS_MAX, sizeof *diagnostics->items);
    }
    struct diagnostic *item = &diagnostics->items[diagnostics->count++];
    *item = (struct diagnostic){
        .file = mem_strdup(place->file), .line = place->line, .column = place->column, .warning = warning};
    va_list args;
    va_start(args, format);
    item->message = visible_message(format, args);
    va_end(args);
    if (source != NULL) {
        keep_source(item, source);
    }
}

static int compare(const void *left, const void *right)
{
    const struct diagnostic *a = left, *b = right;
    int files = strcmp(a->file, b->file);
    if (files != 0) {
        return files;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return strcmp(a->message, b->message); /* the order must not depend on qsort() */
}

void diagnostics_sort(struct diagnostics *diagnostics)
{
    if (diagnostics->count > 0) {
        qsort(diagnostics->items, diagnostics->count, sizeof *diagnostics->items, compare);
    }
}

static void print_one(const struct diagnostic *item, struct buf *out)
{
    text_visible(out, item->file);
    if (item->line > 0) {
        buf_printf(out, ":%d:%d", item->line, item->column);
    }
    buf_printf(out, ": %s: %s\n", item->warning ? "warning" : "error", item->message);
    if (item->source != NULL && item->line > 0) {
        buf_printf(out, "    %s\n    %*s^\n", item->source, item->caret, "");
    }
}

void diagnostics_print(const struct diagnostics *diagnostics, struct buf *out)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        print_one(&diagnostics->items[i], out);
    }
    size_t all = diagnostics->errors + diagnostics->warnings;
    if (all > diagnostics->count) {
        buf_printf(out, "%zu more are not shown\n", all - diagnostics->count);
    }
}
