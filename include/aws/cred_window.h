/* When credentials are asked for again: pure. botocore's windows, an advisory one of 15 minutes and a
 * mandatory one of 10, shrink with the life of what was handed out, so that what lives for a quarter of an
 * hour is not asked for all the time. */
#ifndef AWS_CRED_WINDOW_H
#define AWS_CRED_WINDOW_H

#include <stdint.h>

enum cred_phase {
    CRED_FRESH,
    CRED_EARLY, /* ask in the background, and go on with these */
    CRED_LATE,  /* ask, and wait for the answer */
    CRED_LAST,  /* too near the end to be used even when nothing else comes */
};

struct cred_window { /* wall clock; all 0 for what never ends */
    int64_t early_ms, late_ms, last_ms;
};

/* As of now_ms, for credentials that end at expires_ms (0: never). The early window begins a quarter of the
 * life, at most 15 minutes, before the end, later by chance by up to half of its length; the late one a
 * sixth, at most 10 minutes; the last one a fifteenth, at most a minute. */
void cred_window_set(struct cred_window *window, int64_t now_ms, int64_t expires_ms, uint64_t chance);
enum cred_phase cred_window_phase(const struct cred_window *window, int64_t now_ms);
/* How long to wait after a refresh that failed: a tenth of what is left, from a second to a minute. */
int64_t cred_window_rest_ms(int64_t now_ms, int64_t expires_ms);

#endif
