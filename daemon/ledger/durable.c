/* See ledger/durable.h.
 *
 * The happy path: submit() appends a request to `waiting` and tells the writer; the writer takes all that
 * waits, carries it out in one transaction, moves it to `finished` and wakes the loop; drain() calls done().
 *
 * The ways out: a request out of order fails alone. A write or commit that fails takes its whole transaction
 * with it. When the disk is full, the reserve is given back bit by bit until the results among the requests
 * are written, and nothing but results is taken from then on (LEDGER_SHORT). After any other failure, and
 * when the reserve is used up, nothing is (LEDGER_FROZEN). What is refused fails with the first failure's
 * words. close() lets the writer end its batch. */
#include "ledger/durable.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "ledger/file.h"
#include "ledger/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define GATHER_NS         (8 * TIME_NS_PER_MS) /* transactions begin this far apart at least */
#define RETAIN_MS_DEFAULT (400 * TIME_MS_PER_DAY)
#define LOG_PAGES_IDLE    1000 /* moved to their place when nothing waits: 4 MB */
#define LOG_PAGES_MAX     2000 /* and at once: 8 MB, whose place is then written again without growing */

#define MS TIME_NS_PER_MS
const int64_t ledger_commit_bounds_ns[LEDGER_COMMIT_BOUNDS] = {1 * MS,   2 * MS,    5 * MS,    10 * MS,
                                                               20 * MS,  50 * MS,   100 * MS,  200 * MS,
                                                               500 * MS, 1000 * MS, 2000 * MS, 5000 * MS};
#undef MS

enum ledger_mode { LEDGER_WELL, LEDGER_SHORT, LEDGER_FROZEN };

struct ledger_durable {
    struct ledger face;
    struct ledger_durable_config config;
    struct store *store;     /* this and the four below are the writer's */
    struct reserve *reserve; /* NULL where config.vfs is given without a disk for it */
    enum ledger_mode mode;
    struct err why; /* not LEDGER_WELL */
    int64_t prune_next_ms;
    bool pruning; /* there may be something left of runs that were removed */
    int lock_fd;

    pthread_t writer;
    bool running;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t told;
    struct ledger_request *waiting, *finished;
    struct ledger_durable_state state;
    bool closing;
};

/* --- the writer
 * ------------------------------------------------------------------------------------------------ */

/* What needs no new room, or has it in the reserve. */
static bool is_taken(const struct ledger_durable *durable, const struct ledger_request *request)
{
    switch (request->operation) {
    case LEDGER_READ_ROWS:
    case LEDGER_OPEN_RUN:
    case LEDGER_LAST_RUN:
    case LEDGER_GET_RATES:
    case LEDGER_RESULT:
    case LEDGER_END_RUN:
        return durable->mode != LEDGER_FROZEN;
    default:
        return durable->mode == LEDGER_WELL;
    }
}

static int carry_out_one(struct ledger_durable *durable, struct ledger_request *request, struct err *err)
{
    if (!is_taken(durable, request)) {
        request->err = durable->why;
        return 0;
    }
    if (store_apply(durable->store, request) == 0 || request->err.code != ERR_IO) {
        return 0; /* one that is out of order fails alone */
    }
    *err = request->err;
    return -1;
}

/* All or nothing. */
static int carry_out(struct ledger_durable *durable, struct ledger_request *batch, struct err *err)
{
    struct ledger_request *request;
    int result = store_begin(durable->store, err);
    DL_FOREACH (batch, request) {
        result = result == 0 ? carry_out_one(durable, request, err) : result;
    }
    if (result == 0) {
        result = store_commit(durable->store, err);
    }
    return result;
}

static void set_mode(struct ledger_durable *durable, enum ledger_mode mode, const struct err *why)
{
    durable->mode = mode;
    if (durable->why.code == ERR_NONE) {
        durable->why = *why;
        err_context(&durable->why, "the ledger is frozen");
    }
}

