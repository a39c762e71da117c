/* See engine/things.h.
 *
 * The happy path: things_create() makes a question of each distinct ask. things_start() -> on_begin() ->
 * ask() -> on_page() ... page by page and question by question; where things are known by name their
 * existence is described instead, several at a time (describe(), on_described()); behind the last question
 * finish(). The ways out: an answer that is not usable, a row that cannot be read, too many things (fail());
 * things_cancel(). done() is called from a timer or an answer. */
#include "engine/things.h"

#include "base/mem.h"
#include "base/names.h"
#include "engine/pager.h"
#include "engine/route.h"
#include "policy/asks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBING_MAX 64 /* DescribeThing calls handed to the dispatcher at a time */
#define WORD_BITS      64
#define SEARCH_CUT     500 /* results of a query in all: a quota of 2018, of which nothing is told since */

struct question {
    enum operation operation;
    struct ask ask;      /* nothing where existence is asked */
    uint64_t *bits;      /* by number of the name */
    size_t words, count; /* count: names with the bit */
    int64_t rows;        /* of its pages */
};

struct describing {
    struct things *things;
    struct dispatch dispatch;
    uint32_t number;
    bool busy;
};

struct things {
    struct things_config config;
    struct names *names;
    struct question *questions;
    size_t count, room, at;
    struct question *existence; /* one of them, the last; NULL: not asked */
    bool only;                  /* the names are those in question; else they are met in pages */
    bool complete, canceled;
    int64_t made_ms; /* wall clock */
    struct env_timer begin;
    struct pager pager;
    struct describing *describing; /* DESCRIBING_MAX */
    uint32_t described;            /* names handed on */
    size_t pending;
    struct err failure;
    enum answer_class why;
    void (*done)(void *owner);
    void *owner;
};

/* --- questions ----------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct question *find(const struct things *things, enum thing_fact fact, const char *name,
                             const char *value)
{
    for (size_t i = 0; i < things->count; i++) {
        struct question *question = &things->questions[i];
        if (question != things->existence && question->ask.fact == fact &&
            same_text(question->ask.name, name) && same_text(question->ask.value, value)) {
            return question;
        }
    }
    return NULL;
}

static struct question *add_question(struct things *things, enum operation operation)
{
    if (things->count == things->room) {
        things->room = things->room == 0 ? 8 : 2 * things->room;
        things->questions = mem_realloc(things->questions, things->room, sizeof *things->questions);
    }
    struct question *question = &things->questions[things->count++];
    *question = (struct question){.operation = operation};
    return question;
}

static void add_ask(void *ctx, const struct ask *ask)
{
    static const enum operation operations[] = {[THING_IN_GROUP] = OPERATION_LIST_THINGS_IN_GROUP,
                                                [THING_OF_TYPE] = OPERATION_LIST_THINGS,
                                                [THING_HAS_ATTRIBUTE] = OPERATION_LIST_THINGS,
                                                [THING_IN_QUERY] = OPERATION_SEARCH_INDEX};
    struct things *things = ctx;
    struct question *question = find(things, ask->fact, ask->name, ask->value);
    if (question == NULL) {
        add_question(things, operations[ask->fact])->ask = *ask;
    } else {
        question->ask.releases = question->ask.releases || ask->releases;
    }
}

static bool has(const struct question *question, uint32_t number)
{
    size_t word = number / WORD_BITS;
    return word < question->words && (question->bits[word] >> (number % WORD_BITS) & 1u) != 0;
}

static void set(struct question *question, uint32_t number)
{
    size_t word = number / WORD_BITS, words = question->words;
    if (word >= words) {
        question->words = 2 * word + 8;
        question->bits = mem_realloc(question->bits, question->words, sizeof *question->bits);
        memset(&question->bits[words], 0, (question->words - words) * sizeof *question->bits);
    }
    question->count += !has(question, number);
    question->bits[word] |= UINT64_C(1) << (number % WORD_BITS);
}

static bool wanted(const struct things *things, const char *name)
{
    return things->only
               ? names_find(things->names, name) != UINT32_MAX
               : things->config.protect_only || policy_wants_thing(things->config.policy, NULL, name);
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void finish(struct things *things)
{
    if (things->canceled && things->failure.code == ERR_NONE) {
        err_set(&things->failure, ERR_CANCELED, "canceled");
    }
    things->complete = things->failure.code == ERR_NONE;
    things->done(things->owner);
}

static void fail(struct things *things, const struct err *err, enum answer_class why)
{
    if (things->failure.code == ERR_NONE) {
        things->failure = *err;
        things->why = why;
    }
}

/* A name that is written wrong selects nothing, or protects nothing. */
static void warn_of_nothing(const struct things *things, const struct question *question)
{
    static const char *const what[] = {[THING_IN_GROUP] = "is in the group",
                                       [THING_OF_TYPE] = "is of the type",
                                       [THING_HAS_ATTRIBUTE] = "has the attribute",
                                       [THING_IN_QUERY] = "is found by the query"};
    const struct ask *ask = &question->ask;
    char text[512];
    if (question->count == 0 && question != things->existence && !things->only) {
        snprintf(text, sizeof text, "no thing %s %s%s%.300s", what[ask->fact],
                 ask->name != NULL ? ask->name : "", ask->name != NULL ? "=" : "", ask->value);
        things->config.warning(things->config.owner, text);
    }
}

