/* The fleet model beside a naive reference, through a long random walk of everything that changes it. */
#include "seed.h"
#include "tap.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "sim/fleet.h"

#include <inttypes.h>
#include <stdio.h>

#define NOW INT64_C(1795500000123)
/* --- the random walk --- */

#define WALK_JOBS   3
#define WALK_THINGS 3
#define WALK_ROWS   4096

/* The reference: a plain array, searched from end to end. */
struct reference {
    struct {
        uint64_t identity;
        int job, thing;
        int64_t number;
        enum execution_status status;
        bool deleted;
    } rows[WALK_ROWS];
    size_t count;
};

static const char *walk_job(int i)
{
    static const char *const names[WALK_JOBS] = {"fw-0000", "fw-0001", "fw-0002"};
    return names[i];
}

static const char *walk_thing(int i)
{
    static const char *const names[WALK_THINGS] = {"gw-000000", "gw-000001", "gw-000002"};
    return names[i];
}

static int reference_find(const struct reference *reference, int job, int thing, int64_t number)
{
    for (size_t i = 0; i < reference->count; i++)
        if (!reference->rows[i].deleted && reference->rows[i].job == job &&
            reference->rows[i].thing == thing && reference->rows[i].number == number)
            return (int)i;
    return -1;
}

static void step_add(struct fleet *fleet, struct reference *reference, struct random *random, int64_t now)
{
    int job = (int)random_below(random, WALK_JOBS), thing = (int)random_below(random, WALK_THINGS);
    enum execution_status status =
        (enum execution_status)(1 + random_below(random, EXECUTION_STATUS_COUNT - 1));
    uint64_t identity = fleet_add_execution(fleet, walk_job(job), walk_thing(thing), status, now - 5, now);
    int64_t number = 1; /* numbers are reused: the lowest that is free */
    while (reference_find(reference, job, thing, number) >= 0)
        number++;
    assert_int_equal(identity, reference->count + 1);
    reference->rows[reference->count].identity = identity;
    reference->rows[reference->count].job = job;
    reference->rows[reference->count].thing = thing;
    reference->rows[reference->count].number = number;
    reference->rows[reference->count].status = status;
    reference->count++;
}

static enum answer_class delete_one(struct fleet *fleet, int job, int thing, int64_t number, bool force)
{
    struct call call;
    call_init(&call, OPERATION_DELETE_EXECUTION);
    text_copy(call.job_id, sizeof call.job_id, walk_job(job));
    text_copy(call.thing_name, sizeof call.thing_name, walk_thing(thing));
    call.number = number;
    call.force = force;
    fleet_execute(fleet, &call, NOW);
    enum answer_class class = call.answer.class;
    call_finish(&call);
    return class;
}

static void step_delete(struct fleet *fleet, struct reference *reference, struct random *random)
{
    int job = (int)random_below(random, WALK_JOBS), thing = (int)random_below(random, WALK_THINGS);
    int64_t number = 1 + (int64_t)random_below(random, 12);
    bool force = random_below(random, 2);
    int row = reference_find(reference, job, thing, number);
    enum answer_class expected = ANSWER_GONE;
    if (row >= 0)
        expected =
            reference->rows[row].status == EXECUTION_IN_PROGRESS && !force ? ANSWER_STATE : ANSWER_DONE;
    assert_int_equal(delete_one(fleet, job, thing, number, force), expected);
    if (expected == ANSWER_DONE)
        reference->rows[row].deleted = true;
}

static void step_touch(struct fleet *fleet, struct reference *reference, struct random *random, int64_t now)
{
    if (!reference->count)
        return;
    size_t row = random_below(random, reference->count);
    uint64_t identity = reference->rows[row].identity;
    uint64_t expected = reference->rows[row].deleted ? 0 : identity;
    if (random_below(random, 3) == 0) {
        assert_int_equal(fleet_remove(fleet, identity, now), expected);
        reference->rows[row].deleted = true;
        return;
    }
    enum execution_status status =
        (enum execution_status)(1 + random_below(random, EXECUTION_STATUS_COUNT - 1));
    assert_int_equal(fleet_set_status(fleet, identity, status, now), expected);
    if (expected)
        reference->rows[row].status = status;
}

/* The rows of all pages. */
static size_t walk(struct fleet *fleet, struct call *call)
{
    size_t rows = 0;
    for (bool more = true; more;) {
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

/* All pages of a job, with and without a filter, against the reference; and the counts. */
static void compare(struct fleet *fleet, const struct reference *reference, int job)
{
    for (int status = EXECUTION_UNKNOWN; status < EXECUTION_STATUS_COUNT; status++) {
        size_t expected = 0;
        for (size_t i = 0; i < reference->count; i++)
            expected += !reference->rows[i].deleted && reference->rows[i].job == job &&
                        (status == EXECUTION_UNKNOWN || (int)reference->rows[i].status == status);
        struct call call;
        call_init(&call, OPERATION_LIST_EXECUTIONS_FOR_JOB);
        text_copy(call.job_id, sizeof call.job_id, walk_job(job));
        call.status = (enum execution_status)status;
        call.max_results = 2;
        assert_int_equal(walk(fleet, &call), expected);
        call_init(&call, OPERATION_DESCRIBE_JOB);
        text_copy(call.job_id, sizeof call.job_id, walk_job(job));
        fleet_execute(fleet, &call, NOW);
        if (status != EXECUTION_UNKNOWN)
            assert_int_equal(call.job.counts[status], expected);
        call_finish(&call);
    }
    for (size_t i = 0; i < reference->count; i++) {
        struct fleet_execution truth;
        assert_true(fleet_identity(fleet, reference->rows[i].identity, &truth));
        assert_int_equal(truth.deleted_ms != 0, reference->rows[i].deleted);
        assert_int_equal(truth.execution.number, reference->rows[i].number);
        assert_int_equal(truth.execution.fingerprint.status, reference->rows[i].status);
    }
}

static void a_random_walk_agrees_with_the_reference(void **state)
{
    (void)state;
    uint64_t seed = seed_from(20261124);
    struct reference *reference = mem_zalloc(sizeof *reference);
    struct fleet_config config = {
        .seed = seed, .things = WALK_THINGS, .jobs = WALK_JOBS, .now_ms = NOW, .reuse_numbers = true};
    for (int i = 0; i < OPERATION_COUNT; i++)
        config.quota[i] = -1;
    struct fleet *fleet = fleet_create(&config);
    struct random random;
    random_seed(&random, seed);
    printf("# seed %" PRIu64 "\n", seed);
    for (int64_t step = 0; step < 6000 && reference->count < WALK_ROWS; step++) {
        uint64_t drawn = random_below(&random, 10);
        if (drawn < 4)
            step_add(fleet, reference, &random, NOW + step);
        else if (drawn < 8)
            step_delete(fleet, reference, &random);
        else
            step_touch(fleet, reference, &random, NOW + step);
        if (step % 500 == 499)
            compare(fleet, reference, (int)(step / 500 % WALK_JOBS));
    }
    fleet_destroy(fleet);
    free(reference);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_random_walk_agrees_with_the_reference),
};

TAP_MAIN(tests)
