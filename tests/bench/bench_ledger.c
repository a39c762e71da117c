/* What the ledger costs: deletions offered at a fixed rate, each an intent and, when that is durable, a
 * result.
 *
 * usage: bench_ledger [deletions] [deletions a second] [records of the great ledger]
 *
 * Side by side: the ledger; a file that the same bytes are appended to, synced as often as it can be (no
 * ledger can be faster than that); and SQLite as one would use it at once, a transaction for each record. The
 * first two take turns, several times: whatever else the machine does only ever adds, so of each figure the
 * minimum says what the program costs, and the median what it cost this time. CPU is that of the thread that
 * records, its writes and syncs included; where all is done at once, so much is in a transaction that these
 * count for little. Latency is from handing in an intent until its request may leave. Then the time until a
 * great ledger, left by a process that was killed, is ready again. */
#include "aws/crypto.h"
#include "base/mem.h"
#include "ledger/db.h"
#include "ledger/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define TICK_NS      1000000
#define RECORD_BYTES 160 /* about what a record takes in the ledger */
#define NAIVE_MAX    300
#define REPEATS      5

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return now_ns(CLOCK_REALTIME) / 1000000;
}

static void must(bool works, const char *what)
{
    if (!works) {
        fprintf(stderr, "bench ledger: %s\n", what);
        exit(1);
    }
}

/* --- a scratch directory ---------------------------------------------------------------------------------
 */

static char scratch[64]; /* on the disk of the tree, not in memory */

static void make_scratch(void)
{
    strcpy(scratch, "build/bench-ledger-XXXXXX");
    must(mkdtemp(scratch) != NULL, "no scratch directory");
}

static void empty_scratch(void)
{
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "lock",      "reserve",       "file"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
        unlink(path);
    }
}

/* --- what records ----------------------------------------------------------------------------------------
 */

struct recorder {
    struct ledger *ledger;
    void (*drain)(void *ctx);
    void *ctx;
};

static sem_t woken;

static void on_wake(void *ctx)
{
    (void)ctx;
    sem_post(&woken);
}

static struct ledger_durable *open_durable(void)
{
    struct err err = {0};
    const struct ledger_durable_config config = {
        .directory = scratch, .threaded = true, .wake = on_wake, .wall_ms = wall_ms, .sha256 = crypto_sha256};
    struct ledger_durable *durable = ledger_durable_open(&config, &err);
    must(durable != NULL, err.msg);
    return durable;
}

static void drain_durable(void *ctx)
{
    ledger_durable_drain(ctx);
}

/* Appends and syncs, with the same thread and the same grouping, and nothing else. */
struct file {
    struct ledger face;
    int fd;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t told;
    struct ledger_request *waiting, *finished;
    bool closing;
};

static void file_submit(void *ctx, struct ledger_request *request)
{
    struct file *file = ctx;
    pthread_mutex_lock(&file->mutex);
    DL_APPEND(file->waiting, request);
    pthread_cond_signal(&file->told);
    pthread_mutex_unlock(&file->mutex);
}

static void file_batch(struct file *file, struct ledger_request *batch)
{
    static char bytes[RECORD_BYTES * 20000];
    struct ledger_request *request;
    size_t count;
    DL_COUNT(batch, request, count);
    size_t length = count * RECORD_BYTES;
    must(length <= sizeof bytes && write(file->fd, bytes, length) == (ssize_t)length, "a write failed");
    must(fdatasync(file->fd) == 0, "a sync failed");
}

static void *file_main(void *argument)
{
    struct file *file = argument;
    pthread_mutex_lock(&file->mutex);
    while (!file->closing) {
        struct ledger_request *batch = file->waiting;
        file->waiting = NULL;
        if (batch == NULL) {
            pthread_cond_wait(&file->told, &file->mutex);
            continue;
        }
        pthread_mutex_unlock(&file->mutex);
        file_batch(file, batch);
        pthread_mutex_lock(&file->mutex);
        bool first = file->finished == NULL;
        DL_CONCAT(file->finished, batch);
        if (first) {
            on_wake(NULL);
        }
    }
    pthread_mutex_unlock(&file->mutex);
    return NULL;
}

