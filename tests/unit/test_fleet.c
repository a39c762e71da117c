/* The fleet model: each rule of the service by itself. test_fleet_walk.c mixes them. */
#include "tap.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/fleet.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_model.h"

#include <string.h>

#define NOW INT64_C(1795500000123)

static struct fleet *make(int things, int jobs, int64_t executions, bool reuse)
{
    struct fleet_config config = {.seed = 7,
                                  .things = things,
                                  .jobs = jobs,
                                  .executions = executions,
                                  .groups = 5,
                                  .now_ms = NOW,
                                  .reuse_numbers = reuse};
    for (int i = 0; i < OPERATION_COUNT; i++)
        config.quota[i] = -1;
    return fleet_create(&config);
}

/* One call from beginning to end, for those whose result does not matter. */
static enum answer_class ask(struct fleet *fleet, enum operation operation, const char *job,
                             const char *thing, int64_t number, bool force)
{
    struct call call;
    call_init(&call, operation);
    text_copy(call.job_id, sizeof call.job_id, job);
    text_copy(call.thing_name, sizeof call.thing_name, thing);
    call.number = number;
    call.force = force;
    call.max_results = 10;
    fleet_execute(fleet, &call, NOW);
    enum answer_class class = call.answer.class;
    call_finish(&call);
    return class;
}

static void collect(void *ctx, const struct fleet_execution *execution)
{
    struct fleet_execution **next = ctx;
    *(*next)++ = *execution;
}

/* Every execution that exists, in the caller's memory. */
static size_t everything(const struct fleet *fleet, struct fleet_execution **all)
{
    struct fleet_counts counts;
    fleet_counts(fleet, &counts);
    *all = mem_calloc((size_t)counts.executions + 1, sizeof **all);
    struct fleet_execution *next = *all;
    fleet_each(fleet, false, collect, &next);
    assert_int_equal(next - *all, counts.executions);
    return (size_t)counts.executions;
}

/* --- what is made --- */

static void a_fleet_has_every_kind_of_job(void **state)
{
    (void)state;
    struct fleet *fleet = make(20, 12, 100, true);
    int continuous = 0, running = 0, retrying = 0, greengrass = 0, ota = 0, canceled = 0, scheduled = 0;
    for (uint32_t i = 0; i < 12; i++) {
        struct call call;
        call_init(&call, OPERATION_DESCRIBE_JOB);
        text_copy(call.job_id, sizeof call.job_id, names_text(fleet->job_names, i));
        fleet_execute(fleet, &call, NOW);
        assert_int_equal(call.answer.class, ANSWER_DONE);
        assert_true(call.job.described && job_id_valid(call.job.job_id));
        continuous += call.job.continuous;
        running += call.job.status == JOB_IN_PROGRESS;
        canceled += call.job.status == JOB_CANCELED;
        scheduled += call.job.status == JOB_SCHEDULED;
        retrying += call.job.retries;
        greengrass += strcmp(call.job.namespace_id, "aws-gg-deployment") == 0;
        ota += strncmp(call.job.job_id, "AFR_OTA-", 8) == 0;
        call_finish(&call);
    }
    assert_true(continuous && running && retrying && canceled && scheduled);
    assert_int_equal(greengrass, 1);
    assert_int_equal(ota, 1);
    fleet_destroy(fleet);
}

static void a_fleet_has_all_states_and_ages(void **state)
{
    (void)state;
    struct fleet *fleet = make(50, 10, 3000, true);
    struct fleet_execution *all;
    size_t count = everything(fleet, &all);
    int by_status[EXECUTION_STATUS_COUNT] = {0};
    int64_t oldest = 0, youngest = INT64_MAX;
    assert_int_equal(count, 3000);
    for (size_t i = 0; i < count; i++) {
        const struct fingerprint *fingerprint = &all[i].execution.fingerprint;
        int64_t age = NOW - fingerprint->last_updated_at.ms;
        struct timestamp again;
        by_status[fingerprint->status]++;
        oldest = age > oldest ? age : oldest;
        youngest = age < youngest ? age : youngest;
        assert_true(fingerprint->queued_at.ms <= fingerprint->last_updated_at.ms);
        assert_true(timestamp_parse(fingerprint->queued_at.text, &again));
        assert_int_equal(again.ms, fingerprint->queued_at.ms);
        assert_true(thing_name_valid(all[i].execution.thing_name));
    }
    assert_int_equal(by_status[EXECUTION_UNKNOWN], 0);
    for (int i = EXECUTION_QUEUED; i < EXECUTION_STATUS_COUNT; i++)
        assert_true(by_status[i] > 0);
    assert_in_range(oldest, 390 * TIME_MS_PER_DAY, 401 * TIME_MS_PER_DAY);
    assert_in_range(youngest, 0, 10 * TIME_MS_PER_DAY);
    assert_true(sizeof(struct record) <= 64); /* a million fit */
    free(all);
    fleet_destroy(fleet);
}

