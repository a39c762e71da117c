/* See app/plan_event.h. */
#include "app/plan_event.h"

#include "app/plan_cost.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

#define JOBS_TOLD    10
#define REASONS_TOLD 50
#define LEFT_TOLD    50 /* jobs of a kind; the others are counted */

static void put_string(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, ",\"%s\":", key);
    text_json(out, value);
}

static void put_number(struct buf *out, const char *key, int64_t number)
{
    buf_printf(out, ",\"%s\":%" PRId64, key, number);
}

/* Not known below 0. */
static void put_known(struct buf *out, const char *key, int64_t number)
{
    if (number >= 0) {
        put_number(out, key, number);
    } else {
        buf_printf(out, ",\"%s\":null", key);
    }
}

static void put_place(struct buf *out, const struct place *place)
{
    if (place != NULL && place->line > 0) {
        put_string(out, "file", place->file);
        buf_printf(out, ",\"line\":%d,\"column\":%d", place->line, place->column);
    }
}

/* --- counts -------------------------------------------------------------------------------------------- */

static void put_statuses(struct buf *out, const struct plan_count *count)
{
    bool any = false;
    buf_text(out, ",\"by_status\":{");
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (count->by_status[status] > 0) {
            buf_printf(out, "%s\"%s\":%" PRId64, any ? "," : "",
                       execution_status_name((enum execution_status)status), count->by_status[status]);
            any = true;
        }
    }
    buf_char(out, '}');
}

static void put_ages(struct buf *out, const struct plan_count *count)
{
    buf_text(out, ",\"by_age\":{");
    for (size_t i = 0; i < PLAN_AGES; i++) {
        buf_printf(out, "%s\"%s\":%" PRId64, i > 0 ? "," : "", plan_age_name(i), count->by_age[i]);
    }
    buf_char(out, '}');
}

static void put_jobs(struct buf *out, const struct plan_count *count)
{
    size_t all, shown;
    int64_t rest = count->selected;
    struct counted *jobs = tally_sorted(count->jobs, &all);
    shown = all < JOBS_TOLD ? all : JOBS_TOLD;
    buf_text(out, ",\"by_job\":{");
    for (size_t i = 0; i < shown; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, jobs[i].text);
        buf_printf(out, ":%" PRId64, jobs[i].count);
        rest -= jobs[i].count;
    }
    buf_printf(out, "},\"other_jobs\":%zu,\"of_other_jobs\":%" PRId64, all - shown, rest);
    free(jobs);
}

static void put_kept(struct buf *out, const struct plan_count *count)
{
    size_t all, most = count->policy->keep_count + REASONS_TOLD;
    int64_t rest = 0;
    struct kept *kept = plan_count_kept(count, &all);
    put_number(out, "kept", plan_count_kept_sum(count));
    put_number(out, "protected", count->by_cause[CAUSE_PROTECTED]);
    put_number(out, "in_the_future", count->by_cause[CAUSE_FUTURE]);
    buf_text(out, ",\"kept_by\":[");
    for (size_t i = 0; i < all; i++) {
        if (i >= most) {
            rest += kept[i].count;
            continue;
        }
        buf_printf(out, "%s{\"count\":%" PRId64, i > 0 ? "," : "", kept[i].count);
        put_string(out, "cause", verdict_cause_name(kept[i].cause));
        put_string(out, "reason", kept[i].reason);
        put_place(out, kept[i].place);
        buf_char(out, '}');
    }
    buf_char(out, ']');
    put_number(out, "kept_by_others", rest);
    free(kept);
}

