/* See ledger/archive.h.
 *
 * The happy path: submit() appends a request to `waiting` and tells the writer; the writer takes all that
 * waits, sorts it by run (gather()), writes each run's part as one frame of its file (write_part()), syncs
 * these files, moves the requests to `finished` and wakes the loop; drain() calls done().
 *
 * The ways out: a file that cannot be begun, written or synced is cut back to what is synced, keeps the error
 * in `err`, and refuses with it what is still to come of its run. Nothing is tried again. */
#include "ledger/archive.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "ledger/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#define GATHER_NS                                                                                            \
    (50 * TIME_NS_PER_MS)  /* groups begin this far apart at least: a check lives for a minute               \
                            */
#define BESIDE_MAX    8192 /* bytes of a line without its document: names and a reason */
#define SAME_NAME_MAX 100

/* The file of one run. */
struct run_file {
    int64_t run;
    int file; /* -1: not begun, or failed */
    char path[ARCHIVE_PATH_MAX + 1];
    int64_t written, synced;      /* bytes */
    struct err err;               /* ERR_NONE while all is well */
    struct archive_request *part; /* of the present group */
    bool over;                    /* it is to be closed behind that */
    struct run_file *prev, *next;
};

struct archive_writer {
    struct archive face;
    struct archive_writer_config config;
    const struct archive_disk *disk; /* this and the three below are the writer's */
    struct run_file *files;
    struct frame *frame;
    struct buf beside;

    pthread_t thread;
    bool running;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t told;
    struct archive_request *waiting, *finished;
    bool closing;
};

/* --- files ---------------------------------------------------------------------------------------------- */

static struct run_file *find_file(struct archive_writer *writer, int64_t run)
{
    struct run_file *file;
    DL_SEARCH_SCALAR(writer->files, file, run, run);
    if (file == NULL) {
        file = mem_zalloc(sizeof *file);
        file->run = run;
        file->file = -1;
        DL_APPEND(writer->files, file);
    }
    return file;
}

static void fail(struct archive_writer *writer, struct run_file *file)
{
    if (file->file >= 0) {
        writer->disk->cut(writer->disk->ctx, file->file,
                          file->synced); /* for readers: nothing relies on it */
        writer->disk->close(writer->disk->ctx, file->file);
        file->file = -1;
    }
}

struct sink {
    struct archive_writer *writer;
    struct run_file *file;
};

static int write_all(void *ctx, const void *bytes, size_t length, struct err *err)
{
    const struct sink *sink = ctx;
    const struct archive_disk *disk = sink->writer->disk;
    const char *at = bytes;
    while (length > 0) {
        ssize_t wrote = disk->write(disk->ctx, sink->file->file, at, length);
        if (wrote <= 0) {
            int why = wrote == 0 ? ENOSPC : errno;
            return err_set(err, ERR_ARCHIVE, "archive '%s': %s", sink->file->path, err_errno(why));
        }
        at += wrote;
        length -= (size_t)wrote;
        sink->file->written += wrote;
    }
    return 0;
}

/* Another state directory may have a run of this number in the same second: then the name gets a number. */
static int begin_file(struct archive_writer *writer, struct run_file *file,
                      const struct archive_request *request)
{
    char name[160], time[17], more[16] = "";
    time_amz(writer->config.wall_ms(writer->config.ctx), time);
    for (int i = 2; i <= SAME_NAME_MAX; i++) {
        snprintf(name, sizeof name, "%s-%s-run-%" PRId64 "%s.jsonl.zst", request->header->policy, time,
                 request->run, more);
        file->file = writer->disk->create(writer->disk->ctx, request->directory, name, &file->err);
        if (file->file >= 0 || file->err.code != ERR_LOCKED) {
            break;
        }
        snprintf(more, sizeof more, "-%d", i);
    }
    if (file->file < 0) {
        file->err.code = ERR_ARCHIVE;
        return -1;
    }
    file->err = (struct err){0};
    snprintf(file->path, sizeof file->path, "%s/%s", request->directory, name);
    return 0;
}

/* --- lines ---------------------------------------------------------------------------------------------- */

static void member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    text_json(out, value);
}

