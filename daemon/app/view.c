/* Plans and reports for people. */
#include "app/view.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH      30
#define JOBS_SHOWN     10
#define REASON_SHOWN   6
#define SENTENCE_SHOWN 72
#define LATER_WORDS    "left for the next time by limits." /* engine/selector.c, engine/sieve.c */
#define LABEL_MAX      512
#define LINE_MAX_BYTES 4096

/* Counts by some text. */
struct tally {
    struct names *names;
    int64_t *counts;
    size_t room;
};

struct sample_row {
    struct job_execution execution;
    struct verdict verdict;
};

static const struct {
    const char *label;
    int64_t below_ms;
} ages[] = {
    {"under 1 d", TIME_MS_PER_DAY},         {"1 d to 7 d", 7 * TIME_MS_PER_DAY},
    {"7 d to 30 d", 30 * TIME_MS_PER_DAY},  {"30 d to 90 d", 90 * TIME_MS_PER_DAY},
    {"90 d to 1 y", 365 * TIME_MS_PER_DAY}, {"over 1 y", INT64_MAX},
};

#define AGES (sizeof ages / sizeof ages[0])

struct plan_view {
    const struct policy *policy;
    const struct target *target;
    int64_t now_ms;
    char *route;
    int64_t route_calls;
    int64_t by_status[EXECUTION_STATUS_COUNT];
    int64_t by_age[AGES];
    struct tally jobs, kept;
    struct sample_row *sample;
    size_t sample_count, sample_room;
};

struct view_style view_style_of(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool dumb = term == NULL || strcmp(term, "dumb") == 0;
    return (struct view_style){.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                               .color = isatty(fd) && !dumb && (no_color == NULL || no_color[0] == '\0'),
                               .columns = view_columns(fd)};
}

int view_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd)) {
        return 0;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* --- counting ------------------------------------------------------------------------------------------ */

static void tally_add(struct tally *tally, const char *text)
{
    uint32_t number = names_intern(tally->names, text);
    if (number >= tally->room) {
        size_t room = tally->room == 0 ? 64 : 2 * tally->room;
        tally->counts = mem_realloc(tally->counts, room, sizeof tally->counts[0]);
        memset(tally->counts + tally->room, 0, (room - tally->room) * sizeof tally->counts[0]);
        tally->room = room;
    }
    tally->counts[number]++;
}

struct plan_view *plan_view_create(const struct policy *policy, const struct target *target, int64_t now_ms,
                                   size_t rows_kept)
{
    struct plan_view *view = mem_zalloc(sizeof *view);
    view->policy = policy;
    view->target = target;
    view->now_ms = now_ms;
    view->jobs.names = names_create();
    view->kept.names = names_create();
    view->sample = mem_calloc(rows_kept + 1, sizeof view->sample[0]);
    view->sample_room = rows_kept;
    return view;
}

void plan_view_destroy(struct plan_view *view)
{
    if (view == NULL) {
        return;
    }
    names_destroy(view->jobs.names);
    names_destroy(view->kept.names);
    free(view->jobs.counts);
    free(view->kept.counts);
    free(view->sample);
    free(view->route);
    free(view);
}

void plan_view_route(struct plan_view *view, const char *text, int64_t calls)
{
    free(view->route);
    view->route = mem_strdup(text);
    view->route_calls = calls;
}

static int64_t age_ms(const struct plan_view *view, const struct fingerprint *fingerprint)
{
    const struct timestamp *fields[] = {[AGE_LAST_UPDATED_AT] = &fingerprint->last_updated_at,
                                        [AGE_QUEUED_AT] = &fingerprint->queued_at,
                                        [AGE_STARTED_AT] = &fingerprint->started_at};
    return view->now_ms - fields[view->policy->match.age_field]->ms;
}

void plan_view_row(struct plan_view *view, const struct job_execution *execution,
                   const struct verdict *verdict)
{
    size_t age = 0;
    if (!verdict->delete) {
        bool later = strncmp(verdict->reason, LATER_WORDS, strlen(LATER_WORDS)) == 0;
        if (!later && !verdict->in_grace) { /* those have a line of their own */
            tally_add(&view->kept, verdict->reason);
        }
        return;
    }
    view->by_status[execution->fingerprint.status]++;
    tally_add(&view->jobs, execution->job_id);
    while (age_ms(view, &execution->fingerprint) >= ages[age].below_ms) {
        age++;
    }
    view->by_age[age]++;
    if (view->sample_count < view->sample_room) {
        view->sample[view->sample_count++] = (struct sample_row){*execution, *verdict};
    }
}

/* --- bars ---------------------------------------------------------------------------------------------- */

struct bar {
    const char *label;
    int64_t count;
};

static void color(struct buf *out, const struct view_style *style, const char *sequence)
{
    if (style->color) {
        buf_printf(out, "\033[%sm", sequence);
    }
}

/* Partial cells in eighths where the terminal has them; anything above nothing shows at least one mark. */
static void draw(struct buf *out, const struct view_style *style, int64_t count, int64_t most)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int64_t cells = most > 0 ? (int64_t)((double)count / (double)most * BAR_WIDTH * 8) : 0;
    if (cells == 0 && count > 0) {
        cells = 1;
    }
    int64_t full = style->utf8 ? cells / 8 : (cells + 7) / 8;
    int64_t used = full;
    color(out, style, "36");
    for (int64_t i = 0; i < full; i++) {
        buf_text(out, style->utf8 ? "█" : "#");
    }
    if (style->utf8 && cells % 8 != 0) {
        buf_text(out, eighths[cells % 8]);
        used++;
    }
    color(out, style, "0");
    buf_printf(out, "%*s", (int)(BAR_WIDTH - used), "");
}