/* Before a request may leave it must be certain that what comes of it can be written. */
static void grow_reserve(struct ledger_durable *durable, const struct ledger_request *batch)
{
    const struct ledger_request *request;
    size_t results = store_unsettled(durable->store);
    struct err err;
    DL_FOREACH (batch, request) {
        results += request->operation == LEDGER_INTENT;
    }
    if (durable->reserve != NULL && reserve_grow(durable->reserve, results, &err) != 0) {
        set_mode(durable, LEDGER_SHORT, &err);
    }
}

static int64_t mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * TIME_NS_PER_SECOND + now.tv_nsec;
}

static void refuse_all(const struct ledger_durable *durable, struct ledger_request *batch)
{
    struct ledger_request *request;
    DL_FOREACH (batch, request) {
        request->err = durable->why;
    }
}

/* Whether it was carried out. */
static bool write_batch(struct ledger_durable *durable, struct ledger_request *batch)
{
    struct err err;
    if (durable->mode == LEDGER_FROZEN) {
        refuse_all(durable, batch);
        return false;
    }
    if (durable->mode == LEDGER_WELL) {
        grow_reserve(durable, batch);
    }
    while (carry_out(durable, batch, &err) != 0) {
        bool no_space = store_no_space(durable->store), was_well = durable->mode == LEDGER_WELL;
        store_rollback(durable->store);
        if (!no_space || !(reserve_give(durable->reserve) || was_well)) {
            set_mode(durable, LEDGER_FROZEN, &err);
            refuse_all(durable, batch);
            return false;
        }
        set_mode(durable, LEDGER_SHORT, &err);
    }
    return true;
}

static bool writes(const struct ledger_request *batch)
{
    const struct ledger_request *request;
    DL_FOREACH (batch, request) {
        enum ledger_operation operation = request->operation;
        if (operation != LEDGER_READ_ROWS && operation != LEDGER_GET_RATES && operation != LEDGER_LAST_RUN &&
            operation != LEDGER_OPEN_RUN) {
            return true;
        }
    }
    return false;
}

/* What it took; -1 for a batch that does not count. */
static int64_t time_batch(struct ledger_durable *durable, struct ledger_request *batch)
{
    int64_t begun_ns = mono_ns();
    bool written = write_batch(durable, batch);
    return written && writes(batch) ? mono_ns() - begun_ns : -1;
}

/* With the mutex. */
static void note_state(struct ledger_durable *durable, int64_t taken_ns)
{
    struct ledger_durable_state *state = &durable->state;
    size_t step = 0;
    state->frozen = durable->mode == LEDGER_FROZEN;
    state->short_of_space = durable->mode == LEDGER_SHORT;
    if (taken_ns < 0) {
        return;
    }
    while (step < LEDGER_COMMIT_BOUNDS && taken_ns > ledger_commit_bounds_ns[step]) {
        step++;
    }
    state->commits[step]++;
    state->commits_ns += taken_ns;
}

/* Once a day. */
static int prune(struct ledger_durable *durable, struct err *err)
{
    int64_t runs, now_ms = durable->config.wall_ms(durable->config.ctx);
    int64_t retain_ms = durable->config.retain_ms > 0 ? durable->config.retain_ms : RETAIN_MS_DEFAULT;
    if (now_ms < durable->prune_next_ms) {
        return 0;
    }
    durable->prune_next_ms = now_ms + TIME_MS_PER_DAY;
    durable->pruning = true; /* or a process before this one did not come to its end */
    return store_prune(durable->store, now_ms - retain_ms, &runs, err);
}

/* The log may grow until there is time, but not for ever. */
static void tidy(struct ledger_durable *durable, bool idle)
{
    struct err err;
    durable->pruning = durable->pruning && durable->mode == LEDGER_WELL;
    if (durable->mode == LEDGER_FROZEN) {
        return;
    }
    int result = store_checkpoint(durable->store, idle ? LOG_PAGES_IDLE : LOG_PAGES_MAX, &err);
    if (result == 0 && idle && durable->mode == LEDGER_WELL) {
        result = prune(durable, &err);
    }
    if (result == 0 && idle && durable->pruning) {
        result = store_prune_rest(durable->store, &durable->pruning, &err);
    }
    if (result == 0) {
        return;
    }
    durable->pruning = false;
    set_mode(durable, store_no_space(durable->store) ? LEDGER_SHORT : LEDGER_FROZEN, &err);
}

