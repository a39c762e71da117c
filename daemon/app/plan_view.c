/* See app/plan_view.h. */
#include "app/plan_view.h"

#include "app/bars.h"
#include "app/plan_cost.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_SHOWN    10
#define REASONS_SHOWN 6  /* besides the keep rules, which are all shown */
#define LEFT_SHOWN    5  /* jobs of a kind */
#define TEXT_INDENT   11 /* "  kept     " */
#define COUNT_INDENT  23 /* "  kept     1,234,567  " */
#define ROW_INDENT    9  /* "  delete " */
#define NARROW        60
#define LINE_MAX      4096
#define SENTENCE_MAX  1024

struct printing {
    const struct plan_count *count;
    const struct report *report;
    const struct view_style *style;
    struct buf *out;
};

/* --- lines --------------------------------------------------------------------------------------------- */

static void put_text(const struct printing *to, const char *heading, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put_count(const struct printing *to, const char *heading, int64_t count, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "  route    by job, ..." */
static void put_text(const struct printing *to, const char *heading, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(to->out, "  %-8s ", heading);
    view_wrap(to->out, to->style, text, TEXT_INDENT, TEXT_INDENT);
}

/* "  kept          1,234  by last: 5"; below 0: no number. */
static void put_count(const struct printing *to, const char *heading, int64_t count, const char *format, ...)
{
    char text[SENTENCE_MAX], number[32];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bool narrow = to->style->columns > 0 && to->style->columns < NARROW;
    if (narrow && count < 0) {
        put_text(to, heading, "%s", text);
        return;
    }
    int used = (int)to->out->length;
    buf_printf(to->out, "  %-8s %10s  ", heading, count >= 0 ? text_thousands(number, count) : "");
    used = (int)to->out->length - used;
    view_wrap(to->out, to->style, text, used, narrow ? TEXT_INDENT : COUNT_INDENT);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* Of the columns of a table of executions. */
struct row_widths {
    int job, thing, number, status;
};

static void widen(int *width, size_t length)
{
    *width = (int)length > *width ? (int)length : *width;
}

static void put_name(struct buf *out, const char *name, int width)
{
    size_t before = out->length;
    text_visible(out, name);
    int used = (int)(out->length - before);
    buf_printf(out, "%*s ", used < width ? width - used : 0, "");
}

static void put_row(struct buf *out, const struct job_execution *execution, const struct verdict *verdict,
                    const struct row_widths *widths)
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    char updated[21] = "-";
    if (timestamp_present(&fingerprint->last_updated_at)) {
        time_rfc3339(fingerprint->last_updated_at.ms, updated);
    }
    buf_printf(out, "  %-6s ", verdict->delete ? "delete" : "keep");
    put_name(out, execution->job_id, widths->job);
    put_name(out, execution->thing_name, widths->thing);
    buf_printf(out, "%*" PRId64 " %-*s %-20s %s", widths->number, execution->number, widths->status,
               execution_status_name(fingerprint->status), updated, verdict->reason);
}

/* Aligned where it fits; else it flows from line to line. */
static void print_row(struct buf *out, const struct view_style *style, const struct job_execution *execution,
                      const struct verdict *verdict, const struct row_widths *widths)
{
    static const struct view_style endless;
    const struct row_widths none = {0};
    struct buf line;
    buf_init(&line, LINE_MAX);
    put_row(&line, execution, verdict, widths);
    if (style->columns == 0 || line.length <= (size_t)style->columns) {
        view_wrap(out, &endless, buf_string(&line), 0, 0);
    } else {
        buf_reset(&line);
        put_row(&line, execution, verdict, &none);
        view_wrap(out, style, buf_string(&line), 0, ROW_INDENT);
    }
    buf_finish(&line);
}

void view_row(const struct job_execution *execution, const struct verdict *verdict,
              const struct view_style *style, struct buf *out)
{
    const struct row_widths widths = {.job = 20, .thing = 20, .number = 4, .status = 11};
    print_row(out, style, execution, verdict, &widths);
}

static struct row_widths sample_widths(const struct plan_count *count)
{
    struct row_widths widths = {.job = 3, .thing = 5, .number = 3, .status = 6};
    for (size_t i = 0; i < count->sample_count; i++) {
        const struct job_execution *execution = &count->sample[i].execution;
        widen(&widths.job, strlen(execution->job_id));
        widen(&widths.thing, strlen(execution->thing_name));
        widen(&widths.number, (size_t)snprintf(NULL, 0, "%" PRId64, execution->number));
        widen(&widths.status, strlen(execution_status_name(execution->fingerprint.status)));
    }
    return widths;
}

/* The titles only where the rows below stand in columns. */
static void print_sample(const struct printing *to)
{
    const struct plan_count *count = to->count;
    char rest[32], titles[LINE_MAX];
    struct row_widths widths = sample_widths(count);
    if (count->sample_count == 0) {
        return;
    }
    int width = snprintf(titles, sizeof titles, "  %-6s %-*s %-*s %*s %-*s %-20s %s\n", "", widths.job, "JOB",
                         widths.thing, "THING", widths.number, "NO.", widths.status, "STATUS", "LAST UPDATE",
                         "REASON");
    size_t row = (size_t)width - strlen("REASON\n") + strlen(count->sample[0].verdict.reason);
    if (to->style->columns == 0 || row <= (size_t)to->style->columns) {
        buf_text(to->out, titles);
    }
    for (size_t i = 0; i < count->sample_count; i++) {
        print_row(to->out, to->style, &count->sample[i].execution, &count->sample[i].verdict, &widths);
    }
    if ((int64_t)count->sample_count < count->selected) {
        buf_printf(to->out, "  and %s more (--verbose shows all)\n",
                   text_thousands(rest, count->selected - (int64_t)count->sample_count));
    }
    buf_char(to->out, '\n');
}

/* --- bars ---------------------------------------------------------------------------------------------- */

static void print_statuses(const struct printing *to)
{
    struct bar bars[EXECUTION_STATUS_COUNT];
    size_t size = 0;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (to->count->by_status[status] > 0) {
            bars[size++] = (struct bar){execution_status_name((enum execution_status)status),
                                        to->count->by_status[status]};
        }
    }
    bars_print("status", bars, size, to->count->selected, to->style, to->out);
}

static void print_ages(const struct printing *to)
{
    struct bar bars[PLAN_AGES];
    size_t size = 0;
    for (size_t i = 0; i < PLAN_AGES; i++) {
        if (to->count->by_age[i] > 0) {
            bars[size++] = (struct bar){plan_age_name(i), to->count->by_age[i]};
        }
    }
    bars_print("age", bars, size, to->count->selected, to->style, to->out);
}

static void print_jobs(const struct printing *to)
{
    size_t all;
    char rest[64], number[32];
    struct bar bars[JOBS_SHOWN + 1];
    struct counted *jobs = tally_sorted(to->count->jobs, &all);
    size_t shown = all < JOBS_SHOWN ? all : JOBS_SHOWN, size = shown;
    for (size_t i = 0; i < shown; i++) {
        bars[i] = (struct bar){jobs[i].text, jobs[i].count};
    }
    if (all > shown) {
        snprintf(rest, sizeof rest, "%s more job%s", text_thousands(number, (int64_t)(all - shown)),
                 all - shown == 1 ? "" : "s");
        bars[size] = (struct bar){rest, to->count->selected};
        for (size_t i = 0; i < shown; i++) {
            bars[size].count -= jobs[i].count;
        }
        size++;
    }
    bars_print("job", bars, size, to->count->selected, to->style, to->out);
    free(jobs);
}

/* --- what stays ---------------------------------------------------------------------------------------- */

static void print_reason(const struct printing *to, const char *heading, const struct kept *kept)
{
    const struct place *place = kept->place;
    if (place != NULL && place->line > 0) {
        put_count(to, heading, kept->count, "%s (%s:%d)", kept->reason, place->file, place->line);
    } else {
        put_count(to, heading, kept->count, "%s", kept->reason);
    }
}

static void print_kept(const struct printing *to)
{
    size_t all, rules = to->count->policy->keep_count;
    struct kept *kept = plan_count_kept(to->count, &all);
    size_t shown = 0, others = 0;
    int64_t rest = 0;
    for (size_t i = 0; i < all; i++) {
        if (kept[i].cause == CAUSE_FUTURE) { /* has a line of its own */
            continue;
        }
        if (shown < rules + REASONS_SHOWN) {
            print_reason(to, shown++ == 0 ? "kept" : "", &kept[i]);
        } else {
            others++;
            rest += kept[i].count;
        }
    }
    if (others > 0) {
        put_count(to, "", rest, "for %zu more reason%s", others, others == 1 ? "" : "s");
    }
    free(kept);
}

/* What is meant by a kind, for one job or many, and what a policy says that means these jobs. */
static const struct {
    const char *one, *many, *meant;
} KINDS[RESERVE_COUNT] = {
    [RESERVE_NAMESPACE] = {"job of a namespace, such as a Greengrass deployment",
                           "jobs of a namespace, such as Greengrass deployments",
                           "match.namespace_id, or their ids in match.job_id.include"},
    [RESERVE_CONTINUOUS] =
        {"running CONTINUOUS job", "running CONTINUOUS jobs",
         "match.job: {status: [IN_PROGRESS], target_selection: CONTINUOUS}, or their ids in "
         "match.job_id.include"},
    [RESERVE_OTA] = {"AFR_OTA-* job", "AFR_OTA-* jobs", "\"AFR_OTA-*\" in match.job_id.include"},
};

static void name_jobs(struct buf *text, const struct left_out *jobs, size_t size)
{
    char number[32];
    for (size_t i = 0; i < size && i < LEFT_SHOWN; i++) {
        buf_printf(text, "%s%s", i == 0 ? ": " : ", ", jobs[i].job_id);
        if (jobs[i].executions >= 0) {
            buf_printf(text, " (%s)", text_thousands(number, jobs[i].executions));
        }
    }
    if (size > LEFT_SHOWN) {
        buf_printf(text, " and %zu more", size - LEFT_SHOWN);
    }
}

static bool print_left_of(const struct printing *to, enum job_reserve why, bool first)
{
    size_t size;
    int64_t executions = 0, unlisted = 0;
    char number[32];
    struct buf text;
    struct left_out *jobs = plan_count_reserved(to->count, why, &size);
    for (size_t i = 0; i < size; i++) {
        unlisted += jobs[i].executions < 0;
        executions += jobs[i].executions > 0 ? jobs[i].executions : 0;
    }
    if (size > 0) {
        bool none_listed = unlisted == (int64_t)size;
        buf_init(&text, SENTENCE_MAX - 1);
        buf_printf(&text, "%sof %s %s", none_listed ? "those " : "", text_thousands(number, (int64_t)size),
                   size == 1 ? KINDS[why].one : KINDS[why].many);
        if (unlisted > 0) {
            buf_printf(&text, ", %s%snot listed", none_listed ? "" : text_thousands(number, unlisted),
                       none_listed ? "" : " ");
        }
        name_jobs(&text, jobs, size);
        put_count(to, first ? "left out" : "", none_listed ? -1 : executions, "%s", buf_string(&text));
        put_count(to, "", -1, "if they are meant: %s", KINDS[why].meant);
        buf_finish(&text);
    }
    free(jobs);
    return size > 0;
}

static void print_left_out(const struct printing *to)
{
    static const enum job_reserve order[] = {RESERVE_CONTINUOUS, RESERVE_OTA, RESERVE_NAMESPACE};
    bool first = true;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        first = !print_left_of(to, order[i], first) && first;
    }
}

