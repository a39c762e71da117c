/* See model/timestamp.h. The number is read as digits and a decimal exponent and shifted to milliseconds;
 * what is finer is cut. */
#include "model/timestamp.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define SECONDS_END   INT64_C(10000000000) /* the first second that is none */
#define EXPONENT_MAX  400
#define DIGITS_WANTED 18 /* leading digits that are kept: more than 10 + 3 */

struct decimal {
    int64_t digits; /* the leading ones, as a whole number */
    int exponent;   /* value = digits * 10^exponent */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *read_digits(const char *at, struct decimal *decimal, int *kept, int step)
{
    for (; is_digit(*at); at++) {
        bool keep = *kept < DIGITS_WANTED;
        if (keep) {
            decimal->digits = decimal->digits * 10 + (*at - '0');
            *kept += decimal->digits > 0;
        }
        decimal->exponent += keep ? step : step + 1;
    }
    return at;
}

/* "e+9" and the like; NULL when malformed or beyond EXPONENT_MAX. */
static const char *read_exponent(const char *at, int *exponent)
{
    bool negative = *++at == '-';
    int value = 0;
    at += *at == '-' || *at == '+';
    if (!is_digit(*at)) {
        return NULL;
    }
    for (; is_digit(*at); at++) {
        value = value * 10 + (*at - '0');
        if (value > EXPONENT_MAX) {
            return NULL;
        }
    }
    *exponent += negative ? -value : value;
    return at;
}

static bool read_decimal(const char *text, struct decimal *decimal)
{
    int kept = 0;
    const char *at = text;
    if (!is_digit(*at)) {
        return false;
    }
    at = read_digits(at, decimal, &kept, 0);
    if (*at == '.') {
        if (!is_digit(*++at)) {
            return false;
        }
        at = read_digits(at, decimal, &kept, -1);
    }
    if (*at == 'e' || *at == 'E') {
        at = read_exponent(at, &decimal->exponent);
    }
    return at != NULL && *at == '\0';
}

bool timestamp_parse(const char *text, struct timestamp *timestamp)
{
    struct decimal decimal = {0};
    *timestamp = (struct timestamp){0};
    if (strlen(text) > TIMESTAMP_TEXT_MAX || !read_decimal(text, &decimal)) {
        return false;
    }
    int64_t ms = decimal.digits;
    int shift = decimal.exponent + 3;
    for (; shift > 0 && ms > 0; shift--) {
        if (ms >= SECONDS_END * 1000) {
            return false;
        }
        ms *= 10;
    }
    for (; shift < 0 && ms > 0; shift++) {
        ms /= 10;
    }
    if (ms <= 0 || ms >= SECONDS_END * 1000) {
        return false;
    }
    timestamp->ms = ms;
    return text_copy(timestamp->text, sizeof timestamp->text, text);
}

bool timestamp_present(const struct timestamp *timestamp)
{
    return timestamp->text[0] != '\0';
}

bool timestamp_equal(const struct timestamp *a, const struct timestamp *b)
{
    return strcmp(a->text, b->text) == 0;
}