/* --- existence, by name -------------------------------------------------------------------------------- */

static void on_described(struct dispatch *dispatch);

static void describe_next(struct things *things, struct describing *describing)
{
    describing->things = things;
    describing->busy = true;
    describing->number = things->described++;
    describing->dispatch = (struct dispatch){.done = on_described, .owner = describing};
    struct call *call = &describing->dispatch.call;
    call_init(call, OPERATION_DESCRIBE_THING);
    strcpy(call->thing_name, names_text(things->names, describing->number));
    things->pending++;
    dispatcher_submit(things->config.dispatcher, &describing->dispatch);
}

static void describe(struct things *things)
{
    bool going_on = !things->canceled && things->failure.code == ERR_NONE;
    for (int i = 0; i < DESCRIBING_MAX && going_on && things->described < names_count(things->names); i++) {
        if (!things->describing[i].busy) {
            describe_next(things, &things->describing[i]);
        }
    }
    if (things->pending == 0) {
        finish(things);
    }
}

static void on_described(struct dispatch *dispatch)
{
    struct describing *describing = dispatch->owner;
    struct things *things = describing->things;
    struct call *call = &dispatch->call;
    struct err err;
    describing->busy = false;
    things->pending--;
    if (call->answer.class == ANSWER_DONE) {
        set(things->existence, describing->number);
    } else if (call->answer.class != ANSWER_GONE && !things->canceled) {
        call_error(call, &err);
        fail(things, &err, call->answer.class);
    }
    call_finish(call);
    describe(things);
}

static void cancel_describing(struct things *things)
{
    for (int i = 0; things->describing != NULL && i < DESCRIBING_MAX; i++) {
        if (things->describing[i].busy) {
            dispatcher_cancel(things->config.dispatcher, &things->describing[i].dispatch);
        }
    }
}

/* --- listings ------------------------------------------------------------------------------------------ */

static void ask(struct things *things)
{
    if (things->at == things->count || things->canceled || things->failure.code != ERR_NONE) {
        finish(things);
        return;
    }
    const struct question *question = &things->questions[things->at];
    if (question->operation == OPERATION_DESCRIBE_THING) {
        things->describing = mem_calloc(DESCRIBING_MAX, sizeof *things->describing);
        describe(things);
        return;
    }
    pager_begin(&things->pager, things->config.dispatcher, question->operation);
    struct call *call = &things->pager.dispatch.call;
    if (question == things->existence) {
        pager_next(&things->pager);
        return;
    }
    if (question->ask.fact == THING_IN_GROUP) {
        strcpy(call->group_name, question->ask.value);
        call->recursive = true;
    } else if (question->ask.fact == THING_OF_TYPE) {
        call->thing_type = question->ask.value;
    } else if (question->ask.fact == THING_HAS_ATTRIBUTE) {
        call->attribute_name = question->ask.name;
        call->attribute_value = question->ask.value;
    } else {
        call->query = question->ask.value;
    }
    pager_next(&things->pager);
}

/* -1 when the page does not tell all that it should. */
static int take_page(struct things *things, const struct page *page, struct err *err)
{
    struct question *question = &things->questions[things->at];
    if (page->skipped > 0) {
        return err_set(err, ERR_BROKEN, "%s: %zu things of the answer cannot be used: %s",
                       operation_name(question->operation), page->skipped, page->skipped_why);
    }
    question->rows += (int64_t)page->count;
    for (size_t i = 0; i < page->count; i++) {
        if (wanted(things, page->things[i])) {
            set(question, names_intern(things->names, page->things[i]));
        }
    }
    return names_count(things->names) <= THINGS_MAX
               ? 0
               : err_set(err, ERR_TOO_BIG, "the policy asks about more than %d things", THINGS_MAX);
}

