/* See base/log.h. A line is built whole and written with one write(), so that lines never mix. */
#include "base/log.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (16 * 1024)

static enum log_level threshold = LOG_INFO;
static enum log_format layout = LOG_TEXT;

static const char *const LEVELS[] = {"debug", "info", "warning", "error"};
static const int PRIORITIES[] = {7, 6, 4, 3}; /* of syslog(3) */
static const char *const FORMATS[] = {"text", "journal", "json"};

void log_setup(enum log_level least, enum log_format format)
{
    threshold = least;
    layout = format;
}

static int word_index(const char *word, const char *const *words, int count)
{
    int i = 0;
    while (i < count && strcmp(word, words[i]) != 0) {
        i++;
    }
    return i < count ? i : -1;
}

int log_level_parse(const char *word, enum log_level *level)
{
    int index = word_index(word, LEVELS, 4);
    *level = index < 0 ? *level : (enum log_level)index;
    return index < 0 ? -1 : 0;
}

int log_format_parse(const char *word, enum log_format *format)
{
    int index = word_index(word, FORMATS, 3);
    *format = index < 0 ? *format : (enum log_format)index;
    return index < 0 ? -1 : 0;
}

static void put_text(struct buf *line, const char *value)
{
    if (layout == LOG_JSON) {
        text_json(line, value);
    } else if (value[0] == '\0' || strpbrk(value, " \"=") != NULL) {
        struct buf visible;
        buf_init(&visible, LINE_MAX_BYTES);
        text_visible(&visible, value);
        buf_char(line, '"');
        for (const char *at = buf_string(&visible); *at != '\0'; at++) {
            if (*at == '"') {
                buf_char(line, '\\');
            }
            buf_char(line, *at);
        }
        buf_char(line, '"');
        buf_finish(&visible);
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
        const char *value = va_arg(*args, const char *);
        put_text(line, value != NULL ? value : "");
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
        buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", text, LEVELS[level]);
        text_json(line, event);
    } else if (layout == LOG_JOURNAL) {
        buf_printf(line, "<%d>%s", PRIORITIES[level], event);
    } else {
        buf_printf(line, "%s %s %s", text, LEVELS[level], event);
    }
}

void log_event(enum log_level level, const char *event, const char *fields, ...)
{
    if (level < threshold) {
        return;
    }
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    put_start(&line, level, event);
    va_list args;
    va_start(args, fields);
    while (*fields != '\0') {
        fields = put_field(&line, fields, &args);
    }
    va_end(args);
    buf_text(&line, layout == LOG_JSON ? "}\n" : "\n");
    ssize_t ignored = write(STDERR_FILENO, line.data, line.length);
    (void)ignored; /* there is nobody left to tell */
    buf_finish(&line);
}
