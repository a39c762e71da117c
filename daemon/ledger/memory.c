/* See ledger/memory.h. A row's three times are kept as their texts, one behind the other in one small
 * allocation; names and reasons are kept once for all rows. */
#include "ledger/memory.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include "ledger/memory_grace.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct row {
    int64_t number;
    int64_t version_number;
    char *times; /* "queuedAt\0startedAt\0lastUpdatedAt\0" */
    uint32_t job_id, thing_name, reason;
    uint8_t status;
    uint8_t force;
    uint8_t outcome;
    uint8_t intents; /* at most 3 attempts are ever made, but retries of what was not sent count here too:
                        saturates */
    uint8_t results;
    uint8_t lost;
    bool open, unsure;      /* as in struct plan_row */
    int64_t lost_signed_ms; /* the latest request without an answer */
};

struct run {
    struct run_header header;
    struct row *rows;
    size_t count, room;
    size_t open; /* rows that have an intent without a result */
    bool sealed, begun, ended;
    int64_t lost_signed_ms; /* the latest request whose fate was never found out */
    int64_t ended_ms;
    char note[32]; /* how it ended */
};

struct rates { /* of an account and region */
    struct run_header header;
    int64_t rates[OPERATION_COUNT];
    struct rates *next;
};

struct ledger_memory {
    struct ledger face;
    struct names *names;
    struct run *runs; /* run N is runs[N - 1] */
    size_t run_count;
    struct rates *rates;
    struct memory_graces *graces;
    void (*look)(void *ctx, struct ledger_request *request); /* where graces are looked up; NULL: here */
    void *look_ctx;
    struct ledger_request *waiting;
    bool forgets_rows;
    bool woken;
    void (*wake)(void *ctx);
    void *ctx;
};

static void on_submit(void *ctx, struct ledger_request *request)
{
    struct ledger_memory *memory = ctx;
    request->err = (struct err){0};
    DL_APPEND(memory->waiting, request);
    if (!memory->woken) {
        memory->woken = true;
        memory->wake(memory->ctx);
    }
}

struct ledger_memory *ledger_memory_create(void (*wake)(void *ctx), void *ctx)
{
    struct ledger_memory *memory = mem_zalloc(sizeof *memory);
    memory->face = (struct ledger){.ctx = memory, .submit = on_submit};
    memory->names = names_create();
    memory->wake = wake;
    memory->ctx = ctx;
    return memory;
}

void ledger_memory_forget_rows(struct ledger_memory *memory)
{
    memory->forgets_rows = true;
}

void ledger_memory_look_up_graces(struct ledger_memory *memory,
                                  void (*look)(void *ctx, struct ledger_request *request), void *ctx)
{
    memory->look = look;
    memory->look_ctx = ctx;
}

void ledger_memory_destroy(struct ledger_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    for (size_t i = 0; i < memory->run_count; i++) {
        for (size_t k = 0; k < memory->runs[i].count; k++) {
            free(memory->runs[i].rows[k].times);
        }
        free(memory->runs[i].rows);
    }
    free(memory->runs);
    while (memory->rates != NULL) {
        struct rates *rates = memory->rates;
        memory->rates = rates->next;
        free(rates);
    }
    memory_graces_finish(&memory->graces);
    names_destroy(memory->names);
    free(memory);
}

struct ledger *ledger_memory_face(struct ledger_memory *memory)
{
    return &memory->face;
}

static struct run *find_run(const struct ledger_memory *memory, int64_t number)
{
    return number >= 1 && number <= (int64_t)memory->run_count ? &memory->runs[number - 1] : NULL;
}

static struct row *find_row(struct run *run, int64_t number)
{
    return run != NULL && number >= 0 && number < (int64_t)run->count ? &run->rows[number] : NULL;
}

static char *pack_times(const struct fingerprint *fingerprint)
{
    const char *texts[] = {fingerprint->queued_at.text, fingerprint->started_at.text,
                           fingerprint->last_updated_at.text};
    char packed[3 * (TIMESTAMP_TEXT_MAX + 1)];
    size_t used = 0;
    for (int i = 0; i < 3; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(packed + used, texts[i], size);
        used += size;
    }
    char *times = mem_alloc(used);
    memcpy(times, packed, used);
    return times;
}

static void unpack_times(const char *times, struct fingerprint *fingerprint)
{
    struct timestamp *to[] = {&fingerprint->queued_at, &fingerprint->started_at,
                              &fingerprint->last_updated_at};
    for (int i = 0; i < 3; i++) {
        timestamp_parse(times, to[i]); /* "" gives an absent one again */
        times += strlen(times) + 1;
    }
}

