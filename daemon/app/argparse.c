/* See app/argparse.h.
 *
 * argparse first tells options from values by their looks alone ("classify"), one word at a time; everything
 * behind "--" is a value. Then it walks: values in front of the next option go to the positional, an option
 * takes what it needs of the values behind it, and what nobody takes is left over. */
#include "app/argparse.h"

#include "app/close_match.h"
#include "app/py_value.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum kind { VALUE, OPTION, DASHES /* "--" itself */ };

#define UNKNOWN ((size_t)-1)

struct word {
    enum kind kind;
    size_t rule;          /* OPTION: its rule, or UNKNOWN */
    const char *explicit; /* OPTION: behind the '=', or NULL */
};

struct reading {
    const struct argparse_table *table;
    const char *const *words;
    struct word *kinds;
    size_t count;
    const char **rest;
    size_t *rest_count;
    bool *seen; /* by rule */
    struct buf *wrong;
    bool stopped;
};

static bool is_positional(const struct argparse_rule *rule)
{
    return rule->name[0] != '-';
}

static void leave(struct reading *r, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        r->rest[(*r->rest_count)++] = r->words[i];
    }
}

static bool fail(struct reading *r, size_t rule, const char *text)
{
    buf_printf(r->wrong, "argument %s: %s", r->table->rules[rule].name, text);
    return false;
}

/* --- what a word looks like ------------------------------------------------------------------------------
 */

/* ^-\d+$|^-\d*\.\d+$ */
static bool is_negative_number(const char *word)
{
    const char *digits = word + 1 + strspn(word + 1, "0123456789");
    if (*digits == '\0') {
        return digits > word + 1;
    }
    size_t fraction = *digits == '.' ? strspn(digits + 1, "0123456789") : 0;
    return fraction > 0 && digits[1 + fraction] == '\0';
}

static bool begins_with(const char *text, const char *start, size_t length)
{
    return strncmp(text, start, length) == 0;
}

static size_t exact_rule(const struct argparse_table *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct argparse_rule *rule = &table->rules[i];
        if (!is_positional(rule) && strlen(rule->name) == length && begins_with(rule->name, name, length)) {
            return i;
        }
    }
    return UNKNOWN;
}

/* False when several rules begin like that. */
static bool prefix_rule(struct reading *r, const char *word, size_t length, size_t *found)
{
    size_t matches = 0;
    for (size_t i = 0; i < r->table->count; i++) {
        const char *name = r->table->rules[i].name;
        if (!is_positional(&r->table->rules[i]) && begins_with(name, word, length)) {
            *found = i;
            matches++;
        }
    }
    if (matches <= 1) {
        return true;
    }
    buf_printf(r->wrong, "ambiguous option: %s could match ", word);
    for (size_t i = 0, told = 0; i < r->table->count; i++) {
        const char *name = r->table->rules[i].name;
        if (!is_positional(&r->table->rules[i]) && begins_with(name, word, length)) {
            buf_printf(r->wrong, "%s%s", told++ > 0 ? ", " : "", name);
        }
    }
    return false;
}

static bool looks_like_value(const char *word)
{
    return is_negative_number(word) || strchr(word, ' ') != NULL;
}

static bool classify_one(struct reading *r, const char *word, struct word *kind)
{
    *kind = (struct word){.kind = VALUE, .rule = UNKNOWN};
    if (word[0] != '-' || word[1] == '\0') {
        return true;
    }
    const char *equals = strchr(word, '=');
    size_t length = strlen(word);
    kind->rule = exact_rule(r->table, word, length);
    if (kind->rule == UNKNOWN && equals != NULL) {
        length = (size_t)(equals - word);
        kind->explicit = equals + 1;
        kind->rule = exact_rule(r->table, word, length);
    }
    if (kind->rule == UNKNOWN && word[1] == '-' && !prefix_rule(r, word, length, &kind->rule)) {
        return false;
    }
    if (kind->rule != UNKNOWN || !looks_like_value(word)) {
        kind->kind = OPTION;
    }
    return true;
}

static bool classify(struct reading *r)
{
    bool behind = false;
    for (size_t i = 0; i < r->count; i++) {
        if (behind) {
            r->kinds[i] = (struct word){.kind = VALUE, .rule = UNKNOWN};
        } else if (strcmp(r->words[i], "--") == 0) {
            r->kinds[i] = (struct word){.kind = DASHES, .rule = UNKNOWN};
            behind = true;
        } else if (!classify_one(r, r->words[i], &r->kinds[i])) {
            return false;
        }
    }
    return true;
}

/* --- taking ----------------------------------------------------------------------------------------------
 */

static bool check_choice(struct reading *r, size_t rule, const char *value)
{
    const char *const *choices = r->table->rules[rule].choices;
    for (size_t i = 0; choices != NULL && choices[i] != NULL; i++) {
        if (strcmp(choices[i], value) == 0) {
            return true;
        }
    }
    if (choices == NULL) {
        return true;
    }
    fail(r, rule, "Found invalid choice '");
    buf_printf(r->wrong, "%s'\n", value);
    close_match_suggest(value, choices, r->wrong);
    return false;
}

