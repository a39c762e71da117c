/* See app/status_view.h. Each part is printed into a text of its own while its lines come: in the end they
 * only have to be put in order. */
#include "app/status_view.h"

#include "app/control_events.h"
#include "app/user_name.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/diagnostics.h"

#include <stdlib.h>
#include <string.h>

#define PART_MAX     (16 * 1024 * 1024)
#define POLICIES_MAX 1000
#define NEXT_SHOWN   10
#define RUNS_SHOWN   100

struct next {
    int64_t at_ms;
    char *policy, *mode;
    int64_t targets;
};

struct status_view {
    bool all;
    int64_t now_ms, runs, runs_printed, failures, failures_printed;
    bool failures_told; /* their number has come: results are those of pairs from then on */
    bool reload_failed;
    struct diagnostics diagnostics;
    struct buf head, running, failed, pairs;
    struct next *next; /* POLICIES_MAX of them */
    size_t next_count;
};

struct status_view *status_view_create(bool all)
{
    struct status_view *view = mem_zalloc(sizeof *view);
    view->all = all;
    view->next = mem_calloc(POLICIES_MAX, sizeof view->next[0]);
    diagnostics_init(&view->diagnostics);
    buf_init(&view->head, PART_MAX);
    buf_init(&view->running, PART_MAX);
    buf_init(&view->failed, PART_MAX);
    buf_init(&view->pairs, PART_MAX);
    return view;
}

void status_view_destroy(struct status_view *view)
{
    if (view == NULL) {
        return;
    }
    for (size_t i = 0; i < view->next_count; i++) {
        free(view->next[i].policy);
        free(view->next[i].mode);
    }
    free(view->next);
    diagnostics_finish(&view->diagnostics);
    buf_finish(&view->head);
    buf_finish(&view->running);
    buf_finish(&view->failed);
    buf_finish(&view->pairs);
    free(view);
}

/* A member's text, made visible. */
static void add_text(struct buf *out, const struct json_value *line, const char *key)
{
    text_visible(out, control_text(line, key));
}

static void add_pair(struct buf *out, const struct json_value *line)
{
    add_text(out, line, "policy");
    buf_text(out, " in ");
    add_text(out, line, "target");
}

static void add_count(struct buf *out, int64_t count, const char *one, const char *many)
{
    char number[32];
    buf_printf(out, "%s %s", text_thousands(number, count), count == 1 ? one : many);
}

/* "2026-11-24T03:15:00Z (5 h 12 min ago)" */
static void add_time(struct buf *out, const struct status_view *view, int64_t ms)
{
    char time[21], about[32];
    int64_t distance_ms = view->now_ms - ms;
    time_rfc3339(ms, time);
    buf_text(out, time);
    if (distance_ms > -TIME_MS_PER_SECOND && distance_ms < TIME_MS_PER_SECOND) { /* both are whole seconds */
        buf_text(out, " (now)");
    } else if (distance_ms >= 0) {
        buf_printf(out, " (%s ago)", time_about(distance_ms, about));
    } else {
        buf_printf(out, " (in %s)", time_about(-distance_ms, about));
    }
}

/* --- the daemon ---------------------------------------------------------------------------------------- */

static void add_pause(struct status_view *view, const struct json_value *line)
{
    struct buf *out = &view->head;
    int64_t since_ms = control_time(line, "paused_at"), user;
    char name[USER_NAME_SIZE];
    if (!control_truth(line, "paused")) {
        return;
    }
    buf_text(out, "paused since ");
    if (since_ms != 0) {
        add_time(out, view, since_ms);
    } else {
        buf_text(out, "an unknown time");
    }
    if (json_int64(json_get(line, "paused_by"), &user)) {
        buf_text(out, " by ");
        text_visible(out, user_name(user, name));
    }
    buf_text(out, ": nothing is deleted (jobsweep resume)\n");
}

