/* The virtual world itself: order, timers, faults, determinism. */
#include "seed.h"
#include "tap.h"

#include "base/time.h"
#include "sim/virtual.h"

#include <string.h>

#define S       TIME_NS_PER_SECOND
#define MS      TIME_NS_PER_MS
#define WALL_MS INT64_C(1800000000000)
#define MANY    2000

struct diary {
    int64_t at_ns[MANY];
    int what[MANY];
    int count;
};

struct note {
    struct virtual_world *world;
    struct diary *diary;
    int what;
};

static void write_down(void *ctx)
{
    const struct note *note = ctx;
    struct diary *diary = note->diary;
    diary->at_ns[diary->count] = virtual_mono_ns(note->world);
    diary->what[diary->count++] = note->what;
}

static uint64_t seed(void)
{
    return number_from("JOBSWEEP_SEED", 1);
}

/* --- events and timers --------------------------------------------------------------------------------- */

static void events_come_by_time_then_by_order_of_asking(void **state)
{
    (void)state;
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = seed()});
    static struct diary diary;
    static struct note notes[MANY];
    diary.count = 0;
    uint64_t noise = seed() | 1;
    print_message("# seed %llu\n", (unsigned long long)seed());
    for (int i = 0; i < MANY; i++) {
        noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407u;
        notes[i] = (struct note){world, &diary, i};
        virtual_at(world, (int64_t)(noise >> 33) % 300, write_down, &notes[i]);
    }
    assert_false(virtual_run(world, NULL, NULL, INT64_MAX));
    assert_int_equal(diary.count, MANY);
    for (int i = 1; i < MANY; i++) {
        assert_true(diary.at_ns[i - 1] <= diary.at_ns[i]);
        if (diary.at_ns[i - 1] == diary.at_ns[i])
            assert_true(diary.what[i - 1] < diary.what[i]);
    }
    virtual_destroy(world);
}

static void fired(struct env_timer *timer)
{
    write_down(timer->owner);
}

static void a_timer_fires_once_can_be_moved_and_stopped(void **state)
{
    (void)state;
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = seed()});
    const struct env *env = virtual_env(world);
    struct diary diary = {.count = 0};
    struct note notes[3];
    struct env_timer timers[3] = {{.fire = fired}, {.fire = fired}, {.fire = fired}};
    for (int i = 0; i < 3; i++) {
        notes[i] = (struct note){world, &diary, i};
        timers[i].owner = &notes[i];
        env->start(env->ctx, &timers[i], (i + 1) * S);
    }
    env->start(env->ctx, &timers[0], 9 * S); /* moved */
    env->stop(env->ctx, &timers[1]);
    env->stop(env->ctx, &timers[1]);
    assert_false(timers[1].armed);
    assert_true(timers[0].armed && timers[0].at_ns == 9 * S);
    while (virtual_step(world))
        ;
    assert_int_equal(diary.count, 2);
    assert_true(diary.what[0] == 2 && diary.at_ns[0] == 3 * S);
    assert_true(diary.what[1] == 0 && diary.at_ns[1] == 9 * S);
    env->start(env->ctx, &timers[0], 1); /* in the past: now, but later */
    assert_int_equal(diary.count, 2);
    virtual_step(world);
    assert_int_equal(diary.at_ns[2], 9 * S);
    assert_false(timers[0].armed);
    virtual_destroy(world);
}

static bool after_5_s(void *ctx)
{
    return virtual_mono_ns(ctx) >= 5 * S;
}

static void a_run_ends_when_it_is_done_or_time_is_up_or_nothing_is_left(void **state)
{
    (void)state;
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = 1, .start_ms = WALL_MS});
    const struct env *env = virtual_env(world);
    struct diary diary = {.count = 0};
    struct note note = {world, &diary, 0};
    for (int i = 1; i <= 8; i++)
        virtual_at(world, i * S, write_down, &note);
    assert_false(virtual_run(world, after_5_s, world, 2500 * MS));
    assert_int_equal(virtual_mono_ns(world), 2500 * MS);
    assert_int_equal(env->wall_ms(env->ctx), WALL_MS + 2500);
    assert_true(virtual_run(world, after_5_s, world, 3600 * S));
    assert_int_equal(virtual_mono_ns(world), 5 * S);
    assert_false(virtual_run(world, NULL, NULL, 3600 * S));
    assert_int_equal(virtual_mono_ns(world), 8 * S);
    virtual_destroy(world);
}

