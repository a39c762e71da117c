/* See sim/deletion.h. */
#include "sim/deletion.h"

#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "# broken rule: %s\n", what);
        abort();
    }
}

int deletion_row(const struct deletion *test, const struct call *call)
{
    for (int i = 0; i < test->count; i++) {
        const struct job_execution *stored = &test->stored[i];
        if (stored->number == call->number && strcmp(stored->job_id, call->job_id) == 0 &&
            strcmp(stored->thing_name, call->thing_name) == 0) {
            return i;
        }
    }
    must(false, "a call about something that is not in the plan");
    return -1;
}

void deletion_ledger(const struct deletion *test, int row, struct ledger_row_state *state)
{
    struct plan_row ignored;
    must(ledger_memory_row(test->rig.memory, test->run, row, &ignored, state), "the plan's row is on record");
}

void deletion_replace(struct deletion *test, int row)
{
    test->exists[row] = true;
    timestamp_parse("1767225700.25", &test->stored[row].fingerprint.queued_at);
    timestamp_parse("1767225701.25", &test->stored[row].fingerprint.last_updated_at);
}

/* --- the service --- */

static char next_letter(const char **letters)
{
    char letter = **letters;
    *letters += (*letters)[1] != '\0';
    return letter;
}

static void document(struct call *call, bool too_big)
{
    if (call->wants_document && call->answer.class == ANSWER_DONE && !too_big) {
        fleet_document(call);
    }
}

static void refuse(struct call *call, enum answer_class class, int status, const char *code)
{
    call->answer.class = class;
    call->answer.http_status = status;
    snprintf(call->answer.code, sizeof call->answer.code, "%s", code);
    if (status == 0) {
        call->answer.server_date_ms = 0;
    }
}

static void execute(struct deletion *test, struct call *call, int row)
{
    if (!test->exists[row]) {
        refuse(call, ANSWER_GONE, 404, "ResourceNotFoundException");
    }
    test->exists[row] = false;
}

static bool may_go(const struct job_execution *execution, bool force)
{
    enum execution_status status = execution->fingerprint.status;
    return execution_status_terminal(status) || (force && status == EXECUTION_IN_PROGRESS);
}

static void execute_late(void *ctx)
{
    bool *exists = ctx;
    *exists = false;
}