static void the_same_seed_gives_the_same_fleet(void **state)
{
    (void)state;
    struct fleet *a = make(20, 6, 500, true), *b = make(20, 6, 500, true);
    struct fleet_execution *all_a, *all_b;
    size_t count = everything(a, &all_a);
    assert_int_equal(count, everything(b, &all_b));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all_a[i].identity, all_b[i].identity);
        assert_null(fingerprint_difference(&all_a[i].execution.fingerprint, &all_b[i].execution.fingerprint));
    }
    free(all_a);
    free(all_b);
    fleet_destroy(a);
    fleet_destroy(b);
}

static void times_are_written_as_the_service_writes_them(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {{1560787023636, "1560787023.636"},
                 {1560787023600, "1560787023.6"},
                 {1560787023030, "1560787023.03"},
                 {1560787023000, "1560787023"},
                 {1560787000000, "1560787000"},
                 {5, "0.005"},
                 {0, ""}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct timestamp timestamp;
        fleet_stamp(table[i].ms, &timestamp);
        assert_string_equal(timestamp.text, table[i].text);
        assert_int_equal(timestamp.ms, table[i].ms);
    }
}

/* --- the rules of deletion --- */

static void only_a_running_execution_needs_force(void **state)
{
    (void)state;
    static const struct {
        enum execution_status status;
        bool force;
        enum answer_class class;
    } table[] = {{EXECUTION_QUEUED, false, ANSWER_DONE},       {EXECUTION_QUEUED, true, ANSWER_DONE},
                 {EXECUTION_IN_PROGRESS, false, ANSWER_STATE}, {EXECUTION_IN_PROGRESS, true, ANSWER_DONE},
                 {EXECUTION_SUCCEEDED, false, ANSWER_DONE},    {EXECUTION_FAILED, false, ANSWER_DONE},
                 {EXECUTION_TIMED_OUT, false, ANSWER_DONE},    {EXECUTION_REJECTED, false, ANSWER_DONE},
                 {EXECUTION_REMOVED, false, ANSWER_DONE},      {EXECUTION_CANCELED, false, ANSWER_DONE}};
    struct fleet *fleet = make(2, 2, 0, false);
    struct fleet_counts counts;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fleet_execution truth;
        uint64_t identity =
            fleet_add_execution(fleet, "fw-0000", "gw-000000", table[i].status, NOW - 1000, NOW);
        assert_true(fleet_identity(fleet, identity, &truth));
        int64_t number = truth.execution.number;
        assert_int_equal(
            ask(fleet, OPERATION_DELETE_EXECUTION, "fw-0000", "gw-000000", number, table[i].force),
            table[i].class);
        fleet_identity(fleet, identity, &truth);
        assert_int_equal(truth.deleted_ms != 0, table[i].class == ANSWER_DONE);
        assert_int_equal(truth.forced, table[i].status == EXECUTION_IN_PROGRESS && table[i].force);
    }
    fleet_counts(fleet, &counts);
    assert_int_equal(counts.deleted, 9);
    assert_int_equal(counts.forced, 1);
    assert_int_equal(counts.executions, 1);
    fleet_destroy(fleet);
}

