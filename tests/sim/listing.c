/* See sim/listing.h. */
#include "sim/listing.h"

#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* --- the service --- */

static void refuse(struct call *call, enum answer_class class, const char *code)
{
    call->answer.class = class;
    call->answer.http_status = class == ANSWER_GONE ? 404 : 403;
    snprintf(call->answer.code, sizeof call->answer.code, "%s", code);
}

static void give_token(struct call *call, long next)
{
    char token[32];
    snprintf(token, sizeof token, "t%ld", next);
    call->page.next_token = mem_strdup(token);
}

static long token_of(const struct call *call)
{
    return call->next_token ? atol(call->next_token + 1) : 0;
}

static void list_jobs(struct listing *test, struct call *call)
{
    long from = token_of(call);
    int total = test->twist == JOBS_TWICE ? 2 * test->jobs : test->jobs;
    call->page.jobs = mem_calloc((size_t)test->page_size, sizeof *call->page.jobs);
    while (from < total && call->page.count < (size_t)test->page_size) {
        struct job *job = &call->page.jobs[call->page.count++];
        *job = (struct job){.status = JOB_COMPLETED};
        snprintf(job->job_id, sizeof job->job_id, "job-%ld", from++ % test->jobs);
    }
    if (from < total) {
        give_token(call, from);
    }
}

static void list_things(struct listing *test, struct call *call)
{
    long from = token_of(call);
    if (test->twist == THINGS_DENIED) {
        refuse(call, ANSWER_DENIED, "AccessDeniedException");
        return;
    }
    call->page.things = mem_calloc((size_t)test->page_size, sizeof *call->page.things);
    while (from < test->things && call->page.count < (size_t)test->page_size) {
        snprintf(call->page.things[call->page.count++], sizeof *call->page.things, "thing-%ld", from++);
    }
    if (from < test->things) {
        give_token(call, from);
    }
}

static void describe(struct listing *test, struct call *call)
{
    if (test->twist == DESCRIBE_DENIED) {
        refuse(call, ANSWER_DENIED, "AccessDeniedException");
        return;
    }
    call->job = (struct job){.status = JOB_COMPLETED, .described = true};
    strcpy(call->job.job_id, test->twist == DESCRIBE_WRONG ? "job-other" : call->job_id);
    if (test->twist == NAMESPACED && strcmp(call->job_id, "job-0") == 0) {
        strcpy(call->job.namespace_id, "aws-gg-deployment");
    }
    call->job.counts[EXECUTION_SUCCEEDED] = test->things * test->per_pair;
}

static struct job_execution *add_row(struct call *call, const char *job_id, const char *thing, long number)
{
    struct job_execution *row = &call->page.executions[call->page.count++];
    *row = (struct job_execution){.number = number};
    snprintf(row->job_id, sizeof row->job_id, "%s", job_id);
    snprintf(row->thing_name, sizeof row->thing_name, "%s", thing);
    row->fingerprint.status = EXECUTION_SUCCEEDED;
    timestamp_parse("1700000000.5", &row->fingerprint.queued_at);
    timestamp_parse("1700000001.5", &row->fingerprint.last_updated_at);
    return row;
}

/* Row number `at` of a scope: the other name, then the execution number. */
static void add_nth(struct listing *test, struct call *call, long at)
{
    char other[32];
    bool by_job = call->operation == OPERATION_LIST_EXECUTIONS_FOR_JOB;
    snprintf(other, sizeof other, by_job ? "thing-%ld" : "job-%ld", at / test->per_pair);
    const char *job_id = by_job ? call->job_id : other, *thing = by_job ? other : call->thing_name;
    add_row(call, job_id, thing, 1 + at % test->per_pair);
    if (test->twist == ROWS_TWICE) {
        add_row(call, job_id, thing, 1 + at % test->per_pair);
    }
}

static void twist_page(struct listing *test, struct call *call)
{
    if (test->twist == OTHER_SCOPE) {
        add_row(call, "job-x", "thing-x", 1);
    }
    if (test->twist == FILTER_IGNORED) {
        add_row(call, call->job_id, "thing-0", 77)->fingerprint.status = EXECUTION_FAILED;
        add_row(call, call->job_id, "thing-0", 78)->fingerprint.status = EXECUTION_UNKNOWN;
    }
    if (test->twist == BROKEN_ROWS) {
        call->page.skipped = 2;
        strcpy(call->page.skipped_why, "thingName is not a name");
    }
}

