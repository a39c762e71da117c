/* Rows of plans in a file that has no name and goes with the process: what was read and checked once stays
 * as it was read, and memory stays bounded. A spool has parts; rows are added to each in any order and read
 * back in that order. It lies in $TMPDIR, /var/tmp by default. */
#ifndef APP_SPOOL_H
#define APP_SPOOL_H

#include "base/err.h"
#include "engine/given.h"
#include "model/ledger.h"
#include "model/scratch.h"

#include <stdint.h>

struct spool;
struct spool_part;

/* NULL with ERR_IO or ERR_PERMISSION. */
struct spool *spool_create(struct err *err);
void spool_destroy(struct spool *spool); /* its parts too; takes NULL */

struct spool_part *spool_part(struct spool *spool); /* a new one, the spool's */
/* -1 with ERR_IO. Of the row the execution, force and reason are kept. */
int spool_add(struct spool_part *part, const struct plan_row *row, struct err *err);
int64_t spool_count(const struct spool_part *part);

/* Leaves out every row that an earlier one of its part equals in job, thing and number; told() hears of each
 * (may be NULL), in no certain order. It takes several passes where there are many rows, so that memory stays
 * bounded. How many were left out; -1 with ERR_IO. */
int64_t spool_leave_out_repeated(struct spool_part *part,
                                 void (*told)(void *ctx, const struct plan_row *row,
                                              const struct plan_row *earlier),
                                 void *ctx, struct err *err);

/* How many rows of all these parts equal one that was counted already in job, thing, number and site:
 * sites[i] is a number for where parts[i] is from. Their digests are sorted through scratch space, in one
 * pass; to read a part begins anew. -1 with ERR_IO. */
int64_t spool_count_repeated(struct spool_part *const *parts, const uint32_t *sites, size_t count,
                             const struct scratch *scratch, struct err *err);

/* Reading begins anew with each call; one reader of a part at a time. source->ctx is the part. */
void spool_source(struct spool_part *part, struct row_source *source);

#endif
