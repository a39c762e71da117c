/* Since when runs select an execution: both ledgers, through random nights, against a reference that keeps
 * everything in an array and does as model/ledger.h says; and what is kept of it on the disk. */
#include "tap.h"

#include "base/mem.h"
#include "base/random.h"
#include "ledger/db.h"
#include "ledger/memory.h"
#include "ledger_world.h"
#include "sim/rig.h"

#include <stdio.h>
#include <string.h>

#define KEYS_MAX 2600 /* more than one request walks through */
#define HOUR     INT64_C(3600000)

struct known {        /* what the reference knows of one key */
    int64_t since_ms; /* 0: not selected by the latest run that counts */
    bool selected;    /* by the run under way */
};

struct night {
    struct ledger_world *world;
    struct ledger_memory *memory;
    struct random random;
    struct run_header header;
    struct known known[KEYS_MAX];
    int count;
    int64_t now_ms;
};

static void on_answered(struct ledger_request *request)
{
    (void)request;
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

/* Keys of one scope; their order is that of the numbers. */
static void make_key(int number, uint8_t key[GRACE_KEY_BYTES])
{
    memset(key, 0, GRACE_KEY_BYTES);
    key[0] = (uint8_t)(number >> 4);
    key[1] = (uint8_t)(number << 4);
    key[GRACE_KEY_BYTES - 1] = (uint8_t)(number % 251);
}

static uint64_t below(struct night *night, uint64_t bound)
{
    return random_below(&night->random, bound);
}

/* The same request to the ledger in memory and to the durable one. */
static enum err_code ask_memory(struct night *night, struct ledger_request *request)
{
    struct ledger *ledger = ledger_memory_face(night->memory);
    request->done = on_answered;
    ledger->submit(ledger->ctx, request);
    ledger_memory_drain(night->memory);
    return request->err.code;
}

static enum err_code ask(struct night *night, bool durable, struct ledger_request *request)
{
    return durable ? ledger_world_ask(night->world, *request, request) : ask_memory(night, request);
}

static int64_t start(struct night *night, bool durable)
{
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &night->header};
    assert_int_equal(ask(night, durable, &request), ERR_NONE);
    return request.run;
}

/* One batch to its end; the parts of it are bounded. */
static void walk(struct night *night, bool durable, struct ledger_request *request)
{
    int parts = 0;
    do {
        assert_int_equal(ask(night, durable, request), ERR_NONE);
    } while (request->more && ++parts < 100);
    assert_false(request->more);
}

/* A moment that is long to come is none. */
static int64_t since_ms(const struct night *night, int number)
{
    int64_t ms = night->known[number].since_ms;
    return ms <= night->now_ms + GRACE_AHEAD_MS ? ms : 0;
}

static void expect_since(const struct night *night, const struct ledger_grace *graces, const int *numbers,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(graces[i].since_ms, since_ms(night, numbers[i]));
    }
}

/* All that is selected, to the end or, with stop_at, not. The batches are of random sizes. */
static int64_t select_all(struct night *night, bool durable, int stop_at)
{
    struct ledger_grace graces[LEDGER_BATCH];
    int numbers[LEDGER_BATCH];
    int64_t run = start(night, durable);
    struct ledger_request request = {.operation = LEDGER_GRACES, .graces_first = true};
    int next = 0;
    while (next < night->count && (stop_at < 0 || next < stop_at)) {
        size_t most = 1 + below(night, LEDGER_BATCH), count = 0;
        while (next < night->count && count < most) {
            if (night->known[next].selected) {
                numbers[count] = next;
                make_key(next, graces[count++].key);
            }
            next++;
        }
        request.run = run;
        request.header = &night->header;
        request.graces = graces;
        request.count = count;
        request.now_ms = night->now_ms;
        request.graces_last = next == night->count && stop_at < 0;
        if (count > 0 || request.graces_last) {
            walk(night, durable, &request);
            expect_since(night, graces, numbers, count);
            request.graces_first = false;
            memcpy(request.graces_after, graces[count > 0 ? count - 1 : 0].key, GRACE_KEY_BYTES);
        }
    }
    return run;
}

static void count_run(struct night *night, bool durable, int64_t run)
{
    struct ledger_request request = {
        .operation = LEDGER_COUNT_GRACES, .run = run, .header = &night->header, .now_ms = night->now_ms};
    assert_int_equal(ask(night, durable, &request), ERR_NONE);
    assert_int_equal(ask(night, durable, &request), ERR_INTERNAL); /* not twice */
}

