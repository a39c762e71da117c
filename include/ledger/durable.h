/* The durable ledger: the face of model/ledger.h on a database in a state directory, with a writer thread and
 * group commit. Requests are carried out in order; all that wait when the thread looks are one transaction,
 * and their done() comes when it is on the disk.
 *
 * After a failed write or sync the ledger is frozen: nothing more is written, and every later request fails
 * with ERR_IO and the first failure's text. It is never tried again as if nothing had happened. When it was
 * the disk that is full, results and the ends of runs are still written, with room that was reserved before
 * their requests were sent, and all else fails. */
#ifndef LEDGER_DURABLE_H
#define LEDGER_DURABLE_H

#include "ledger/reserve.h"
#include "ledger/store.h"
#include "model/ledger.h"

struct ledger_durable;

struct ledger_durable_config {
    const char *directory; /* must exist; holds ledger.db (0600), the lock and the reserve (ledger/file.h) */
    const char *program;   /* told to whoever finds the directory locked; NULL: "an engine" */
    const char *vfs;       /* NULL but in tests; where it is given, there is no lock, */
    const struct reserve_disk *reserve_disk; /* and a reserve only with this; valid while it is open */
    bool threaded;                           /* else ledger_durable_work() does the writer's work */
    /* Called from the writer thread (or from work()) when drain() has something to do. */
    void (*wake)(void *ctx);
    int64_t (*wall_ms)(void *ctx); /* called on the writer thread too */
    void *ctx;
    void (*sha256)(const void *data, size_t length,
                   uint8_t hash[STORE_HASH_BYTES]); /* on the writer thread too */
    int64_t retain_ms; /* runs that ended longer ago are removed at opening; 0: 400 days */
};

#define LEDGER_COMMIT_BOUNDS 12
extern const int64_t ledger_commit_bounds_ns[LEDGER_COMMIT_BOUNDS]; /* rising */

struct ledger_durable_state {
    bool frozen;         /* nothing is written any more */
    bool short_of_space; /* the disk is full, or the reserve could not be made: nothing new is written */
    /* Transactions that wrote something, from their beginning until they were on the disk: how many took
     * no longer than each bound and longer than the one before, and behind the bounds those that took longer;
     * and all of their time. */
    int64_t commits[LEDGER_COMMIT_BOUNDS + 1];
    int64_t commits_ns;
};

/* NULL with err: ERR_LOCKED when another engine has the directory (err says which), ERR_NOT_FOUND or
 * ERR_PERMISSION for the directory, and those of store_open(). */
struct ledger_durable *ledger_durable_open(const struct ledger_durable_config *config, struct err *err);
/* Waits for the writer; every request must have been drained. Takes NULL. */
void ledger_durable_close(struct ledger_durable *durable);

struct ledger *ledger_durable_face(struct ledger_durable *durable);
void ledger_durable_look(struct ledger_durable *durable, struct ledger_durable_state *state);
void ledger_durable_drain(
    struct ledger_durable *durable); /* on the loop's thread: calls done() of what is finished */
void ledger_durable_work(
    struct ledger_durable *durable); /* not threaded: one transaction with all that waits */

#endif