static void file_drain(void *ctx)
{
    struct file *file = ctx;
    pthread_mutex_lock(&file->mutex);
    struct ledger_request *batch = file->finished;
    file->finished = NULL;
    pthread_mutex_unlock(&file->mutex);
    while (batch != NULL) {
        struct ledger_request *request = batch;
        DL_DELETE(batch, request);
        request->done(request);
    }
}

static void file_open(struct file *file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/file", scratch);
    *file = (struct file){.face = {.ctx = file, .submit = file_submit}};
    file->fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
    pthread_mutex_init(&file->mutex, NULL);
    pthread_cond_init(&file->told, NULL);
    must(file->fd >= 0 && pthread_create(&file->thread, NULL, file_main, file) == 0, "no file");
}

static void file_close(struct file *file)
{
    pthread_mutex_lock(&file->mutex);
    file->closing = true;
    pthread_cond_signal(&file->told);
    pthread_mutex_unlock(&file->mutex);
    pthread_join(file->thread, NULL);
    close(file->fd);
}

/* --- a run ------------------------------------------------------------------------------------------------
 */

static bool answered;

static void on_answer(struct ledger_request *request)
{
    must(request->err.code == ERR_NONE, request->err.msg);
    answered = true;
}

static void ask(const struct recorder *recorder, struct ledger_request *request)
{
    request->done = on_answer;
    answered = false;
    recorder->ledger->submit(recorder->ledger->ctx, request);
    while (!answered) {
        sem_wait(&woken);
        recorder->drain(recorder->ctx);
    }
}

static void fill_row(struct plan_row *row, int64_t number)
{
    *row = (struct plan_row){.execution.number = 1 + number % 3};
    struct fingerprint *fingerprint = &row->execution.fingerprint;
    snprintf(row->execution.job_id, sizeof row->execution.job_id, "fw-%04d", (int)(number % 400));
    snprintf(row->execution.thing_name, sizeof row->execution.thing_name, "gateway-%06d", (int)(number / 40));
    snprintf(row->reason, sizeof row->reason, "status SUCCEEDED, age over 30d");
    fingerprint->status = EXECUTION_SUCCEEDED;
    timestamp_parse("1755489200.123", &fingerprint->queued_at);
    timestamp_parse("1755489300.123", &fingerprint->started_at);
    timestamp_parse("1755489400.123", &fingerprint->last_updated_at);
}

static int64_t plan(const struct recorder *recorder, int64_t rows)
{
    static struct plan_row batch[LEDGER_BATCH];
    static const struct run_header header = {
        .policy = "old", .target = "prod", .account = "123456789012", .region = "eu-west-1", .started_ms = 1};
    struct ledger_request start = {.operation = LEDGER_START_RUN, .header = &header};
    ask(recorder, &start);
    for (int64_t row = 0; row < rows; row += LEDGER_BATCH) {
        int64_t count = rows - row < LEDGER_BATCH ? rows - row : LEDGER_BATCH;
        for (int64_t i = 0; i < count; i++) {
            fill_row(&batch[i], row + i);
        }
        struct ledger_request add = {
            .operation = LEDGER_ADD_ROWS, .run = start.run, .rows = batch, .count = (size_t)count};
        ask(recorder, &add);
    }
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = start.run};
    ask(recorder, &seal);
    return start.run;
}

struct deletion {
    struct driver *driver;
    struct ledger_request request;
    int64_t begun_ns;
};

struct driver {
    struct recorder recorder;
    int64_t run;
    struct deletion *deletions;
    int64_t count, begun, done, seen;
    double *latency_ms;
};

static void on_result(struct ledger_request *request)
{
    struct deletion *deletion = request->owner;
    must(request->err.code == ERR_NONE, request->err.msg);
    deletion->driver->done++;
}

