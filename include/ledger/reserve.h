/* A file that only takes up space, so that what must still be written can be when the disk is full. It grows
 * before it is needed, and is given back bit by bit, so that nobody else takes all of it at once. It stays
 * when the process ends: the next one needs it for what that has left open. */
#ifndef LEDGER_RESERVE_H
#define LEDGER_RESERVE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reserve;

/* A disk that is none of the system's: the simulator's. */
struct reserve_disk {
    void *ctx;
    int64_t (*size)(void *ctx);              /* of the reserve, in bytes */
    int (*resize)(void *ctx, int64_t bytes); /* 0, or an errno */
};

/* disk: NULL for the system's, where the reserve is a file in the directory. left_open: what an earlier
 * process held is kept. NULL with err: ERR_IO when the file cannot be made. Holds nothing yet. */
struct reserve *reserve_open(const char *directory, const struct reserve_disk *disk, bool left_open,
                             struct err *err);
void reserve_close(struct reserve *reserve); /* takes NULL */

/* Has it hold room for so many results. -1 with ERR_IO: the disk has no room. */
int reserve_grow(struct reserve *reserve, size_t results, struct err *err);
/* Gives a part back. False when nothing is left; takes NULL. */
bool reserve_give(struct reserve *reserve);

#endif