static struct row pack_row(struct names *names, const struct plan_row *from)
{
    const struct fingerprint *fingerprint = &from->execution.fingerprint;
    return (struct row){
        .number = from->execution.number,
        .version_number = fingerprint->version_number,
        .times = pack_times(fingerprint),
        .job_id = names_intern(names, from->execution.job_id),
        .thing_name = names_intern(names, from->execution.thing_name),
        .reason = names_intern(names, from->reason),
        .status = (uint8_t)fingerprint->status,
        .force = from->force,
    };
}

static void unpack_row(const struct names *names, const struct row *row, struct plan_row *to)
{
    *to = (struct plan_row){0};
    strcpy(to->execution.job_id, names_text(names, row->job_id));
    strcpy(to->execution.thing_name, names_text(names, row->thing_name));
    strcpy(to->reason, names_text(names, row->reason));
    to->execution.number = row->number;
    to->execution.fingerprint.status = (enum execution_status)row->status;
    to->execution.fingerprint.version_number = row->version_number;
    unpack_times(row->times, &to->execution.fingerprint);
    to->force = row->force;
    to->outcome = (enum outcome)row->outcome;
    to->attempts = row->intents;
    to->lost = row->lost;
    to->open = row->open;
    to->unsure = row->unsure;
}

static bool same_place(const struct run_header *a, const struct run_header *b)
{
    return strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0;
}

static void start_run(struct ledger_memory *memory, struct ledger_request *request)
{
    request->lost_signed_ms = 0;
    for (size_t i = 0; i < memory->run_count; i++) {
        const struct run *run = &memory->runs[i];
        if (same_place(&run->header, request->header) && run->lost_signed_ms > request->lost_signed_ms) {
            request->lost_signed_ms = run->lost_signed_ms;
        }
    }
    if (request->header->origin[0] == '\0' && !request->header->graced) {
        memory_graces_forget(&memory->graces, request->header);
    }
    memory->runs = mem_realloc(memory->runs, memory->run_count + 1, sizeof *memory->runs);
    memory->runs[memory->run_count++] = (struct run){.header = *request->header};
    request->run = (int64_t)memory->run_count;
}

static void add_rows(struct ledger_memory *memory, struct run *run, const struct ledger_request *request)
{
    if (memory->forgets_rows) {
        return;
    }
    if (run->count + request->count > run->room) {
        run->room = (run->count + request->count) * 2;
        run->rows = mem_realloc(run->rows, run->room, sizeof *run->rows);
    }
    for (size_t i = 0; i < request->count; i++) {
        run->rows[run->count++] = pack_row(memory->names, &request->rows[i]);
    }
}

static void read_rows(const struct ledger_memory *memory, struct run *run, struct ledger_request *request)
{
    size_t wanted = request->count;
    request->count = 0;
    while (request->count < wanted) {
        const struct row *row = find_row(run, request->from + (int64_t)request->count);
        if (row == NULL) {
            return;
        }
        unpack_row(memory->names, row, &request->rows[request->count++]);
    }
}

static void find_open_run(const struct ledger_memory *memory, struct ledger_request *request)
{
    request->run = 0;
    for (int64_t number = request->from + 1; number <= (int64_t)memory->run_count; number++) {
        const struct run *run = &memory->runs[number - 1];
        if (!run->ended) {
            request->run = number;
            request->found = run->header;
            request->count = run->count;
            request->sealed = run->sealed;
            request->begun = run->begun;
            return;
        }
    }
}

static void find_last_run(const struct ledger_memory *memory, struct ledger_request *request)
{
    request->run = 0;
    for (size_t i = memory->run_count; i > 0 && request->run == 0; i--) {
        const struct run_header *header = &memory->runs[i - 1].header;
        if (strcmp(header->policy, request->header->policy) == 0 &&
            strcmp(header->target, request->header->target) == 0 &&
            strncmp(memory->runs[i - 1].note, LEDGER_NOTE_SHOWN, strlen(LEDGER_NOTE_SHOWN)) != 0) {
            request->run = (int64_t)i;
            request->found.started_ms = header->started_ms;
            request->count = memory->runs[i - 1].count;
            request->ended_ms = memory->runs[i - 1].ended_ms;
            text_copy(request->note, sizeof request->note, memory->runs[i - 1].note);
        }
    }
}

static void count_up(uint8_t *count)
{
    *count = (uint8_t)(*count + (*count < UINT8_MAX));
}

static void take_intent(struct run *run, struct row *row)
{
    run->begun = true;
    run->open += !row->open;
    count_up(&row->intents);
    row->open = true;
    row->unsure = false;
}