static void a_freed_number_comes_back_only_where_numbers_are_reused(void **state)
{
    (void)state;
    for (int reuse = 0; reuse <= 1; reuse++) {
        struct fleet *fleet = make(1, 1, 0, reuse);
        struct fleet_execution truth;
        uint64_t first = fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_FAILED, NOW, NOW);
        fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_FAILED, NOW, NOW);
        assert_int_equal(fleet_find(fleet, "fw-0000", "gw-000000", 1, &truth), first);
        assert_int_equal(ask(fleet, OPERATION_DELETE_EXECUTION, "fw-0000", "gw-000000", 1, false),
                         ANSWER_DONE);
        assert_int_equal(ask(fleet, OPERATION_DELETE_EXECUTION, "fw-0000", "gw-000000", 1, false),
                         ANSWER_GONE);
        uint64_t third = fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_QUEUED, NOW, NOW);
        assert_true(third > first);
        fleet_identity(fleet, third, &truth);
        assert_int_equal(truth.execution.number, reuse ? 1 : 3);
        assert_int_equal(fleet_newest(fleet, 0, 0), reuse ? 2 : third);
        fleet_destroy(fleet);
    }
}

static void the_hands_of_others_refuse_what_cannot_be(void **state)
{
    (void)state;
    struct fleet *fleet = make(1, 1, 1, true);
    assert_int_equal(fleet_add_execution(fleet, "no-job", "gw-000000", EXECUTION_FAILED, NOW, NOW), 0);
    assert_int_equal(fleet_add_execution(fleet, "fw-0000", "no-thing", EXECUTION_FAILED, NOW, NOW), 0);
    assert_int_equal(fleet_set_status(fleet, 2, EXECUTION_FAILED, NOW), 0);
    assert_int_equal(fleet_remove(fleet, 0, NOW), 0);
    assert_int_equal(fleet_remove(fleet, 1, NOW), 1);
    assert_int_equal(fleet_remove(fleet, 1, NOW), 0);
    assert_int_equal(fleet_set_status(fleet, 1, EXECUTION_FAILED, NOW), 0);
    fleet_destroy(fleet);
}

/* --- refusals --- */

static void names_are_validated_as_the_service_model_says(void **state)
{
    (void)state;
    static const struct {
        enum operation operation;
        const char *job, *thing;
        enum answer_class class;
    } table[] = {{OPERATION_DESCRIBE_JOB, "fw-0000", "", ANSWER_DONE},
                 {OPERATION_DESCRIBE_JOB, "fw-9999", "", ANSWER_GONE},
                 {OPERATION_DESCRIBE_JOB, "fw:0000", "", ANSWER_INVALID},
                 {OPERATION_DESCRIBE_JOB, "", "", ANSWER_INVALID},
                 {OPERATION_DELETE_EXECUTION, "fw-0000", "a/b", ANSWER_INVALID},
                 {OPERATION_DELETE_EXECUTION, "..", "gw-000000", ANSWER_INVALID},
                 {OPERATION_DELETE_EXECUTION, "fw-0000", "nobody", ANSWER_GONE},
                 {OPERATION_LIST_EXECUTIONS_FOR_THING, "", "gw-000000", ANSWER_DONE},
                 {OPERATION_LIST_EXECUTIONS_FOR_THING, "", "nobody", ANSWER_GONE},
                 {OPERATION_LIST_EXECUTIONS_FOR_JOB, "nothing", "", ANSWER_GONE},
                 {OPERATION_GET_CALLER_IDENTITY, "", "", ANSWER_DONE}};
    struct fleet *fleet = make(2, 2, 4, true);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(ask(fleet, table[i].operation, table[i].job, table[i].thing, 1, false),
                         table[i].class);
    fleet_destroy(fleet);
}

static void a_refusal_says_what_the_service_would_say(void **state)
{
    (void)state;
    struct fleet *fleet = make(1, 1, 0, true);
    struct call call;
    call_init(&call, OPERATION_LIST_JOBS);
    call.max_results = 251;
    fleet_execute(fleet, &call, NOW);
    assert_int_equal(call.answer.class, ANSWER_INVALID);
    assert_int_equal(call.answer.http_status, 400);
    assert_string_equal(call.answer.code, "InvalidRequestException");
    assert_non_null(strstr(call.answer.message, "maxResults"));
    assert_int_equal(strlen(call.answer.request_id), 36);
    assert_int_equal(call.answer.server_date_ms, NOW - 123);
    call_finish(&call);
    fleet_destroy(fleet);
}

