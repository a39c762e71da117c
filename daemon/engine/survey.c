/* See engine/survey.h.
 *
 * The happy path: what the policy asks of things is found out (on_things_known()). The jobs come from the
 * policy where it names each, else from ListJobs (list_jobs(), on_jobs()); the things likewise
 * (list_things(), on_things()), but ListThings is left as soon as there are more things than jobs, since then
 * the way by job is cheaper anyway; and where the registry has said already which things there are in
 * question, they are only counted. Where the things are fewer than the jobs the route is clear; else every
 * job is described (describe(), on_learned()), and its counts decide. The ways out: an answer that is not
 * usable ends it, except for ListThings, which only saves calls; survey_cancel() cancels what is under way.
 * Each end goes through finish(), and done() is called from a timer or an answer, so never from inside a call
 * of the owner's. */
#include "engine/survey.h"

#include "base/mem.h"
#include "base/text.h"
#include "engine/pager.h"
#include "policy/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBING_MAX 64 /* DescribeJob calls handed to the dispatcher at a time */
#define PROBE_JOBS_MIN 20 /* with fewer jobs than this, asking for the things saves nothing */

enum survey_state {
    SURVEY_BEGINNING,
    SURVEY_RESOLVING,
    SURVEY_JOBS,
    SURVEY_THINGS,
    SURVEY_DESCRIBING,
    SURVEY_DONE
};

struct survey {
    struct survey_config config;
    enum survey_state state;
    struct survey_result result;
    struct pager pager;
    struct env_timer begin;
    struct seen names; /* of jobs and things taken: pages and policies may repeat them */
    size_t job_room, thing_room;
    int64_t things_known; /* -1: not known */
    int64_t things_least; /* where it is not */
    bool things_refused;
    size_t described; /* jobs handed to facts so far */
    bool counted;     /* things_known are those of config.things: they are taken where the route needs them */
    bool canceled;
};

static void set_state(struct survey *survey, enum survey_state state)
{
    survey->state = state;
}

static void add_thing(struct survey *survey, const char *name);

static void finish(struct survey *survey)
{
    const struct things *things = survey->config.things;
    if (survey->canceled && survey->result.err.code == ERR_NONE) {
        err_set(&survey->result.err, ERR_CANCELED, "canceled");
    }
    bool taken = survey->result.err.code == ERR_NONE && survey->counted && survey->result.route.by_thing;
    for (uint32_t i = 0; taken && i < things_count(things); i++) {
        add_thing(survey, things_name(things, i));
    }
    facts_listen(survey->config.facts, NULL, NULL);
    set_state(survey, SURVEY_DONE);
    survey->config.done(survey->config.owner);
}

static bool is_new(struct survey *survey, char kind, const char *name)
{
    return seen_add(&survey->names, seen_hash((uint64_t)kind, name, strlen(name)));
}

static void add_job(struct survey *survey, const struct job *job)
{
    struct survey_result *result = &survey->result;
    if (!is_new(survey, 'j', job->job_id)) {
        return;
    }
    if (!policy_wants_job(survey->config.policy, job)) {
        aside_job(survey->config.aside, survey->config.policy, job);
        return;
    }
    if (result->job_count == survey->job_room) {
        survey->job_room = survey->job_room == 0 ? 64 : 2 * survey->job_room;
        result->jobs = mem_realloc(result->jobs, survey->job_room, sizeof *result->jobs);
    }
    strcpy(result->jobs[result->job_count++], job->job_id);
}

static bool wants_thing(const struct survey *survey, const char *name)
{
    const struct match_facts facts = things_facts(survey->config.things, NULL);
    return policy_wants_thing(survey->config.policy, &facts, name);
}

static void add_thing(struct survey *survey, const char *name)
{
    struct survey_result *result = &survey->result;
    if (!wants_thing(survey, name) || !is_new(survey, 't', name)) {
        return;
    }
    if (result->thing_count == survey->thing_room) {
        survey->thing_room = survey->thing_room == 0 ? 64 : 2 * survey->thing_room;
        result->things = mem_realloc(result->things, survey->thing_room, sizeof *result->things);
    }
    strcpy(result->things[result->thing_count++], name);
}

static void take_literal_jobs(struct survey *survey)
{
    const struct pattern_list *list = &survey->config.policy->match.job_id.include;
    for (size_t i = 0; i < list->count; i++) {
        struct job job = {0};
        if (job_id_valid(list->patterns[i])) {
            strcpy(job.job_id, list->patterns[i]);
            add_job(survey, &job);
        }
    }
}

