/* See aws/cred_window.h. */
#include "aws/cred_window.h"

#include "base/time.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void cred_window_set(struct cred_window *window, int64_t now_ms, int64_t expires_ms, uint64_t chance)
{
    int64_t life_ms = expires_ms > now_ms ? expires_ms - now_ms : 0;
    int64_t early_ms = least(15 * TIME_MS_PER_MINUTE, life_ms / 4);
    int64_t late_ms = least(10 * TIME_MS_PER_MINUTE, life_ms / 6);
    int64_t jitter_ms = (int64_t)(chance % (uint64_t)((early_ms - late_ms) / 2 + 1));
    *window = (struct cred_window){0, 0, 0};
    if (expires_ms != 0) {
        window->early_ms = expires_ms - early_ms + jitter_ms;
        window->late_ms = expires_ms - late_ms;
        window->last_ms = expires_ms - least(TIME_MS_PER_MINUTE, life_ms / 15);
    }
}

enum cred_phase cred_window_phase(const struct cred_window *window, int64_t now_ms)
{
    if (window->last_ms == 0 || now_ms < window->early_ms) {
        return CRED_FRESH;
    }
    if (now_ms < window->late_ms) {
        return CRED_EARLY;
    }
    return now_ms < window->last_ms ? CRED_LATE : CRED_LAST;
}

int64_t cred_window_rest_ms(int64_t now_ms, int64_t expires_ms)
{
    int64_t rest_ms = least(TIME_MS_PER_MINUTE, (expires_ms - now_ms) / 10);
    return rest_ms > TIME_MS_PER_SECOND ? rest_ms : TIME_MS_PER_SECOND;
}