static void print_label(struct buf *out, const char *label, size_t width)
{
    struct buf visible;
    buf_init(&visible, LABEL_MAX);
    text_visible(&visible, label);
    buf_printf(out, "%-*s", (int)width, buf_string(&visible));
    buf_finish(&visible);
}

/* Percent are of `total`, which may be more than the bars show. */
static void print_bars(struct buf *out, const struct view_style *style, const char *heading,
                       const struct bar *bars, size_t count, int64_t total)
{
    int64_t most = 0;
    size_t width = 12;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(bars[i].label);
        most = bars[i].count > most ? bars[i].count : most;
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < count; i++) {
        char number[32];
        double percent = 100.0 * (double)bars[i].count / (double)total;
        buf_printf(out, "  %-8s ", i == 0 ? heading : "");
        print_label(out, bars[i].label, width);
        buf_char(out, ' ');
        draw(out, style, bars[i].count, most);
        buf_printf(out, " %10s %5.1f %%\n", text_thousands(number, bars[i].count), percent);
    }
}

static int64_t planned(const struct plan_view *view)
{
    int64_t sum = 0;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        sum += view->by_status[status];
    }
    return sum;
}

static void print_statuses(struct buf *out, const struct view_style *style, const struct plan_view *view)
{
    struct bar bars[EXECUTION_STATUS_COUNT];
    size_t count = 0;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (view->by_status[status] > 0) {
            bars[count++] =
                (struct bar){execution_status_name((enum execution_status)status), view->by_status[status]};
        }
    }
    print_bars(out, style, "status", bars, count, planned(view));
}

static void print_ages(struct buf *out, const struct view_style *style, const struct plan_view *view)
{
    struct bar bars[AGES];
    size_t count = 0;
    for (size_t i = 0; i < AGES; i++) {
        if (view->by_age[i] > 0) {
            bars[count++] = (struct bar){ages[i].label, view->by_age[i]};
        }
    }
    print_bars(out, style, "age", bars, count, planned(view));
}

static int compare_bars(const void *left, const void *right)
{
    const struct bar *a = left, *b = right;
    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    return strcmp(a->label, b->label);
}

/* The greatest counts first; *all is how many there are. The caller frees. */
static struct bar *sorted(const struct tally *tally, size_t *all)
{
    *all = names_count(tally->names);
    struct bar *bars = mem_calloc(*all + 1, sizeof *bars);
    for (uint32_t i = 0; i < *all; i++) {
        bars[i] = (struct bar){names_text(tally->names, i), tally->counts[i]};
    }
    qsort(bars, *all, sizeof *bars, compare_bars);
    return bars;
}

