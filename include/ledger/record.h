/* The kinds of records, and the key of each: run, row and attempt packed into one number, so that what
 * happened to a row lies together, in its order, and a record is found and added by comparing numbers. */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum record_kind { RECORD_START, RECORD_SEAL, RECORD_INTENT, RECORD_RESULT, RECORD_END, RECORD_KINDS };

#define RECORD_ROW_NONE    (-1)            /* of records of the run as a whole */
#define RECORD_RUN_MAX     ((1 << 27) - 1) /* runs are numbered from 1; 10,000 an hour for a year and a half */
#define RECORD_ROWS_MAX    ((1 << 26) - 1) /* of one run */
#define RECORD_ATTEMPT_MAX ((1 << 10) - 2)

/* The same in SQL (whose << and | are of one rank), for BETWEEN: the ids of a run, of its rows alone, and of
 * one row. */
#define RECORD_RUN_ID(run)   "(" run " << 36)" /* the first of a run: its start */
#define RECORD_RUN_IDS(run)  RECORD_RUN_ID(run) " AND " RECORD_RUN_ID(run) " + 68719476735"
#define RECORD_ROWS_IDS(run) RECORD_RUN_ID(run) " + 1024 AND " RECORD_RUN_ID(run) " + 68719476735"
#define RECORD_ROW_IDS(run, row)                                                                             \
    "(" run " << 36) + ((" row " + 1) << 10) AND (" run " << 36) + ((" row " + 1) << 10) + 1023"

const char *record_kind_name(enum record_kind kind);
/* Whether a record has a key; what has none is never written. */
bool record_fits(int64_t run, int64_t row, int64_t attempt);
/* The key of what fits. Intents and all others have tables of their own: an intent and its result have the
 * same key. A result without an attempt comes after all others of its row: it settles it. */
int64_t record_id(int64_t run, int64_t row, int64_t attempt, enum record_kind kind);
int64_t record_row(int64_t id); /* what is in a key */
/* All keys of a row, and of a run, lie between these two. */
int64_t record_row_first(int64_t run, int64_t row);
int64_t record_row_last(int64_t run, int64_t row);
int64_t record_run_first(int64_t run);
int64_t record_run_last(int64_t run);

#endif
