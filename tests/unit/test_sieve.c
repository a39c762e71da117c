/* What is selected where rows must be seen together: random policies and fleets through the selector and real
 * scratch space, against the same rules applied to everything in memory; and what goes wrong on the way. */
#include "base/mem.h"
#include "base/random.h"
#include "engine/selector.h"
#include "engine/sieve.h"
#include "ledger/sorter.h"
#include "policy/keep.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define ROWS_MAX 400
#define DAY      INT64_C(86400000)
#define NOW      RIG_START_MS

struct seen {
    int times;
    bool delete;
    char reason[PLAN_REASON_MAX + 1];
};

struct test {
    struct rig rig;
    struct sorter_place place;
    struct scratch scratch;
    struct policy policy;
    struct keep_rule keep[3];
    struct report report;
    struct selector *selector;
    struct job_execution rows[ROWS_MAX];
    int count;
    struct seen seen[ROWS_MAX];
    int order[ROWS_MAX], ordered; /* of those that go */
    int64_t planned, cancel_at;
    bool failed, done, ledger_fails;
    struct ledger ledger;
    struct ledger_request *requests;
    struct env_timer answer;
    struct err err;
    struct random random;
};

static int below(struct test *test, int bound)
{
    return (int)random_below(&test->random, (uint64_t)bound);
}

static int number_of(const struct test *test, const struct job_execution *execution)
{
    for (int i = 0; i < test->count; i++) {
        const struct job_execution *row = &test->rows[i];
        if (strcmp(row->job_id, execution->job_id) == 0 && row->number == execution->number &&
            strcmp(row->thing_name, execution->thing_name) == 0) {
            return i;
        }
    }
    fail_msg("a row that was never added");
    return -1;
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct test *test = owner;
    int number = number_of(test, execution);
    assert_null(fingerprint_difference(&execution->fingerprint, &test->rows[number].fingerprint));
    assert_false(verdict->undecided);
    test->seen[number].times++;
    test->seen[number].delete = verdict->delete;
    strcpy(test->seen[number].reason, verdict->reason);
    if (verdict->delete) {
        test->order[test->ordered++] = number;
    }
    if (test->cancel_at > 0 && --test->cancel_at == 0) {
        selector_cancel(test->selector);
    }
}

static void on_pause(void *owner, bool pause)
{
    (void)owner;
    (void)pause;
}

static void on_warning(void *owner, const char *text)
{
    (void)owner;
    (void)text;
}

static void on_failed(void *owner, const struct err *err, bool of_ledger)
{
    struct test *test = owner;
    assert_int_equal(of_ledger, test->ledger_fails);
    assert_false(test->failed);
    test->failed = true;
    test->err = *err;
}

static void on_done(void *owner)
{
    struct test *test = owner;
    assert_false(test->done);
    test->done = true;
}

/* A ledger that only counts, and answers a turn later. */
static void on_submit(void *ctx, struct ledger_request *request)
{
    struct test *test = ctx;
    assert_int_equal(request->operation, LEDGER_ADD_ROWS);
    test->planned += (int64_t)request->count;
    DL_APPEND(test->requests, request);
    test->rig.env.start(test->rig.env.ctx, &test->answer, virtual_mono_ns(test->rig.world) + 1000000);
}

static void on_answer(struct env_timer *timer)
{
    struct test *test = timer->owner;
    struct ledger_request *request, *next;
    DL_FOREACH_SAFE (test->requests, request, next) {
        DL_DELETE(test->requests, request);
        if (test->ledger_fails) {
            err_set(&request->err, ERR_IO, "the disk is gone");
        }
        request->done(request);
    }
}

static void set_up(struct test *test, uint64_t seed)
{
    memset(test, 0, sizeof *test);
    rig_init(&test->rig, &(struct virtual_config){.start_ms = NOW}, NULL);
    test->ledger = (struct ledger){.ctx = test, .submit = on_submit};
    test->answer = (struct env_timer){.fire = on_answer, .owner = test};
    test->place = (struct sorter_place){.folder = "/tmp", .memory_bytes = 16 * 1024};
    sorter_scratch(&test->scratch, &test->place);
    rig_policy(&test->policy);
    test->policy.keep = test->keep;
    random_seed(&test->random, seed);
}

static void run(struct test *test, bool complete)
{
    struct selector_config config = {.env = &test->rig.env,
                                     .ledger = &test->ledger,
                                     .scratch = &test->scratch,
                                     .policy = &test->policy,
                                     .report = &test->report,
                                     .owner = test,
                                     .pause = on_pause,
                                     .row = on_row,
                                     .warning = on_warning,
                                     .failed = on_failed,
                                     .done = on_done};
    test->selector = selector_create(&config);
    for (int i = 0; i < test->count; i++) {
        struct job job = {.status = JOB_COMPLETED, .described = true};
        strcpy(job.job_id, test->rows[i].job_id);
        selector_add(test->selector, &job, &test->rows[i], NOW);
    }
    assert_false(test->done);
    selector_finish(test->selector, complete, NOW);
    assert_true(rig_run(&test->rig, &test->done, 60));
}