static void print_jobs(struct buf *out, const struct view_style *style, const struct plan_view *view)
{
    size_t all, shown;
    char rest[32];
    struct bar *bars = sorted(&view->jobs, &all);
    shown = all < JOBS_SHOWN ? all : JOBS_SHOWN;
    print_bars(out, style, "job", bars, shown, planned(view));
    if (all > shown) {
        buf_printf(out, "  %-8s and %s more job%s\n", "", text_thousands(rest, (int64_t)(all - shown)),
                   all - shown == 1 ? "" : "s");
    }
    free(bars);
}

static void print_kept(struct buf *out, const struct plan_view *view)
{
    size_t all;
    char number[32];
    struct bar *bars = sorted(&view->kept, &all);
    for (size_t i = 0; i < all && i < REASON_SHOWN; i++) {
        buf_printf(out, "  %-8s %10s  ", i == 0 ? "kept" : "", text_thousands(number, bars[i].count));
        text_visible(out, bars[i].label);
        buf_char(out, '\n');
    }
    if (all > REASON_SHOWN) {
        buf_printf(out, "  %-8s for %zu more reasons\n", "", all - REASON_SHOWN);
    }
    free(bars);
}

/* --- plans --------------------------------------------------------------------------------------------- */

static int64_t rate_per_1000s(const struct target *target, enum operation operation)
{
    int64_t quota = target->quota_per_1000s[operation];
    if (quota == 0) {
        quota = (int64_t)operation_default_quota(operation) * 1000;
    }
    return quota * (target->share_permille > 0 ? target->share_permille : 995) / 1000;
}

static int64_t at_quota_ms(const struct target *target, enum operation operation, int64_t calls)
{
    int64_t rate = rate_per_1000s(target, operation);
    return rate > 0 ? calls * 1000 * TIME_MS_PER_SECOND / rate : 0;
}

int64_t view_deletion_ms(const struct policy *policy, const struct target *target, int64_t executions,
                         int64_t *calls)
{
    int64_t checks = policy->verify_risky ? 0 : executions;
    int64_t delete_ms = at_quota_ms(target, OPERATION_DELETE_EXECUTION, executions);
    int64_t check_ms = at_quota_ms(target, OPERATION_DESCRIBE_EXECUTION, checks);
    *calls = executions + checks;
    return delete_ms > check_ms ? delete_ms : check_ms;
}

/* Of the columns of a table of executions. */
struct row_widths {
    int job, thing, number, status;
};

static void widen(int *width, size_t length)
{
    *width = (int)length > *width ? (int)length : *width;
}

static void print_row(struct buf *out, const struct job_execution *execution, const struct verdict *verdict,
                      const struct row_widths *widths)
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    char updated[21] = "-";
    if (timestamp_present(&fingerprint->last_updated_at)) {
        time_rfc3339(fingerprint->last_updated_at.ms, updated);
    }
    buf_printf(out, "  %-6s ", verdict->delete ? "delete" : "keep");
    print_label(out, execution->job_id, (size_t)widths->job);
    buf_char(out, ' ');
    print_label(out, execution->thing_name, (size_t)widths->thing);
    buf_printf(out, " %*" PRId64 " %-*s %-20s ", widths->number, execution->number, widths->status,
               execution_status_name(fingerprint->status), updated);
    text_visible(out, verdict->reason);
}

void view_row(const struct job_execution *execution, const struct verdict *verdict, struct buf *out)
{
    print_row(out, execution, verdict,
              &(struct row_widths){.job = 20, .thing = 20, .number = 4, .status = 11});
    buf_char(out, '\n');
}

static struct row_widths sample_widths(const struct plan_view *view)
{
    struct row_widths widths = {.job = 3, .thing = 5, .number = 3, .status = 6};
    for (size_t i = 0; i < view->sample_count; i++) {
        const struct job_execution *execution = &view->sample[i].execution;
        widen(&widths.job, strlen(execution->job_id));
        widen(&widths.thing, strlen(execution->thing_name));
        widen(&widths.number, (size_t)snprintf(NULL, 0, "%" PRId64, execution->number));
        widen(&widths.status, strlen(execution_status_name(execution->fingerprint.status)));
    }
    return widths;
}