static void put_left_of(struct buf *out, const struct plan_count *count, enum job_reserve why, bool first)
{
    static const char *const names[RESERVE_COUNT] = {[RESERVE_NAMESPACE] = "namespace",
                                                     [RESERVE_CONTINUOUS] = "running_continuous",
                                                     [RESERVE_OTA] = "afr_ota"};
    size_t all;
    struct left_out *jobs = plan_count_reserved(count, why, &all);
    buf_printf(out, "%s\"%s\":{\"jobs\":%zu,\"first\":[", first ? "" : ",", names[why], all);
    for (size_t i = 0; i < all && i < LEFT_TOLD; i++) {
        buf_printf(out, "%s{\"job_id\":", i > 0 ? "," : "");
        text_json(out, jobs[i].job_id);
        if (jobs[i].namespace_id[0] != '\0') {
            put_string(out, "namespace_id", jobs[i].namespace_id);
        }
        put_known(out, "executions", jobs[i].executions);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
    free(jobs);
}

static void put_left_out(struct buf *out, const struct plan_count *count)
{
    buf_text(out, ",\"left_out\":{");
    for (int why = RESERVE_NONE + 1; why < RESERVE_COUNT; why++) {
        put_left_of(out, count, (enum job_reserve)why, why == RESERVE_NONE + 1);
    }
    buf_char(out, '}');
}

static void put_skipped(struct buf *out, const struct plan_count *count, const struct report *report)
{
    size_t all;
    struct counted *skipped = tally_sorted(count->skipped, &all);
    put_number(out, "skipped", report->skipped);
    buf_text(out, ",\"skipped_for\":{");
    for (size_t i = 0; i < all; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, skipped[i].text);
        buf_printf(out, ":%" PRId64, skipped[i].count);
    }
    buf_char(out, '}');
    free(skipped);
}

/* --- what it takes ------------------------------------------------------------------------------------- */

static void put_route(struct buf *out, const struct plan_count *count)
{
    const struct route *route = &count->route;
    if (!count->routed) {
        buf_text(out, ",\"route\":null");
        return;
    }
    buf_printf(out, ",\"route\":{\"by\":\"%s\"", route->by_thing ? "thing" : "job");
    put_known(out, "jobs", route->jobs);
    put_known(out, "things", route->things);
    put_number(out, "calls", route->calls);
    put_known(out, "other_calls", route->other_calls);
    put_known(out, "other_calls_at_least", route->other_least > 0 ? route->other_least : -1);
    buf_char(out, '}');
}

static void put_cost(struct buf *out, const struct plan_count *count, const struct report *report)
{
    static const char *const limits[] = {[LIMIT_WINDOW] = "window", [LIMIT_DURATION] = "max_duration"};
    struct plan_cost cost;
    int64_t listing = 0;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        listing += report->calls[i];
    }
    plan_cost(count->policy, count->target, count->selected, report->remaining, &cost);
    put_number(out, "listing_calls", listing);
    buf_printf(out, ",\"deleting\":{\"calls\":%" PRId64, cost.calls);
    put_number(out, "deletions", cost.deletions);
    put_number(out, "looks", cost.looks);
    put_number(out, "deletions_per_1000_s", cost.delete_per_1000s);
    put_number(out, "looks_per_1000_s", cost.look_per_1000s);
    put_number(out, "ms", cost.ms);
    if (cost.allowed_ms > 0) {
        put_string(out, "limit", limits[cost.limit]);
        put_number(out, "allowed_ms", cost.allowed_ms);
        buf_printf(out, ",\"fits\":%s", cost.ms <= cost.allowed_ms ? "true" : "false");
    }
    put_number(out, "runs", cost.runs);
    buf_char(out, '}');
}

void plan_event(const struct plan_count *count, const struct report *report, struct buf *out)
{
    buf_text(out, "{\"event\":\"plan\"");
    put_string(out, "policy", count->policy->name);
    put_string(out, "target", count->target->name);
    put_number(out, "listed", report->listed);
    put_number(out, "selected", count->selected);
    put_number(out, "in_grace", count->by_cause[CAUSE_GRACE]);
    put_number(out, "remaining", report->remaining);
    put_statuses(out, count);
    put_jobs(out, count);
    put_ages(out, count);
    put_kept(out, count);
    put_left_out(out, count);
    put_skipped(out, count, report);
    put_route(out, count);
    put_cost(out, count, report);
    buf_text(out, "}\n");
}