static void what_runs_after_each_event_runs_after_each_event(void **state)
{
    (void)state;
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = 1});
    struct diary diary = {.count = 0};
    struct note event = {world, &diary, 1}, after = {world, &diary, 2};
    virtual_after_each(world, write_down, &after);
    for (int i = 0; i < 3; i++)
        virtual_at(world, 0, write_down, &event);
    virtual_run(world, NULL, NULL, S);
    for (int i = 0; i < 6; i++)
        assert_int_equal(diary.what[i], i % 2 + 1);
    virtual_destroy(world);
}

/* --- the service --------------------------------------------------------------------------------------- */

#define CALLS 200

struct shop {
    struct fleet *fleet;
    struct virtual_world *world;
    struct call calls[CALLS];
    int64_t done_ns[CALLS];
    int done;
    int64_t alive;
};

static struct shop shop;

static void on_done(struct call *call)
{
    shop.done_ns[call - shop.calls] = virtual_mono_ns(shop.world);
    shop.done++;
}

static void remember(void *ctx, const struct fleet_execution *execution)
{
    int *count = ctx;
    if (*count == CALLS || !execution_status_terminal(execution->execution.fingerprint.status))
        return;
    struct call *call = &shop.calls[(*count)++];
    call_init(call, OPERATION_DELETE_EXECUTION);
    strcpy(call->job_id, execution->execution.job_id);
    strcpy(call->thing_name, execution->execution.thing_name);
    call->number = execution->execution.number;
    call->done = on_done;
    call->signed_at_ms = WALL_MS;
}

static int64_t alive(void)
{
    struct fleet_counts counts;
    fleet_counts(shop.fleet, &counts);
    return counts.executions;
}

/* A fleet of which 200 terminal executions are asked to be deleted, all at once. */
static void open_shop(struct virtual_config config)
{
    struct fleet_config fleet = {.seed = 3, .things = 50, .jobs = 10, .executions = 600, .now_ms = WALL_MS};
    for (int i = 0; i < OPERATION_COUNT; i++)
        fleet.quota[i] = -1;
    memset(&shop, 0, sizeof(shop));
    shop.fleet = fleet_create(&fleet);
    config.fleet = shop.fleet;
    config.seed = seed();
    config.start_ms = WALL_MS;
    config.latency_min_ns = 20 * MS;
    config.latency_max_ns = 60 * MS;
    shop.world = virtual_create(&config);
    int count = 0;
    fleet_each(shop.fleet, false, remember, &count);
    assert_int_equal(count, CALLS);
    shop.alive = alive();
    const struct job_service *service = virtual_service(shop.world);
    for (int i = 0; i < CALLS; i++)
        service->submit(service->ctx, &shop.calls[i]);
    assert_int_equal(shop.done, 0);
}

static int64_t deleted(void)
{
    return shop.alive - alive();
}

static void close_shop(void)
{
    for (int i = 0; i < CALLS; i++)
        call_finish(&shop.calls[i]);
    virtual_destroy(shop.world);
    fleet_destroy(shop.fleet);
}

static int count_class(enum answer_class class)
{
    int count = 0;
    for (int i = 0; i < CALLS; i++)
        count += shop.calls[i].answer.class == class;
    return count;
}

static void without_faults_all_is_done_within_the_latency(void **state)
{
    (void)state;
    open_shop((struct virtual_config){.skew_ms = 4000});
    virtual_run(shop.world, NULL, NULL, S);
    assert_int_equal(shop.done, CALLS);
    assert_int_equal(count_class(ANSWER_DONE), CALLS);
    assert_int_equal(deleted(), CALLS);
    for (int i = 0; i < CALLS; i++) {
        assert_in_range(shop.done_ns[i], 20 * MS, 60 * MS);
        assert_in_range(shop.calls[i].answer.received_ms, WALL_MS + 20, WALL_MS + 60);
        assert_in_range(shop.calls[i].answer.server_date_ms, WALL_MS + 3000, WALL_MS + 4060);
    }
    close_shop();
}

