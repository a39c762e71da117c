/* The grace of a policy: whole sweeps, night after night, in a fleet in which others work, with everything
 * that ends a run early, against a reference that only keeps a list of what the runs that counted had
 * selected. And what becomes of graces in single cases. JOBSWEEP_SEED is the first seed. */
#include "aws/crypto.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/random.h"
#include "base/time.h"
#include "engine/grace_walk.h"
#include "engine/sweep.h"
#include "ledger/sorter.h"
#include "policy/grace.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define NIGHTS   10
#define KEYS_MAX 4000
#define PRINTS   2 /* policies that select otherwise */
#define HOUR     TIME_MS_PER_HOUR
#define GRACE    (24 * HOUR)

struct nights {
    struct rig rig;
    struct fleet *fleet;
    struct sorter_place place;
    struct scratch scratch;
    struct policy policy;
    struct target target;
    struct keep_rule keep;
    struct protect_rule rule;
    struct protect_list protect;
    char *patterns[1], pattern[16];
    struct random random;

    struct names *names;
    int64_t since_ms[PRINTS][KEYS_MAX]; /* the reference: 0: not selected by the latest that counted */
    bool selected[KEYS_MAX];            /* by the run under way */
    int print;                          /* which of them the policy is */

    struct sweep *sweep;
    struct report report;
    int64_t began_ms, counted_ms, waiting;
    bool done, planned, canceled, forgotten;
    int64_t deleted; /* over all nights */
};

static int64_t below(struct nights *test, int64_t bound)
{
    return (int64_t)random_below(&test->random, (uint64_t)bound);
}

static int64_t service_ms(const struct nights *test)
{
    return RIG_START_MS + virtual_mono_ns(test->rig.world) / TIME_NS_PER_MS;
}