static void take_literal_things(struct survey *survey)
{
    const struct pattern_list *list = &survey->config.policy->match.thing.include;
    for (size_t i = 0; i < list->count; i++) {
        if (thing_name_valid(list->patterns[i])) {
            add_thing(survey, list->patterns[i]);
        }
    }
    survey->things_known = (int64_t)survey->result.thing_count;
}

/* --- the jobs described, and the choice ----------------------------------------------------------------- */

/* Keeps the jobs that hold something wanted; returns the calls that listing them takes. */
static int64_t sort_out_jobs(struct survey *survey)
{
    struct survey_result *result = &survey->result;
    int64_t calls = 0;
    size_t kept = 0;
    for (size_t i = 0; i < result->job_count; i++) {
        const struct job *job = NULL;
        if (facts_get(survey->config.facts, result->jobs[i], &job) != FACT_KNOWN) {
            continue;
        }
        if (!policy_wants_job(survey->config.policy, job)) {
            aside_job(survey->config.aside, survey->config.policy, job);
            continue;
        }
        struct route_listing listing = route_job(job, survey->config.policy->match.status_bits);
        if (listing.calls == 0) {
            continue;
        }
        calls += listing.calls;
        memmove(result->jobs[kept++], result->jobs[i], sizeof *result->jobs);
    }
    result->job_count = kept;
    return calls;
}

static void warn_of_missing_jobs(struct survey *survey)
{
    for (size_t i = 0; i < survey->result.job_count; i++) {
        char text[128 + JOB_ID_MAX];
        if (facts_get(survey->config.facts, survey->result.jobs[i], NULL) == FACT_GONE) {
            snprintf(text, sizeof text, "job %s does not exist", survey->result.jobs[i]);
            survey->config.warning(survey->config.owner, text);
        }
    }
}

static void choose(struct survey *survey)
{
    struct survey_result *result = &survey->result;
    const struct err *failure = facts_failure(survey->config.facts, &result->why);
    if (failure->code != ERR_NONE || survey->canceled) {
        result->err = *failure;
        finish(survey);
        return;
    }
    if (route_literal(&survey->config.policy->match.job_id)) {
        warn_of_missing_jobs(survey);
    }
    int64_t calls = sort_out_jobs(survey);
    result->route = route_choose((int64_t)result->job_count, calls, survey->things_known);
    result->route.other_least = survey->things_least;
    result->route.other_refused = survey->things_refused;
    finish(survey);
}

/* Hands on as many as may be under way; true when all have been answered. */
static bool describe(struct survey *survey)
{
    struct facts *facts = survey->config.facts;
    bool going_on = !survey->canceled && facts_failure(facts, NULL)->code == ERR_NONE;
    while (going_on && survey->described < survey->result.job_count &&
           facts_pending(facts) < DESCRIBING_MAX) {
        facts_want(facts, survey->result.jobs[survey->described++]);
    }
    return facts_pending(facts) == 0;
}

static void on_learned(void *owner)
{
    struct survey *survey = owner;
    if (describe(survey)) {
        choose(survey);
    }
}

static void describe_jobs(struct survey *survey)
{
    size_t jobs = survey->result.job_count;
    if (route_things_first((int64_t)jobs, survey->things_known)) {
        int64_t calls = survey->things_known + (int64_t)jobs;
        survey->result.route = (struct route){.by_thing = true,
                                              .jobs = (int64_t)jobs,
                                              .things = survey->things_known,
                                              .calls = calls,
                                              .other_calls = 2 * (int64_t)jobs};
        finish(survey);
        return;
    }
    set_state(survey, SURVEY_DESCRIBING);
    facts_listen(survey->config.facts, on_learned, survey);
    if (describe(survey)) {
        choose(survey);
    }
}

/* --- the things ----------------------------------------------------------------------------------------- */

static void on_things(struct pager *pager)
{
    struct survey *survey = pager->owner;
    const struct page *page = &pager->dispatch.call.page;
    if (pager->err.code != ERR_NONE || survey->canceled) {
        survey->things_refused = true;
        describe_jobs(survey);
        return;
    }
    survey->result.skipped += (int64_t)page->skipped;
    aside_page(survey->config.aside, page);
    for (size_t i = 0; i < page->count; i++) {
        add_thing(survey, page->things[i]);
    }
    bool fewer = survey->result.thing_count < survey->result.job_count;
    if (fewer && pager_more(pager)) {
        pager_next(pager);
        return;
    }
    survey->things_known = fewer ? (int64_t)survey->result.thing_count : -1;
    survey->things_least = fewer ? 0 : (int64_t)survey->result.thing_count;
    describe_jobs(survey);
}

