/* See engine/archivist.h.
 *
 * The happy path: submit() -> the first row of a job asks DescribeJob -> on_described() hands the job's
 * document to the archive, and behind it those of the rows that waited -> on_archived() -> done(). Rows of a
 * job that is known go to the archive at once.
 * The ways out: a job that is gone has no document any more, and its rows need none; one whose description
 * cannot be had fails the rows that waited for it, by end_later(), and later ones ask again, up to ASKED_MAX
 * times; one that is refused, or too long, fails all of them; the archive says no. */
#include "engine/archivist.h"

#include "base/mem.h"
#include "base/names.h"
#include "engine/steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define KEPT_MAX  4096 /* bytes of a document that are kept to compare the next one with */
#define ASKED_MAX 3    /* times that a job is asked about, each with the repetitions of any read */

enum known { JOB_NEW, JOB_ASKED, JOB_KEPT, JOB_FAILED };

struct failure {
    struct err err;
    enum answer_class why;
};

struct entry {
    enum known known;
    int asked;
    struct failure *failure; /* JOB_FAILED */
    struct archiving *waiting;
};

/* The description of one job, from the question until it is on the disk. */
struct description {
    struct archivist *archivist;
    uint32_t number;
    struct dispatch dispatch;
    struct job_execution job; /* its id */
    struct archive_request request;
    struct description *prev, *next;
};

struct archivist {
    struct archivist_config config;
    struct names *names;
    struct entry *entries; /* by number of the job's name */
    size_t room;
    struct description *descriptions;
    struct archiving *ended;
    struct env_timer timer; /* for those */
    struct archive_request request;
    struct archivist_view view, *result;
    void (*closed)(void *owner);
};

static void set_known(struct entry *entry, enum known known)
{
    entry->known = known;
}

void archiving_keep(struct archiving *archiving, struct call *call)
{
    bool same = archiving->document != NULL && call->document != NULL &&
                archiving->length == call->document_length &&
                memcmp(archiving->document, call->document, call->document_length) == 0;
    if (same) {
        return;
    }
    free(archiving->document);
    archiving->document = call->document;
    archiving->length = call->document_length;
    archiving->archived = false;
    call->document = NULL;
}

void archiving_finish(struct archiving *archiving)
{
    free(archiving->document);
    archiving->document = NULL;
}

/* --- the end of a document --- */

static void note_failure(struct archivist *archivist, const struct err *err)
{
    struct err text = *err;
    if (archivist->view.err.code != ERR_NONE) {
        return;
    }
    archivist->view.err = *err;
    if (archivist->config.optional) {
        err_context(&text, "deletion goes on without an archive");
        archivist->config.warning(archivist->config.owner, text.msg);
    }
}

/* Without credentials nothing can be deleted either: that is not for the archive to tell. */
static bool is_ours(enum err_code code)
{
    return code != ERR_NONE && code != ERR_CANCELED && code != ERR_CREDENTIALS;
}

static void finish(struct archiving *archiving)
{
    struct archivist *archivist = archiving->archivist;
    enum err_code code = archiving->err.code;
    archivist->view.executions += code == ERR_NONE;
    if (is_ours(code)) {
        note_failure(archivist, &archiving->err);
    }
    if (archivist->config.optional && is_ours(code)) {
        archivist->view.missing++;
        archiving->err = (struct err){0};
    }
    archiving->archived = archiving->err.code == ERR_NONE;
    if (archiving->archived && archiving->length > KEPT_MAX) {
        archiving_finish(archiving);
    }
    archiving->done(archiving);
}

static void on_timer(struct env_timer *timer)
{
    struct archivist *archivist = timer->owner;
    struct archiving *ended = archivist->ended;
    archivist->ended = NULL;
    while (ended != NULL) {
        struct archiving *archiving = ended;
        DL_DELETE(ended, archiving);
        finish(archiving);
    }
}

static void end_later(struct archiving *archiving, const struct failure *failure)
{
    struct archivist *archivist = archiving->archivist;
    const struct env *env = archivist->config.env;
    archiving->err = failure->err;
    archiving->why = failure->why;
    DL_APPEND(archivist->ended, archiving);
    env->start(env->ctx, &archivist->timer, env->mono_ns(env->ctx));
}

