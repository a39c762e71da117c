/* A ledger in memory: for looking only (plans), and for tests. It is as correct as the durable one and
 * forgets everything at the end of the process. */
#ifndef LEDGER_MEMORY_H
#define LEDGER_MEMORY_H

#include "model/ledger.h"

struct ledger_memory;

/* wake is called (from submit, at most once until the next drain) when ledger_memory_drain() has work to do;
 * whoever owns the loop then calls it from there. Rows keep names and reasons once: about 110 bytes each. */
struct ledger_memory *ledger_memory_create(void (*wake)(void *ctx), void *ctx);
/* Keeps no rows from now on: for plans that nobody applies, however large they are. */
void ledger_memory_forget_rows(struct ledger_memory *memory);
/* LEDGER_GRACES are handed to look from now on, which fills since_ms and, where it fails, err; nothing is
 * noted. For plans: what a real ledger knows. */
void ledger_memory_look_up_graces(struct ledger_memory *memory,
                                  void (*look)(void *ctx, struct ledger_request *request), void *ctx);
void ledger_memory_destroy(struct ledger_memory *memory); /* takes NULL; no request may be in it */

struct ledger *ledger_memory_face(struct ledger_memory *memory); /* valid as long as memory */

/* Carries out what was submitted and calls done() of each; requests submitted meanwhile wait for the next
 * call. */
void ledger_memory_drain(struct ledger_memory *memory);

/* For tests: what the ledger holds of a row. */
struct ledger_row_state {
    int intents;
    int results;
    enum outcome outcome;
};
bool ledger_memory_row(const struct ledger_memory *memory, int64_t run, int64_t row,
                       struct plan_row *plan_row, struct ledger_row_state *state);

#endif