static void each_fault_gives_its_answer_and_its_truth(void **state)
{
    (void)state;
    const struct {
        struct virtual_config config;
        enum answer_class class;
        int status;
        bool executed, late;
    } rows[] = {
        {{.not_sent = 1000000}, ANSWER_NOT_SENT, 0, false, false},
        {{.lost_before = 1000000}, ANSWER_AMBIGUOUS, 0, false, false},
        {{.lost_after = 1000000}, ANSWER_AMBIGUOUS, 0, true, false},
        {{.lost_late = 1000000}, ANSWER_AMBIGUOUS, 0, true, true},
        {{.error_500_executed = 1000000}, ANSWER_AMBIGUOUS, 500, true, false},
        {{.error_500_refused = 1000000}, ANSWER_AMBIGUOUS, 500, false, false},
        {{.error_503 = 1000000}, ANSWER_AMBIGUOUS, 503, false, false},
        {{.throttled = 1000000}, ANSWER_THROTTLED, 400, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_shop(rows[i].config);
        virtual_run(shop.world, NULL, NULL, 11 * S);
        assert_int_equal(shop.done, CALLS);
        assert_int_equal(count_class(rows[i].class), CALLS);
        assert_int_equal(shop.calls[7].answer.http_status, rows[i].status);
        if (rows[i].late)
            assert_in_range(deleted(), 0, CALLS / 2);
        virtual_run(shop.world, NULL, NULL, 3600 * S);
        /* a late one may come so late that its signature is too old by then */
        assert_in_range(deleted(), rows[i].executed ? CALLS - 2 : 0, rows[i].executed ? CALLS : 0);
        close_shop();
    }
}

static void a_signature_that_is_too_old_is_refused(void **state)
{
    (void)state;
    open_shop((struct virtual_config){.skew_ms = 300100});
    virtual_run(shop.world, NULL, NULL, S);
    assert_int_equal(count_class(ANSWER_SKEWED), CALLS);
    assert_int_equal(deleted(), 0);
    close_shop();
}

static void a_canceled_call_ends_soon_and_its_truth_is_open(void **state)
{
    (void)state;
    open_shop((struct virtual_config){0});
    const struct job_service *service = virtual_service(shop.world);
    for (int i = 0; i < CALLS; i++)
        service->cancel(service->ctx, &shop.calls[i]);
    assert_int_equal(shop.done, 0);
    virtual_run(shop.world, NULL, NULL, MS);
    assert_int_equal(shop.done, CALLS);
    int never_left = count_class(ANSWER_NOT_SENT);
    assert_in_range(never_left, CALLS / 4, 3 * CALLS / 4);
    assert_int_equal(count_class(ANSWER_AMBIGUOUS), CALLS - never_left);
    assert_int_equal(deleted(), 0);
    virtual_run(shop.world, NULL, NULL, 3600 * S);
    assert_in_range(deleted(), CALLS - never_left - 2, CALLS - never_left);
    close_shop();
}

static void faults_can_be_healed(void **state)
{
    (void)state;
    open_shop((struct virtual_config){.throttled = 1000000});
    virtual_run(shop.world, NULL, NULL, S);
    virtual_set_faults(shop.world, &(struct virtual_config){0});
    const struct job_service *service = virtual_service(shop.world);
    for (int i = 0; i < CALLS; i++) {
        call_again(&shop.calls[i]);
        service->submit(service->ctx, &shop.calls[i]);
    }
    virtual_run(shop.world, NULL, NULL, 2 * S);
    assert_int_equal(deleted(), CALLS);
    close_shop();
}

static uint64_t hash_of_a_mixed_run(void)
{
    open_shop((struct virtual_config){.lost_after = 100000, .lost_late = 100000, .error_503 = 100000});
    virtual_run(shop.world, NULL, NULL, 3600 * S);
    uint64_t hash = virtual_trace_hash(shop.world);
    close_shop();
    return hash;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
    (void)state;
    uint64_t once = hash_of_a_mixed_run();
    assert_true(hash_of_a_mixed_run() == once);
}

static void what_is_under_way_at_the_end_is_freed(void **state)
{
    (void)state;
    open_shop((struct virtual_config){.lost_late = 500000});
    virtual_run(shop.world, NULL, NULL, 40 * MS);
    close_shop();
}

/* --- a process that stands still, and one that is gone ----------------------------------------------------
 */

static void what_belongs_to_a_process_waits_while_it_stands_still(void **state)
{
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = 1, .start_ms = WALL_MS});
    const struct env *env = virtual_env(world);
    static struct diary diary;
    struct note notes[4];
    (void)state;
    diary.count = 0;
    for (int i = 0; i < 4; i++)
        notes[i] = (struct note){world, &diary, i};
    virtual_at_process(world, 20 * S, write_down, &notes[0]);
    virtual_at_process(world, 10 * S, write_down, &notes[1]);
    virtual_at(world, 30 * S, write_down, &notes[2]);
    virtual_at_process(world, 90 * S, write_down, &notes[3]);
    virtual_stand_still(world, 60 * S);
    assert_int_equal(virtual_pending(world, true), 3);
    assert_false(virtual_run(world, NULL, NULL, INT64_MAX));
    static const int order[] = {2, 1, 0, 3};
    static const int64_t at_s[] = {30, 60, 60, 90};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(diary.what[i], order[i]);
        assert_int_equal(diary.at_ns[i], at_s[i] * S);
    }
    virtual_set_wall(world, -5000);
    assert_int_equal(env->wall_ms(env->ctx), WALL_MS + 90000 - 5000);
    virtual_destroy(world);
}