static void finish(struct test *test)
{
    selector_destroy(test->selector);
    rig_finish(&test->rig);
}

static void draw_rows(struct test *test, int count)
{
    test->count = count;
    for (int i = 0; i < count; i++) {
        struct job_execution *row = &test->rows[i];
        *row = (struct job_execution){.number = 1 + i / 40};
        snprintf(row->job_id, sizeof row->job_id, "fw-%d", i % 8);
        snprintf(row->thing_name, sizeof row->thing_name, "gw-%d", i / 8 % 5);
        row->fingerprint.status = below(test, 6) > 0 ? EXECUTION_SUCCEEDED : EXECUTION_FAILED;
        row->fingerprint.version_number = below(test, 3);
        row->fingerprint.last_updated_at.ms = NOW - below(test, 90) * DAY;
        snprintf(row->fingerprint.last_updated_at.text, TIMESTAMP_TEXT_MAX, "%lld",
                 (long long)(row->fingerprint.last_updated_at.ms / 1000));
    }
}

static void draw_policy(struct test *test)
{
    test->policy.keep_count = (size_t)below(test, 4);
    for (size_t i = 0; i < test->policy.keep_count; i++) {
        int64_t number = 1 + below(test, 5);
        test->keep[i] = (struct keep_rule){.kind = (enum keep_kind)below(test, KEEP_KIND_COUNT),
                                           .per = (enum keep_per)(PER_TARGET + below(test, 4)),
                                           .last = number,
                                           .daily = number,
                                           .weekly = number,
                                           .monthly = number,
                                           .within_ms = number * 20 * DAY};
    }
    test->policy.per_thing = below(test, 3) == 0 ? 1 + below(test, 6) : 0;
    test->policy.per_run = below(test, 3) == 0 ? 1 + below(test, 20) : 0;
    test->policy.order = (enum sweep_order)below(test, 3);
}

/* --- the same in memory -------------------------------------------------------------------------------- */

static struct test *sorting;
static enum keep_per sorting_by;

static int by_group(const void *left, const void *right)
{
    const struct job_execution *a = &sorting->rows[*(const int *)left],
                               *b = &sorting->rows[*(const int *)right];
    int thing = strcmp(a->thing_name, b->thing_name), job = strcmp(a->job_id, b->job_id);
    if ((sorting_by == PER_THING || sorting_by == PER_JOB_AND_THING) && thing != 0) {
        return thing;
    }
    if ((sorting_by == PER_JOB || sorting_by == PER_JOB_AND_THING) && job != 0) {
        return job;
    }
    return keep_compare(&sorting->policy, a, b);
}

static void keep_in_memory(struct test *test, enum keep_per per, bool kept[ROWS_MAX])
{
    int order[ROWS_MAX], count = 0;
    struct keep_group group;
    for (int i = 0; i < test->count; i++) {
        if (test->rows[i].fingerprint.status == EXECUTION_SUCCEEDED) {
            order[count++] = i;
        }
    }
    sorting = test;
    sorting_by = per;
    qsort(order, (size_t)count, sizeof order[0], by_group);
    for (int i = 0; i < count; i++) {
        if (i == 0 || !keep_together(per, &test->rows[order[i]], &test->rows[order[i - 1]])) {
            keep_begin(&group, &test->policy, per);
        }
        kept[order[i]] |= keep_next(&group, &test->rows[order[i]]) != NULL;
    }
}

static bool would_go(const struct test *test, int number)
{
    const struct fingerprint *fingerprint = &test->rows[number].fingerprint;
    return fingerprint->status == EXECUTION_SUCCEEDED && NOW - fingerprint->last_updated_at.ms > 30 * DAY &&
           keep_within(&test->policy, fingerprint->last_updated_at.ms, NOW) == NULL;
}

/* How many of the rows that go are of this thing. */
static int64_t going_of_thing(const struct test *test, const char *thing)
{
    int64_t count = 0;
    for (int i = 0; i < test->ordered; i++) {
        count += strcmp(test->rows[test->order[i]].thing_name, thing) == 0;
    }
    return count;
}