static void count_things(struct survey *survey)
{
    const struct things *things = survey->config.things;
    survey->counted = true;
    survey->things_known = 0;
    for (uint32_t i = 0; i < things_count(things); i++) {
        survey->things_known += wants_thing(survey, things_name(things, i));
    }
}

static void list_things(struct survey *survey)
{
    if (survey->things_known < 0 && survey->config.things != NULL && things_bounded(survey->config.things)) {
        count_things(survey);
    }
    if (survey->things_known >= 0 || survey->result.job_count < PROBE_JOBS_MIN) {
        describe_jobs(survey);
        return;
    }
    set_state(survey, SURVEY_THINGS);
    survey->pager.answered = on_things;
    survey->pager.owner = survey;
    pager_begin(&survey->pager, survey->config.dispatcher, OPERATION_LIST_THINGS);
    pager_next(&survey->pager);
}

/* --- the jobs ------------------------------------------------------------------------------------------- */

static void on_jobs(struct pager *pager)
{
    struct survey *survey = pager->owner;
    const struct call *call = &pager->dispatch.call;
    if (pager->err.code != ERR_NONE || survey->canceled) {
        survey->result.err = pager->err;
        survey->result.why = call->answer.class;
        finish(survey);
        return;
    }
    survey->result.skipped += (int64_t)call->page.skipped;
    aside_page(survey->config.aside, &call->page);
    for (size_t i = 0; i < call->page.count; i++) {
        add_job(survey, &call->page.jobs[i]);
    }
    if (pager_more(pager)) {
        pager_next(pager);
        return;
    }
    list_things(survey);
}

static void take_only_thing(struct survey *survey)
{
    struct survey_result *result = &survey->result;
    result->things = mem_calloc(1, sizeof *result->things);
    text_copy(result->things[0], sizeof result->things[0], survey->config.only_thing);
    result->thing_count = 1;
    result->route = (struct route){.by_thing = true, .jobs = -1, .things = 1, .calls = 1, .other_calls = -1};
    finish(survey);
}

static void begin(struct survey *survey)
{
    const struct policy *policy = survey->config.policy;
    if (survey->canceled) {
        finish(survey);
        return;
    }
    if (survey->config.only_thing != NULL) {
        take_only_thing(survey);
        return;
    }
    if (route_literal(&policy->match.thing)) {
        take_literal_things(survey);
    }
    if (route_literal(&policy->match.job_id)) {
        take_literal_jobs(survey);
        list_things(survey);
        return;
    }
    set_state(survey, SURVEY_JOBS);
    survey->pager.answered = on_jobs;
    survey->pager.owner = survey;
    pager_begin(&survey->pager, survey->config.dispatcher, OPERATION_LIST_JOBS);
    pager_next(&survey->pager);
}

static void on_things_known(void *owner)
{
    struct survey *survey = owner;
    const struct err *failure = things_failure(survey->config.things, &survey->result.why);
    if (failure->code != ERR_NONE) {
        survey->result.err = *failure;
        finish(survey);
        return;
    }
    begin(survey);
}

static void on_begin(struct env_timer *timer)
{
    struct survey *survey = timer->owner;
    struct things *things = survey->config.things;
    if (survey->canceled || things == NULL || !things_needed(things)) {
        begin(survey);
        return;
    }
    set_state(survey, SURVEY_RESOLVING);
    if (survey->config.only_thing != NULL) {
        things_only(things, survey->config.only_thing);
    }
    things_start(things, on_things_known, survey);
}

struct survey *survey_start(const struct survey_config *config)
{
    struct survey *survey = mem_zalloc(sizeof *survey);
    survey->config = *config;
    survey->things_known = -1;
    survey->begin = (struct env_timer){.fire = on_begin, .owner = survey};
    config->env->start(config->env->ctx, &survey->begin, config->env->mono_ns(config->env->ctx));
    return survey;
}

void survey_cancel(struct survey *survey)
{
    if (survey->state == SURVEY_DONE) {
        return;
    }
    survey->canceled = true;
    if (survey->state == SURVEY_RESOLVING) {
        things_cancel(survey->config.things);
    }
    pager_cancel(&survey->pager);
    facts_cancel(survey->config.facts);
}

void survey_destroy(struct survey *survey)
{
    if (survey == NULL) {
        return;
    }
    pager_finish(&survey->pager);
    seen_clear(&survey->names);
    free(survey->result.jobs);
    free(survey->result.things);
    free(survey);
}

const struct survey_result *survey_result(const struct survey *survey)
{
    return &survey->result;
}