static void on_intent(struct ledger_request *request)
{
    struct deletion *deletion = request->owner;
    struct driver *driver = deletion->driver;
    int64_t row = request->row;
    must(request->err.code == ERR_NONE, request->err.msg);
    driver->latency_ms[driver->seen++] = (double)(now_ns(CLOCK_MONOTONIC) - deletion->begun_ns) / 1e6;
    *request = (struct ledger_request){.operation = LEDGER_RESULT,
                                       .run = driver->run,
                                       .row = row,
                                       .attempt = 1,
                                       .outcome = OUTCOME_DELETED,
                                       .signed_at_ms = 1795489200000,
                                       .done = on_result,
                                       .owner = deletion};
    request->answer = (struct answer){.http_status = 200, .received_ms = 1795489200123};
    strcpy(request->answer.request_id, "0f8fad5b-d9cb-469f-a165-70867728950e");
    driver->recorder.ledger->submit(driver->recorder.ledger->ctx, request);
}

static void begin(struct driver *driver)
{
    int64_t row = driver->begun++;
    struct deletion *deletion = &driver->deletions[row];
    deletion->driver = driver;
    deletion->begun_ns = now_ns(CLOCK_MONOTONIC);
    deletion->request = (struct ledger_request){.operation = LEDGER_INTENT,
                                                .run = driver->run,
                                                .row = row,
                                                .attempt = 1,
                                                .done = on_intent,
                                                .owner = deletion};
    driver->recorder.ledger->submit(driver->recorder.ledger->ctx, &deletion->request);
}

static void wait_for_tick(int64_t at_ns)
{
    int64_t ns = now_ns(CLOCK_REALTIME) + at_ns - now_ns(CLOCK_MONOTONIC);
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (sem_timedwait(&woken, &until) != 0 && errno == EINTR) {
        ;
    }
}

/* Offers them evenly, whatever the ledger does meanwhile; rate 0: as fast as it can, so many at a time. */
static void drive(struct driver *driver, int64_t rate, int64_t at_a_time)
{
    int64_t start_ns = now_ns(CLOCK_MONOTONIC);
    for (int64_t tick = 0; driver->done < driver->count; tick++) {
        int64_t due = rate > 0 ? tick * rate * TICK_NS / 1000000000 : driver->done + at_a_time;
        while (driver->begun < driver->count && driver->begun < due) {
            begin(driver);
        }
        while (rate > 0 && now_ns(CLOCK_MONOTONIC) < start_ns + (tick + 1) * TICK_NS) {
            wait_for_tick(start_ns + (tick + 1) * TICK_NS);
            driver->recorder.drain(driver->recorder.ctx);
        }
        if (rate == 0) {
            sem_wait(&woken);
            driver->recorder.drain(driver->recorder.ctx);
        }
    }
}

/* --- measuring ---------------------------------------------------------------------------------------------
 */