static void a_quota_allows_a_burst_of_one_second_and_refills(void **state)
{
    (void)state;
    struct fleet_config config = {.seed = 1, .jobs = 1, .now_ms = NOW};
    config.quota[OPERATION_LIST_JOBS] = 4; /* the others keep their default, 10 */
    struct fleet *fleet = fleet_create(&config);
    static const struct {
        int64_t after_ms;
        int asked, allowed;
    } table[] = {{0, 6, 4}, {249, 1, 0}, {250, 2, 1}, {200, 1, 0}, {750, 3, 2}, {9000, 9, 4}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int allowed = 0;
        for (int j = 0; j < table[i].asked; j++) {
            struct call call;
            call_init(&call, OPERATION_LIST_JOBS);
            call.max_results = 1;
            fleet_execute(fleet, &call, NOW + table[i].after_ms);
            allowed += call.answer.class == ANSWER_DONE;
            if (call.answer.class != ANSWER_DONE) {
                assert_int_equal(call.answer.class, ANSWER_THROTTLED);
                assert_int_equal(call.answer.http_status, 400);
            }
            call_finish(&call);
        }
        assert_int_equal(allowed, table[i].allowed);
    }
    int allowed = 0;
    for (int i = 0; i < 50; i++)
        allowed += ask(fleet, OPERATION_DESCRIBE_JOB, "fw-0000", "", 0, false) == ANSWER_DONE;
    assert_int_equal(allowed, operation_default_quota(OPERATION_DESCRIBE_JOB));
    fleet_destroy(fleet);
}

/* --- pages --- */

/* Follows all pages; returns the rows. */
static size_t walk(struct fleet *fleet, struct call *call, size_t *pages)
{
    size_t rows = 0;
    *pages = 0;
    for (bool more = true; more; (*pages)++) {
        assert_true(*pages < 10000);
        fleet_execute(fleet, call, NOW);
        assert_int_equal(call->answer.class, ANSWER_DONE);
        rows += call->page.count;
        more = call->page.next_token != NULL;
        if (more)
            call_next_page(call);
    }
    call_finish(call);
    return rows;
}

static void pages_hold_everything_once(void **state)
{
    (void)state;
    static const struct {
        enum operation operation;
        const char *job, *thing, *group;
        bool recursive;
        size_t rows; /* of 60 things in 5 groups, 7 jobs, 4200 executions */
    } table[] = {{OPERATION_LIST_JOBS, "", "", "", false, 7},
                 {OPERATION_LIST_EXECUTIONS_FOR_JOB, "fw-0001", "", "", false, 600},
                 {OPERATION_LIST_EXECUTIONS_FOR_THING, "", "gw-000007", "", false, 70},
                 {OPERATION_LIST_EXECUTIONS_FOR_THING, "fw-0001", "gw-000007", "", false, 10},
                 {OPERATION_LIST_THINGS, "", "", "", false, 60},
                 {OPERATION_LIST_THINGS_IN_GROUP, "", "", "group-1", false, 12},
                 {OPERATION_LIST_THINGS_IN_GROUP, "", "", "group-1", true, 36},
                 {OPERATION_LIST_THINGS_IN_GROUP, "", "", "group-0", true, 60}};
    static const int sizes[] = {1, 3, 250};
    struct fleet *fleet = make(60, 7, 4200, true);
    for (size_t i = 0; i < sizeof table / sizeof *table * 3; i++) {
        struct call call;
        size_t pages, row = i / 3;
        call_init(&call, table[row].operation);
        text_copy(call.job_id, sizeof call.job_id, table[row].job);
        text_copy(call.thing_name, sizeof call.thing_name, table[row].thing);
        text_copy(call.group_name, sizeof call.group_name, table[row].group);
        call.recursive = table[row].recursive;
        call.max_results = sizes[i % 3];
        size_t rows = walk(fleet, &call, &pages);
        assert_int_equal(rows, table[row].rows);
        assert_true(pages >= rows / (size_t)sizes[i % 3]);
    }
    fleet_destroy(fleet);
}

