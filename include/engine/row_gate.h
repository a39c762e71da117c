/* Whether a row may be deleted at this moment: what engine/row asks before each attempt, and once more when
 * the row's slot has come. Pure: a row, what it shares with others, and the clocks. */
#ifndef ENGINE_ROW_GATE_H
#define ENGINE_ROW_GATE_H

#include "engine/row.h"
#include "engine/steps.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the time until which rows may be sent is over. */
bool row_gate_expired(const struct row_shared *shared, int64_t wall_ms);
/* Whether the row was looked at lately enough, and no clock was set since; or needs no look, unless there was
 * a pause, which may have lasted for days. */
bool row_gate_check_holds(const struct row *row, const struct clock_sample *now);
/* What protects it by now, of what may have come since the rows were judged; NULL: nothing. */
const struct protect_rule *row_gate_protection(const struct row *row, const struct clock_sample *now);
/* All of it but what protects, with the sample that becomes the request's date. */
bool row_gate_opens(const struct row *row, const struct clock_sample *now);

/* How far apart the clocks may be now, the worst of what is known: by the Dates that were compared with the
 * wall clock of their time, and by those that were not, for it may have been set since. */
int64_t row_gate_skew_ms(const struct row_shared *shared, int64_t wall_ms);

#endif