static uint32_t key_of(struct nights *test, const struct job_execution *execution)
{
    char key[512];
    const struct fingerprint *print = &execution->fingerprint;
    snprintf(key, sizeof key, "%s/%s/%lld %d %s %s %s", execution->job_id, execution->thing_name,
             (long long)execution->number, print->status, print->queued_at.text, print->started_at.text,
             print->last_updated_at.text);
    uint32_t found = names_intern(test->names, key);
    assert_true(found < KEYS_MAX);
    return found;
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct nights *test = owner;
    bool later = verdict->cause == CAUSE_LIMIT;
    bool waits = verdict->cause == CAUSE_GRACE;
    uint32_t key = key_of(test, execution);
    int64_t since_ms = test->since_ms[test->print][key];
    assert_false(waits && verdict->delete);
    if (!verdict->delete &&!waits && !later) {
        return;
    }
    test->selected[key] = true;
    test->waiting += waits;
    if (test->policy.grace_ms == 0) {
        assert_false(waits);
    } else if (waits) { /* clocks are told in whole seconds, and go on while it runs */
        assert_true(since_ms == 0 || test->began_ms - since_ms < GRACE + 2000);
        assert_ptr_equal(verdict->place, &test->policy.grace_place);
    } else {
        assert_true(since_ms > 0 && service_ms(test) - since_ms >= GRACE - 2000);
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct nights *test = owner;
    (void)so_far;
    test->planned = true;
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct nights *test = owner;
    (void)answer;
    int64_t since_ms = test->since_ms[test->print][key_of(test, &row->execution)];
    test->deleted += outcome == OUTCOME_DELETED;
    if (test->policy.grace_ms > 0 && outcome == OUTCOME_DELETED) {
        assert_true(since_ms > 0 && service_ms(test) - since_ms >= GRACE - 2000);
    }
}

static void on_done(void *owner, const struct report *report)
{
    struct nights *test = owner;
    test->report = *report;
    test->done = true;
}

static void on_written(struct rig *rig, const struct ledger_request *request)
{
    struct nights *test = rig->ctx;
    bool fails = rig->ledger_fails_at != 0 && rig->ledger_requests >= rig->ledger_fails_at;
    if (request->operation == LEDGER_START_RUN && !fails) {
        test->forgotten = test->policy.grace_ms == 0;
    }
    if (request->operation == LEDGER_COUNT_GRACES && !fails) {
        assert_true(test->planned && !test->canceled && test->counted_ms == 0);
        assert_true(llabs(request->now_ms - service_ms(test)) < 2000);
        test->counted_ms = request->now_ms;
    }
}

static void cancel(void *ctx)
{
    struct nights *test = ctx;
    if (!test->done) {
        test->canceled = true;
        sweep_cancel(test->sweep, true);
    }
}

static void sweep(struct nights *test, bool plan_only)
{
    struct sweep_config config = {
        .env = &test->rig.env,
        .dispatcher = test->rig.dispatcher,
        .ledger = &test->rig.ledger,
        .scratch = &test->scratch,
        .sha256 = crypto_sha256,
        .policy = &test->policy,
        .target = &test->target,
        .plan_only = plan_only,
        .observer = {
            .owner = test, .row = on_row, .planned = on_planned, .settled = on_settled, .done = on_done}};
    static char selections[PRINTS][4] = {"one", "two"};
    test->policy.selection = selections[test->print];
    test->done = test->planned = test->canceled = test->forgotten = false;
    test->counted_ms = test->waiting = 0;
    memset(test->selected, 0, sizeof test->selected);
    test->rig.ledger_requests = 0;
    test->began_ms = service_ms(test);
    test->sweep = sweep_start(&config);
    assert_true(rig_run(&test->rig, &test->done, 36000));
    sweep_destroy(test->sweep);
}

/* What the ledger should know now, and whether it was right that the run counted or not. */
static void note(struct nights *test)
{
    const struct report *report = &test->report;
    bool over = report->selected + report->remaining > test->policy.selected_over;
    bool well = test->planned && !test->canceled && !over && test->rig.ledger_fails_at == 0;
    assert_int_equal(report_outcome_sum(report), report->selected);
    assert_int_equal(report->in_grace, test->waiting);
    assert_false(test->counted_ms != 0 && over);
    if (well) {
        assert_int_equal(test->counted_ms != 0, test->policy.grace_ms > 0);
    }
    if (test->forgotten) {
        memset(test->since_ms, 0, sizeof test->since_ms);
    }
    if (test->counted_ms == 0) {
        return;
    }
    for (int key = 0; key < KEYS_MAX; key++) {
        int64_t *since_ms = &test->since_ms[test->print][key];
        *since_ms = !test->selected[key] ? 0 : *since_ms != 0 ? *since_ms : test->counted_ms;
        test->since_ms[1 - test->print][key] = 0;
    }
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void pass_time(struct nights *test, int64_t ms)
{
    int64_t until_ns = virtual_mono_ns(test->rig.world) + ms * TIME_NS_PER_MS;
    virtual_at(test->rig.world, until_ns, nothing, test);
    virtual_run(test->rig.world, NULL, NULL, until_ns);
}

static void others_work(struct nights *test)
{
    struct fleet_execution found;
    for (int64_t i = below(test, 30); i > 0; i--) {
        uint64_t identity = 1 + (uint64_t)below(test, (int64_t)fleet_identities(test->fleet));
        int64_t now_ms = service_ms(test);
        if (!fleet_identity(test->fleet, identity, &found)) {
            continue;
        }
        switch (below(test, 4)) {
        case 0:
            fleet_remove(test->fleet, identity, now_ms);
            break;
        case 1:
            fleet_reincarnate(test->fleet, identity, (unsigned)below(test, 16), now_ms);
            break;
        case 2:
            fleet_set_status(test->fleet, identity, EXECUTION_SUCCEEDED, now_ms);
            break;
        default:
            fleet_add_execution(test->fleet, found.execution.job_id, found.execution.thing_name,
                                EXECUTION_SUCCEEDED, now_ms - below(test, 60 * 24) * HOUR, now_ms);
        }
    }
}

static void draw_policy(struct nights *test)
{
    struct policy *policy = &test->policy;
    policy->enforce = below(test, 3) > 0;
    policy->per_run = below(test, 3) == 0 ? 1 + below(test, 20) : 0;
    policy->per_thing = below(test, 3) == 0 ? 1 + below(test, 3) : 0;
    policy->selected_over = below(test, 6) == 0 ? below(test, 10) : 1000000;
    policy->order = (enum sweep_order)below(test, 3);
    policy->keep_count = (size_t)below(test, 2);
    test->keep.last = 1 + below(test, 3);
    test->keep.per = (enum keep_per)(PER_TARGET + below(test, 4));
    test->protect.count = below(test, 3) == 0;
    snprintf(test->pattern, sizeof test->pattern, "gw-00000%s", below(test, 2) == 0 ? "1" : "?");
    policy->grace_ms = below(test, 12) == 0 ? 0 : GRACE;
    test->print = below(test, 10) == 0 ? 1 - test->print : test->print;
}

static void live_a_night(struct nights *test)
{
    int64_t fate = below(test, 10);
    pass_time(test, below(test, 20) * HOUR + below(test, 1000000));
    others_work(test);
    draw_policy(test);
    test->rig.ledger_fails_at = 0;
    if (fate == 0) {
        test->rig.ledger_fails_at = 1 + below(test, 40);
    } else if (fate == 1) {
        virtual_at(test->rig.world, virtual_mono_ns(test->rig.world) + below(test, 4000) * TIME_NS_PER_MS,
                   cancel, test);
    }
    sweep(test, fate == 2);
    note(test);
    pass_time(test, HOUR); /* for a cancel that came too late, and what is dead by then */
}

static struct nights *set_up(uint64_t seed)
{
    struct nights *test = mem_zalloc(sizeof *test);
    *test = (struct nights){
        .target = {
            .name = "t", .account = "123456789012", .region = "eu-west-1", .signature_life_ms = 300000}};
    test->fleet = rig_init_fleet(&test->rig, seed, NULL);
    test->rig.ctx = test;
    test->rig.written = on_written;
    test->names = names_create();
    test->place = (struct sorter_place){.folder = "/tmp", .memory_bytes = 64 * 1024};
    sorter_scratch(&test->scratch, &test->place);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    test->policy.grace_ms = GRACE;
    test->policy.keep = &test->keep;
    test->policy.protect = &test->protect;
    test->keep.kind = KEEP_LAST;
    test->protect.rules = &test->rule;
    test->rule.things = (struct pattern_list){.patterns = test->patterns, .count = 1};
    test->patterns[0] = strcpy(test->pattern, "gw-000001");
    random_seed(&test->random, seed);
    return test;
}

static void tear_down(struct nights *test)
{
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
    names_destroy(test->names);
    free(test);
}

static void many_nights_are_as_the_reference_has_them(void **state)
{
    uint64_t first = rig_seed(1), seeds = rig_seeds(150);
    int64_t deleted = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct nights *test = set_up(seed);
        print_message("# seed %llu\n", (unsigned long long)seed);
        for (int i = 0; i < NIGHTS; i++) {
            live_a_night(test);
        }
        deleted += test->deleted;
        tear_down(test);
    }
    assert_true(deleted > (int64_t)seeds);
}

/* --- single cases --- */

static void a_policy_that_observed_deletes_at_once_when_it_enforces(void **state)
{
    struct nights *test = set_up(3);
    (void)state;
    test->policy.enforce = false;
    sweep(test, false);
    note(test);
    assert_int_equal(test->report.end, SWEEP_PLANNED);
    assert_int_equal(test->report.selected, 0);
    assert_true(test->report.in_grace > 20);
    pass_time(test, GRACE + 5000);
    test->policy.enforce = true;
    test->policy.per_run = 7;
    test->policy.selected_over = 500;
    sweep(test, false);
    assert_int_equal(test->report.end, SWEEP_LIMITED);
    assert_int_equal(test->report.outcomes[OUTCOME_DELETED], 7);
    tear_down(test);
}

static void one_second_less_is_not_enough(void **state)
{
    struct policy policy = {.grace_ms = GRACE};
    (void)state;
    assert_false(grace_over(&policy, RIG_START_MS, RIG_START_MS + GRACE - 1));
    assert_true(grace_over(&policy, RIG_START_MS, RIG_START_MS + GRACE));
    assert_false(grace_over(&policy, 0, RIG_START_MS));
    assert_false(grace_over(&policy, RIG_START_MS + 1, RIG_START_MS));
}

static void what_is_in_its_grace_uses_up_no_limit_and_no_guard(void **state)
{
    struct nights *test = set_up(3);
    (void)state;
    test->policy.per_run = test->policy.per_thing = test->policy.selected_over = 1;
    sweep(test, false);
    assert_int_equal(test->report.end, SWEEP_FINISHED);
    assert_int_equal(test->report.selected + test->report.remaining, 0);
    assert_true(test->report.in_grace > 20);
    assert_true(test->counted_ms != 0);
    tear_down(test);
}

/* A wrong clock would date what is selected. */
static void with_a_wrong_clock_nothing_counts(void **state)
{
    struct nights *test = set_up(3);
    (void)state;
    test->policy.enforce = false;
    test->rig.wall_step_ms = 120000;
    sweep(test, false);
    assert_int_equal(test->report.end, SWEEP_PLANNED);
    assert_int_equal(test->counted_ms, 0);
    tear_down(test);
}

static void the_reason_says_since_when_and_until_when(void **state)
{
    struct policy policy = {.grace_ms = 36 * HOUR};
    struct verdict verdict = {.delete = true, .force = true};
    (void)state;
    grace_explain(&policy, RIG_START_MS, &verdict);
    assert_string_equal(
        verdict.reason,
        "in its grace (1d12h) until 2026-01-02T12:00:00Z, selected since 2026-01-01T00:00:00Z");
    assert_false(verdict.delete || verdict.force);
    assert_int_equal(verdict.cause, CAUSE_GRACE);
    grace_explain(&policy, 0, &verdict);
    assert_string_equal(verdict.reason, "in its grace (1d12h): no earlier run selected it");
}

static void a_key_is_of_every_field_and_not_of_the_version(void **state)
{
    struct job_execution one = {.job_id = "a", .thing_name = "bc", .number = 1}, other;
    uint8_t key[GRACE_KEY_BYTES], same[GRACE_KEY_BYTES];
    (void)state;
    grace_key(crypto_sha256, &one, key);
    other = one;
    other.fingerprint.version_number = 5; /* listings do not tell it */
    grace_key(crypto_sha256, &other, same);
    assert_memory_equal(key, same, sizeof key);
    for (int field = 0; field < 7; field++) {
        other = one;
        strcpy(other.job_id, field == 0 ? "ab" : "a");
        strcpy(other.thing_name, field == 0 ? "c" : field == 1 ? "bd" : "bc");
        other.number = field == 2 ? 11 : 1;
        other.fingerprint.status = field == 3 ? EXECUTION_FAILED : EXECUTION_UNKNOWN;
        timestamp_parse(field == 4 ? "1.5E9" : "", &other.fingerprint.queued_at);
        timestamp_parse(field == 5 ? "1.5E9" : "", &other.fingerprint.started_at);
        timestamp_parse(field == 6 ? "1.5E9" : "", &other.fingerprint.last_updated_at);
        grace_key(crypto_sha256, &other, same);
        assert_memory_not_equal(key, same, sizeof key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_nights_are_as_the_reference_has_them),
        cmocka_unit_test(a_policy_that_observed_deletes_at_once_when_it_enforces),
        cmocka_unit_test(one_second_less_is_not_enough),
        cmocka_unit_test(what_is_in_its_grace_uses_up_no_limit_and_no_guard),
        cmocka_unit_test(with_a_wrong_clock_nothing_counts),
        cmocka_unit_test(the_reason_says_since_when_and_until_when),
        cmocka_unit_test(a_key_is_of_every_field_and_not_of_the_version),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