static bool check_integer(struct reading *r, size_t rule, const char *value)
{
    struct buf digits;
    buf_init(&digits, PY_INT_DIGITS_MAX + 1);
    bool good = py_int(value, strlen(value), &digits);
    buf_finish(&digits);
    if (!good) {
        fail(r, rule, "invalid int value: ");
        py_repr_text(r->wrong, value, strlen(value));
    }
    return good;
}

static bool take(struct reading *r, size_t rule, const char *value)
{
    r->seen[rule] = true;
    if (value != NULL && ((r->table->rules[rule].integer && !check_integer(r, rule, value)) ||
                          !check_choice(r, rule, value))) {
        return false;
    }
    r->stopped = !r->table->take(r->table->ctx, rule, value);
    return !r->stopped;
}

/* The option at *at, with its value; *at moves behind them. */
static bool take_option(struct reading *r, size_t *at)
{
    const struct word *word = &r->kinds[*at];
    if (word->rule == UNKNOWN) {
        leave(r, *at, *at + 1);
        (*at)++;
        return true;
    }
    enum argparse_takes takes = r->table->rules[word->rule].takes;
    (*at)++;
    if (word->explicit != NULL) {
        if (takes != ARGPARSE_NOTHING && strcmp(word->explicit, "--") == 0) {
            /* argparse drops it, and is left with an empty list, which is no value of anything */
            return fail(r, word->rule, "expected one argument");
        }
        if (takes != ARGPARSE_NOTHING) {
            return take(r, word->rule, word->explicit);
        }
        fail(r, word->rule, "ignored explicit argument ");
        py_repr_text(r->wrong, word->explicit, strlen(word->explicit));
        return false;
    }
    if (takes != ARGPARSE_NOTHING && *at < r->count && r->kinds[*at].kind == VALUE) {
        return take(r, word->rule, r->words[(*at)++]);
    }
    return takes != ARGPARSE_ONE ? take(r, word->rule, NULL) : fail(r, word->rule, "expected one argument");
}

/* The positional takes a value at *at, if it has none yet: "--" around it is dropped. */
static bool take_positional(struct reading *r, size_t *at)
{
    size_t rule = 0, value = *at;
    while (rule < r->table->count && !is_positional(&r->table->rules[rule])) {
        rule++;
    }
    if (rule == r->table->count || r->seen[rule]) {
        return true;
    }
    while (value < r->count && r->kinds[value].kind == DASHES) {
        value++;
    }
    bool found = value < r->count && r->kinds[value].kind == VALUE;
    if (!found && r->table->rules[rule].takes == ARGPARSE_ONE) {
        return true;
    }
    *at = found ? value + 1 : value;
    while (*at < r->count && r->kinds[*at].kind == DASHES) {
        (*at)++;
    }
    return take(r, rule, found ? r->words[value] : NULL);
}

static size_t next_option(const struct reading *r, size_t from)
{
    while (from < r->count && r->kinds[from].kind != OPTION) {
        from++;
    }
    return from;
}

static bool walk(struct reading *r)
{
    size_t at = 0, option = next_option(r, 0);
    while (option < r->count) {
        size_t before = at;
        if (at != option && !take_positional(r, &at)) {
            return false;
        }
        if (at == before) {
            leave(r, at, option);
            at = option;
            if (!take_option(r, &at)) {
                return false;
            }
        }
        option = next_option(r, at);
    }
    if (!take_positional(r, &at)) {
        return false;
    }
    leave(r, at, r->count);
    return true;
}

static bool check_required(struct reading *r)
{
    size_t missing = 0;
    for (size_t i = 0; i < r->table->count; i++) {
        if (r->table->rules[i].required && !r->seen[i]) {
            buf_printf(r->wrong, "%s%s", missing++ > 0 ? ", " : "the following arguments are required: ",
                       r->table->rules[i].name);
        }
    }
    return missing == 0;
}

enum argparse_end argparse_read(const struct argparse_table *table, const char *const *words, size_t count,
                                const char **rest, size_t *rest_count, struct buf *what_is_wrong)
{
    struct reading r = {.table = table,
                        .words = words,
                        .kinds = mem_calloc(count + 1, sizeof *r.kinds),
                        .count = count,
                        .rest = rest,
                        .rest_count = rest_count,
                        .seen = mem_calloc(table->count, sizeof *r.seen),
                        .wrong = what_is_wrong};
    *rest_count = 0;
    bool read = classify(&r) && walk(&r) && check_required(&r);
    free(r.kinds);
    free(r.seen);
    return read ? ARGPARSE_READ : r.stopped ? ARGPARSE_STOPPED : ARGPARSE_WRONG;
}