struct figures {
    double cpu_us, p50_ms, p99_ms, per_second;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of all threads but this one. */
static int64_t others_cpu_ns(void)
{
    return now_ns(CLOCK_PROCESS_CPUTIME_ID) - now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static struct figures measure(const struct recorder *recorder, int64_t run, int64_t count, int64_t rate)
{
    struct driver driver = {.recorder = *recorder, .run = run, .count = count};
    driver.deletions = mem_calloc((size_t)count, sizeof driver.deletions[0]);
    driver.latency_ms = mem_calloc((size_t)count, sizeof driver.latency_ms[0]);
    memset(driver.deletions, 1, (size_t)count * sizeof driver.deletions[0]); /* its pages are there already */
    int64_t cpu_ns = others_cpu_ns(), wall = now_ns(CLOCK_MONOTONIC);
    drive(&driver, rate, 4000);
    cpu_ns = others_cpu_ns() - cpu_ns;
    wall = now_ns(CLOCK_MONOTONIC) - wall;
    qsort(driver.latency_ms, (size_t)count, sizeof driver.latency_ms[0], compare);
    struct figures figures = {.cpu_us = (double)cpu_ns / 1e3 / (double)count,
                              .p50_ms = driver.latency_ms[count / 2],
                              .p99_ms = driver.latency_ms[count * 99 / 100],
                              .per_second = (double)count * 1e9 / (double)wall};
    free(driver.deletions);
    free(driver.latency_ms);
    return figures;
}

static struct figures measure_file(int64_t count, int64_t rate)
{
    static struct file file;
    file_open(&file);
    struct recorder recorder = {.ledger = &file.face, .drain = file_drain, .ctx = &file};
    struct figures figures = measure(&recorder, 1, count, rate);
    file_close(&file);
    empty_scratch();
    return figures;
}

static struct figures measure_ledger(int64_t count, int64_t rate)
{
    struct ledger_durable *durable = open_durable();
    struct recorder recorder = {
        .ledger = ledger_durable_face(durable), .drain = drain_durable, .ctx = durable};
    struct figures figures = measure(&recorder, plan(&recorder, count), count, rate);
    ledger_durable_close(durable);
    empty_scratch();
    return figures;
}

/* Two transactions a deletion, one after the other. */
static struct figures measure_naive(void)
{
    char path[128], sql[512];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/ledger.db", scratch);
    struct db *db = db_open(path, NULL, false, &err);
    must(db != NULL, err.msg);
    must(db_execute(
             db,
             "CREATE TABLE record (id INTEGER PRIMARY KEY, job TEXT, thing TEXT, number INTEGER, kind TEXT,"
             " at INTEGER, request_id TEXT); CREATE INDEX by_thing ON record (thing, job)",
             &err) == 0,
         err.msg);
    static double latency_ms[NAIVE_MAX];
    int64_t cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID), wall = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 2 * NAIVE_MAX; i++) {
        int64_t begun_ns = now_ns(CLOCK_MONOTONIC);
        snprintf(sql, sizeof sql,
                 "INSERT INTO record (job, thing, number, kind, at, request_id) VALUES ('fw-%04d', "
                 "'gateway-%06d', "
                 "1, '%s', 1795489200123, '0f8fad5b-d9cb-469f-a165-70867728950e')",
                 i % 400, i / 40, i % 2 == 0 ? "intent" : "result");
        must(db_execute(db, sql, &err) == 0, err.msg);
        latency_ms[i / 2] = (double)(now_ns(CLOCK_MONOTONIC) - begun_ns) / 1e6;
    }
    cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    wall = now_ns(CLOCK_MONOTONIC) - wall;
    db_close(db);
    empty_scratch();
    qsort(latency_ms, NAIVE_MAX, sizeof latency_ms[0], compare);
    return (struct figures){.cpu_us = (double)cpu_ns / 1e3 / NAIVE_MAX,
                            .p50_ms = latency_ms[NAIVE_MAX / 2],
                            .p99_ms = latency_ms[NAIVE_MAX * 99 / 100],
                            .per_second = NAIVE_MAX * 1e9 / (double)wall};
}

/* The figures of the same thing, measured again and again. */
struct repeats {
    int count;
    double cpu_us[REPEATS], p50_ms[REPEATS], p99_ms[REPEATS], per_second[REPEATS];
};

static void add(struct repeats *repeats, struct figures figures)
{
    int i = repeats->count++;
    repeats->cpu_us[i] = figures.cpu_us;
    repeats->p50_ms[i] = figures.p50_ms;
    repeats->p99_ms[i] = figures.p99_ms;
    repeats->per_second[i] = figures.per_second;
}

static void sort(struct repeats *repeats)
{
    size_t count = (size_t)repeats->count;
    qsort(repeats->cpu_us, count, sizeof repeats->cpu_us[0], compare);
    qsort(repeats->p50_ms, count, sizeof repeats->p50_ms[0], compare);
    qsort(repeats->p99_ms, count, sizeof repeats->p99_ms[0], compare);
    qsort(repeats->per_second, count, sizeof repeats->per_second[0], compare);
}

static void print(const char *what, struct repeats *repeats)
{
    int middle = repeats->count / 2;
    sort(repeats);
    printf(
        "bench ledger: %-26s cpu=%.1f/%.1fus a deletion  latency p50=%.1f/%.1fms p99=%.1f/%.1fms  %.0f/s\n",
        what, repeats->cpu_us[0], repeats->cpu_us[middle], repeats->p50_ms[0], repeats->p50_ms[middle],
        repeats->p99_ms[0], repeats->p99_ms[middle], repeats->per_second[middle]);
    fflush(stdout);
}

