/* See engine/facts.h. Each job that was asked for is one entry, found by its number in the table of names.
 *
 * The happy path: facts_want() submits a DescribeJob; on_answer() keeps the job and tells the listener.
 * The ways out: the job is gone; any other answer, or one about another job, is a failure and kept as such.
 */
#include "engine/facts.h"

#include "base/mem.h"
#include "base/names.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct entry {
    enum fact fact;
    struct job *job; /* FACT_KNOWN */
};

struct question {
    struct facts *facts;
    uint32_t number;
    struct dispatch dispatch;
    struct question *prev, *next;
};

struct facts {
    struct dispatcher *dispatcher;
    struct names *names;
    struct entry *entries; /* by number of the name */
    size_t room;
    struct question *questions;
    size_t pending;
    void (*learned)(void *owner);
    void *owner;
    struct err failure;
    enum answer_class why;
};

static void set_fact(struct entry *entry, enum fact fact)
{
    entry->fact = fact;
}

static void keep_failure(struct facts *facts, const struct call *call)
{
    if (facts->failure.code != ERR_NONE) {
        return;
    }
    facts->why = call->answer.class;
    if (call->answer.class == ANSWER_DONE) {
        err_set(&facts->failure, ERR_BROKEN, "DescribeJob %s: the answer is about another job", call->job_id);
        return;
    }
    call_error(call, &facts->failure);
    if (strcmp(call->answer.code, "Canceled") == 0) {
        facts->failure.code = ERR_CANCELED;
    }
}

static void keep_answer(struct facts *facts, struct entry *entry, const struct call *call)
{
    if (call->answer.class == ANSWER_GONE) {
        set_fact(entry, FACT_GONE);
        return;
    }
    if (call->answer.class != ANSWER_DONE || strcmp(call->job.job_id, call->job_id) != 0) {
        keep_failure(facts, call);
        set_fact(entry, FACT_FAILED);
        return;
    }
    entry->job = mem_alloc(sizeof *entry->job);
    *entry->job = call->job;
    set_fact(entry, FACT_KNOWN);
}

static void on_answer(struct dispatch *dispatch)
{
    struct question *question = dispatch->owner;
    struct facts *facts = question->facts;
    keep_answer(facts, &facts->entries[question->number], &dispatch->call);
    call_finish(&dispatch->call);
    DL_DELETE(facts->questions, question);
    free(question);
    facts->pending--;
    if (facts->learned != NULL) {
        facts->learned(facts->owner);
    }
}

struct facts *facts_create(struct dispatcher *dispatcher)
{
    struct facts *facts = mem_zalloc(sizeof *facts);
    facts->dispatcher = dispatcher;
    facts->names = names_create();
    return facts;
}

void facts_destroy(struct facts *facts)
{
    if (facts == NULL) {
        return;
    }
    for (uint32_t i = 0; i < names_count(facts->names); i++) {
        free(facts->entries[i].job);
    }
    free(facts->entries);
    names_destroy(facts->names);
    free(facts);
}

void facts_listen(struct facts *facts, void (*learned)(void *owner), void *owner)
{
    facts->learned = learned;
    facts->owner = owner;
}

static uint32_t add_entry(struct facts *facts, const char *job_id)
{
    uint32_t number = names_intern(facts->names, job_id);
    if (number >= facts->room) {
        facts->room = facts->room == 0 ? 64 : 2 * facts->room;
        facts->entries = mem_realloc(facts->entries, facts->room, sizeof *facts->entries);
    }
    facts->entries[number] = (struct entry){.fact = FACT_ASKED};
    return number;
}

void facts_want(struct facts *facts, const char *job_id)
{
    if (facts_get(facts, job_id, NULL) != FACT_NONE) {
        return;
    }
    struct question *question = mem_zalloc(sizeof *question);
    question->facts = facts;
    question->number = add_entry(facts, job_id);
    call_init(&question->dispatch.call, OPERATION_DESCRIBE_JOB);
    strcpy(question->dispatch.call.job_id, job_id);
    question->dispatch.done = on_answer;
    question->dispatch.owner = question;
    DL_APPEND(facts->questions, question);
    facts->pending++;
    dispatcher_submit(facts->dispatcher, &question->dispatch);
}

enum fact facts_get(const struct facts *facts, const char *job_id, const struct job **job)
{
    uint32_t number = names_find(facts->names, job_id);
    if (number == UINT32_MAX) {
        return FACT_NONE;
    }
    const struct entry *entry = &facts->entries[number];
    if (job != NULL && entry->fact == FACT_KNOWN) {
        *job = entry->job;
    }
    return entry->fact;
}

size_t facts_pending(const struct facts *facts)
{
    return facts->pending;
}

void facts_cancel(struct facts *facts)
{
    struct question *question;
    DL_FOREACH (facts->questions, question) {
        dispatcher_cancel(facts->dispatcher, &question->dispatch);
    }
}

const struct err *facts_failure(const struct facts *facts, enum answer_class *why)
{
    if (why != NULL) {
        *why = facts->why;
    }
    return &facts->failure;
}