static void a_filtered_page_may_be_empty_and_go_on(void **state)
{
    (void)state;
    struct fleet *fleet = make(1, 1, 0, true);
    for (int i = 0; i < 99; i++)
        fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_SUCCEEDED, NOW, NOW);
    fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_REJECTED, NOW, NOW);
    struct call call;
    size_t pages;
    call_init(&call, OPERATION_LIST_EXECUTIONS_FOR_JOB);
    text_copy(call.job_id, sizeof call.job_id, "fw-0000");
    call.status = EXECUTION_REJECTED;
    call.max_results = 1;
    fleet_execute(fleet, &call, NOW);
    assert_int_equal(call.page.count, 0);
    assert_non_null(call.page.next_token);
    call_again(&call);
    assert_int_equal(walk(fleet, &call, &pages), 1);
    assert_int_equal(pages, 10);
    fleet_destroy(fleet);
}

static enum answer_class list_with_token(struct fleet *fleet, const char *job, enum execution_status status,
                                         const char *token)
{
    struct call call;
    call_init(&call, OPERATION_LIST_EXECUTIONS_FOR_JOB);
    text_copy(call.job_id, sizeof call.job_id, job);
    call.status = status;
    call.max_results = 5;
    call.next_token = mem_strdup(token);
    fleet_execute(fleet, &call, NOW);
    enum answer_class class = call.answer.class;
    call_finish(&call);
    return class;
}

static void a_token_serves_its_own_query_only(void **state)
{
    (void)state;
    struct fleet *fleet = make(60, 7, 3000, true);
    struct call call;
    char bent[64];
    call_init(&call, OPERATION_LIST_EXECUTIONS_FOR_JOB);
    text_copy(call.job_id, sizeof call.job_id, "fw-0001");
    call.max_results = 5;
    fleet_execute(fleet, &call, NOW);
    const char *token = call.page.next_token;
    assert_non_null(token);
    text_copy(bent, sizeof bent, token);
    bent[3] = bent[3] == '0' ? '1' : '0';
    assert_int_equal(list_with_token(fleet, "fw-0001", EXECUTION_UNKNOWN, token), ANSWER_DONE);
    assert_int_equal(list_with_token(fleet, "fw-0002", EXECUTION_UNKNOWN, token), ANSWER_INVALID);
    assert_int_equal(list_with_token(fleet, "fw-0001", EXECUTION_FAILED, token), ANSWER_INVALID);
    assert_int_equal(list_with_token(fleet, "fw-0001", EXECUTION_UNKNOWN, bent), ANSWER_INVALID);
    assert_int_equal(list_with_token(fleet, "fw-0001", EXECUTION_UNKNOWN, ""), ANSWER_INVALID);
    assert_int_equal(list_with_token(fleet, "fw-0001", EXECUTION_UNKNOWN, "garbage"), ANSWER_INVALID);
    call_finish(&call);
    fleet_destroy(fleet);
}

/* What is deleted behind the reader's back moves nothing: the rest is seen exactly once. */
static void deleting_while_paging_loses_no_row(void **state)
{
    (void)state;
    struct fleet *fleet = make(1, 1, 1000, true);
    struct call call;
    int64_t sum = 0;
    size_t rows = 0;
    call_init(&call, OPERATION_LIST_EXECUTIONS_FOR_JOB);
    text_copy(call.job_id, sizeof call.job_id, "fw-0000");
    call.max_results = 7;
    for (bool more = true; more;) {
        fleet_execute(fleet, &call, NOW);
        assert_int_equal(call.answer.class, ANSWER_DONE);
        for (size_t i = 0; i < call.page.count; i++, rows++) {
            sum += call.page.executions[i].number;
            assert_int_equal(ask(fleet, OPERATION_DELETE_EXECUTION, "fw-0000", "gw-000000",
                                 call.page.executions[i].number, true),
                             ANSWER_DONE);
        }
        more = call.page.next_token != NULL;
        if (more)
            call_next_page(&call);
    }
    call_finish(&call);
    assert_int_equal(rows, 1000);
    assert_int_equal(sum, 1000 * 1001 / 2);
    fleet_destroy(fleet);
}

