/* The log: one line an event, on standard error, as text or JSON. Only `app` and whoever handles an error
 * write to it. A line has a level, an event (a fixed phrase) and pairs of key and value; values are made
 * visible (base/text.h), so that nothing from outside can forge a line. One per process, set up by main(). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format {
    LOG_AUTO, /* LOG_JOURNAL where standard error leads to the journal (log_has_journal()), else LOG_TEXT */
    LOG_TEXT, /* 2026-11-24T03:15:00Z info sweep finished policy=a deleted=12 */
    LOG_JOURNAL, /* <6>sweep finished policy=a deleted=12 (the priority prefix of sd-daemon(3)) */
    LOG_JSON     /* {"time":"...","level":"info","event":"sweep finished","policy":"a","deleted":12} */
};

/* Their words, by value, with a NULL behind the last: "debug", "info", "warning", "error"; "auto", "text",
 * "journal", "json". */
extern const char *const log_level_words[], *const log_format_words[];

/* May be called again at any time. */
void log_setup(enum log_level least, enum log_format format);
/* Lines are written as JSON, so that nothing else should stand between them. */
bool log_is_json(void);
/* Whether standard error is the stream that JOURNAL_STREAM names (systemd.exec(5)). */
bool log_has_journal(void);

/* fields: pairs of a key and a printf format, as in log_event(LOG_INFO, "sweep finished", "policy=%s
 * deleted=%ld", name, n): words split at spaces, each key=%conversion; the conversions %s %d %u %ld %lu %lld
 * %llu are known. A value of over 2,000 bytes is cut, and ends in "..."; fields that make a line longer than
 * 64 KiB are left out. */
void log_event(enum log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

/* -1 for any word that is none of theirs. */
int log_level_parse(const char *word, enum log_level *level);
int log_format_parse(const char *word, enum log_format *format);

#endif
