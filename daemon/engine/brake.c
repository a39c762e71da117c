/* See engine/brake.h. */
#include "engine/brake.h"

#include <stdlib.h>

bool brake_stop(struct brake *brake, bool hurry)
{
    if (brake->stopping && (brake->hurry || !hurry)) {
        return false;
    }
    brake->stopping = true;
    brake->hurry = brake->hurry || hurry;
    return true;
}

bool brake_expire(struct brake *brake)
{
    brake->expired = brake->expired || !brake->stopping;
    return brake_stop(brake, false);
}

static bool stop_because(struct brake *brake, const struct err *err, enum answer_class why, bool hurry)
{
    if (brake->err.code == ERR_NONE) {
        brake->err = *err;
        brake->why = why;
    }
    return brake_stop(brake, hurry);
}

bool brake_withhold(struct brake *brake, const struct err *err)
{
    return stop_because(brake, err, ANSWER_DONE, false);
}

bool brake_freeze(struct brake *brake, const struct err *err)
{
    return stop_because(brake, err, ANSWER_DONE, true);
}

bool brake_answered(struct brake *brake, const struct answer *answer, const struct clock_sample *now,
                    int64_t median_ms, bool known)
{
    struct err err;
    if (answer->server_date_ms != 0) {
        brake->clock = *now;
        brake->skew_ms = answer->server_date_ms - answer->received_ms;
    }
    bool silent = !known && answer->http_status == 0; /* no answer, so no Date either */
    if (silent || guard_clock(known, median_ms, &err) == 0) {
        return false;
    }
    return stop_because(brake, &err, ANSWER_DONE, false);
}

static bool refuse(struct brake *brake, struct err err, enum answer_class why)
{
    if (!guard_refused(&brake->run)) {
        return false;
    }
    err_context(&err, "%d refusals in a row", GUARD_REFUSALS_MAX);
    return stop_because(brake, &err, why, false);
}

bool brake_refused(struct brake *brake, const struct call *call)
{
    struct err err;
    call_error(call, &err);
    return step_is_for_all(call) ? stop_because(brake, &err, call->answer.class, false)
                                 : refuse(brake, err, call->answer.class);
}

bool brake_unarchived(struct brake *brake, const struct err *err, enum answer_class why, bool for_all)
{
    return for_all ? stop_because(brake, err, why, false) : refuse(brake, *err, why);
}

bool brake_settled(struct brake *brake, enum outcome outcome, int64_t failed_percent)
{
    struct err err;
    brake->settled += outcome != OUTCOME_NOT_ATTEMPTED;
    brake->failed += outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN;
    if (failed_percent == 0 || brake->settled < BRAKE_FAILED_MIN ||
        brake->failed * 100 <= brake->settled * failed_percent) {
        return false;
    }
    err_set(&err, ERR_INVALID,
            "%lld of %lld deletions failed, more than abort_if.failed_over_percent (%lld %%)",
            (long long)brake->failed, (long long)brake->settled, (long long)failed_percent);
    return stop_because(brake, &err, ANSWER_DONE, false);
}

int64_t brake_skew_ms(const struct brake *brake, int64_t median_ms)
{
    return llabs(median_ms) > llabs(brake->skew_ms) ? median_ms : brake->skew_ms;
}
