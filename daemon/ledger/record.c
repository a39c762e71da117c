/* See ledger/record.h. From the highest bit: 0, run (27), row + 1 (26), place (10): the attempt, or the kind
 * of what has no row. How many attempts there are is up to the way: what is throttled is tried
 * again for days, and a run whose row has no key left for another attempt stops. */
#include "ledger/record.h"

#define ROW_SHIFT  10
#define RUN_SHIFT  36
#define NO_ATTEMPT ((1 << ROW_SHIFT) - 1)

_Static_assert(RECORD_ATTEMPT_MAX < NO_ATTEMPT, "attempts fit");
_Static_assert(RECORD_ROWS_MAX < 1 << (RUN_SHIFT - ROW_SHIFT), "rows fit, numbered from 1");
_Static_assert(RECORD_RUN_MAX < 1 << (63 - RUN_SHIFT), "runs fit");

const char *record_kind_name(enum record_kind kind)
{
    static const char *const names[RECORD_KINDS] = {"start", "seal", "intent", "result", "end"};
    return (unsigned)kind < RECORD_KINDS ? names[kind] : "none";
}

bool record_fits(int64_t run, int64_t row, int64_t attempt)
{
    return run >= 1 && run <= RECORD_RUN_MAX && row >= RECORD_ROW_NONE && row < RECORD_ROWS_MAX &&
           attempt >= 0 && attempt <= RECORD_ATTEMPT_MAX;
}

int64_t record_row_first(int64_t run, int64_t row)
{
    return run << RUN_SHIFT | (row + 1) << ROW_SHIFT;
}

int64_t record_row_last(int64_t run, int64_t row)
{
    return record_row_first(run, row) | ((1 << ROW_SHIFT) - 1);
}

int64_t record_run_first(int64_t run)
{
    return record_row_first(run, RECORD_ROW_NONE);
}

int64_t record_run_last(int64_t run)
{
    return record_run_first(run) | (((int64_t)1 << RUN_SHIFT) - 1);
}

int64_t record_id(int64_t run, int64_t row, int64_t attempt, enum record_kind kind)
{
    if (row == RECORD_ROW_NONE) {
        return record_row_first(run, row) | (int64_t)kind;
    }
    return record_row_first(run, row) | (attempt == 0 && kind == RECORD_RESULT ? NO_ATTEMPT : attempt);
}

int64_t record_row(int64_t id)
{
    return (id >> ROW_SHIFT & ((1 << (RUN_SHIFT - ROW_SHIFT)) - 1)) - 1;
}
