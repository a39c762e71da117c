/* See app/logging.h. */
#include "app/logging.h"

#include "base/buf.h"
#include "base/log.h"

#include <stdio.h>

#define PRINTED_MAX (1024 * 1024)

void logging_set_up(const struct options *options, const struct config *config)
{
    enum log_level level = config != NULL ? config->log_level : LOG_INFO;
    enum log_format format = config != NULL ? config->log_format : LOG_AUTO;
    log_setup(options->log_level_given ? options->log_level : level,
              options->log_format_given ? options->log_format : format);
}

static void tell(const struct diagnostic *diagnostic)
{
    log_event(diagnostic->warning ? LOG_WARNING : LOG_ERROR, "configuration",
              "file=%s line=%d column=%d message=%s", diagnostic->file, diagnostic->line, diagnostic->column,
              diagnostic->message);
}

void logging_diagnostics(const struct diagnostics *diagnostics)
{
    struct buf out;
    if (log_is_json()) {
        for (size_t i = 0; i < diagnostics->count; i++) {
            tell(&diagnostics->items[i]);
        }
        return;
    }
    buf_init(&out, PRINTED_MAX);
    diagnostics_print(diagnostics, &out);
    fputs(buf_string(&out), stderr);
    buf_finish(&out);
}