/* In turns, so that what disturbs disturbs both. rate as drive() has it. */
static void measure_both(int64_t count, int64_t rate, struct repeats *ledger, struct repeats *file)
{
    *ledger = *file = (struct repeats){0};
    for (int i = 0; i < REPEATS; i++) {
        add(file, measure_file(count, rate));
        add(ledger, measure_ledger(count, rate));
    }
}

static void summarize(const struct repeats *ledger, const struct repeats *file)
{
    int middle = REPEATS / 2;
    printf("bench ledger: %.1f us a deletion at least, %.1f in the median: %.2f and %.2f of the file's;"
           " 99 of 100 wait %.1f ms at most, %.1f in the median\n",
           ledger->cpu_us[0], ledger->cpu_us[middle], ledger->cpu_us[0] / file->cpu_us[0],
           ledger->cpu_us[middle] / file->cpu_us[middle], ledger->p99_ms[0], ledger->p99_ms[middle]);
}

/* --- ready again -------------------------------------------------------------------------------------------
 */

/* In a process of its own, which then ends as if it was killed. */
static void leave_behind(int64_t records)
{
    pid_t child = fork();
    if (child == 0) {
        struct ledger_durable *durable = open_durable();
        struct recorder recorder = {
            .ledger = ledger_durable_face(durable), .drain = drain_durable, .ctx = durable};
        measure(&recorder, plan(&recorder, records / 2 + 1), records / 2, 0);
        _exit(0);
    }
    int status = -1;
    must(child > 0 && waitpid(child, &status, 0) == child && status == 0,
         "the great ledger could not be written");
}

static void measure_start(int64_t records)
{
    leave_behind(records);
    int64_t start_ns = now_ns(CLOCK_MONOTONIC);
    struct ledger_durable *durable = open_durable();
    struct recorder recorder = {
        .ledger = ledger_durable_face(durable), .drain = drain_durable, .ctx = durable};
    struct ledger_request found = {.operation = LEDGER_OPEN_RUN};
    ask(&recorder, &found);
    double open_ms = (double)(now_ns(CLOCK_MONOTONIC) - start_ns) / 1e6;
    must(found.run == 1 && found.begun, "the run that was left open is not found");
    static struct plan_row rows[LEDGER_BATCH];
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = found.run, .rows = rows, .count = LEDGER_BATCH};
    ask(&recorder, &read);
    double rows_ms = (double)(now_ns(CLOCK_MONOTONIC) - start_ns) / 1e6;
    ledger_durable_close(durable);
    printf("bench ledger: %lld records, killed: open run known after %.0f ms, its first rows after %.0f ms\n",
           (long long)records, open_ms, rows_ms);
    empty_scratch();
}

static int64_t argument(int argc, char **argv, int index, int64_t otherwise)
{
    int64_t value = argc > index ? atoll(argv[index]) : otherwise;
    return value < 1 ? 1 : value;
}

int main(int argc, char **argv)
{
    int64_t count = argument(argc, argv, 1, 30000), rate = argument(argc, argv, 2, 10000);
    int64_t records = argument(argc, argv, 3, 1000000);
    sem_init(&woken, 0, 0);
    make_scratch();
    printf("bench ledger: %lld deletions offered at %lld/s; minimum/median of %d repeats in turns\n",
           (long long)count, (long long)rate, REPEATS);
    struct repeats ledger, file, naive = {0}, ledger_at_once, file_at_once;
    measure_both(count, rate, &ledger, &file);
    print("the ledger", &ledger);
    print("a file, append and sync", &file);
    measure_both(count, 0, &ledger_at_once, &file_at_once);
    print("the ledger, all at once", &ledger_at_once);
    print("a file, all at once", &file_at_once);
    for (int i = 0; i < REPEATS; i++) {
        add(&naive, measure_naive());
    }
    print("SQLite, one at a time", &naive);
    measure_start(records);
    summarize(&ledger, &file);
    rmdir(scratch);
    return 0;
}
