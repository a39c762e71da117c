/* The real ledger (ledger/durable.h, without its thread) on the simulated disk: a commit takes its time, the
 * site's oracle sees every request pass, and after each commit the disk must have synced what was confirmed.
 */
#ifndef SIM_BOOKKEEPER_H
#define SIM_BOOKKEEPER_H

#include "model/ledger.h"
#include "sim/sim.h"

struct bookkeeper;

/* Opens it and has the oracle compare what is there with what was confirmed. NULL when the disk does not let
 * it; a ledger that cannot be read is a broken rule. */
struct bookkeeper *bookkeeper_open(struct sim *sim);
void bookkeeper_close(struct bookkeeper *bookkeeper); /* when no request is in it; takes NULL */
struct ledger *bookkeeper_face(struct bookkeeper *bookkeeper, const struct site *site);
/* The process is gone: nothing reaches the disk any more, every request fails, and the oracle hears nothing.
 */
void bookkeeper_fail(struct bookkeeper *bookkeeper);
bool bookkeeper_failed(const struct bookkeeper *bookkeeper); /* a request failed for the disk's sake */

/* Recomputes the ledger's chain and compares all rows, with nobody having it open. */
void bookkeeper_verify(struct sim *sim);
/* What a crash at this moment would leave of a row on the disk. */
bool bookkeeper_aftermath_row(struct sim *sim, int64_t run, int64_t number, struct plan_row *row);

#endif
