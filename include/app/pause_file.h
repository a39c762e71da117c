/* That the daemon is paused, kept in the state directory: it outlives the process, because a daemon that was
 * told to delete nothing must not begin to when it is started again. */
#ifndef APP_PAUSE_FILE_H
#define APP_PAUSE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define PAUSE_FILE "paused"

struct pause {
    bool paused;
    int64_t since_ms; /* 0: not known */
    int64_t user;     /* -1: not known */
};

/* Whatever the file holds, where there is one, it says paused. Not where there is none. */
void pause_load(const char *directory, struct pause *pause);
/* It is on the disk when this returns. -1 with ERR_IO. */
int pause_store(const char *directory, const struct pause *pause, struct err *err);
/* It is off the disk. -1 with ERR_IO: it still is there, or was put back, unless err says that it could not.
 */
int pause_remove(const char *directory, const struct pause *pause, struct err *err);

/* "since TIME, by root" or "by user N", as far as it is known. Returns out. */
char *pause_text(const struct pause *pause, char out[80]);

#endif
