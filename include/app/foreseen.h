/* What a daemon that runs says of when it sweeps: the configuration that it has may be older than the file,
 * and jitter is drawn by it. */
#ifndef APP_FORESEEN_H
#define APP_FORESEEN_H

#include "app/control_place.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct foreseen_firing {
    char *policy;
    char *target;  /* NULL: all of its targets, when its schedule fires; else a sweep that was put off until
                      then */
    int64_t at_ms; /* 0: it has no schedule */
};

struct foreseen {
    int64_t process;
    bool paused;
    int64_t put_off; /* how many sweeps; firings has some of them at least */
    struct foreseen_firing *firings;
    size_t count;
};

/* -1 as control_link_open(), or control_link_next(). */
int foreseen_ask(struct foreseen *foreseen, const struct control_way *way, struct err *err);
void foreseen_finish(struct foreseen *foreseen);
/* The schedule's next of the policy; NULL: the daemon does not know the policy. */
const struct foreseen_firing *foreseen_next(const struct foreseen *foreseen, const char *policy);

#endif