static void print_skipped(const struct printing *to)
{
    size_t all;
    struct counted *skipped = tally_sorted(to->count->skipped, &all);
    int64_t rest = to->report->skipped - tally_total(to->count->skipped);
    for (size_t i = 0; i < all; i++) {
        put_count(to, i == 0 ? "skipped" : "", skipped[i].count, "rows of answers: %s", skipped[i].text);
    }
    if (rest > 0) {
        put_count(to, all == 0 ? "skipped" : "", rest, "rows of answers that make no sense");
    }
    free(skipped);
}

static void print_others(const struct printing *to)
{
    const struct report *report = to->report;
    int64_t future = to->count->by_cause[CAUSE_FUTURE];
    if (future > 0) {
        put_count(to, "future", future,
                  "kept, as a time of it lies in the future: a clock is wrong somewhere");
    }
    if (report->newest > 0) {
        put_count(to, "newest", report->newest,
                  report->newest == 1 ? "row has no number: the newest is meant"
                                      : "rows have no number: the newest of each is meant");
    }
    if (to->count->by_cause[CAUSE_GRACE] > 0) {
        put_count(to, "waiting", to->count->by_cause[CAUSE_GRACE],
                  "match and are in their grace, which begins with a run, not with a plan");
    }
    if (report->remaining > 0) {
        put_count(to, "later", report->remaining, "match and are left for later by limits");
    }
    print_skipped(to);
}

