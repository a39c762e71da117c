/* The ledger's file: a SQLite database (WAL, synchronous=FULL). Everything here is synchronous and belongs to
 * one thread at a time; ledger/durable.h puts a queue and a thread before it.
 *
 * A run's plan is its rows, written once. What happens afterwards is appended as records, chained: each holds
 * the SHA-256 of itself and of the hash before it, and the record that seals a plan holds the digest of its
 * rows. So a changed, missing or reordered row or record is found by store_verify(). */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "model/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_HASH_BYTES 32

struct store;

struct store_config {
    const char *path;
    const char *vfs; /* NULL: the system's; tests put a disk that fails here */
    bool read_only;  /* for history, while an engine may be at work */
    int64_t (*wall_ms)(void *ctx);
    void *ctx;
    void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]);
};

/* Creates the file (mode 0600) and its schema where there is none, and brings an older one up to date. NULL
 * with err: ERR_NOT_FOUND (read_only and no file), ERR_IO, or ERR_INVALID for a file that is no ledger or one
 * of a newer version. */
struct store *store_open(const struct store_config *config, struct err *err);
void store_close(struct store *store); /* takes NULL; rolls back what is open */

/* A transaction. After commit has returned 0, all in it is on the disk. ERR_IO otherwise: then nothing of it
 * counts. */
int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/* Carries out one request inside a transaction, filling its results. -1 with request->err: ERR_INTERNAL for a
 * request out of order (the transaction may go on), ERR_IO (it must be rolled back). */
int store_apply(struct store *store, struct ledger_request *request);

/* Outside of a transaction: as db_checkpoint(), when the log has more than so many pages. */
int store_checkpoint(struct store *store, int pages, struct err *err);
bool store_no_space(const struct store *store); /* the latest ERR_IO was for want of space on the disk */

/* How many rows have an intent or a result and are not settled, of the runs that this store has written to: a
 * result of each is still to come. */
size_t store_unsettled(const struct store *store);

/* Rows of history, oldest first: a record joined with its run and its row. Strings are valid inside each()
 * only. */
struct store_record {
    int64_t sequence, run, row; /* row: -1 for a record of the run as a whole */
    const char *kind;           /* "start", "seal", "intent", "result", "end" */
    struct run_header header;
    struct plan_row plan; /* of row >= 0 */
    int attempt;
    int64_t at_ms, signed_at_ms;
    struct answer answer;
    enum outcome outcome;
    const char *note;
};
struct store_filter {
    const char *thing_name, *job_id, *policy; /* NULL: any */
    int64_t since_ms;                         /* 0: any time */
    int outcome;                              /* an enum outcome; -1: any */
    bool settled_only;                        /* only the results that settle a row */
};
int store_history(struct store *store, const struct store_filter *filter,
                  void (*each)(void *ctx, const struct store_record *record), void *ctx, struct err *err);

/* Recomputes the chain and the digests. What is kept of graces is not covered: it is a memory that comes and
 * goes, and no evidence; a changed one makes a row go that the policy selects today, or stay. 0: whole; -1
 * with ERR_INVALID and the first place that does not fit, or ERR_IO. *records gets how many were checked. */
int store_verify(struct store *store, int64_t *records, struct err *err);

/* Removes what is kept of graces of policies that no run touched since before_ms, and the runs that ended
 * before before_ms, as far as the chain stays whole: only from its old end. *runs
 * gets how many went. Quick however large they are; store_prune_rest() takes away what they leave. Outside of
 * a transaction. */
int store_prune(struct store *store, int64_t before_ms, int64_t *runs, struct err *err);
/* Takes away a part of what is left of runs that were removed. *more: call it again. Outside of a
 * transaction. */
int store_prune_rest(struct store *store, bool *more, struct err *err);

#endif
