/* A session that asks first: what it does between its plans and the deletion. See app/session.h.
 *
 * Each pair that deletes is planned by a run that cannot delete, and its rows are kept. When the last of
 * these runs has ended a person sees what goes, and after a yes each pair is submitted again, with these rows
 * as its source, as `jobsweep apply` does with the rows of a file: so nothing goes that was not shown, the
 * guards count the same numbers, what is protected is asked anew, and each row is looked at right before its
 * deletion. */
#include "app/plan_view.h"
#include "app/question.h"
#include "app/say.h"
#include "app/session_private.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/guard.h"
#include "policy/timetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPEATED_TEXT_MAX 128

bool session_keep_plan(struct pair *pair)
{
    struct session *session = pair->session;
    const struct report *report = &pair->run.report;
    const struct view_style style = view_style_of(STDERR_FILENO);
    bool planned = pair->stage == PAIR_PLANNING && report->end == SWEEP_PLANNED;
    if (!planned || pair->rows == NULL || spool_count(pair->rows) != report->selected) {
        return false;
    }
    pair->stage = PAIR_SHOWN;
    pair->planned = *report;
    plan_view_print(pair->plan, report, &style, &session->out);
    session_show(session);
    plan_count_destroy(pair->plan);
    pair->plan = NULL;
    return true;
}

/* Listing counts, the limits that the plan kept to, and rows that the deletion ended too early to take. */
void session_join_plan(struct pair *pair)
{
    struct report *report = &pair->run.report;
    const struct report *planned = &pair->planned;
    if (report->selected < planned->selected) {
        report->outcomes[OUTCOME_NOT_ATTEMPTED] += planned->selected - report->selected;
        report->selected = planned->selected;
    }
    report->listed = planned->listed;
    report->skipped = planned->skipped;
    report->in_grace = planned->in_grace;
    report->remaining = planned->remaining;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        report->calls[i] += planned->calls[i];
    }
    if (report->end == SWEEP_FINISHED && report->remaining > 0) {
        report->end = SWEEP_LIMITED;
        report->limit = LIMIT_ROWS;
    }
}

/* --- the question -------------------------------------------------------------------------------------- */

/* Whether a pair ends without a deletion, whatever the answer: its report says how. */
static bool is_decided(struct pair *pair)
{
    const struct env *env = world_env(pair->session->world);
    const struct policy *policy = pair->run.policy;
    const struct report *planned = &pair->planned;
    struct report *report = &pair->run.report;
    if (guard_plan(policy, planned->selected + planned->remaining, planned->listed, &report->err) != 0) {
        report->end = SWEEP_GUARDED;
    } else if (!timetable_open(policy, env->wall_ms(env->ctx))) {
        report->end = SWEEP_LIMITED;
        report->limit = LIMIT_WINDOW;
    } else if (planned->selected == 0) {
        report->end = SWEEP_FINISHED;
    }
    return report->end != SWEEP_PLANNED;
}

/* What may go: a table of it where it is of several pairs. How many rows. */
static int64_t sum_up(struct session *session)
{
    const struct view_style style = view_style_of(STDERR_FILENO);
    struct summary *shown = summary_create();
    struct summary_sum sum;
    for (size_t i = 0; i < session->count; i++) {
        struct pair *pair = &session->pairs[i];
        if (pair->stage != PAIR_SHOWN) {
            continue;
        }
        if (is_decided(pair)) {
            pair->stage = PAIR_PLAIN;
            session_end_pair(pair);
        } else {
            session_add_report(pair, shown);
        }
    }
    summary_sum(shown, &sum);
    if (sum.runs > 1) {
        summary_print(shown, true, &style, &session->out);
    }
    session_show(session);
    summary_destroy(shown);
    return sum.selected;
}

/* How many rows are there more than once. Only where several policies select in one account and region can
 * there be any. -1 with an error of the scratch space. */
static int64_t count_repeated(const struct session *session, struct err *err)
{
    struct names *names = names_create();
    struct spool_part **parts = mem_calloc(session->count + 1, sizeof *parts);
    uint32_t *sites = mem_calloc(session->count + 1, sizeof *sites);
    size_t *plans = mem_calloc(session->count + 1, sizeof *plans); /* of each site */
    size_t count = 0, shared = 0;
    for (size_t i = 0; i < session->count; i++) {
        const struct pair *pair = &session->pairs[i];
        if (pair->stage == PAIR_SHOWN) {
            parts[count] = pair->rows;
            sites[count] = summary_site(names, pair->run.target);
            plans[sites[count++]]++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (plans[sites[i]] > 1) {
            parts[shared] = parts[i];
            sites[shared++] = sites[i];
        }
    }
    const struct scratch *scratch = world_scratch(session->world);
    int64_t repeated = shared > 0 ? spool_count_repeated(parts, sites, shared, scratch, err) : 0;
    free(parts);
    free(sites);
    free(plans);
    names_destroy(names);
    return repeated;
}

/* " (the plans have 12 rows; what several select goes once)"; "" where nothing is selected twice. */
static void tell_repeated(int64_t rows, int64_t repeated, char text[REPEATED_TEXT_MAX])
{
    char number[32];
    text[0] = '\0';
    if (repeated > 0) {
        snprintf(text, REPEATED_TEXT_MAX, " (the plans have %s rows; what several select goes once)",
                 text_thousands(number, rows));
    }
}

static void delete_shown(struct session *session)
{
    for (size_t i = 0; i < session->count; i++) {
        struct pair *pair = &session->pairs[i];
        if (pair->stage != PAIR_SHOWN) {
            continue;
        }
        spool_source(pair->rows, &pair->source);
        pair->source.listed = pair->planned.listed;
        pair->source.remaining = pair->planned.remaining;
        pair->run.source = &pair->source;
        pair->run.plan_only = false;
        pair->stage = PAIR_DELETING;
        session->left++;
        runner_submit(session->runner, &pair->run);
    }
}

static enum question_answer ask(struct session *session, int64_t rows)
{
    char text[REPEATED_TEXT_MAX];
    struct err err;
    int64_t repeated = count_repeated(session, &err);
    progress_clear(session->progress);
    if (repeated < 0) {
        say("%s", err.msg);
        return QUESTION_NO;
    }
    tell_repeated(rows, repeated, text);
    fflush(stdout);
    return question_delete(rows - repeated, text);
}

void session_ask(struct session *session)
{
    int64_t rows = sum_up(session);
    if (rows == 0) {
        world_stop(session->world);
        return;
    }
    enum question_answer answer = ask(session, rows);
    if (answer == QUESTION_YES) {
        delete_shown(session);
    } else if (answer == QUESTION_NO) {
        say("nothing was deleted");
        session->status = exit_status_worse(session->status, EXIT_FAILED);
        world_stop(session->world);
    } else {
        session->unanswered = true; /* the signal is told next */
    }
}