/* Both, with the same draws. */
static void live_a_night(struct night *night, int stop_at, bool counts)
{
    struct random before = night->random;
    int64_t run = select_all(night, false, stop_at);
    if (counts) {
        count_run(night, false, run);
    }
    night->random = before;
    run = select_all(night, true, stop_at);
    if (counts) {
        count_run(night, true, run);
    }
    for (int i = 0; counts && i < night->count; i++) {
        struct known *known = &night->known[i];
        int64_t before_ms = since_ms(night, i);
        known->since_ms = !known->selected ? 0 : before_ms != 0 ? before_ms : night->now_ms;
    }
}

static void forget_all(struct night *night)
{
    for (int i = 0; i < night->count; i++) {
        night->known[i].since_ms = 0;
    }
}

static void draw_selection(struct night *night)
{
    uint64_t kind = below(night, 8);
    for (int i = 0; i < night->count; i++) {
        struct known *known = &night->known[i];
        known->selected = kind == 0   ? false
                          : kind == 1 ? true
                          : kind < 5  ? known->since_ms != 0 || below(night, 10) == 0
                                      : below(night, 3) > 0;
    }
}

/* Somebody who only looks, while the writer has it open. */
static void look(struct night *night)
{
    char path[128];
    struct err err = {0};
    struct ledger_grace graces[LEDGER_BATCH];
    int numbers[LEDGER_BATCH];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/ledger.db", night->world->directory);
    struct store_config config = {.path = path,
                                  .read_only = true,
                                  .wall_ms = ledger_world_ms,
                                  .ctx = night->world,
                                  .sha256 = ledger_world_digest};
    struct store *store = store_open(&config, &err);
    assert_non_null(store);
    for (int i = (int)below(night, (uint64_t)night->count); i < night->count && count < LEDGER_BATCH; i++) {
        numbers[count] = i;
        make_key(i, graces[count++].key);
    }
    struct ledger_request request = {.operation = LEDGER_GRACES,
                                     .header = &night->header,
                                     .graces = graces,
                                     .count = count,
                                     .now_ms = night->now_ms};
    assert_int_equal(store_apply(store, &request), 0);
    expect_since(night, graces, numbers, count);
    store_close(store);
}

static void live_on(struct night *night)
{
    uint64_t event = below(night, 12);
    night->now_ms += (int64_t)below(night, 30) * HOUR;
    draw_selection(night);
    if (event == 0) { /* a run that lists without a grace */
        struct run_header graced = night->header;
        night->header.graced = false;
        start(night, false);
        start(night, true);
        night->header = graced;
        forget_all(night);
    } else if (event == 1) { /* another policy under the same name, which counts at once */
        night->header.grace_sha256[3]++;
        forget_all(night);
        live_a_night(night, -1, true);
    } else if (event == 2) {
        live_a_night(night, (int)below(night, (uint64_t)night->count), false);
    } else if (event == 3) { /* to the end, and it does not count */
        live_a_night(night, -1, false);
    } else if (event == 4) {
        ledger_world_close(night->world);
        ledger_world_open(night->world, false);
    } else if (event == 5) { /* the clock was years ahead, and is set right */
        night->now_ms += 20000 * HOUR;
        live_a_night(night, -1, true);
        night->now_ms -= 20000 * HOUR;
        live_a_night(night, -1, true);
    } else {
        live_a_night(night, -1, true);
    }
    look(night);
}

static void expect_tidy(struct night *night)
{
    char path[128];
    struct err err = {0};
    struct db_statement *statement = NULL;
    int kept = 0;
    night->now_ms += HOUR;
    live_a_night(night, -1, true);
    live_a_night(night, -1, true);
    for (int i = 0; i < night->count; i++) {
        kept += night->known[i].since_ms != 0;
    }
    for (int i = 0; i < 40; i++) { /* what is left of policies of before goes in parts */
        ledger_durable_work(night->world->durable);
    }
    ledger_world_close(night->world);
    ledger_world_open(night->world, false);
    for (int i = 0; i < 40; i++) {
        ledger_durable_work(night->world->durable);
    }
    snprintf(path, sizeof path, "%s/ledger.db", night->world->directory);
    struct db *db = db_open(path, NULL, true, &err);
    assert_non_null(db);
    assert_non_null(db_use(db, &statement,
                           "SELECT (SELECT count(*) FROM grace), (SELECT count(*) FROM grace_scope),"
                           " (SELECT count(*) FROM grace_run WHERE run < (SELECT min(run) FROM grace))",
                           &err));
    assert_int_equal(db_step(statement, &err), 1);
    assert_int_equal(db_int(statement, 0), kept);
    assert_int_equal(db_int(statement, 1), 1);
    assert_int_equal(db_int(statement, 2), 0);
    db_close(db);
}

