/* See base/log.h. A line is built whole and written with one write(), so that lines never mix. */
#include "base/log.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES  (64 * 1024)
#define VALUE_MAX_BYTES 2000 /* as JSON up to six times as long */
#define END_MAX_BYTES   2    /* of a line */

const char *const log_level_words[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error", NULL};
const char *const log_format_words[] = {
    [LOG_AUTO] = "auto", [LOG_TEXT] = "text", [LOG_JOURNAL] = "journal", [LOG_JSON] = "json", NULL};

static enum log_level threshold = LOG_INFO;
static enum log_format layout = LOG_TEXT; /* never LOG_AUTO */

static const int PRIORITIES[] = {7, 6, 4, 3}; /* of syslog(3) */

bool log_has_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];
    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(own, stream) == 0;
}

void log_setup(enum log_level least, enum log_format format)
{
    threshold = least;
    layout = format != LOG_AUTO ? format : log_has_journal() ? LOG_JOURNAL : LOG_TEXT;
}

bool log_is_json(void)
{
    return layout == LOG_JSON;
}

static int word_index(const char *word, const char *const *words)
{
    int i = 0;
    while (words[i] != NULL && strcmp(word, words[i]) != 0) {
        i++;
    }
    return words[i] != NULL ? i : -1;
}

int log_level_parse(const char *word, enum log_level *level)
{
    int index = word_index(word, log_level_words);
    *level = index < 0 ? *level : (enum log_level)index;
    return index < 0 ? -1 : 0;
}

int log_format_parse(const char *word, enum log_format *format)
{
    int index = word_index(word, log_format_words);
    *format = index < 0 ? *format : (enum log_format)index;
    return index < 0 ? -1 : 0;
}

/* value itself, or what of it is shown, which the caller frees: whole characters. */
static const char *cut(const char *value, char **shorter)
{
    size_t length = VALUE_MAX_BYTES, back = 0;
    *shorter = NULL;
    if (strnlen(value, VALUE_MAX_BYTES + 1) <= VALUE_MAX_BYTES) {
        return value;
    }
    while (back < 3 && ((unsigned char)value[length - back] & 0xc0) == 0x80) {
        back++;
    }
    length -= back;
    *shorter = mem_alloc(length + sizeof "...");
    memcpy(*shorter, value, length);
    memcpy(*shorter + length, "...", sizeof "...");
    return *shorter;
}

/* A backslash of the value's own is doubled, so that none can take the quote that ends it away. */
static void put_quoted(struct buf *line, const char *value)
{
    struct buf escaped;
    buf_init(&escaped, LINE_MAX_BYTES);
    for (const char *at = value; *at != '\0'; at++) {
        buf_text(&escaped, *at == '"' || *at == '\\' ? "\\" : "");
        buf_char(&escaped, *at);
    }
    buf_char(line, '"');
    text_visible(line, buf_string(&escaped));
    buf_char(line, '"');
    buf_finish(&escaped);
}

static void put_text(struct buf *line, const char *value)
{
    if (layout == LOG_JSON) {
        text_json(line, value);
    } else if (value[0] == '\0' || strpbrk(value, " \"=\\") != NULL) {
        put_quoted(line, value);
    } else {
        text_visible(line, value);
    }
}

static void put_number(struct buf *line, const char *conversion, va_list *args)
{
    bool is_signed = conversion[strlen(conversion) - 1] != 'u';
    size_t longs = strspn(conversion, "l");
    if (is_signed) {
        long long value = longs == 2   ? va_arg(*args, long long)
                          : longs == 1 ? va_arg(*args, long)
                                       : va_arg(*args, int);
        buf_printf(line, "%lld", value);
    } else {
        unsigned long long value = longs == 2   ? va_arg(*args, unsigned long long)
                                   : longs == 1 ? va_arg(*args, unsigned long)
                                                : va_arg(*args, unsigned);
        buf_printf(line, "%llu", value);
    }
}

/* One "key=%conversion" of fields; returns what is behind it. */
static const char *put_field(struct buf *line, const char *field, va_list *args)
{
    size_t key = strcspn(field, "=");
    size_t end = strcspn(field, " ");
    char conversion[8] = "";
    for (size_t i = key + 2, n = 0; i < end && n + 1 < sizeof conversion; i++) {
        conversion[n++] = field[i];
    }
    if (layout == LOG_JSON) {
        buf_printf(line, ",\"%.*s\":", (int)key, field);
    } else {
        buf_printf(line, " %.*s=", (int)key, field);
    }
    if (strcmp(conversion, "s") == 0) {
        char *shorter;
        const char *value = va_arg(*args, const char *);
        put_text(line, cut(value != NULL ? value : "", &shorter));
        free(shorter);
    } else {
        put_number(line, conversion, args);
    }
    return field + end + strspn(field + end, " ");
}

static void put_start(struct buf *line, enum log_level level, const char *event)
{
    struct timespec now;
    char text[21];
    clock_gettime(CLOCK_REALTIME, &now);
    time_rfc3339((int64_t)now.tv_sec * TIME_MS_PER_SECOND, text);
    if (layout == LOG_JSON) {
        buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", text, log_level_words[level]);
        text_json(line, event);
    } else if (layout == LOG_JOURNAL) {
        buf_printf(line, "<%d>%s", PRIORITIES[level], event);
    } else {
        buf_printf(line, "%s %s %s", text, log_level_words[level], event);
    }
}

void log_event(enum log_level level, const char *event, const char *fields, ...)
{
    if (level < threshold) {
        return;
    }
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES - END_MAX_BYTES);
    put_start(&line, level, event);
    va_list args;
    va_start(args, fields);
    while (*fields != '\0') {
        size_t before = line.length;
        fields = put_field(&line, fields, &args);
        if (line.overflow) { /* half a field would spoil the line */
            buf_cut(&line, before);
        }
    }
    va_end(args);
    line.max += END_MAX_BYTES;
    buf_text(&line, layout == LOG_JSON ? "}\n" : "\n");
    ssize_t ignored = write(STDERR_FILENO, line.data, line.length);
    (void)ignored; /* there is nobody left to tell */
    buf_finish(&line);
}
