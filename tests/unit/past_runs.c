/* See past_runs.h. */
#include "past_runs.h"

#include "config_text.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define QUESTIONS_MAX 20

static void no_wake(void *ctx)
{
    (void)ctx; /* it is drained by hand */
}

void past_runs_begin(struct past_runs *past, const char *policies)
{
    char text[1024];
    snprintf(text, sizeof text,
             "version: 1\ntargets: {eu: {region: eu-west-1}, us: {region: us-east-1}}\npolicies: %s\n",
             policies);
    past->config = config_from_text(text);
    past->memory = ledger_memory_create(no_wake, NULL);
    past->ledger = ledger_memory_face(past->memory);
}

void past_runs_end(struct past_runs *past)
{
    ledger_memory_destroy(past->memory);
    config_unref(past->config);
}

static void on_done(struct ledger_request *request)
{
    assert_int_equal(request->err.code, ERR_NONE);
}

static void ask(struct past_runs *past, struct ledger_request *request)
{
    request->done = on_done;
    past->ledger->submit(past->ledger->ctx, request);
    ledger_memory_drain(past->memory);
}

static void add(struct past_runs *past, const char *policy, const char *target, int64_t started_ms,
                int64_t ended_ms, const char *note)
{
    struct run_header header = {.started_ms = started_ms};
    struct ledger_request start = {.operation = LEDGER_START_RUN, .header = &header};
    strcpy(header.policy, policy);
    strcpy(header.target, target);
    ask(past, &start);
    if (ended_ms != 0) {
        struct ledger_request over = {.operation = LEDGER_END_RUN, .run = start.run, .ended_ms = ended_ms};
        strcpy(over.note, note);
        ask(past, &over);
    }
}

void past_runs_add(struct past_runs *past, const char *policy, const char *target, int64_t started_ms,
                   int64_t ended_ms)
{
    add(past, policy, target, started_ms, ended_ms, "finished");
}

void past_runs_show(struct past_runs *past, const char *policy, const char *target, int64_t started_ms)
{
    add(past, policy, target, started_ms, started_ms + 1, LEDGER_NOTE_SHOWN);
}

void past_runs_answer(struct past_runs *past)
{
    for (int i = 0; i < QUESTIONS_MAX; i++) {
        ledger_memory_drain(past->memory);
    }
}
