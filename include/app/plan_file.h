/* Plans in a file: what `jobsweep plan -o` writes and `jobsweep apply` takes. JSON Lines: a head (version,
 * times, counts), then for each policy and target a line that says where it is for and its rows with their
 * whole fingerprints, then an end with the digest of all. The `sum` of each line covers it and the lines
 * before, so that the first line that was changed, is missing or out of order is found. It is no signature:
 * who may write the file may write another one. */
#ifndef APP_PLAN_FILE_H
#define APP_PLAN_FILE_H

#include "app/spool.h"
#include "base/err.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stddef.h>
#include <stdint.h>

#define PLAN_FILE_PLANS_MAX 10000

struct plan_file_plan { /* of one policy in one target */
    struct run_header header;
    int64_t listed;    /* job executions in scope when it was made */
    int64_t remaining; /* of these, that limits left for later */
    struct spool_part *rows;
};

struct plan_file {
    struct spool *spool;
    struct plan_file_plan *plans;
    size_t count;
    int64_t created_ms, expires_ms;
    char sha256[65]; /* that its end tells: the digest of what comes before; read or written */
};

void plan_file_init(struct plan_file *file, struct spool *spool); /* spool becomes the file's */
void plan_file_finish(struct plan_file *file);
/* A plan without rows, the last one; its address is good until the next call. */
struct plan_file_plan *plan_file_add(struct plan_file *file);

/* Writes a temporary file beside path, with mode 0600, syncs it and renames it: path is the whole file or
 * what it was before. -1 with ERR_IO or ERR_PERMISSION. */
int plan_file_write(struct plan_file *file, const char *path, struct err *err);

/* file: as plan_file_init() left it. -1 with ERR_IO, ERR_NOT_FOUND, ERR_PERMISSION (others own or can write
 * it, or it is no regular file), and ERR_SYNTAX: it is no plan, or not as it was written; the line is named.
 */
int plan_file_read(struct plan_file *file, const char *path, struct err *err);

/* What names a policy in a plan. What the configuration protects is left out: it is asked again for each row.
 */
void plan_file_digest(const struct policy *policy, char sha256[65]);
/* What the ledger is told of its runs: "plan <sha256> until <time>". */
void plan_file_origin(const struct plan_file *file, char origin[RUN_ORIGIN_MAX + 1]);
/* When the plan with this origin expires; 0 for any other origin. */
int64_t plan_file_origin_expires_ms(const char *origin);

#endif
