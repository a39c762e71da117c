/* See base/err.h. */
#include "base/err.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);
    return -1;
}

int err_context(struct err *err, const char *format, ...)
{
    char text[sizeof err->msg];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used >= sizeof text) {
        used = sizeof text - 1;
    }
    text_copy(text + used, sizeof text - used, ": ");
    used += strlen(text + used);
    text_copy(text + used, sizeof text - used, err->msg);
    memcpy(err->msg, text, sizeof text);
    return -1;
}

const char *err_errno(int number)
{
    const char *text = strerrordesc_np(number);
    return text != NULL ? text : "unknown system error";
}
