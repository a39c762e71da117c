/* What the programs tell a person on standard error. */
#include "app/say.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 2048

static const char *speaker = "jobsweep";

void say_as(const char *program)
{
    speaker = program;
}

void say(const char *format, ...)
{
    char text[TEXT_MAX];
    struct buf visible;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_init(&visible, 4 * sizeof text); /* \xNN for each byte */
    text_visible(&visible, text);
    fprintf(stderr, "%s: %s\n", speaker, buf_string(&visible));
    buf_finish(&visible);
}