/* Takes what waits, and then a part of what may be tidied up; with the mutex held before and after. */
static void work_once(struct ledger_durable *durable)
{
    struct ledger_request *batch = durable->waiting;
    durable->waiting = NULL;
    pthread_mutex_unlock(&durable->mutex);
    int64_t taken_ns = batch != NULL ? time_batch(durable, batch) : -1;
    pthread_mutex_lock(&durable->mutex);
    note_state(durable, taken_ns);
    bool first = durable->finished == NULL && batch != NULL;
    DL_CONCAT(durable->finished, batch);
    if (first) {
        durable->config.wake(durable->config.ctx);
    }
    bool idle = durable->waiting == NULL;
    pthread_mutex_unlock(&durable->mutex);
    tidy(durable, idle);
    pthread_mutex_lock(&durable->mutex);
    note_state(durable, -1);
}

/* A disk that syncs in no time would have us commit for every few requests, and a commit costs as much as
 * many of them do. Slept out whether or not something waits already: who looks first is woken twice for each
 * transaction. Closing waits for it, some milliseconds. With the mutex held before and after. */
static void let_some_gather(struct ledger_durable *durable, int64_t begun_ns)
{
    int64_t left_ns = begun_ns + GATHER_NS - mono_ns();
    if (left_ns > 0 && !durable->closing) {
        struct timespec wait = {.tv_nsec = (long)left_ns};
        pthread_mutex_unlock(&durable->mutex);
        nanosleep(&wait, NULL);
        pthread_mutex_lock(&durable->mutex);
    }
}

static void *writer_main(void *argument)
{
    struct ledger_durable *durable = argument;
    int64_t begun_ns = mono_ns() - GATHER_NS; /* the latest transaction */
    pthread_mutex_lock(&durable->mutex);
    while (!durable->closing || durable->waiting != NULL) {
        let_some_gather(durable, begun_ns);
        if (durable->waiting != NULL || durable->pruning) {
            begun_ns = mono_ns();
            work_once(durable);
        } else if (!durable->closing) {
            pthread_cond_wait(&durable->told, &durable->mutex);
        }
    }
    pthread_mutex_unlock(&durable->mutex);
    return NULL;
}

void ledger_durable_work(struct ledger_durable *durable)
{
    pthread_mutex_lock(&durable->mutex);
    if (durable->waiting != NULL || durable->pruning) {
        work_once(durable);
    }
    pthread_mutex_unlock(&durable->mutex);
}

/* --- the loop's side
 * ------------------------------------------------------------------------------------------- */

static void on_submit(void *ctx, struct ledger_request *request)
{
    struct ledger_durable *durable = ctx;
    pthread_mutex_lock(&durable->mutex);
    DL_APPEND(durable->waiting, request);
    pthread_cond_signal(&durable->told);
    pthread_mutex_unlock(&durable->mutex);
}

void ledger_durable_drain(struct ledger_durable *durable)
{
    pthread_mutex_lock(&durable->mutex);
    struct ledger_request *batch = durable->finished;
    durable->finished = NULL;
    pthread_mutex_unlock(&durable->mutex);
    while (batch != NULL) {
        struct ledger_request *request = batch;
        DL_DELETE(batch, request);
        request->done(request);
    }
}

struct ledger *ledger_durable_face(struct ledger_durable *durable)
{
    return &durable->face;
}

void ledger_durable_look(struct ledger_durable *durable, struct ledger_durable_state *state)
{
    pthread_mutex_lock(&durable->mutex);
    *state = durable->state;
    pthread_mutex_unlock(&durable->mutex);
}

/* --- opening and closing
 * --------------------------------------------------------------------------------------- */

