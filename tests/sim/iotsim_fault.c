/* See iotsim_fault.h. */
#include "sim/iotsim_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",         [FAULT_THROTTLE] = "throttle",         [FAULT_500] = "500",
    [FAULT_503] = "503",           [FAULT_EXPIRED] = "expired",           [FAULT_DENIED] = "denied",
    [FAULT_GARBAGE] = "garbage",   [FAULT_RESET_BEFORE] = "reset-before", [FAULT_CLOSE] = "close-keepalive",
    [FAULT_STALL] = "stall",       [FAULT_500_EXECUTED] = "500-executed", [FAULT_RESET_AFTER] = "reset-after",
    [FAULT_TRUNCATE] = "truncate",
};

const char *fault_name(enum fault fault)
{
    return names[fault];
}

/* A number from 0 to 1 that ends at end, as a rate. */
static bool read_rate(const char *text, const char *end, int *rate)
{
    char *stopped;
    double value = strtod(text, &stopped);
    if (stopped == text || stopped != end || !(value >= 0 && value <= 1)) {
        return false;
    }
    *rate = (int)(value * FAULT_WHOLE + 0.5);
    return true;
}

int fault_rate(const char *text, int *rate, struct err *err)
{
    if (read_rate(text, text + strlen(text), rate)) {
        return 0;
    }
    return err_set(err, ERR_INVALID, "'%s': a rate is a number from 0 to 1", text);
}

static int parse_one(struct fault_plan *plan, const char *text, size_t length, struct err *err)
{
    const char *equals = memchr(text, '=', length);
    int rate;
    if (!equals) {
        return err_set(err, ERR_INVALID, "fault '%.*s': give KIND=RATE", (int)length, text);
    }
    if (!read_rate(equals + 1, text + length, &rate)) {
        return err_set(err, ERR_INVALID, "fault '%.*s': the rate is a number from 0 to 1", (int)length, text);
    }
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        if (strlen(names[i]) == (size_t)(equals - text) && memcmp(names[i], text, strlen(names[i])) == 0) {
            plan->rate[i] = rate;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "fault '%.*s': no such kind", (int)length, text);
}

int fault_parse(struct fault_plan *plan, const char *text, struct err *err)
{
    int64_t sum = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        if (parse_one(plan, text, length, err) < 0) {
            return -1;
        }
        text += length;
        text += *text == ',';
    }
    for (int i = 0; i < FAULT_COUNT; i++) {
        sum += plan->rate[i];
    }
    if (sum > FAULT_WHOLE) {
        return err_set(err, ERR_INVALID, "the faults' rates are more than 1 together");
    }
    return 0;
}

bool fault_listed(const char *list, const char *word)
{
    size_t wanted = strlen(word);
    while (*list) {
        size_t length = strcspn(list, ",");
        if (length == wanted && memcmp(list, word, length) == 0) {
            return true;
        }
        list += length;
        list += *list == ',';
    }
    return false;
}

enum fault fault_draw(struct fault_plan *plan, const char *operation)
{
    if (plan->limit == 0 || (plan->operations && !fault_listed(plan->operations, operation))) {
        return FAULT_NONE;
    }
    int drawn = (int)random_below(&plan->random, FAULT_WHOLE);
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        drawn -= plan->rate[i];
        if (drawn >= 0) {
            continue;
        }
        plan->done[i]++;
        plan->limit -= plan->limit > 0;
        return (enum fault)i;
    }
    return FAULT_NONE;
}