static void answer_deletion(struct deletion *test, struct call *call, int row)
{
    switch (next_letter(&test->deletes)) {
    case 'D':
        if (test->exists[row] && !may_go(&test->stored[row], call->force)) {
            refuse(call, ANSWER_STATE, 409, "InvalidStateTransitionException");
        } else {
            execute(test, call, row);
        }
        return;
    case 'L':
        execute(test, call, row);
        refuse(call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
        return;
    case 'l':
        refuse(call, ANSWER_AMBIGUOUS, 500, "InternalFailureException");
        return;
    case 'Z':
        virtual_at(test->rig.world, virtual_mono_ns(test->rig.world) + 299 * TIME_NS_PER_SECOND, execute_late,
                   &test->exists[row]);
        refuse(call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
        return;
    case 'T':
        refuse(call, ANSWER_THROTTLED, 400, "ThrottlingException");
        return;
    case 'N':
        refuse(call, ANSWER_NOT_SENT, 0, "ConnectionFailed");
        return;
    case 'E':
        refuse(call, ANSWER_EXPIRED, 403, "ExpiredTokenException");
        return;
    case 'S':
        refuse(call, ANSWER_SKEWED, 403, "InvalidSignatureException");
        return;
    case 'A':
        refuse(call, ANSWER_DENIED, 403, "AccessDeniedException");
        return;
    case 'K':
        refuse(call, ANSWER_DENIED, 0, "NoCredentials");
        return;
    case 'I':
        refuse(call, ANSWER_INVALID, 400, "InvalidRequestException");
        return;
    case 'X':
        refuse(call, ANSWER_STATE, 409, "InvalidStateTransitionException");
        return;
    default:
        must(false, "a letter of the script is known");
    }
}

/* What either look can meet. */
static bool fails(struct call *call, char letter)
{
    if (letter == 'L') {
        refuse(call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
    } else if (letter == 'T') {
        refuse(call, ANSWER_THROTTLED, 400, "ThrottlingException");
    } else if (letter == 'A') {
        refuse(call, ANSWER_DENIED, 403, "AccessDeniedException");
    } else if (letter == 'K') {
        refuse(call, ANSWER_DENIED, 0, "NoCredentials");
    } else if (letter == 'E') {
        refuse(call, ANSWER_EXPIRED, 403, "ExpiredTokenException");
    } else {
        return false;
    }
    return true;
}

static void describe(struct deletion *test, struct call *call, int row)
{
    char letter = next_letter(&test->describes);
    if (fails(call, letter)) {
        return;
    }
    if (!test->exists[row]) {
        refuse(call, ANSWER_GONE, 404, "ResourceNotFoundException");
    } else {
        call->execution = test->shown[row] = test->stored[row];
        call->execution.number += letter == 'W';
        document(call, letter == 'B');
    }
}

static void describe_job(struct deletion *test, struct call *call)
{
    char letter = next_letter(&test->jobs);
    if (fails(call, letter)) {
        return;
    }
    if (letter == 'G') {
        refuse(call, ANSWER_GONE, 404, "ResourceNotFoundException");
    } else {
        call->job = (struct job){.status = JOB_COMPLETED, .described = true};
        strcpy(call->job.job_id, call->job_id);
        document(call, letter == 'B');
    }
}

static void answer(struct rig *rig, struct call *call)
{
    struct deletion *test = rig->ctx;
    if (call->operation == OPERATION_DESCRIBE_JOB) {
        describe_job(test, call);
        return;
    }
    int row = deletion_row(test, call);
    if (test->before) {
        test->before(test, call);
    }
    if (call->operation == OPERATION_DESCRIBE_EXECUTION) {
        describe(test, call, row);
    } else {
        answer_deletion(test, call, row);
    }
}

int deletion_lines(const struct deletion *test, const char *beginning, bool synced)
{
    struct buf text;
    int count = 0;
    buf_init(&text, 1024 * 1024);
    for (size_t i = 0; i < shelf_files(test->rig.shelf); i++) {
        shelf_read(test->rig.shelf, i, synced, &text);
    }
    for (const char *line = buf_string(&text); *line != '\0'; line = strchr(line, '\n') + 1) {
        count += strncmp(line, beginning, strlen(beginning)) == 0;
    }
    buf_finish(&text);
    return count;
}

/* The document of the incarnation that stood there when it was looked at. */
static bool is_archived(const struct deletion *test, int row)
{
    struct call call = {.operation = OPERATION_DESCRIBE_EXECUTION, .execution = test->shown[row]};
    struct buf text;
    if (test->policy.archive_directory == NULL || test->policy.archive_optional) {
        return true;
    }
    buf_init(&text, 1024 * 1024);
    for (size_t i = 0; i < shelf_files(test->rig.shelf); i++) {
        shelf_read(test->rig.shelf, i, true, &text);
    }
    fleet_document(&call);
    bool found = strstr(buf_string(&text), call.document) != NULL;
    bool job = strstr(buf_string(&text), "{\"kind\":\"job\"") != NULL || *test->jobs == 'G';
    buf_finish(&text);
    free(call.document);
    return found && job;
}

/* What must hold whenever a deletion leaves. */
static void on_sent(struct rig *rig, const struct call *call)
{
    struct deletion *test = rig->ctx;
    struct ledger_row_state state;
    if (call->operation == OPERATION_DESCRIBE_JOB) {
        return;
    }
    int row = deletion_row(test, call);
    if (call->operation == OPERATION_DESCRIBE_EXECUTION) {
        test->looked_ns[row] = virtual_mono_ns(rig->world);
        return;
    }
    deletion_ledger(test, row, &state);
    bool forced = test->policy.force && test->planned[row] == EXECUTION_IN_PROGRESS;
    must(call->force == forced, "force is sent for what the policy forces, and for nothing else");
    must(state.intents == state.results + 1, "an intent is durable before the deletion leaves");
    must(test->rig.ledger_fails_at == 0 || rig->ledger_requests < rig->ledger_fails_at || !test->freeze_seen,
         "nothing leaves once the ledger has failed");
    must(is_archived(test, row), "what is deleted is in the archive, and synced");
    test->sends[row]++;
    test->sent_ns[row] = virtual_mono_ns(rig->world);
}

/* --- the test's side --- */

static void feed(struct deletion *test)
{
    while (test->added < test->count && deleter_room(test->deleter) > 0) {
        struct plan_row plan;
        struct ledger_row_state state;
        ledger_memory_row(test->rig.memory, test->run, test->added, &plan, &state);
        deleter_add(test->deleter, test->added++, &plan);
    }
    bool stopped = deleter_stopped(test->deleter, NULL)->code != ERR_NONE;
    test->freeze_seen = deleter_stopped(test->deleter, NULL)->code == ERR_IO;
    test->done = deleter_rows(test->deleter) == 0 && (stopped || test->added == test->count);
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer_of_row)
{
    struct deletion *test = owner;
    struct call call = {.number = row->execution.number};
    strcpy(call.job_id, row->execution.job_id);
    strcpy(call.thing_name, row->execution.thing_name);
    int at = deletion_row(test, &call);
    (void)answer_of_row;
    must(test->outcome[at] == OUTCOME_PENDING, "a row is settled once");
    test->outcome[at] = outcome;
    test->settled_ns[at] = virtual_mono_ns(test->rig.world);
    test->outcomes[outcome]++;
    test->settled++;
}

static void on_changed(void *owner)
{
    feed(owner);
}

static void on_written(struct ledger_request *request)
{
    must(request->err.code == ERR_NONE, "the plan can be written");
}

static void write_plan(struct deletion *test)
{
    struct run_header header = {.policy = "test"};
    struct plan_row rows[DELETION_ROWS_MAX];
    struct ledger_request start = {.operation = LEDGER_START_RUN, .header = &header, .done = on_written};
    struct ledger *ledger = ledger_memory_face(test->rig.memory);
    ledger->submit(ledger->ctx, &start);
    ledger_memory_drain(test->rig.memory);
    test->run = start.run;
    memset(rows, 0, sizeof rows);
    for (int i = 0; i < test->count; i++) {
        rows[i].execution = test->stored[i];
        rows[i].execution.fingerprint.version_number = 0; /* lists do not tell it */
        strcpy(rows[i].reason, "status SUCCEEDED");
        test->planned[i] = test->stored[i].fingerprint.status;
        rows[i].force =
            test->force_planned || (test->policy.force && test->planned[i] == EXECUTION_IN_PROGRESS);
    }
    struct ledger_request add = {.operation = LEDGER_ADD_ROWS,
                                 .run = test->run,
                                 .rows = rows,
                                 .count = (size_t)test->count,
                                 .done = on_written};
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = test->run, .done = on_written};
    ledger->submit(ledger->ctx, &add);
    ledger->submit(ledger->ctx, &seal);
    ledger_memory_drain(test->rig.memory);
}

static void store(struct deletion *test, int row)
{
    struct job_execution *stored = &test->stored[row];
    strcpy(stored->job_id, "job-1");
    snprintf(stored->thing_name, sizeof stored->thing_name, "thing-%d", row);
    stored->number = 1;
    stored->fingerprint.status = EXECUTION_SUCCEEDED;
    stored->fingerprint.version_number = 3;
    timestamp_parse("1700000000.125", &stored->fingerprint.queued_at);
    timestamp_parse("1700000001.125", &stored->fingerprint.started_at);
    timestamp_parse("1700000002.125", &stored->fingerprint.last_updated_at);
    test->exists[row] = true;
}

void deletion_begin(struct deletion *test, int rows)
{
    static const struct virtual_config world = {.seed = 1, .start_ms = RIG_START_MS};
    *test = (struct deletion){.count = rows, .deletes = "D", .describes = "=", .jobs = "="};
    test->rig.ctx = test;
    test->rig.answer = answer;
    test->rig.sent = on_sent;
    rig_init(&test->rig, &world, NULL);
    rig_policy(&test->policy);
    test->facts = facts_create(test->rig.dispatcher);
    for (int i = 0; i < rows; i++) {
        store(test, i);
    }
}

static void on_warning(void *owner, const char *text)
{
    struct deletion *test = owner;
    (void)text;
    test->warnings++;
}

static void create_archivist(struct deletion *test)
{
    static const struct run_header header = {.policy = "test"};
    test->archivist =
        archivist_create(&(struct archivist_config){.env = &test->rig.env,
                                                    .dispatcher = test->rig.dispatcher,
                                                    .archive = librarian_face(test->rig.librarian),
                                                    .directory = test->policy.archive_directory,
                                                    .header = &header,
                                                    .run = test->run,
                                                    .optional = test->policy.archive_optional,
                                                    .owner = test,
                                                    .warning = on_warning});
}

static void create_deleter(struct deletion *test)
{
    if (test->policy.archive_directory != NULL) {
        create_archivist(test);
    }
    struct deleter_config config = {.env = &test->rig.env,
                                    .dispatcher = test->rig.dispatcher,
                                    .ledger = &test->rig.ledger,
                                    .policy = &test->policy,
                                    .signature_life_ms = 300000,
                                    .facts = test->facts,
                                    .archivist = test->archivist,
                                    .owner = test,
                                    .settled = on_settled,
                                    .changed = on_changed};
    config.run = test->run;
    test->deleter = deleter_create(&config);
    feed(test);
}

void deletion_start(struct deletion *test)
{
    write_plan(test);
    create_deleter(test);
}

void deletion_restart(struct deletion *test)
{
    must(deleter_rows(test->deleter) == 0, "no row is left in the deleter");
    deleter_destroy(test->deleter);
    archivist_destroy(test->archivist);
    facts_destroy(test->facts);
    dispatcher_destroy(test->rig.dispatcher);
    rig_reopen_archive(&test->rig);
    test->rig.dispatcher =
        dispatcher_create(&test->rig.env, &test->rig.service, &(struct dispatcher_config){0});
    test->facts = facts_create(test->rig.dispatcher);
    test->rig.ledger_fails_at = 0;
    memset(test->outcomes, 0, sizeof test->outcomes);
    memset(test->outcome, 0, sizeof test->outcome);
    test->settled = test->added = 0;
    test->done = test->freeze_seen = false;
    create_deleter(test);
}

bool deletion_run(struct deletion *test, int64_t seconds)
{
    if (!test->deleter) {
        deletion_start(test);
    }
    return rig_run(&test->rig, &test->done, seconds);
}

void deletion_finish(struct deletion *test)
{
    must(deleter_rows(test->deleter) == 0, "no row is left in the deleter");
    deleter_destroy(test->deleter);
    archivist_destroy(test->archivist);
    facts_destroy(test->facts);
    rig_finish(&test->rig);
}
