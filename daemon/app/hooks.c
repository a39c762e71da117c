/* See app/hooks.h. */
#include "app/hooks.h"

#include "app/archive_report.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "net/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define AT_ONCE     8
#define TIMEOUT_MS  (60 * TIME_MS_PER_SECOND)
#define GRACE_MS    (5 * TIME_MS_PER_SECOND)
#define SAID_MAX    1000 /* bytes of each of its outputs that are logged */
#define REPORT_MAX  8192
#define ENVIRON_MAX 24

struct hook {
    struct hooks *hooks;
    char policy[POLICY_NAME_MAX + 1];
    char target[TARGET_NAME_MAX + 1];
    char **arguments;
    char *environment[ENVIRON_MAX];
    size_t environment_count;
    struct buf report;
    struct program_run run;
    bool running;
    struct hook *prev, *next;
};

struct hooks {
    uv_loop_t *loop;
    void (*idle)(void *owner);
    void *owner;
    struct hook *hooks; /* in the order of their runs */
    size_t count, running;
};

enum run_result hooks_result(const struct report *report)
{
    if (report->end == SWEEP_GUARDED || report->end == SWEEP_CANCELED) {
        return RESULT_ABORTED;
    }
    if (report_failed(report)) {
        return RESULT_FAILURE;
    }
    return report->end == SWEEP_LIMITED ? RESULT_LIMITED : RESULT_SUCCESS;
}

/* --- what it is told ----------------------------------------------------------------------------------- */

static void member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    text_json(out, value);
    buf_char(out, ',');
}

static void time_member(struct buf *out, const char *name, int64_t ms)
{
    char text[21];
    time_rfc3339(ms, text);
    member(out, name, text);
}

static const char *region_of(const struct run *run)
{
    return run->where.region[0] != '\0' ? run->where.region : run->target->region;
}

static void put_report(const struct run *run, struct buf *out)
{
    const struct report *report = &run->report;
    buf_char(out, '{');
    member(out, "policy", run->policy->name);
    member(out, "target", run->target->name);
    member(out, "account", run->target->account);
    member(out, "region", region_of(run));
    member(out, "outcome", run_result_name(hooks_result(report)));
    member(out, "end", report_end_name(report));
    time_member(out, "started_at", report->started_ms);
    time_member(out, "ended_at", report->ended_ms);
    buf_printf(out,
               "\"listed\":%" PRId64 ",\"selected\":%" PRId64 ",\"remaining\":%" PRId64
               ",\"in_grace\":%" PRId64 ",\"outcomes\":{",
               report->listed, report->selected, report->remaining, report->in_grace);
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        buf_printf(out, "%s\"%s\":%" PRId64, outcome == OUTCOME_DELETED ? "" : ",",
                   outcome_name((enum outcome)outcome), report->outcomes[outcome]);
    }
    buf_char(out, '}');
    archive_report_json(report, out);
    buf_text(out, ",\"error\":");
    if (report->err.code != ERR_NONE) {
        text_json(out, report->err.msg);
    } else {
        buf_text(out, "null");
    }
    buf_text(out, "}\n");
}

static void put_variable(struct hook *hook, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *text = mem_alloc(size);
    text_copy(text, size, name);
    text_copy(text + strlen(name) + 1, size - strlen(name) - 1, value);
    text[strlen(name)] = '=';
    hook->environment[hook->environment_count++] = text;
}

static void put_number(struct hook *hook, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    put_variable(hook, name, text);
}

/* What programs need to work at all, and nothing that may be a secret: our own environment can hold keys. */
static void make_environment(struct hook *hook, const struct run *run)
{
    static const char *const passed[] = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"};
    const int64_t *outcomes = run->report.outcomes;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const char *value = getenv(passed[i]);
        if (value != NULL) {
            put_variable(hook, passed[i], value);
        }
    }
    put_variable(hook, "JOBSWEEP_POLICY", run->policy->name);
    put_variable(hook, "JOBSWEEP_TARGET", run->target->name);
    put_variable(hook, "JOBSWEEP_ACCOUNT", run->target->account);
    put_variable(hook, "JOBSWEEP_REGION", region_of(run));
    put_variable(hook, "JOBSWEEP_OUTCOME", run_result_name(hooks_result(&run->report)));
    put_number(hook, "JOBSWEEP_SELECTED", run->report.selected);
    put_number(hook, "JOBSWEEP_DELETED", outcomes[OUTCOME_DELETED] + outcomes[OUTCOME_DELETED_PRESUMED]);
    put_number(hook, "JOBSWEEP_FAILED", outcomes[OUTCOME_FAILED] + outcomes[OUTCOME_UNKNOWN]);
    put_number(hook, "JOBSWEEP_REMAINING", report_left(&run->report));
}