static void on_archived(struct archive_request *request)
{
    struct archiving *archiving = request->owner;
    archiving->err = request->err;
    finish(archiving);
}

static struct archive_request make_request(const struct archivist *archivist,
                                           enum archive_operation operation)
{
    return (struct archive_request){.operation = operation,
                                    .directory = archivist->config.directory,
                                    .run = archivist->config.run,
                                    .header = archivist->config.header};
}

static void hand_over(struct archiving *archiving)
{
    struct archive *archive = archiving->archivist->config.archive;
    struct archive_request *request = &archiving->request;
    *request = make_request(archiving->archivist, ARCHIVE_EXECUTION);
    request->execution = archiving->execution;
    request->reason = archiving->reason;
    request->row = archiving->row;
    request->document = archiving->document;
    request->length = archiving->length;
    request->done = on_archived;
    request->owner = archiving;
    archive->submit(archive->ctx, request);
}

/* --- jobs --- */

static void forget(struct description *description)
{
    DL_DELETE(description->archivist->descriptions, description);
    call_finish(&description->dispatch.call);
    free(description);
}

/* Where it failed, so does every row behind it. */
static void on_job_archived(struct archive_request *request)
{
    struct description *description = request->owner;
    description->archivist->view.jobs += request->err.code == ERR_NONE;
    forget(description);
}

static void archive_job(struct description *description)
{
    struct archive *archive = description->archivist->config.archive;
    struct archive_request *request = &description->request;
    strcpy(description->job.job_id, description->dispatch.call.job_id);
    *request = make_request(description->archivist, ARCHIVE_JOB);
    request->execution = &description->job;
    request->document = description->dispatch.call.document;
    request->length = description->dispatch.call.document_length;
    request->done = on_job_archived;
    request->owner = description;
    archive->submit(archive->ctx, request);
}

static void release(struct entry *entry, const struct failure *failure)
{
    while (entry->waiting != NULL) {
        struct archiving *archiving = entry->waiting;
        DL_DELETE(entry->waiting, archiving);
        if (entry->known == JOB_KEPT) {
            hand_over(archiving);
        } else {
            end_later(archiving, failure);
        }
    }
}

/* What was not answered tells nothing of the job. */
static bool may_pass(enum answer_class class)
{
    return class != ANSWER_DENIED && class != ANSWER_INVALID;
}

/* What is known of the job from now on, and for those that wait why it is not kept. */
static enum known judge(const struct call *call, bool last, struct failure *failure)
{
    struct err *err = &failure->err;
    failure->why = call->answer.class;
    if (call->answer.class == ANSWER_GONE) {
        return JOB_KEPT;
    }
    if (strcmp(call->answer.code, "Canceled") == 0) {
        err_set(err, ERR_CANCELED, "canceled");
        return JOB_NEW;
    }
    if (call->answer.class != ANSWER_DONE) {
        call_error(call, err);
        err->code = step_is_for_all(call) ? ERR_CREDENTIALS : ERR_BROKEN; /* as struct archiving says */
        bool again = step_is_for_all(call) || (may_pass(call->answer.class) && !last);
        return again ? JOB_NEW : JOB_FAILED;
    }
    if (strcmp(call->job.job_id, call->job_id) != 0) {
        err_set(err, ERR_BROKEN, "DescribeJob %s: the answer is about another job", call->job_id);
        return last ? JOB_FAILED : JOB_NEW;
    }
    if (call->document == NULL) {
        err_set(err, ERR_TOO_BIG, "DescribeJob %s: more than %d bytes cannot be archived", call->job_id,
                CALL_DOCUMENT_MAX);
        return JOB_FAILED;
    }
    return JOB_KEPT;
}