/* --- by hand --- */

static void a_group_goes_only_after_its_children(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        int status;
    } table[] = {{"group-1", 400}, {"group-3", 200}, {"group-3", 404}, {"group-4", 200}, {"group-1", 200}};
    struct fleet *fleet = make(10, 1, 0, true);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct call call;
        call_init(&call, OPERATION_COUNT);
        text_copy(call.group_name, sizeof call.group_name, table[i].group);
        fleet_answer(fleet, &call, NOW);
        fleet_delete_group(fleet, &call);
        assert_int_equal(call.answer.http_status, table[i].status);
        call_finish(&call);
    }
    fleet_destroy(fleet);
}

/* What it leaves behind can still be seen by job, and be deleted. */
static void a_deleted_thing_leaves_its_executions(void **state)
{
    (void)state;
    struct fleet *fleet = make(1, 1, 0, true);
    struct fleet_execution truth;
    uint64_t queued = fleet_add_execution(fleet, "fw-0000", "gw-000000", EXECUTION_QUEUED, NOW, NOW);
    struct call call;
    call_init(&call, OPERATION_COUNT);
    text_copy(call.thing_name, sizeof call.thing_name, "gw-000000");
    fleet_answer(fleet, &call, NOW);
    fleet_delete_thing(fleet, &call, NOW);
    assert_int_equal(call.answer.class, ANSWER_DONE);
    call_finish(&call);
    assert_true(fleet_identity(fleet, queued, &truth));
    assert_int_equal(truth.execution.fingerprint.status, EXECUTION_REMOVED);
    assert_int_equal(ask(fleet, OPERATION_LIST_EXECUTIONS_FOR_THING, "", "gw-000000", 0, false), ANSWER_GONE);
    assert_int_equal(ask(fleet, OPERATION_DELETE_EXECUTION, "fw-0000", "gw-000000", 1, false), ANSWER_DONE);
    fleet_destroy(fleet);
}

static void a_deleted_job_takes_its_executions_along(void **state)
{
    (void)state;
    struct fleet *fleet = make(5, 1, 20, true);
    struct fleet_counts counts;
    for (int force = 0; force <= 1; force++) {
        struct call call;
        call_init(&call, OPERATION_COUNT);
        text_copy(call.job_id, sizeof call.job_id, "fw-0000"); /* in progress: it needs force */
        call.force = force;
        fleet_answer(fleet, &call, NOW);
        fleet_delete_job(fleet, &call, NOW);
        assert_int_equal(call.answer.class, force ? ANSWER_DONE : ANSWER_STATE);
        call_finish(&call);
    }
    fleet_counts(fleet, &counts);
    assert_int_equal(counts.executions, 0);
    assert_int_equal(counts.deleted, 0); /* not one by one */
    fleet_destroy(fleet);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fleet_has_every_kind_of_job),
    cmocka_unit_test(a_fleet_has_all_states_and_ages),
    cmocka_unit_test(the_same_seed_gives_the_same_fleet),
    cmocka_unit_test(times_are_written_as_the_service_writes_them),
    cmocka_unit_test(only_a_running_execution_needs_force),
    cmocka_unit_test(a_freed_number_comes_back_only_where_numbers_are_reused),
    cmocka_unit_test(the_hands_of_others_refuse_what_cannot_be),
    cmocka_unit_test(names_are_validated_as_the_service_model_says),
    cmocka_unit_test(a_refusal_says_what_the_service_would_say),
    cmocka_unit_test(a_quota_allows_a_burst_of_one_second_and_refills),
    cmocka_unit_test(pages_hold_everything_once),
    cmocka_unit_test(a_filtered_page_may_be_empty_and_go_on),
    cmocka_unit_test(a_token_serves_its_own_query_only),
    cmocka_unit_test(deleting_while_paging_loses_no_row),
    cmocka_unit_test(a_group_goes_only_after_its_children),
    cmocka_unit_test(a_deleted_thing_leaves_its_executions),
    cmocka_unit_test(a_deleted_job_takes_its_executions_along),
};

TAP_MAIN(tests)