static bool twist_listing(struct listing *test, struct call *call)
{
    static const char *const cycle[] = {"a", "b", "a"};
    long page = token_of(call);
    switch (test->twist) {
    case SAME_TOKEN:
        call->page.next_token = mem_strdup("same");
        return true;
    case TOKEN_CYCLE:
        call->page.next_token = mem_strdup(cycle[test->executions_lists++ % 3]);
        return true;
    case EMPTY_FOREVER:
        give_token(call, page + 1);
        return true;
    case NEVER_ENDING:
        add_row(call, call->job_id, "thing-0", page + 1);
        give_token(call, page + 1);
        return true;
    case LIST_DENIED:
        if (test->executions_lists++ == 0) {
            return false;
        }
        refuse(call, ANSWER_DENIED, "AccessDeniedException");
        return true;
    case JOB_GONE:
    case THING_GONE:
        if (strcmp(call->job_id, "job-1") != 0 && strcmp(call->thing_name, "thing-1") != 0) {
            return false;
        }
        refuse(call, ANSWER_GONE, "ResourceNotFoundException");
        return true;
    default:
        return false;
    }
}

static void list_executions(struct listing *test, struct call *call)
{
    bool by_job = call->operation == OPERATION_LIST_EXECUTIONS_FOR_JOB;
    long total = (long)(by_job ? test->things : test->jobs) * test->per_pair, at = token_of(call);
    call->page.executions = mem_calloc(2 * (size_t)test->page_size + 3, sizeof *call->page.executions);
    if (twist_listing(test, call)) {
        return;
    }
    for (int i = 0; i < test->page_size && at < total; i++) {
        add_nth(test, call, at++);
    }
    twist_page(test, call);
    if (at < total) {
        give_token(call, at);
    }
}

static void answer(struct rig *rig, struct call *call)
{
    struct listing *test = rig->ctx;
    switch (call->operation) {
    case OPERATION_LIST_JOBS:
        list_jobs(test, call);
        return;
    case OPERATION_LIST_THINGS:
        list_things(test, call);
        return;
    case OPERATION_DESCRIBE_JOB:
        describe(test, call);
        return;
    default:
        list_executions(test, call);
        return;
    }
}

/* --- the test's side --- */

static void on_row(void *owner, const struct job *job, const struct job_execution *execution)
{
    struct listing *test = owner;
    assert_string_equal(job->job_id, execution->job_id);
    assert_true(job->described);
    test->rows++;
    snprintf(test->last_row, sizeof test->last_row, "%s/%s/%ld", execution->job_id, execution->thing_name,
             (long)execution->number);
}

static void on_warning(void *owner, const char *text)
{
    struct listing *test = owner;
    assert_true(strlen(text) > 0);
    test->warnings++;
}

static void on_surveyed(void *owner)
{
    struct listing *test = owner;
    assert_false(test->surveyed);
    test->surveyed = true;
}

static void on_listed(void *owner)
{
    struct listing *test = owner;
    test->listed = true;
    test->done_calls++;
}

void listing_begin(struct listing *test, int jobs, int things, enum twist twist)
{
    static const struct virtual_config world = {.seed = 1, .start_ms = RIG_START_MS};
    struct dispatcher_config fast = {.concurrency = 64};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        fast.quota_per_1000s[i] = 1000000;
    }
    *test = (struct listing){.jobs = jobs, .things = things, .page_size = 3, .per_pair = 1, .twist = twist};
    test->rig.ctx = test;
    test->rig.answer = answer;
    rig_init(&test->rig, &world, &fast);
    rig_policy(&test->policy);
    test->facts = facts_create(test->rig.dispatcher);
}

void listing_start_survey(struct listing *test)
{
    struct survey_config config = {.env = &test->rig.env,
                                   .dispatcher = test->rig.dispatcher,
                                   .policy = &test->policy,
                                   .facts = test->facts,
                                   .owner = test,
                                   .warning = on_warning,
                                   .aside = &test->aside,
                                   .done = on_surveyed};
    test->survey = survey_start(&config);
}

void listing_start(struct listing *test)
{
    struct lister_config config = {.env = &test->rig.env,
                                   .dispatcher = test->rig.dispatcher,
                                   .policy = &test->policy,
                                   .facts = test->facts,
                                   .survey = survey_result(test->survey),
                                   .owner = test,
                                   .row = on_row,
                                   .warning = on_warning,
                                   .aside = &test->aside,
                                   .done = on_listed};
    test->lister = lister_start(&config);
}

const struct survey_result *listing_survey(struct listing *test)
{
    listing_start_survey(test);
    assert_true(rig_run(&test->rig, &test->surveyed, 86400));
    return survey_result(test->survey);
}

const struct lister_view *listing_run(struct listing *test)
{
    assert_int_equal(listing_survey(test)->err.code, ERR_NONE);
    listing_start(test);
    assert_true(rig_run(&test->rig, &test->listed, 86400));
    assert_int_equal(test->done_calls, 1);
    return lister_view(test->lister);
}

void listing_finish(struct listing *test)
{
    assert_int_equal(facts_pending(test->facts), 0);
    lister_destroy(test->lister);
    survey_destroy(test->survey);
    facts_destroy(test->facts);
    rig_finish(&test->rig);
}