static void on_described(struct dispatch *dispatch)
{
    struct description *description = dispatch->owner;
    struct entry *entry = &description->archivist->entries[description->number];
    struct failure failure = {0};
    set_known(entry, judge(&dispatch->call, entry->asked == ASKED_MAX, &failure));
    bool kept = entry->known == JOB_KEPT && dispatch->call.answer.class == ANSWER_DONE;
    if (kept) {
        archive_job(description); /* before its rows */
    }
    if (entry->known == JOB_FAILED) {
        entry->failure = mem_alloc(sizeof failure);
        *entry->failure = failure;
    }
    release(entry, &failure);
    if (!kept) {
        forget(description);
    }
}

static void describe(struct archivist *archivist, uint32_t number)
{
    struct description *description = mem_zalloc(sizeof *description);
    struct call *call = &description->dispatch.call;
    set_known(&archivist->entries[number], JOB_ASKED);
    archivist->entries[number].asked++;
    description->archivist = archivist;
    description->number = number;
    call_init(call, OPERATION_DESCRIBE_JOB);
    call->wants_document = true;
    strcpy(call->job_id, names_text(archivist->names, number));
    description->dispatch.done = on_described;
    description->dispatch.owner = description;
    DL_APPEND(archivist->descriptions, description);
    dispatcher_submit(archivist->config.dispatcher, &description->dispatch);
}

static uint32_t find_entry(struct archivist *archivist, const char *job_id)
{
    uint32_t number = names_intern(archivist->names, job_id);
    if (number >= archivist->room) {
        size_t room = archivist->room == 0 ? 64 : 2 * archivist->room;
        archivist->entries = mem_realloc(archivist->entries, room, sizeof(struct entry));
        memset(archivist->entries + archivist->room, 0, (room - archivist->room) * sizeof(struct entry));
        archivist->room = room;
    }
    return number;
}

/* --- the face --- */

struct archivist *archivist_create(const struct archivist_config *config)
{
    struct archivist *archivist = mem_zalloc(sizeof *archivist);
    archivist->config = *config;
    archivist->names = names_create();
    archivist->timer = (struct env_timer){.fire = on_timer, .owner = archivist};
    return archivist;
}

void archivist_destroy(struct archivist *archivist)
{
    if (archivist == NULL) {
        return;
    }
    for (size_t i = 0; i < archivist->room; i++) {
        free(archivist->entries[i].failure);
    }
    free(archivist->entries);
    names_destroy(archivist->names);
    free(archivist);
}

void archivist_submit(struct archivist *archivist, struct archiving *archiving)
{
    uint32_t number = find_entry(archivist, archiving->execution->job_id);
    struct entry *entry = &archivist->entries[number];
    struct failure failure = {.why = ANSWER_DONE};
    archiving->archivist = archivist;
    archiving->why = ANSWER_DONE;
    archiving->err = (struct err){0};
    if (archiving->document == NULL) {
        err_set(&failure.err, ERR_TOO_BIG, "DescribeJobExecution: more than %d bytes cannot be archived",
                CALL_DOCUMENT_MAX);
        end_later(archiving, &failure);
    } else if (entry->known == JOB_KEPT) {
        hand_over(archiving);
    } else if (entry->known == JOB_FAILED) {
        end_later(archiving, entry->failure);
    } else {
        DL_APPEND(entry->waiting, archiving);
        if (entry->known == JOB_NEW) {
            describe(archivist, number);
        }
    }
}

void archivist_cancel(struct archivist *archivist)
{
    struct description *description;
    DL_FOREACH (archivist->descriptions, description) {
        dispatcher_cancel(archivist->config.dispatcher, &description->dispatch);
    }
}

static void on_closed(struct archive_request *request)
{
    struct archivist *archivist = request->owner;
    *archivist->result = archivist->view;
    archivist->closed(archivist->config.owner);
}

void archivist_close(struct archivist *archivist, void (*closed)(void *owner), struct archivist_view *view)
{
    struct archive *archive = archivist->config.archive;
    archivist->closed = closed;
    archivist->result = view;
    archivist->request = make_request(archivist, ARCHIVE_CLOSE);
    archivist->request.file = archivist->view.file;
    archivist->request.done = on_closed;
    archivist->request.owner = archivist;
    archive->submit(archive->ctx, &archivist->request);
}