static void add_configuration(struct status_view *view, const struct json_value *line)
{
    struct buf *out = &view->head;
    int64_t files = control_number(line, "file_count");
    const char *first = json_string(json_at(json_get(line, "files"), 0));
    buf_text(out, "configuration: ");
    text_visible(out, first != NULL ? first : "");
    if (files > 1) {
        buf_printf(out, " and %lld more", (long long)files - 1);
    }
    buf_text(out, ", loaded ");
    add_time(out, view, control_time(line, "loaded_at"));
    buf_text(out, ", ");
    add_count(out, control_number(line, "policies"), "policy", "policies");
    buf_text(out, ", ");
    add_count(out, control_number(line, "targets"), "target", "targets");
    buf_char(out, '\n');
    int64_t failed_ms = control_time(line, "reload_failed_at");
    view->reload_failed = failed_ms != 0;
    if (view->reload_failed) {
        buf_text(out, "the reload of ");
        add_time(out, view, failed_ms);
        buf_text(out, " was refused, and this configuration stays in force:\n");
    }
}

static void take_daemon(struct status_view *view, const struct json_value *line)
{
    struct buf *out = &view->head;
    bool failed = strcmp(control_text(line, "ledger"), "failed") == 0;
    view->now_ms = control_time(line, "now");
    view->runs = control_number(line, "runs");
    buf_text(out, "jobsweepd ");
    add_text(out, line, "version");
    buf_printf(out, ", process %lld, since ", (long long)control_number(line, "pid"));
    add_time(out, view, control_time(line, "started_at"));
    buf_text(out, control_truth(line, "stopping") ? ", stopping\n" : "\n");
    buf_text(out, failed ? "the ledger cannot be written: nothing is deleted; it is in " : "state: ");
    add_text(out, line, "state_directory");
    buf_char(out, '\n');
    add_pause(view, line);
    add_configuration(view, line);
}

/* --- runs ---------------------------------------------------------------------------------------------- */

static void add_progress(struct buf *out, const struct json_value *line, bool deleting)
{
    char done[32], all[32], rate[48], left[32];
    int64_t remaining_ms, rate_per_1000s = control_number(line, "rate_per_1000s");
    if (deleting) {
        buf_printf(out, ", settled %s of %s", text_thousands(done, control_number(line, "settled")),
                   text_thousands(all, control_number(line, "selected")));
    } else {
        buf_printf(out, ", listed %s", text_thousands(done, control_number(line, "listed")));
    }
    if (control_number(line, "quarantined") > 0) {
        buf_printf(out, ", %s to be verified", text_thousands(done, control_number(line, "quarantined")));
    }
    if (rate_per_1000s >= 1000) {
        buf_printf(out, ", %s a second", text_thousands(rate, rate_per_1000s / 1000));
    }
    if (json_int64(json_get(line, "remaining_ms"), &remaining_ms) && remaining_ms > 0) {
        buf_printf(out, ", about %s left", time_about(remaining_ms, left));
    }
    buf_text(out, control_truth(line, "throttled") ? ", throttled" : "");
}

static void take_run(struct status_view *view, const struct json_value *line)
{
    struct buf *out = &view->running;
    const char *state = control_text(line, "state");
    bool deleting = strcmp(state, "deleting") == 0;
    if (view->runs_printed == RUNS_SHOWN) {
        return;
    }
    view->runs_printed++;
    buf_text(out, "  ");
    add_pair(out, line);
    buf_printf(out, ": ");
    text_visible(out, state);
    if (strcmp(control_text(line, "mode"), "observe") == 0) {
        buf_text(out, " (observes)");
    }
    buf_text(out, control_truth(line, "resumed") ? " (interrupted before)" : "");
    if (deleting || strcmp(state, "listing") == 0) {
        add_progress(out, line, deleting);
    }
    buf_char(out, '\n');
}

/* --- policies ------------------------------------------------------------------------------------------ */

static void take_policy(struct status_view *view, const struct json_value *line)
{
    int64_t at_ms = control_time(line, "next_at");
    if (at_ms == 0 || view->next_count == POLICIES_MAX) {
        return;
    }
    view->next[view->next_count++] = (struct next){.at_ms = at_ms,
                                                   .policy = mem_strdup(control_text(line, "policy")),
                                                   .mode = mem_strdup(control_text(line, "mode")),
                                                   .targets = control_number(line, "targets")};
}

static int by_time(const void *left, const void *right)
{
    const struct next *a = left, *b = right;
    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? -1 : 1) : strcmp(a->policy, b->policy);
}

