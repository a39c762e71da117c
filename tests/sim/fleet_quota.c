/* See fleet_quota.h. */
#include "sim/fleet_quota.h"

#include "base/mem.h"

#include <stdlib.h>

#define WINDOW_MS 5000

void quota_open(struct quota *quota, enum quota_kind kind, int rate, int64_t now_ms)
{
    *quota = (struct quota){.kind = kind, .rate = rate > 0 ? rate : 0, .filled_ms = now_ms};
    quota->level = quota->rate * (kind == QUOTA_FIXED_WINDOW ? WINDOW_MS : 1000);
    if (kind == QUOTA_SLIDING_LOG && quota->rate > 0) {
        quota->log = mem_calloc((size_t)quota->rate, sizeof *quota->log);
    }
}

void quota_close(struct quota *quota)
{
    free(quota->log);
}

static void fill(struct quota *quota, int64_t now_ms)
{
    int64_t full = quota->rate * 1000;
    if (quota->kind == QUOTA_FIXED_WINDOW && now_ms / WINDOW_MS != quota->filled_ms / WINDOW_MS) {
        quota->level = quota->rate * WINDOW_MS;
    } else if (quota->kind == QUOTA_EACH_SECOND && now_ms / 1000 != quota->filled_ms / 1000) {
        quota->level = full;
    } else if (quota->kind == QUOTA_CONTINUOUS && now_ms - quota->filled_ms >= 1000) {
        quota->level = full;
    } else if (quota->kind == QUOTA_CONTINUOUS && now_ms > quota->filled_ms) {
        quota->level += (now_ms - quota->filled_ms) * quota->rate;
    }
    if (quota->kind == QUOTA_CONTINUOUS && quota->level > full) {
        quota->level = full;
    }
    if (now_ms > quota->filled_ms) {
        quota->filled_ms = now_ms;
    }
}

static bool take_from_log(struct quota *quota, int64_t now_ms)
{
    int64_t *oldest = &quota->log[quota->logged % quota->rate];
    if (*oldest != 0 && now_ms - *oldest < 1000) {
        return false;
    }
    *oldest = now_ms;
    quota->logged++;
    return true;
}

bool quota_take(struct quota *quota, int64_t now_ms)
{
    if (quota->rate == 0) {
        return true;
    }
    if (quota->kind == QUOTA_SLIDING_LOG) {
        return take_from_log(quota, now_ms);
    }
    fill(quota, now_ms);
    if (quota->level < 1000) {
        return false;
    }
    quota->level -= 1000;
    return true;
}
