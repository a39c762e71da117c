/* See app/metrics.h: how it is told. */
#include "app/metrics.h"

#include "app/exposition.h"
#include "app/metrics_private.h"
#include "base/time.h"
#include "base/version.h"
#include "model/operation.h"

#include <ctype.h>

static void one(struct buf *out, const char *name, const char *help, int64_t value)
{
    exposition_family(out, EXPOSITION_GAUGE, name, help);
    exposition_integer(out, name, NULL, value);
}

static void one_in_seconds(struct buf *out, enum exposition_kind kind, const char *name, const char *help,
                           int64_t ms)
{
    exposition_family(out, kind, name, help);
    exposition_thousandths(out, name, NULL, ms);
}

static void print_daemon(const struct metrics *metrics, const struct metrics_state *state, struct buf *out)
{
    const struct exposition_label version[] = {{"version", JOBSWEEP_VERSION}, {NULL, NULL}};
    const char *build = "jobsweep_build_info";
    exposition_family(out, EXPOSITION_GAUGE, build, "The version of the daemon; always 1.");
    exposition_integer(out, build, version, 1);
    one_in_seconds(out, EXPOSITION_GAUGE, "jobsweep_config_loaded_timestamp_seconds",
                   "When the configuration that is in force was loaded.", metrics->loaded_ms);
    one(out, "jobsweep_config_last_reload_successful",
        "Whether the latest reload, or the start, took its configuration; else the one before is in force.",
        !metrics->refused);
    one(out, "jobsweep_runs", "Runs that wait or are under way.", state->runs);
    one(out, "jobsweep_quarantined_executions",
        "Job executions whose deletion got no answer, until they can be looked at.", state->quarantined);
}

static void print_process(const struct metrics *metrics, const struct process_usage *process, struct buf *out)
{
    one_in_seconds(out, EXPOSITION_GAUGE, "process_start_time_seconds", "When the daemon was started.",
                   metrics->started_ms);
    one_in_seconds(out, EXPOSITION_COUNTER, "process_cpu_seconds_total", "CPU time, user and system.",
                   process->cpu_ms);
    one(out, "process_resident_memory_bytes", "Resident memory.", process->resident_bytes);
    one(out, "process_open_fds", "Open file descriptors.", process->open_fds);
    one(out, "process_max_fds", "How many may be open.", process->max_fds);
}

static void print_ledger(const struct ledger_durable_state *ledger, struct buf *out)
{
    static const char *const bounds[] = {"0.001", "0.002", "0.005", "0.01", "0.02", "0.05",
                                         "0.1",   "0.2",   "0.5",   "1",    "2",    "5"};
    _Static_assert(sizeof bounds / sizeof bounds[0] == LEDGER_COMMIT_BOUNDS, "a name for each bound");
    int64_t count = 0;
    one(out, "jobsweep_ledger_frozen", "Whether the ledger failed: nothing is deleted, and the daemon ends.",
        ledger->frozen);
    one(out, "jobsweep_ledger_short_of_space",
        "Whether the disk has no room for the ledger and its reserve: nothing new is deleted.",
        ledger->short_of_space);
    exposition_family(out, EXPOSITION_HISTOGRAM, "jobsweep_ledger_commit_duration_seconds",
                      "Transactions of the ledger, until they are on the disk.");
    for (size_t i = 0; i <= LEDGER_COMMIT_BOUNDS; i++) {
        const struct exposition_label bound[] = {{"le", i < LEDGER_COMMIT_BOUNDS ? bounds[i] : "+Inf"},
                                                 {NULL, NULL}};
        count += ledger->commits[i];
        exposition_integer(out, "jobsweep_ledger_commit_duration_seconds_bucket", bound, count);
    }
    exposition_thousandths(out, "jobsweep_ledger_commit_duration_seconds_sum", NULL,
                           ledger->commits_ns / TIME_NS_PER_MS);
    exposition_integer(out, "jobsweep_ledger_commit_duration_seconds_count", NULL, count);
}