static void print_next(const struct status_view *view, struct buf *out)
{
    size_t shown = view->all || view->next_count < NEXT_SHOWN ? view->next_count : NEXT_SHOWN;
    qsort(view->next, view->next_count, sizeof view->next[0], by_time);
    buf_text(out, shown > 0 ? "next:\n" : "nothing is scheduled\n");
    for (size_t i = 0; i < shown; i++) {
        const struct next *next = &view->next[i];
        buf_text(out, "  ");
        text_visible(out, next->policy);
        buf_text(out, ": ");
        add_time(out, view, next->at_ms);
        buf_text(out, ", ");
        add_count(out, next->targets, "target", "targets");
        buf_text(out, strcmp(next->mode, "observe") == 0 ? " (observes)\n" : "\n");
    }
    if (shown < view->next_count) {
        buf_printf(out, "  and %zu more\n", view->next_count - shown);
    }
}

/* --- results ------------------------------------------------------------------------------------------- */

static void add_result(struct buf *out, const struct status_view *view, const struct json_value *line)
{
    const struct json_value *outcomes = json_get(line, "outcomes");
    const char *error = json_string(json_get(line, "error"));
    char number[32];
    add_pair(out, line);
    buf_text(out, ": ");
    add_text(out, line, "end");
    buf_text(out, ", ");
    add_time(out, view, control_time(line, "ended_at"));
    buf_printf(out, ", selected %s", text_thousands(number, control_number(line, "selected")));
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        const char *name = outcome_name((enum outcome)outcome);
        int64_t count = control_number(outcomes, name);
        if (count > 0) {
            buf_printf(out, ", %s %s", name, text_thousands(number, count));
        }
    }
    if (strcmp(control_text(line, "by"), "ledger") == 0) {
        buf_text(out, ", by an earlier process (jobsweep history)");
    }
    if (error != NULL) {
        buf_text(out, ": ");
        text_visible(out, error);
    }
    buf_char(out, '\n');
}

static void take_result(struct status_view *view, const struct json_value *line)
{
    struct buf *out = view->failures_told ? &view->pairs : &view->failed;
    view->failures_printed += !view->failures_told;
    buf_text(out, view->failures_told ? "    last: " : "  ");
    add_result(out, view, line);
}

static void take_pair(struct status_view *view, const struct json_value *line)
{
    struct buf *out = &view->pairs;
    char rest[32];
    int64_t rests_ms = control_number(line, "rests_ms");
    buf_text(out, "  ");
    add_pair(out, line);
    buf_text(out, control_truth(line, "runs") ? ", runs now" : "");
    if (rests_ms > 0) {
        buf_printf(out, ", left alone for %s, because it failed before", time_about(rests_ms, rest));
    }
    buf_char(out, '\n');
}

/* --- the view ------------------------------------------------------------------------------------------ */

void status_view_line(struct status_view *view, const struct json_value *line)
{
    static const struct {
        const char *event;
        void (*take)(struct status_view *view, const struct json_value *line);
    } parts[] = {{"daemon", take_daemon},
                 {"run", take_run},
                 {"policy", take_policy},
                 {"result", take_result},
                 {"pair", take_pair}};
    const char *event = control_text(line, "event");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(parts[i].event, event) == 0) {
            parts[i].take(view, line);
        }
    }
    if (strcmp(event, "diagnostic") == 0) {
        control_read_diagnostic(line, &view->diagnostics);
    } else if (strcmp(event, "failures") == 0) {
        view->failures = control_number(line, "count");
        view->failures_told = true;
    }
}

static void print_more(int64_t all, int64_t printed, struct buf *out)
{
    if (all > printed) {
        buf_printf(out, "  and %lld more\n", (long long)(all - printed));
    }
}

void status_view_print(const struct status_view *view, struct buf *out)
{
    buf_text(out, buf_string(&view->head));
    if (view->reload_failed) {
        diagnostics_print(&view->diagnostics, out);
    }
    buf_text(out, view->runs > 0 ? "now:\n" : "nothing runs\n");
    buf_text(out, buf_string(&view->running));
    print_more(view->runs, view->runs_printed, out);
    print_next(view, out);
    if (view->failures > 0) {
        buf_text(out, "last runs that did not end well:\n");
        buf_text(out, buf_string(&view->failed));
        print_more(view->failures, view->failures_printed, out);
    }
    if (view->all) {
        buf_text(out, "each policy in each target:\n");
        buf_text(out, buf_string(&view->pairs));
    }
}