/* --- what it takes ------------------------------------------------------------------------------------- */

/* "9.95" of 9,950 in 1,000 s. */
static const char *a_second(char text[32], int64_t per_1000s)
{
    int length = snprintf(text, 32, "%" PRId64 ".%03" PRId64, per_1000s / 1000, per_1000s % 1000);
    while (text[length - 1] == '0') {
        text[--length] = '\0';
    }
    if (text[length - 1] == '.') {
        text[length - 1] = '\0';
    }
    return text;
}

/* Whether one run has the time. */
static void print_runs(const struct printing *to, const struct plan_cost *cost)
{
    char allowed[48], number[32], number_of_rows[32];
    const char *limit = cost->limit == LIMIT_WINDOW ? "the window" : "max_duration";
    if (cost->allowed_ms > 0) {
        bool fits = cost->ms <= cost->allowed_ms;
        put_text(to, "", "%s of %s %s", limit, time_duration(cost->allowed_ms, allowed),
                 fits ? "is long enough" : "is too short for it");
    }
    if (cost->runs > 1) {
        put_text(to, "", "about %s runs until all %s are deleted", text_thousands(number, cost->runs),
                 text_thousands(number_of_rows, cost->deletions + to->report->remaining));
    }
}

static void print_deleting(const struct printing *to)
{
    const struct plan_count *count = to->count;
    char number[32], about[32], deletions[32], looks[32];
    struct plan_cost cost;
    plan_cost(count->policy, count->target, count->selected, to->report->remaining, &cost);
    put_text(to, "deleting", "%s calls, %s at the quota: %s deletions a second%s%s%s",
             text_thousands(number, cost.calls), time_about(cost.ms, about),
             a_second(deletions, cost.delete_per_1000s),
             cost.looks > 0 ? ", each looked at before, " : ", looked at before only where it is doubtful",
             cost.looks > 0 ? a_second(looks, cost.look_per_1000s) : "", cost.looks > 0 ? " a second" : "");
    print_runs(to, &cost);
}