static void print_results(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_runs_total";
    exposition_family(out, EXPOSITION_COUNTER, name, "Runs that ended, by how.");
    for (const struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
        for (int i = 0; i < RESULT_COUNT; i++) {
            const struct exposition_label labels[] = {{"policy", pair->policy},
                                                      {"target", pair->target},
                                                      {"result", run_result_name((enum run_result)i)},
                                                      {NULL, NULL}};
            exposition_integer(out, name, labels, pair->runs[i]);
        }
    }
}

static void print_outcomes(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_executions_total";
    exposition_family(out, EXPOSITION_COUNTER, name, "Selected job executions that are settled, by outcome.");
    for (const struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
        for (int i = OUTCOME_DELETED; i < OUTCOME_COUNT; i++) {
            const struct exposition_label labels[] = {{"policy", pair->policy},
                                                      {"target", pair->target},
                                                      {"outcome", outcome_name((enum outcome)i)},
                                                      {NULL, NULL}};
            exposition_integer(out, name, labels, pair->executions[i]);
        }
    }
}

/* One family of gauges of the latest runs. */
static void print_latest(const struct metrics *metrics, const char *name, const char *help,
                         int64_t (*value)(const struct metrics_pair *pair), struct buf *out)
{
    exposition_family(out, EXPOSITION_GAUGE, name, help);
    for (const struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
        const struct exposition_label labels[] = {
            {"policy", pair->policy}, {"target", pair->target}, {NULL, NULL}};
        if (pair->ended) {
            exposition_integer(out, name, labels, value(pair));
        }
    }
}

static int64_t listed(const struct metrics_pair *pair)
{
    return pair->listed;
}

static int64_t selected(const struct metrics_pair *pair)
{
    return pair->selected;
}

static void print_successes(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_run_last_success_timestamp_seconds";
    exposition_family(
        out, EXPOSITION_GAUGE, name,
        "When the latest run ended that came to its end, or to its limits; none since the start: "
        "absent.");
    for (const struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
        const struct exposition_label labels[] = {
            {"policy", pair->policy}, {"target", pair->target}, {NULL, NULL}};
        if (pair->success_ms > 0) {
            exposition_thousandths(out, name, labels, pair->success_ms);
        }
    }
}

struct archive_family {
    const char *name, *help;
    int64_t (*value)(const struct metrics_pair *pair);
};

static int64_t archived_executions(const struct metrics_pair *pair)
{
    return pair->archived_executions;
}

static int64_t archived_jobs(const struct metrics_pair *pair)
{
    return pair->archived_jobs;
}

static int64_t archive_missing(const struct metrics_pair *pair)
{
    return pair->archive_missing;
}

static void print_archive(const struct metrics *metrics, struct buf *out)
{
    static const struct archive_family families[] = {
        {"jobsweep_archive_executions_total", "Documents of job executions that ended runs have archived.",
         archived_executions},
        {"jobsweep_archive_jobs_total", "Documents of jobs that ended runs have archived.", archived_jobs},
        {"jobsweep_archive_missing_total", "Job executions that ended runs could not archive.",
         archive_missing},
    };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct archive_family *family = &families[i];
        exposition_family(out, EXPOSITION_COUNTER, family->name, family->help);
        for (const struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
            const struct exposition_label labels[] = {
                {"policy", pair->policy}, {"target", pair->target}, {NULL, NULL}};
            exposition_integer(out, family->name, labels, family->value(pair));
        }
    }
}

static void print_runs(const struct metrics *metrics, struct buf *out)
{
    print_results(metrics, out);
    print_successes(metrics, out);
    print_outcomes(metrics, out);
    print_archive(metrics, out);
    print_latest(metrics, "jobsweep_plan_listed_executions", "What the latest run listed.", listed, out);
    print_latest(metrics, "jobsweep_plan_selected_executions", "What the latest run selected.", selected,
                 out);
}

/* --- calls --- */

static void print_answers_of(const struct metrics_place *place, enum operation operation, const char *name,
                             struct buf *out)
{
    for (int i = 0; i < ANSWER_CLASS_COUNT; i++) {
        char word[24];
        size_t length = 0;
        for (const char *at = answer_class_name((enum answer_class)i); *at != '\0'; at++) {
            word[length++] = (char)tolower((unsigned char)*at);
        }
        word[length] = '\0';
        const struct exposition_label labels[] = {{"target", place->target},
                                                  {"operation", operation_name(operation)},
                                                  {"answer", word},
                                                  {NULL, NULL}};
        if (place->calls->answers[operation][i] > 0) {
            exposition_integer(out, name, labels, place->calls->answers[operation][i]);
        }
    }
}