static void write_beside(struct archive_writer *writer, const struct archive_request *request)
{
    struct buf *out = &writer->beside;
    const struct run_header *header = request->header;
    char time[21];
    bool job = request->operation == ARCHIVE_JOB;
    time_rfc3339(writer->config.wall_ms(writer->config.ctx), time);
    buf_reset(out);
    buf_printf(out, "{\"kind\":\"%s\",\"run\":%" PRId64, job ? "job" : "execution", request->run);
    if (!job) {
        buf_printf(out, ",\"row\":%" PRId64, request->row);
    }
    member(out, "policy", header->policy);
    member(out, "target", header->target);
    member(out, "account", header->account);
    member(out, "region", header->region);
    member(out, "job_id", request->execution->job_id);
    if (!job) {
        member(out, "thing_name", request->execution->thing_name);
        buf_printf(out, ",\"execution_number\":%" PRId64, request->execution->number);
        member(out, "reason", request->reason);
    }
    member(out, "archived_at", time);
    buf_text(out, ",\"document\":");
}

static int add_line(struct archive_writer *writer, struct sink *sink, const struct archive_request *request)
{
    struct err *err = &sink->file->err;
    write_beside(writer, request);
    if (writer->beside.overflow) {
        return err_set(err, ERR_ARCHIVE, "a line without its document has over %d bytes", BESIDE_MAX);
    }
    return frame_add(writer->frame, sink, writer->beside.data, writer->beside.length, err) != 0 ||
                   frame_add(writer->frame, sink, request->document, request->length, err) != 0 ||
                   frame_add(writer->frame, sink, "}\n", 2, err) != 0
               ? -1
               : 0;
}

/* --- a group -------------------------------------------------------------------------------------------- */

static int write_lines(struct archive_writer *writer, struct run_file *file)
{
    struct sink sink = {.writer = writer, .file = file};
    const struct archive_request *request;
    bool any = false;
    DL_FOREACH (file->part, request) {
        if (request->operation == ARCHIVE_CLOSE) {
            continue;
        }
        if ((file->file < 0 && begin_file(writer, file, request) != 0) ||
            add_line(writer, &sink, request) != 0) {
            return -1;
        }
        any = true;
    }
    return any ? frame_end(writer->frame, &sink, &file->err) : 0;
}

static void write_part(struct archive_writer *writer, struct run_file *file)
{
    if (file->err.code == ERR_NONE && write_lines(writer, file) != 0) {
        frame_drop(writer->frame);
        fail(writer, file);
    }
}

static void sync_part(struct archive_writer *writer, struct run_file *file)
{
    if (file->file < 0 || file->written == file->synced) {
        return;
    }
    if (writer->disk->sync(writer->disk->ctx, file->file) == 0) {
        file->synced = file->written;
        return;
    }
    err_set(&file->err, ERR_ARCHIVE, "archive '%s': %s", file->path, err_errno(errno));
    fail(writer, file);
}

static void answer_part(struct run_file *file)
{
    struct archive_request *request;
    DL_FOREACH (file->part, request) {
        if (request->operation == ARCHIVE_CLOSE) {
            text_copy(request->file, ARCHIVE_PATH_MAX + 1, file->path);
            file->over = true;
        } else {
            request->err = file->err;
        }
    }
}

static void forget_file(struct archive_writer *writer, struct run_file *file)
{
    if (file->file >= 0) {
        writer->disk->close(writer->disk->ctx, file->file);
    }
    DL_DELETE(writer->files, file);
    free(file);
}

static void gather(struct archive_writer *writer, struct archive_request *group)
{
    while (group != NULL) {
        struct archive_request *request = group;
        struct run_file *file = find_file(writer, request->run);
        DL_DELETE(group, request);
        DL_APPEND(file->part, request);
    }
}

/* All are written before the first is synced: one commit of the file system serves many. What was answered
 * comes back as one list. */
static struct archive_request *write_group(struct archive_writer *writer, struct archive_request *group)
{
    struct archive_request *answered = NULL;
    struct run_file *file, *next;
    gather(writer, group);
    DL_FOREACH (writer->files, file) {
        if (file->part != NULL) {
            write_part(writer, file);
        }
    }
    DL_FOREACH (writer->files, file) {
        sync_part(writer, file);
    }
    DL_FOREACH_SAFE (writer->files, file, next) {
        answer_part(file);
        DL_CONCAT(answered, file->part);
        file->part = NULL;
        if (file->over) {
            forget_file(writer, file);
        }
    }
    return answered;
}

/* --- the writer ----------------------------------------------------------------------------------------- */