static void print_cost(const struct printing *to)
{
    char number[32];
    struct buf route;
    int64_t listing = 0;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        listing += to->report->calls[i];
    }
    if (to->count->routed) {
        buf_init(&route, SENTENCE_MAX - 1);
        route_print(&to->count->route, &route);
        put_text(to, "route", "%s", buf_string(&route));
        buf_finish(&route);
    }
    put_text(to, "listing", "%s call%s made", text_thousands(number, listing), listing == 1 ? "" : "s");
    if (to->count->selected > 0) {
        print_deleting(to);
    }
}

static void print_archive(const struct printing *to)
{
    const struct policy *policy = to->count->policy;
    if (policy->archive_directory != NULL) {
        put_text(to, "archive", "%s, %s", policy->archive_directory,
                 policy->archive_optional ? "optional" : "required");
    }
}

void plan_view_print(const struct plan_count *count, const struct report *report,
                     const struct view_style *style, struct buf *out)
{
    const struct printing to = {count, report, style, out};
    char selected[32], listed[32], text[128];
    int used = view_heading(out, style, count->policy->name, count->target->name);
    snprintf(text, sizeof text, " %s of %s job executions would be deleted",
             text_thousands(selected, count->selected), text_thousands(listed, report->listed));
    view_wrap(out, style, text, used, 2);
    buf_char(out, '\n');
    print_sample(&to);
    print_statuses(&to);
    print_jobs(&to);
    print_ages(&to);
    print_kept(&to);
    print_left_out(&to);
    print_others(&to);
    print_cost(&to);
    print_archive(&to);
    buf_char(out, '\n');
}