static void print_answers(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_requests_total";
    exposition_family(out, EXPOSITION_COUNTER, name, "Attempts, by what the service answered.");
    for (const struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        for (int i = 0; place->calls != NULL && i < OPERATION_COUNT; i++) {
            print_answers_of(place, (enum operation)i, name, out);
        }
    }
}

static bool called(const struct metrics_calls *calls, int operation)
{
    bool is_called = false;
    for (int i = 0; i < ANSWER_CLASS_COUNT; i++) {
        is_called = is_called || calls->answers[operation][i] > 0;
    }
    return is_called;
}

static void print_retries(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_request_retries_total";
    exposition_family(out, EXPOSITION_COUNTER, name,
                      "Of the attempts, reads that repeated one before; each deletion is one of its own.");
    for (const struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        for (int i = 0; place->calls != NULL && i < OPERATION_COUNT; i++) {
            const struct exposition_label labels[] = {
                {"target", place->target}, {"operation", operation_name((enum operation)i)}, {NULL, NULL}};
            if (called(place->calls, i)) {
                exposition_integer(out, name, labels, place->calls->repeated[i]);
            }
        }
    }
}

struct lane_family {
    const char *name, *help;
    int64_t (*value)(const struct metrics_lane *lane);
    bool thousandths;
};

static int64_t lane_pace(const struct metrics_lane *lane)
{
    return lane->rate_per_1000s;
}

static int64_t lane_waiting(const struct metrics_lane *lane)
{
    return lane->waiting;
}

static int64_t lane_wait(const struct metrics_lane *lane)
{
    return lane->wait_ms;
}

static int64_t lane_episodes(const struct metrics_lane *lane)
{
    return lane->episodes;
}

static void print_lanes(const struct metrics *metrics, const struct lane_family *family, struct buf *out)
{
    exposition_family(out, EXPOSITION_GAUGE, family->name, family->help);
    for (const struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        for (int i = 0; place->calls != NULL && i < OPERATION_COUNT; i++) {
            const struct metrics_lane *lane = &place->calls->lanes[i];
            const struct exposition_label labels[] = {
                {"target", place->target}, {"operation", operation_name((enum operation)i)}, {NULL, NULL}};
            if (lane->seen) {
                (family->thousandths ? exposition_thousandths : exposition_integer)(out, family->name, labels,
                                                                                    family->value(lane));
            }
        }
    }
}

static void print_credentials(const struct metrics *metrics, struct buf *out)
{
    const char *name = "jobsweep_credentials_expiry_timestamp_seconds";
    exposition_family(out, EXPOSITION_GAUGE, name,
                      "When the credentials that are in use end, where they do.");
    for (const struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        const struct exposition_label labels[] = {{"target", place->target}, {NULL, NULL}};
        if (place->end_ms > 0) {
            exposition_thousandths(out, name, labels, place->end_ms);
        }
    }
}

static void print_calls(const struct metrics *metrics, struct buf *out)
{
    static const struct lane_family lanes[] = {
        {"jobsweep_lane_requests_per_second", "The pace of a lane, as it is now.", lane_pace, true},
        {"jobsweep_lane_waiting_requests", "Requests that wait in a lane.", lane_waiting, false},
        {"jobsweep_lane_wait_seconds", "How long what waits in a lane takes at its pace.", lane_wait, true},
        {"jobsweep_lane_throttled", "Lanes that were slowed down by throttled answers.", lane_episodes,
         false},
    };
    print_answers(metrics, out);
    print_retries(metrics, out);
    for (size_t i = 0; i < sizeof lanes / sizeof lanes[0]; i++) {
        print_lanes(metrics, &lanes[i], out);
    }
    print_credentials(metrics, out);
}

void metrics_print(const struct metrics *metrics, const struct metrics_state *state, struct buf *out)
{
    print_daemon(metrics, state, out);
    print_runs(metrics, out);
    print_calls(metrics, out);
    print_ledger(&state->ledger, out);
    print_process(metrics, &state->process, out);
}