/* The file says who has it, for people; what counts is the lock. */
static int refuse_second(const struct ledger_durable *durable, struct err *err)
{
    char holder[64] = "";
    ssize_t length = pread(durable->lock_fd, holder, sizeof holder - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return err_set(err, ERR_LOCKED, "state directory '%s' is in use by %s", durable->config.directory,
                   holder[0] != '\0' ? holder : "another engine");
}

static void sign_lock(const struct ledger_durable *durable)
{
    char holder[64];
    const char *program = durable->config.program != NULL ? durable->config.program : "an engine";
    int length = snprintf(holder, sizeof holder, "%.40s (pid %ld)\n", program, (long)getpid());
    if (ftruncate(durable->lock_fd, 0) != 0 ||
        pwrite(durable->lock_fd, holder, (size_t)length, 0) != length) {
        return; /* on a full disk: the lock holds all the same */
    }
}

static int take_lock(struct ledger_durable *durable, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/lock", durable->config.directory);
    durable->lock_fd = file_open(path);
    if (durable->lock_fd < 0) {
        enum err_code code = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_PERMISSION : ERR_IO;
        return err_set(err, code, "state directory '%s': %s", durable->config.directory, err_errno(errno));
    }
    if (flock(durable->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? refuse_second(durable, err)
                                    : err_set(err, ERR_IO, "ledger lock '%s': %s", path, err_errno(errno));
    }
    sign_lock(durable);
    return 0;
}

static int open_reserve(struct ledger_durable *durable, struct err *err)
{
    const struct ledger_durable_config *config = &durable->config;
    struct ledger_request open_run = {.operation = LEDGER_OPEN_RUN};
    if (store_apply(durable->store, &open_run) != 0) {
        *err = open_run.err;
        return -1;
    }
    durable->reserve = reserve_open(config->directory, config->reserve_disk, open_run.run != 0, err);
    return durable->reserve != NULL ? reserve_grow(durable->reserve, 0, err) : -1;
}

static int open_store(struct ledger_durable *durable, struct err *err)
{
    char path[4096];
    const struct ledger_durable_config *config = &durable->config;
    snprintf(path, sizeof path, "%s/ledger.db", config->directory);
    struct store_config store = {.path = path,
                                 .vfs = config->vfs,
                                 .wall_ms = config->wall_ms,
                                 .ctx = config->ctx,
                                 .sha256 = config->sha256};
    durable->store = store_open(&store, err);
    if (durable->store == NULL) {
        return -1;
    }
    bool without_reserve = config->vfs != NULL && config->reserve_disk == NULL;
    return without_reserve || open_reserve(durable, err) == 0 ? prune(durable, err) : -1;
}

/* Signals are the loop's business: the writer takes none. */
static int start_writer(struct ledger_durable *durable, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&durable->writer, NULL, writer_main, durable);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    durable->running = result == 0;
    return result == 0 ? 0 : err_set(err, ERR_IO, "the ledger's thread: %s", err_errno(result));
}

struct ledger_durable *ledger_durable_open(const struct ledger_durable_config *config, struct err *err)
{
    struct ledger_durable *durable = mem_zalloc(sizeof *durable);
    durable->face = (struct ledger){.ctx = durable, .submit = on_submit};
    durable->config = *config;
    durable->config.directory = mem_strdup(config->directory);
    durable->lock_fd = -1;
    pthread_mutex_init(&durable->mutex, NULL);
    pthread_cond_init(&durable->told, NULL);
    if ((config->vfs == NULL && take_lock(durable, err) != 0) || open_store(durable, err) != 0 ||
        (config->threaded && start_writer(durable, err) != 0)) {
        ledger_durable_close(durable);
        return NULL;
    }
    return durable;
}

void ledger_durable_close(struct ledger_durable *durable)
{
    if (durable == NULL) {
        return;
    }
    if (durable->running) {
        pthread_mutex_lock(&durable->mutex);
        durable->closing = true;
        pthread_cond_signal(&durable->told);
        pthread_mutex_unlock(&durable->mutex);
        pthread_join(durable->writer, NULL);
    }
    store_close(durable->store);
    reserve_close(durable->reserve);
    if (durable->lock_fd >= 0) {
        close(durable->lock_fd); /* and with it the lock */
    }
    pthread_cond_destroy(&durable->told);
    pthread_mutex_destroy(&durable->mutex);
    free((char *)durable->config.directory);
    free(durable);
}