/* --- running ------------------------------------------------------------------------------------------- */

static void start_some(struct hooks *hooks);

static void forget(struct hook *hook)
{
    DL_DELETE(hook->hooks->hooks, hook);
    hook->hooks->count--;
    for (size_t i = 0; hook->arguments[i] != NULL; i++) {
        free(hook->arguments[i]);
    }
    for (size_t i = 0; i < hook->environment_count; i++) {
        free(hook->environment[i]);
    }
    free(hook->arguments);
    buf_finish(&hook->report);
    free(hook);
}

static void on_ended(struct program_run *run)
{
    struct hook *hook = run->owner;
    struct hooks *hooks = hook->hooks;
    bool well = run->err.code == ERR_NONE && run->exit_status == 0 && run->exit_signal == 0;
    log_event(well ? LOG_INFO : LOG_WARNING, well ? "on_finish ended" : "on_finish failed",
              "policy=%s target=%s program=%s exit=%d signal=%d error=%s output=%s errors=%s", hook->policy,
              hook->target, hook->arguments[0], run->exit_status, run->exit_signal, run->err.msg,
              buf_string(&run->output), buf_string(&run->errors));
    program_finish(run);
    hooks->running--;
    forget(hook);
    start_some(hooks);
    if (hooks->count == 0) {
        hooks->idle(hooks->owner);
    }
}

static void start(struct hook *hook)
{
    hook->run = (struct program_run){.arguments = (const char *const *)hook->arguments,
                                     .environment = (const char *const *)hook->environment,
                                     .input = buf_string(&hook->report),
                                     .timeout_ms = TIMEOUT_MS,
                                     .grace_ms = GRACE_MS,
                                     .output_max = SAID_MAX,
                                     .errors_max = SAID_MAX,
                                     .cuts_output = true,
                                     .done = on_ended,
                                     .owner = hook};
    hook->running = true;
    hook->hooks->running++;
    program_start(hook->hooks->loop, &hook->run);
}

static void start_some(struct hooks *hooks)
{
    struct hook *hook;
    DL_FOREACH (hooks->hooks, hook) {
        if (hooks->running == AT_ONCE) {
            return;
        }
        if (!hook->running) {
            start(hook);
        }
    }
}

static char **copy_texts(const struct pattern_list *list)
{
    char **copies = mem_calloc(list->count + 1, sizeof *copies);
    for (size_t i = 0; i < list->count; i++) {
        copies[i] = mem_strdup(list->patterns[i]);
    }
    return copies;
}

void hooks_finish_run(struct hooks *hooks, const struct run *run)
{
    const struct policy *policy = run->policy;
    unsigned result = 1u << hooks_result(&run->report);
    if (policy->finish_exec.count == 0 || run->report.started_ms == 0 || /* it never began */
        (policy->finish_when != 0 && (policy->finish_when & result) == 0)) {
        return;
    }
    struct hook *hook = mem_zalloc(sizeof *hook);
    hook->hooks = hooks;
    text_copy(hook->policy, sizeof hook->policy, policy->name);
    text_copy(hook->target, sizeof hook->target, run->target->name);
    hook->arguments = copy_texts(&policy->finish_exec);
    make_environment(hook, run);
    buf_init(&hook->report, REPORT_MAX);
    put_report(run, &hook->report);
    DL_APPEND(hooks->hooks, hook);
    hooks->count++;
    start_some(hooks);
}

/* --- the face ------------------------------------------------------------------------------------------ */

struct hooks *hooks_create(uv_loop_t *loop, void (*idle)(void *owner), void *owner)
{
    struct hooks *hooks = mem_zalloc(sizeof *hooks);
    hooks->loop = loop;
    hooks->idle = idle;
    hooks->owner = owner;
    return hooks;
}

void hooks_destroy(struct hooks *hooks)
{
    free(hooks);
}

size_t hooks_count(const struct hooks *hooks)
{
    return hooks->count;
}

void hooks_cancel(struct hooks *hooks)
{
    struct hook *hook, *next;
    DL_FOREACH_SAFE (hooks->hooks, hook, next) {
        if (hook->running) {
            program_cancel(&hook->run);
        } else {
            forget(hook);
        }
    }
}