static void take_result(struct run *run, struct row *row, const struct ledger_request *request)
{
    bool lost = row->open && request->answer.class == ANSWER_AMBIGUOUS;
    if (lost && request->signed_at_ms > row->lost_signed_ms) {
        row->lost_signed_ms = request->signed_at_ms;
    }
    if (request->outcome == OUTCOME_UNKNOWN && row->lost_signed_ms > run->lost_signed_ms) {
        run->lost_signed_ms = row->lost_signed_ms;
    }
    run->open -= row->open;
    count_up(&row->results);
    row->lost = (uint8_t)(row->lost + lost);
    row->open = false;
    row->unsure = lost && request->outcome == OUTCOME_PENDING;
    row->outcome = (uint8_t)request->outcome;
}

static struct rates *find_rates(struct ledger_memory *memory, const struct run_header *header)
{
    struct rates *rates;
    LL_FOREACH (memory->rates, rates) {
        if (same_place(&rates->header, header)) {
            return rates;
        }
    }
    rates = mem_zalloc(sizeof *rates);
    rates->header = *header;
    LL_PREPEND(memory->rates, rates);
    return rates;
}

static bool walk_graces(struct ledger_memory *memory, struct ledger_request *request)
{
    if (memory->look == NULL) {
        return memory_graces_walk(&memory->graces, request);
    }
    memory->look(memory->look_ctx, request);
    return true;
}

/* The caller must keep the order of a run: rows, seal, then intents and results. false: it does not. */
static bool carry_out_of_run(struct ledger_memory *memory, struct run *run, struct ledger_request *request)
{
    struct row *row = find_row(run, request->row);
    bool open = run != NULL && !run->sealed;
    bool sendable = row != NULL && run->sealed && !run->ended && row->outcome == OUTCOME_PENDING;
    switch (request->operation) {
    case LEDGER_ADD_ROWS:
        if (open) {
            add_rows(memory, run, request);
        }
        return open;
    case LEDGER_SEAL_PLAN:
        if (open) {
            run->sealed = true;
        }
        return open;
    case LEDGER_READ_ROWS:
        if (run != NULL) {
            read_rows(memory, run, request);
        }
        return run != NULL;
    case LEDGER_INTENT:
        if (sendable) {
            take_intent(run, row);
        }
        return sendable;
    case LEDGER_RESULT:
        if (sendable) {
            take_result(run, row, request);
        }
        return sendable;
    case LEDGER_END_RUN:
        if (run == NULL || run->ended || run->open > 0) {
            return false;
        }
        run->ended = true;
        run->ended_ms = request->ended_ms;
        text_copy(run->note, sizeof run->note, request->note);
        return true;
    default:
        return false;
    }
}

static bool carry_out(struct ledger_memory *memory, struct ledger_request *request)
{
    switch (request->operation) {
    case LEDGER_START_RUN:
        start_run(memory, request);
        return true;
    case LEDGER_OPEN_RUN:
        find_open_run(memory, request);
        return true;
    case LEDGER_LAST_RUN:
        find_last_run(memory, request);
        return true;
    case LEDGER_SET_RATES:
        memcpy(find_rates(memory, request->header)->rates, request->rates, sizeof request->rates);
        return true;
    case LEDGER_GET_RATES:
        memcpy(request->rates, find_rates(memory, request->header)->rates, sizeof request->rates);
        return true;
    case LEDGER_GRACES:
        return walk_graces(memory, request);
    case LEDGER_COUNT_GRACES:
        return memory->look != NULL || memory_graces_count(&memory->graces, request);
    default:
        return carry_out_of_run(memory, find_run(memory, request->run), request);
    }
}

void ledger_memory_drain(struct ledger_memory *memory)
{
    struct ledger_request *batch = memory->waiting;
    memory->waiting = NULL;
    memory->woken = false;
    while (batch != NULL) {
        struct ledger_request *request = batch;
        DL_DELETE(batch, request);
        if (!carry_out(memory, request)) {
            err_set(&request->err, ERR_INTERNAL, "ledger: operation %d on run %lld, row %lld is out of order",
                    (int)request->operation, (long long)request->run, (long long)request->row);
        }
        request->done(request);
    }
}

bool ledger_memory_row(const struct ledger_memory *memory, int64_t run, int64_t row,
                       struct plan_row *plan_row, struct ledger_row_state *state)
{
    const struct row *found = find_row(find_run(memory, run), row);
    if (found == NULL) {
        return false;
    }
    unpack_row(memory->names, found, plan_row);
    *state = (struct ledger_row_state){
        .intents = found->intents, .results = found->results, .outcome = (enum outcome)found->outcome};
    return true;
}