/* Ends a line at the terminal's edge, between two characters. */
static void print_clipped(struct buf *out, const char *line, int columns)
{
    int used = 0;
    for (; *line != '\0'; line++) {
        bool begins = ((unsigned char)*line & 0xc0) != 0x80;
        if (begins && columns > 0 && ++used > columns) {
            break;
        }
        buf_char(out, *line);
    }
    buf_char(out, '\n');
}

static void print_sample(struct buf *out, const struct view_style *style, const struct plan_view *view,
                         int64_t selected)
{
    char rest[32];
    struct buf line;
    struct row_widths widths = sample_widths(view);
    if (view->sample_count == 0) {
        return;
    }
    buf_init(&line, LINE_MAX_BYTES);
    buf_printf(&line, "  %-6s %-*s %-*s %*s %-*s %-20s %s", "", widths.job, "JOB", widths.thing, "THING",
               widths.number, "NO.", widths.status, "STATUS", "LAST UPDATE", "REASON");
    print_clipped(out, buf_string(&line), style->columns);
    for (size_t i = 0; i < view->sample_count; i++) {
        buf_reset(&line);
        print_row(&line, &view->sample[i].execution, &view->sample[i].verdict, &widths);
        print_clipped(out, buf_string(&line), style->columns);
    }
    buf_finish(&line);
    if ((int64_t)view->sample_count < selected) {
        buf_printf(out, "  and %s more (--verbose shows all)\n",
                   text_thousands(rest, selected - (int64_t)view->sample_count));
    }
    buf_char(out, '\n');
}

static void print_cost(struct buf *out, const struct plan_view *view, const struct report *report)
{
    char number[32], about[32];
    int64_t calls, listing = 0;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        listing += report->calls[i];
    }
    if (view->route != NULL) {
        buf_printf(out, "  %-8s ", "route");
        text_visible(out, view->route);
        buf_char(out, '\n');
    }
    buf_printf(out, "  %-8s %s call%s made\n", "listing", text_thousands(number, listing),
               listing == 1 ? "" : "s");
    if (planned(view) == 0) {
        return;
    }
    int64_t ms = view_deletion_ms(view->policy, view->target, planned(view), &calls);
    buf_printf(out, "  %-8s %s calls, %s at the quota\n", "deleting", text_thousands(number, calls),
               time_about(ms, about));
}

static void heading(struct buf *out, const struct view_style *style, const char *policy, const char *target)
{
    color(out, style, "1");
    text_visible(out, policy);
    buf_text(out, " in ");
    text_visible(out, target);
    color(out, style, "0");
    buf_text(out, ": ");
}

void plan_view_print(const struct plan_view *view, const struct report *report,
                     const struct view_style *style, struct buf *out)
{
    char selected[32], listed[32], number[32];
    heading(out, style, view->policy->name, view->target->name);
    buf_printf(out, "%s of %s job executions would be deleted\n\n", text_thousands(selected, planned(view)),
               text_thousands(listed, report->listed));
    print_sample(out, style, view, planned(view));
    print_statuses(out, style, view);
    print_jobs(out, style, view);
    print_ages(out, style, view);
    print_kept(out, view);
    if (report->newest > 0) {
        buf_printf(out, "  %-8s %10s  rows have no number: the newest of each is meant\n", "newest",
                   text_thousands(number, report->newest));
    }
    if (report->remaining > 0) {
        buf_printf(out, "  %-8s %10s  match and are left for later by limits\n", "later",
                   text_thousands(number, report->remaining));
    }
    if (report->in_grace > 0) {
        buf_printf(out, "  %-8s %10s  match and are in their grace\n", "waiting",
                   text_thousands(number, report->in_grace));
    }
    if (report->skipped > 0) {
        buf_printf(out, "  %-8s %10s  rows of answers that make no sense\n", "skipped",
                   text_thousands(number, report->skipped));
    }
    print_cost(out, view, report);
    buf_char(out, '\n');
}

/* --- reports ------------------------------------------------------------------------------------------- */