/* With the mutex held before and after. */
static void finish(struct archive_writer *writer, struct archive_request *answered)
{
    bool first = writer->finished == NULL && answered != NULL;
    DL_CONCAT(writer->finished, answered);
    if (first) {
        writer->config.wake(writer->config.ctx);
    }
}

static void work_once(struct archive_writer *writer)
{
    struct archive_request *group = writer->waiting;
    writer->waiting = NULL;
    pthread_mutex_unlock(&writer->mutex);
    group = write_group(writer, group);
    pthread_mutex_lock(&writer->mutex);
    finish(writer, group);
}

static int64_t mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * TIME_NS_PER_SECOND + now.tv_nsec;
}

/* Lines that share a frame take less room, and a sync. With the mutex held before and after. */
static void let_some_gather(struct archive_writer *writer, int64_t begun_ns)
{
    int64_t left_ns = begun_ns + GATHER_NS - mono_ns();
    if (left_ns > 0 && !writer->closing) {
        struct timespec wait = {.tv_nsec = (long)left_ns};
        pthread_mutex_unlock(&writer->mutex);
        nanosleep(&wait, NULL);
        pthread_mutex_lock(&writer->mutex);
    }
}

static void *writer_main(void *argument)
{
    struct archive_writer *writer = argument;
    int64_t begun_ns = mono_ns() - GATHER_NS; /* the latest group */
    pthread_mutex_lock(&writer->mutex);
    while (!writer->closing || writer->waiting != NULL) {
        let_some_gather(writer, begun_ns);
        if (writer->waiting != NULL) {
            begun_ns = mono_ns();
            work_once(writer);
        } else if (!writer->closing) {
            pthread_cond_wait(&writer->told, &writer->mutex);
        }
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

void archive_writer_work(struct archive_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->waiting != NULL) {
        work_once(writer);
    }
    pthread_mutex_unlock(&writer->mutex);
}

/* --- the loop's side ------------------------------------------------------------------------------------ */

/* Signals are the loop's business: the thread takes none. Most processes never need it. */
static int start_thread(struct archive_writer *writer, struct err *err)
{
    sigset_t all, before;
    if (writer->running || !writer->config.threaded) {
        return 0;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&writer->thread, NULL, writer_main, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    writer->running = result == 0;
    return result == 0 ? 0 : err_set(err, ERR_ARCHIVE, "the archive's thread: %s", err_errno(result));
}

static void on_submit(void *ctx, struct archive_request *request)
{
    struct archive_writer *writer = ctx;
    bool started = start_thread(writer, &request->err) == 0;
    pthread_mutex_lock(&writer->mutex);
    if (started) {
        DL_APPEND(writer->waiting, request);
        pthread_cond_signal(&writer->told);
    } else {
        struct archive_request *refused = NULL;
        DL_APPEND(refused, request);
        finish(writer, refused);
    }
    pthread_mutex_unlock(&writer->mutex);
}

void archive_writer_drain(struct archive_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct archive_request *answered = writer->finished;
    writer->finished = NULL;
    pthread_mutex_unlock(&writer->mutex);
    while (answered != NULL) {
        struct archive_request *request = answered;
        DL_DELETE(answered, request);
        request->done(request);
    }
}

struct archive *archive_writer_face(struct archive_writer *writer)
{
    return &writer->face;
}

struct archive_writer *archive_writer_create(const struct archive_writer_config *config)
{
    struct archive_writer *writer = mem_zalloc(sizeof *writer);
    writer->face = (struct archive){.ctx = writer, .submit = on_submit};
    writer->config = *config;
    writer->disk = config->disk != NULL ? config->disk : archive_disk_system();
    writer->frame = frame_create(write_all);
    buf_init(&writer->beside, BESIDE_MAX);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->told, NULL);
    return writer;
}

void archive_writer_destroy(struct archive_writer *writer)
{
    struct run_file *file, *next;
    if (writer == NULL) {
        return;
    }
    if (writer->running) {
        pthread_mutex_lock(&writer->mutex);
        writer->closing = true;
        pthread_cond_signal(&writer->told);
        pthread_mutex_unlock(&writer->mutex);
        pthread_join(writer->thread, NULL);
    }
    DL_FOREACH_SAFE (writer->files, file, next) {
        forget_file(writer, file);
    }
    frame_destroy(writer->frame);
    buf_finish(&writer->beside);
    pthread_cond_destroy(&writer->told);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}
