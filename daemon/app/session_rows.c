/* What a session's runs tell while they go on: rows, plans, what became of each row. See app/session.h. */
#include "app/events.h"
#include "app/plan_cost.h"
#include "app/plan_event.h"
#include "app/plan_view.h"
#include "app/report_view.h"
#include "app/say.h"
#include "app/session_private.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAILURES_TOLD 10 /* of a pair; the rest is in its numbers */

bool session_json(const struct session *session)
{
    return session->options->format == OUTPUT_JSON;
}

/* --- output -------------------------------------------------------------------------------------------- */

void session_print(struct session *session)
{
    if (session->progress != NULL && isatty(STDOUT_FILENO)) {
        progress_clear(session->progress);
    }
    fwrite(buf_string(&session->out), 1, session->out.length, stdout);
    buf_reset(&session->out);
}

void session_show(struct session *session)
{
    progress_clear(session->progress);
    fwrite(buf_string(&session->out), 1, session->out.length, stderr);
    buf_reset(&session->out);
}

void session_tell(struct pair *pair, const char *text)
{
    if (text != NULL) {
        progress_clear(pair->session->progress);
        say("%s in %s: %s", pair->run.policy->name, pair->run.target->name, text);
    }
}

static struct plan_count *plan_of(void *owner)
{
    return ((struct pair *)((struct run *)owner)->owner)->plan;
}

static void on_route(void *owner, const struct route *route)
{
    if (plan_of(owner) != NULL) {
        plan_count_route(plan_of(owner), route);
    }
}

static void on_job_left_out(void *owner, const struct job *job, enum job_reserve why)
{
    if (plan_of(owner) != NULL) {
        plan_count_left_out(plan_of(owner), job, why, false);
    }
}

static void on_execution_left_out(void *owner, const struct job *job, enum job_reserve why)
{
    if (plan_of(owner) != NULL) {
        plan_count_left_out(plan_of(owner), job, why, true);
    }
}

static void on_skipped(void *owner, const char *why, int64_t rows)
{
    if (plan_of(owner) != NULL) {
        plan_count_skipped(plan_of(owner), why, rows);
    }
}

/* A plan of which a part is missing is none. */
static void save_row(struct pair *pair, const struct job_execution *execution, const struct verdict *verdict)
{
    struct session *session = pair->session;
    struct plan_row row = {.execution = *execution, .force = verdict->force};
    struct err err;
    memcpy(row.reason, verdict->reason, sizeof row.reason);
    if (spool_add(pair->rows, &row, &err) != 0) {
        session_tell(pair, err.msg);
        session->status = exit_status_worse(session->status, EXIT_FAILED);
        pair->rows = NULL;
        runner_cancel(session->runner, true);
    }
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    const struct run *run = owner;
    struct pair *pair = run->owner;
    struct session *session = pair->session;
    if (pair->stage == PAIR_DELETING) { /* told when it was planned */
        return;
    }
    if (session_json(session) && !pair->deletes) {
        events_row(&session->out, run->policy->name, run->target->name, execution, verdict);
    } else if (!session_json(session) && session->options->verbose) {
        view_row(execution, verdict, &session->style, &session->out);
    }
    if (pair->plan != NULL) {
        plan_count_row(pair->plan, execution, verdict);
    }
    if (pair->rows != NULL && verdict->delete) {
        save_row(pair, execution, verdict);
    }
    if (session->out.length > 0 && pair->stage == PAIR_PLANNING) {
        session_show(session);
    } else if (session->out.length > 0) {
        session_print(session);
    }
    if (!pair->deletes && ferror(stdout)) {
        runner_cancel(session->runner, true);
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    const struct run *run = owner;
    struct pair *pair = run->owner;
    char selected[32], listed[32], about[32], text[256];
    struct plan_cost cost;
    if (session_json(pair->session) && pair->plan != NULL) {
        plan_event(pair->plan, so_far, &pair->session->out);
        session_print(pair->session);
    }
    if (pair->session->options->quiet || !pair->deletes || pair->stage != PAIR_PLAIN) {
        return;
    }
    plan_cost(run->policy, run->target, so_far->selected, so_far->remaining, &cost);
    bool any = so_far->selected > 0;
    snprintf(text, sizeof text, "%s of %s job executions selected%s%s%s",
             text_thousands(selected, so_far->selected), text_thousands(listed, so_far->listed),
             any ? ", " : "", any ? time_about(cost.ms, about) : "", any ? " at the quota" : "");
    session_tell(pair, text);
}

static void tell_failure(struct pair *pair, const struct plan_row *row, enum outcome outcome,
                         const struct answer *answer)
{
    struct buf text;
    if (pair->failures++ >= FAILURES_TOLD) {
        return;
    }
    buf_init(&text, 1024);
    job_execution_print(&text, &row->execution);
    buf_printf(&text, ": %s: %s%s%s", outcome_name(outcome), answer != NULL ? answer->code : "",
               answer != NULL && answer->message[0] != '\0' ? ": " : "",
               answer != NULL ? answer->message : "");
    session_tell(pair, buf_string(&text));
    buf_finish(&text);
}

static void count_reason(struct pair *pair, enum outcome outcome, const struct answer *answer)
{
    struct buf reason;
    buf_init(&reason, 1024);
    report_reason(outcome, answer, &reason);
    if (reason.length > 0 && pair->reasons == NULL) {
        pair->reasons = tally_create(REPORT_REASONS_MAX);
    }
    if (reason.length > 0) {
        tally_add(pair->reasons, buf_string(&reason), 1);
    }
    buf_finish(&reason);
}

/* Whoever reads it acts on each row as it comes. */
static void print_settled(struct pair *pair, const struct plan_row *row, enum outcome outcome,
                          const struct answer *answer)
{
    struct session *session = pair->session;
    const struct run *run = &pair->run;
    if (session_json(session)) {
        events_settled(&session->out, run->policy->name, run->target->name, row, outcome, answer);
        session_print(session);
        fflush(stdout);
    } else if (session->options->verbose) {
        buf_printf(&session->out, "  %-17s ", outcome_name(outcome));
        job_execution_print(&session->out, &row->execution);
        buf_char(&session->out, '\n');
        session_print(session);
    }
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct pair *pair = ((struct run *)owner)->owner;
    struct session *session = pair->session;
    bool stands =
        outcome == OUTCOME_STATE_CHANGED || outcome == OUTCOME_REPLACED || outcome == OUTCOME_PROTECTED;
    if (outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN || (stands && session->config.named)) {
        tell_failure(pair, row, outcome, answer);
    }
    count_reason(pair, outcome, answer);
    print_settled(pair, row, outcome, answer);
}

static void on_warning(void *owner, const char *text)
{
    struct buf line;
    buf_init(&line, 1024);
    buf_printf(&line, "warning: %s", text);
    session_tell(((struct run *)owner)->owner, buf_string(&line));
    buf_finish(&line);
}

const struct sweep_observer session_observer = {
    .route = on_route,
    .aside = {.job = on_job_left_out, .execution = on_execution_left_out, .skipped = on_skipped},
    .row = on_row,
    .planned = on_planned,
    .settled = on_settled,
    .warning = on_warning};
