/* See app/close_match.h. */
#include "app/close_match.h"

#include <stdbool.h>
#include <string.h>

#define LIKE     0.8
#define BEST     3
#define WORD_MAX 64

struct block {
    size_t a, b, length;
};

/* The longest common part; of equal ones the first in a, then in b. */
static struct block longest(const char *a, size_t a_length, const char *b, size_t b_length)
{
    struct block best = {0};
    for (size_t i = 0; i < a_length; i++) {
        for (size_t j = 0; j < b_length; j++) {
            size_t length = 0;
            while (i + length < a_length && j + length < b_length && a[i + length] == b[j + length]) {
                length++;
            }
            if (length > best.length) {
                best = (struct block){i, j, length};
            }
        }
    }
    return best;
}

/* Characters in common parts: of the longest one, and of what is left and right of it. */
static size_t matches(const char *a, size_t a_length, const char *b, size_t b_length)
{
    struct block best = longest(a, a_length, b, b_length);
    if (best.length == 0) {
        return 0;
    }
    size_t a_behind = best.a + best.length, b_behind = best.b + best.length;
    return best.length + matches(a, best.a, b, best.b) +
           matches(a + a_behind, a_length - a_behind, b + b_behind, b_length - b_behind);
}

double close_match_ratio(const char *a, const char *b)
{
    size_t a_length = strnlen(a, WORD_MAX), b_length = strnlen(b, WORD_MAX);
    if (a_length + b_length == 0) {
        return 1;
    }
    return 2.0 * (double)matches(a, a_length, b, b_length) / (double)(a_length + b_length);
}

/* The better one of two choices; of equally good ones that which sorts later, as heapq.nlargest() has it. */
static bool is_better(const char *choice, double ratio, const char *than, double than_ratio)
{
    return than == NULL || ratio > than_ratio || (ratio == than_ratio && strcmp(choice, than) > 0);
}

void close_match_suggest(const char *word, const char *const *choices, struct buf *out)
{
    const char *last = NULL;
    double last_ratio = 2;
    for (int told = 0; told < BEST; told++) {
        const char *best = NULL;
        double best_ratio = 0;
        for (size_t i = 0; choices[i] != NULL; i++) {
            double ratio = close_match_ratio(choices[i], word);
            bool is_left = last == NULL || is_better(last, last_ratio, choices[i], ratio);
            if (ratio >= LIKE && is_left && is_better(choices[i], ratio, best, best_ratio)) {
                best = choices[i];
                best_ratio = ratio;
            }
        }
        if (best == NULL) {
            return;
        }
        buf_printf(out, "%s\n  * %s", told == 0 ? "\nMaybe you meant:\n" : "", best);
        last = best;
        last_ratio = best_ratio;
    }
}
