/* The real ledger (ledger/durable.h, without its thread) on the simulated disk: a commit takes its time, the
 * oracle sees every request pass, and after each commit the disk must have synced what was confirmed. */
#ifndef SIM_ARCHIVE_H
#define SIM_ARCHIVE_H

#include "model/ledger.h"
#include "sim/sim.h"

struct archive;

/* Opens it and has the oracle compare what is there with what was confirmed. NULL when the disk does not let
 * it; a ledger that cannot be read is a broken rule. */
struct archive *archive_open(struct sim *sim);
void archive_close(struct archive *archive); /* when no request is in it; takes NULL */
struct ledger *archive_face(struct archive *archive);
/* The process is gone: nothing reaches the disk any more, every request fails, and the oracle hears nothing.
 */
void archive_fail(struct archive *archive);
bool archive_failed(const struct archive *archive); /* a request failed for the disk's sake */

/* Recomputes the ledger's chain and compares all rows, with nobody having it open. */
void archive_verify(struct sim *sim);
/* What a crash at this moment would leave of a row on the disk. */
bool archive_aftermath_row(struct sim *sim, int64_t run, int64_t number, struct plan_row *row);

#endif