static void live(struct ledger_world *world, uint64_t seed)
{
    struct night *night = mem_zalloc(sizeof *night);
    int64_t records;
    char path[128];
    struct err err;
    night->world = world;
    night->memory = ledger_memory_create(no_wake, NULL);
    night->now_ms = RIG_START_MS;
    night->header =
        (struct run_header){.target = "t", .account = "123456789012", .region = "eu-west-1", .graced = true};
    snprintf(night->header.policy, sizeof night->header.policy, "p%llu", (unsigned long long)seed);
    random_seed(&night->random, seed);
    night->count = below(night, 4) == 0 ? KEYS_MAX : 1 + (int)below(night, 300);
    for (int i = 0; i < 12; i++) {
        live_on(night);
    }
    expect_tidy(night);
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct store_config config = {.path = path,
                                  .read_only = true,
                                  .wall_ms = ledger_world_ms,
                                  .ctx = world,
                                  .sha256 = ledger_world_digest};
    struct store *store = store_open(&config, &err);
    assert_non_null(store);
    assert_int_equal(store_verify(store, &records, &err), 0);
    store_close(store);
    ledger_memory_destroy(night->memory);
    free(night);
}

static void random_nights_are_as_the_reference_has_them(void **state)
{
    uint64_t first = rig_seed(1), seeds = rig_seeds(15);
    (void)state;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        void *world;
        print_message("# seed %llu\n", (unsigned long long)seed);
        assert_int_equal(ledger_world_start(&world), 0);
        live(world, seed);
        ledger_world_stop(&world);
    }
}

static struct ledger_request one_key(struct run_header *header, struct ledger_grace *grace, int64_t run)
{
    *header = (struct run_header){
        .policy = "p", .target = "t", .account = "123456789012", .region = "eu-west-1", .graced = true};
    make_key(7, grace->key);
    return (struct ledger_request){.operation = LEDGER_GRACES,
                                   .run = run,
                                   .header = header,
                                   .graces = grace,
                                   .count = 1,
                                   .graces_first = true,
                                   .graces_last = true,
                                   .now_ms = RIG_START_MS};
}

static int64_t start_in(struct ledger_world *world, const struct run_header *header)
{
    struct ledger_request started;
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_START_RUN, .header = header},
                         &started),
        ERR_NONE);
    return started.run;
}

/* The first selection of the only key, which counts; what one hour later is known of it under header. */
static int64_t known_later(struct ledger_world *world, const struct run_header *header)
{
    struct run_header first;
    struct ledger_grace grace;
    struct ledger_request request = one_key(&first, &grace, 0);
    int64_t run = start_in(world, &first);
    request.run = run;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    request.operation = LEDGER_COUNT_GRACES;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    request = one_key(&first, &grace, 0);
    request.run = start_in(world, header);
    request.header = header;
    request.now_ms = RIG_START_MS + HOUR;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    return grace.since_ms;
}

static void each_policy_account_region_and_selection_has_its_own(void **state)
{
    struct run_header header;
    struct ledger_grace grace;
    one_key(&header, &grace, 0);
    assert_int_equal(known_later(*state, &header), RIG_START_MS);
    strcpy(header.target, "called otherwise");
    assert_int_equal(known_later(*state, &header), RIG_START_MS);
    strcpy(header.policy, "q");
    assert_int_equal(known_later(*state, &header), 0);
    one_key(&header, &grace, 0);
    strcpy(header.account, "210987654321");
    assert_int_equal(known_later(*state, &header), 0);
    one_key(&header, &grace, 0);
    strcpy(header.region, "us-east-1");
    assert_int_equal(known_later(*state, &header), 0);
    one_key(&header, &grace, 0);
    header.grace_sha256[31] = 1;
    assert_int_equal(known_later(*state, &header), 0);
}