static void check_order(const struct test *test)
{
    for (int i = 1; i < test->ordered && test->policy.order != ORDER_LISTED; i++) {
        int order = keep_compare(&test->policy, &test->rows[test->order[i - 1]], &test->rows[test->order[i]]);
        int64_t before = test->rows[test->order[i - 1]].fingerprint.last_updated_at.ms;
        int64_t behind = test->rows[test->order[i]].fingerprint.last_updated_at.ms;
        if (test->policy.order == ORDER_NEWEST_FIRST) {
            assert_true(order < 0);
        } else {
            assert_true(before <= behind);
        }
    }
}

static void check(struct test *test)
{
    bool kept[ROWS_MAX] = {false};
    int64_t eligible = 0;
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(&test->policy, (enum keep_per)per)) {
            keep_in_memory(test, (enum keep_per)per, kept);
        }
    }
    for (int i = 0; i < test->count; i++) {
        bool goes = would_go(test, i) && !kept[i];
        eligible += goes;
        assert_int_equal(test->seen[i].times, 1);
        assert_true(goes || !test->seen[i].delete);
        if (goes && !test->seen[i].delete) {
            assert_non_null(strstr(test->seen[i].reason, "left for the next time"));
        }
    }
    assert_int_equal(test->report.listed, test->count);
    assert_int_equal(test->report.selected, test->ordered);
    assert_int_equal(test->planned, test->ordered);
    assert_int_equal(test->report.selected + test->report.remaining, eligible);
    for (int i = 0; i < 5 && test->policy.per_thing > 0; i++) {
        char thing[16];
        snprintf(thing, sizeof thing, "gw-%d", i);
        assert_true(going_of_thing(test, thing) <= test->policy.per_thing);
    }
    assert_true(test->policy.per_run == 0 || test->report.selected <= test->policy.per_run);
    assert_true(test->report.remaining == 0 || test->policy.per_thing > 0 ||
                test->report.selected == test->policy.per_run);
    check_order(test);
}

static void the_same_is_selected_as_in_memory(void **state)
{
    (void)state;
    static struct test test;
    uint64_t seed = rig_seed(1), seeds = rig_seeds(150);
    int64_t selected = 0;
    for (uint64_t i = seed; i < seed + seeds; i++) {
        set_up(&test, i);
        draw_policy(&test);
        draw_rows(&test, below(&test, ROWS_MAX + 1));
        print_message("# JOBSWEEP_SEED=%llu\n", (unsigned long long)i);
        run(&test, true);
        assert_false(test.failed);
        check(&test);
        selected += test.report.selected;
        finish(&test);
    }
    assert_true(seeds < 100 || selected > 1000);
}

static void keep_last(struct test *test)
{
    test->policy.keep_count = 1;
    test->keep[0] = (struct keep_rule){.kind = KEEP_LAST, .per = PER_THING, .last = 1};
}

static void a_list_that_is_not_complete_selects_nothing(void **state)
{
    (void)state;
    static struct test test;
    set_up(&test, 3);
    keep_last(&test);
    draw_rows(&test, ROWS_MAX);
    run(&test, false);
    assert_int_equal(test.report.selected, 0);
    assert_int_equal(test.planned, 0);
    finish(&test);
}

static void without_scratch_space_nothing_is_selected(void **state)
{
    (void)state;
    static struct test test;
    set_up(&test, 4);
    keep_last(&test);
    draw_rows(&test, ROWS_MAX);
    test.place.folder = "/tmp/jobsweep-no-such-folder";
    run(&test, true);
    assert_true(test.failed);
    assert_int_equal(test.err.code, ERR_IO);
    assert_int_equal(test.report.selected, 0);
    finish(&test);
}

static void a_ledger_that_fails_is_told_once(void **state)
{
    (void)state;
    static struct test test;
    set_up(&test, 5);
    keep_last(&test);
    draw_rows(&test, ROWS_MAX);
    test.ledger_fails = true;
    run(&test, true);
    assert_true(test.failed);
    assert_string_equal(test.err.msg, "the disk is gone");
    finish(&test);
}

static void canceling_from_a_row_ends_it(void **state)
{
    (void)state;
    static struct test test;
    set_up(&test, 6);
    keep_last(&test);
    draw_rows(&test, ROWS_MAX);
    test.cancel_at = ROWS_MAX - 10; /* while it sifts: most rows are told only then */
    run(&test, true);
    assert_false(test.failed);
    assert_true(test.report.selected + test.report.remaining < 300);
    finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_same_is_selected_as_in_memory),
    cmocka_unit_test(a_list_that_is_not_complete_selects_nothing),
    cmocka_unit_test(without_scratch_space_nothing_is_selected),
    cmocka_unit_test(a_ledger_that_fails_is_told_once),
    cmocka_unit_test(canceling_from_a_row_ends_it),
};

TAP_MAIN(tests)