static bool is_empty(void *ctx)
{
    return virtual_pending(ctx, true) == 0;
}

static void a_process_that_is_gone_winds_up_and_the_world_stands(void **state)
{
    struct virtual_world *world = virtual_create(&(struct virtual_config){.seed = 1});
    static struct diary diary;
    struct note notes[3];
    (void)state;
    diary.count = 0;
    for (int i = 0; i < 3; i++)
        notes[i] = (struct note){world, &diary, i};
    virtual_at(world, 5 * S, write_down, &notes[0]);
    virtual_at_process(world, 300 * S, write_down, &notes[1]);
    virtual_at_process(world, 10 * S, write_down, &notes[2]);
    assert_false(virtual_wind_up(world, is_empty, world, 1));
    assert_true(virtual_wind_up(world, is_empty, world, 10));
    assert_int_equal(diary.count, 2);
    assert_int_equal(virtual_mono_ns(world), 0);
    assert_int_equal(virtual_pending(world, false), 1);
    virtual_destroy(world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_belongs_to_a_process_waits_while_it_stands_still),
    cmocka_unit_test(a_process_that_is_gone_winds_up_and_the_world_stands),
    cmocka_unit_test(events_come_by_time_then_by_order_of_asking),
    cmocka_unit_test(a_timer_fires_once_can_be_moved_and_stopped),
    cmocka_unit_test(a_run_ends_when_it_is_done_or_time_is_up_or_nothing_is_left),
    cmocka_unit_test(what_runs_after_each_event_runs_after_each_event),
    cmocka_unit_test(without_faults_all_is_done_within_the_latency),
    cmocka_unit_test(each_fault_gives_its_answer_and_its_truth),
    cmocka_unit_test(a_signature_that_is_too_old_is_refused),
    cmocka_unit_test(a_canceled_call_ends_soon_and_its_truth_is_open),
    cmocka_unit_test(faults_can_be_healed),
    cmocka_unit_test(the_same_seed_gives_the_same_trace),
    cmocka_unit_test(what_is_under_way_at_the_end_is_freed),
};

TAP_MAIN(tests)