/* Two of them may have different credentials. */
static void targets_without_an_account_have_each_their_own(void **state)
{
    struct run_header header, other;
    struct ledger_grace grace;
    one_key(&header, &grace, 0);
    header.account[0] = '\0';
    other = header;
    strcpy(other.target, "u");
    for (int durable = 0; durable < 2; durable++) {
        struct night night = {.world = *state, .memory = ledger_memory_create(no_wake, NULL)};
        const struct run_header *walks[] = {&header, &other, &header};
        for (int i = 0; i < 3; i++) {
            night.header = *walks[i];
            night.now_ms = RIG_START_MS + i * HOUR;
            struct ledger_request request = one_key(&(struct run_header){0}, &grace, start(&night, durable));
            request.header = &night.header;
            request.now_ms = night.now_ms;
            walk(&night, durable, &request);
            assert_int_equal(grace.since_ms, i == 2 ? RIG_START_MS : 0);
            count_run(&night, durable, request.run);
        }
        ledger_memory_destroy(night.memory);
    }
}

/* Rows of a file, or that a person named, say nothing of what the policy selects. */
static void a_run_of_rows_that_were_given_forgets_nothing(void **state)
{
    struct run_header header, given;
    struct ledger_grace grace;
    one_key(&header, &grace, 0);
    assert_int_equal(known_later(*state, &header), RIG_START_MS);
    given = header;
    given.graced = false;
    strcpy(given.origin, "plan 0123");
    start_in(*state, &given);
    struct ledger_request request = one_key(&header, &grace, 0);
    request.run = start_in(*state, &header);
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_NONE);
    assert_int_equal(grace.since_ms, RIG_START_MS);
    given.origin[0] = '\0';
    start_in(*state, &given);
    request.run = start_in(*state, &header);
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_NONE);
    assert_int_equal(grace.since_ms, 0);
}

static void a_walk_that_did_not_begin_is_out_of_order(void **state)
{
    struct run_header header;
    struct ledger_grace grace;
    struct ledger_request request = one_key(&header, &grace, 0);
    request.run = start_in(*state, &header);
    request.graces_first = false;
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_INTERNAL);
    request.operation = LEDGER_COUNT_GRACES;
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_INTERNAL);
    request.operation = LEDGER_GRACES;
    request.graces_first = true;
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_NONE);
    int64_t other = start_in(*state, &header);
    request.operation = LEDGER_COUNT_GRACES;
    request.run = other;
    assert_int_equal(ledger_world_ask(*state, request, NULL), ERR_INTERNAL);
}

/* It goes at the next opening, once no run has touched it for longer than runs are kept. */
static void what_no_policy_asks_for_any_more_goes_in_time(void **state)
{
    struct ledger_world *world = *state;
    struct run_header header;
    struct ledger_grace grace;
    one_key(&header, &grace, 0);
    assert_int_equal(known_later(world, &header), RIG_START_MS);
    for (int i = 0; i < 2; i++) {
        world->now_ms += 300 * 24 * HOUR;
        ledger_world_close(world);
        ledger_world_open(world, false);
    }
    struct ledger_request request = one_key(&header, &grace, 0);
    request.run = start_in(world, &header);
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    assert_int_equal(grace.since_ms, 0);
}

static void do_something(struct ledger_world *world, const struct run_header *header)
{
    struct ledger_request request = {.operation = LEDGER_GET_RATES, .header = header};
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
}

/* It is looked once a day what is too old; here when it has become so, and a run is in the middle of it. */
static void what_a_run_walks_through_does_not_go(void **state)
{
    struct ledger_world *world = *state;
    struct run_header header;
    struct ledger_grace grace;
    one_key(&header, &grace, 0);
    assert_int_equal(known_later(world, &header), RIG_START_MS);
    world->now_ms += (400 * 24 - 1) * HOUR;
    do_something(world, &header);
    world->now_ms += 12 * HOUR;
    struct ledger_request request = one_key(&header, &grace, start_in(world, &header));
    make_key(6, grace.key);
    request.graces_last = false;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    world->now_ms += 13 * HOUR;
    do_something(world, &header);
    memcpy(request.graces_after, grace.key, GRACE_KEY_BYTES);
    make_key(7, grace.key);
    request.graces_first = false;
    request.graces_last = true;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
    assert_int_equal(grace.since_ms, RIG_START_MS);
    request.operation = LEDGER_COUNT_GRACES;
    assert_int_equal(ledger_world_ask(world, request, NULL), ERR_NONE);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_world_start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_nights_are_as_the_reference_has_them),
        WORLD_TEST(each_policy_account_region_and_selection_has_its_own),
        WORLD_TEST(targets_without_an_account_have_each_their_own),
        WORLD_TEST(a_run_of_rows_that_were_given_forgets_nothing),
        WORLD_TEST(a_walk_that_did_not_begin_is_out_of_order),
        WORLD_TEST(what_no_policy_asks_for_any_more_goes_in_time),
        WORLD_TEST(what_a_run_walks_through_does_not_go),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