static void print_ending(struct buf *out, const struct report *report)
{
    static const char *const endings[] = {
        [SWEEP_FINISHED] = "finished",
        [SWEEP_PLANNED] = "only planned",
        [SWEEP_GUARDED] = "stopped by a guard, nothing was deleted",
        [SWEEP_LIMITED] = "stopped by a limit, more remains",
        [SWEEP_STOPPED] = "stopped before its end",
        [SWEEP_CANCELED] = "canceled",
        [SWEEP_FAILED] = "failed, nothing was deleted",
    };
    static const char *const limits[] = {[LIMIT_WINDOW] = "window", [LIMIT_DURATION] = "max_duration"};
    char left[32];
    if (report->end == SWEEP_LIMITED && report->limit != LIMIT_ROWS) {
        bool any = report_left(report) > 0; /* that is known of */
        buf_printf(out, "stopped by the %s%s%s%s", limits[report->limit], any ? ", " : "",
                   any ? text_thousands(left, report_left(report)) : "", any ? " remain" : "");
    } else {
        buf_text(out, endings[report->end]);
    }
    if (report->err.code != ERR_NONE) {
        buf_text(out, ": ");
        text_visible(out, report->err.msg);
    }
    buf_char(out, '\n');
}

static void print_calls(struct buf *out, const struct report *report)
{
    char number[32];
    bool any = false;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (report->calls[i] == 0) {
            continue;
        }
        buf_printf(out, "%s%s %s", any ? ", " : "  calls    ", operation_name((enum operation)i),
                   text_thousands(number, report->calls[i]));
        any = true;
    }
    if (any) {
        buf_char(out, '\n');
    }
}

void view_report(const char *policy, const char *target, const struct report *report,
                 const struct view_style *style, struct buf *out)
{
    char number[32], about[32];
    heading(out, style, policy, target);
    print_ending(out, report);
    buf_printf(out, "  %-18s %10s\n", "listed", text_thousands(number, report->listed));
    buf_printf(out, "  %-18s %10s\n", "selected", text_thousands(number, report->selected));
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        if (report->outcomes[outcome] == 0) {
            continue;
        }
        bool bad = outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN;
        color(out, style, bad ? "31" : outcome == OUTCOME_DELETED ? "32" : "0");
        buf_printf(out, "    %-16s %10s\n", outcome_name((enum outcome)outcome),
                   text_thousands(number, report->outcomes[outcome]));
        color(out, style, "0");
    }
    if (report->newest > 0) {
        buf_printf(out, "  %-18s %10s  (the newest of each was meant)\n", "without a number",
                   text_thousands(number, report->newest));
    }
    if (report->remaining > 0) {
        buf_printf(out, "  %-18s %10s\n", "left for later", text_thousands(number, report->remaining));
    }
    if (report->in_grace > 0) {
        buf_printf(out, "  %-18s %10s\n", "in their grace", text_thousands(number, report->in_grace));
    }
    if (report->skipped > 0) {
        buf_printf(out, "  %-18s %10s\n", "skipped", text_thousands(number, report->skipped));
    }
    print_calls(out, report);
    bool begun = report->started_ms != 0;
    buf_printf(out, "  took     %s\n\n",
               begun ? time_about(report->ended_ms - report->started_ms, about) : "nothing: not begun");
}

static void append_beginning(struct buf *out, const char *sentence)
{
    char beginning[SENTENCE_SHOWN + 1];
    size_t length = strlen(sentence);
    bool whole = length <= SENTENCE_SHOWN;
    length = whole ? length : SENTENCE_SHOWN;
    while (!whole && ((unsigned char)sentence[length] & 0xc0) == 0x80) { /* not inside of a character */
        length--;
    }
    memcpy(beginning, sentence, length);
    beginning[length] = '\0';
    buf_text(out, ": ");
    text_visible(out, beginning);
    buf_text(out, whole ? "" : "...");
}

void view_failure(const char *policy, const char *target, const struct report *report, struct buf *out)
{
    buf_printf(out, "  %s in %s: %s", policy, target, report_end_name(report));
    if (report->err.code != ERR_NONE) {
        append_beginning(out, report->err.msg);
    }
    buf_char(out, '\n');
}
