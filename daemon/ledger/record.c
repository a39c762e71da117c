/* See ledger/record.h. From the highest bit: 0, run (28), row + 1 (28), attempt (4; 15 for a result without
 * one), kind (3). */
#include "ledger/record.h"

#define ATTEMPT_SHIFT 3
#define ROW_SHIFT     7
#define RUN_SHIFT     35
#define NO_ATTEMPT    15

_Static_assert(RECORD_KINDS <= 1 << ATTEMPT_SHIFT, "kinds fit");
_Static_assert(RECORD_ATTEMPT_MAX < NO_ATTEMPT && NO_ATTEMPT < 1 << (ROW_SHIFT - ATTEMPT_SHIFT),
               "attempts fit");
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

static int64_t pack(int64_t run, int64_t row)
{
    return run << RUN_SHIFT | (row + 1) << ROW_SHIFT;
}

int64_t record_id(int64_t run, int64_t row, int64_t attempt, enum record_kind kind)
{
    int64_t place = attempt == 0 && kind == RECORD_RESULT ? NO_ATTEMPT : attempt;
    return pack(run, row) | place << ATTEMPT_SHIFT | (int64_t)kind;
}

int64_t record_row(int64_t id)
{
    return (id >> ROW_SHIFT & ((1 << (RUN_SHIFT - ROW_SHIFT)) - 1)) - 1;
}

enum record_kind record_kind_of(int64_t id)
{
    return (enum record_kind)(id & ((1 << ATTEMPT_SHIFT) - 1));
}

int64_t record_row_first(int64_t run, int64_t row)
{
    return pack(run, row);
}

int64_t record_row_last(int64_t run, int64_t row)
{
    return pack(run, row) | ((1 << ROW_SHIFT) - 1);
}

int64_t record_run_first(int64_t run)
{
    return pack(run, RECORD_ROW_NONE);
}

int64_t record_run_last(int64_t run)
{
    return pack(run, RECORD_ROW_NONE) | (((int64_t)1 << RUN_SHIFT) - 1);
}