/* What a query finds and does not tell would be let go. */
static int check_end(const struct question *question, struct err *err)
{
    bool searched = question->operation == OPERATION_SEARCH_INDEX && question->ask.releases;
    return searched && question->rows == SEARCH_CUT
               ? err_set(err, ERR_BROKEN,
                         "SearchIndex %.200s: exactly %d things, where the index may end its answers: in "
                         "none_of ask by group, type or attribute",
                         question->ask.value, SEARCH_CUT)
               : 0;
}

static void on_page(struct pager *pager)
{
    struct things *things = pager->owner;
    const struct call *call = &pager->dispatch.call;
    struct err err = pager->err;
    if (err.code != ERR_NONE || take_page(things, &call->page, &err) != 0) {
        fail(things, &err, call->answer.class);
        finish(things);
        return;
    }
    if (pager_more(pager) && !things->canceled) {
        pager_next(pager);
        return;
    }
    if (check_end(&things->questions[things->at], &err) != 0) {
        fail(things, &err, call->answer.class);
    }
    warn_of_nothing(things, &things->questions[things->at]);
    things->at++;
    ask(things);
}

/* --- the things ---------------------------------------------------------------------------------------- */

static void on_begin(struct env_timer *timer)
{
    ask(timer->owner);
}

struct things *things_create(const struct things_config *config)
{
    struct things *things = mem_zalloc(sizeof *things);
    things->config = *config;
    things->names = names_create();
    things->pager.answered = on_page;
    things->pager.owner = things;
    things->begin = (struct env_timer){.fire = on_begin, .owner = things};
    things->made_ms = config->env->wall_ms(config->env->ctx);
    policy_asks(config->policy, config->protect_only, things->made_ms, add_ask, things);
    return things;
}

void things_only(struct things *things, const char *thing_name)
{
    things->only = true;
    if (thing_name_valid(thing_name)) {
        names_intern(things->names, thing_name);
    }
}

bool things_needed(const struct things *things)
{
    return things->count > 0;
}

static void take_literal_names(struct things *things)
{
    const struct name_match *match = &things->config.policy->match.thing;
    for (size_t i = 0;
         !things->only && !things->config.protect_only && route_literal(match) && i < match->include.count;
         i++) {
        names_intern(things->names, match->include.patterns[i]);
    }
    things->only = things->only || names_count(things->names) > 0;
}

void things_start(struct things *things, void (*done)(void *owner), void *owner)
{
    const struct env *env = things->config.env;
    things->done = done;
    things->owner = owner;
    take_literal_names(things);
    if (policy_asks_existence(things->config.policy, things->config.protect_only, things->made_ms)) {
        things->existence =
            add_question(things, things->only ? OPERATION_DESCRIBE_THING : OPERATION_LIST_THINGS);
    }
    env->start(env->ctx, &things->begin, env->mono_ns(env->ctx));
}

void things_cancel(struct things *things)
{
    things->canceled = true;
    pager_cancel(&things->pager);
    cancel_describing(things);
}

void things_destroy(struct things *things)
{
    if (things == NULL) {
        return;
    }
    things->config.env->stop(things->config.env->ctx, &things->begin);
    pager_finish(&things->pager);
    for (size_t i = 0; i < things->count; i++) {
        free(things->questions[i].bits);
    }
    free(things->questions);
    free(things->describing);
    names_destroy(things->names);
    free(things);
}

const struct err *things_failure(const struct things *things, enum answer_class *why)
{
    if (why != NULL) {
        *why = things->why;
    }
    return &things->failure;
}

static enum truth tell(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                       const char *value)
{
    const struct things *things = owner;
    const struct question *question = find(things, fact, name, value);
    if (question == NULL) {
        return TRUTH_UNKNOWN;
    }
    uint32_t number = names_find(things->names, thing_name);
    if (number != UINT32_MAX && has(question, number)) {
        return TRUTH_YES;
    }
    bool exists = things->existence == NULL || (number != UINT32_MAX && has(things->existence, number));
    return exists ? TRUTH_NO : TRUTH_UNKNOWN;
}

struct match_facts things_facts(const struct things *things, const struct job *job)
{
    struct match_facts facts = {.job = job};
    if (things != NULL && things->complete) {
        facts.thing = tell;
        facts.owner = (void *)(uintptr_t)things;
    }
    return facts;
}

bool things_bounded(const struct things *things)
{
    return things->complete && !things->only &&
           (things->existence != NULL || policy_bounds_things(things->config.policy));
}

uint32_t things_count(const struct things *things)
{
    return names_count(things->names);
}

const char *things_name(const struct things *things, uint32_t number)
{
    return names_text(things->names, number);
}
