/* See app/probe.h. */
#include "app/probe.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY "thingName:jobsweep-check" /* of the index; what it finds does not matter */

/* --- names --- */

static size_t fixed_length(const char *pattern)
{
    size_t length = 0;
    for (; *pattern != '\0'; pattern++) {
        length += *pattern != '*';
    }
    return length;
}

bool probe_name(const char *pattern, size_t max, uint64_t random, char *out)
{
    char digits[17], filler[33];
    size_t used = 0, fixed = fixed_length(pattern), room = fixed < max ? max - fixed : 0;
    bool made_up = false;
    snprintf(digits, sizeof digits, "%016" PRIx64, random);
    snprintf(filler, sizeof filler, "%s%s", room >= strlen("jobsweep-check-") + 16 ? "jobsweep-check-" : "",
             digits);
    for (; *pattern != '\0' && used < max; pattern++) {
        if (*pattern == '*') { /* the first stands for something, the others for nothing */
            size_t length = room < strlen(filler) ? room : strlen(filler);
            memcpy(out + used, filler, length);
            used += length;
            room = 0;
            made_up = true;
        } else {
            out[used] = *pattern == '?' ? digits[used % 16] : *pattern;
            made_up = made_up || *pattern == '?';
            used++;
        }
    }
    out[used] = '\0';
    return made_up;
}

/* --- which calls --- */

struct needs {
    struct probe_list *list;
    struct names *resources[OPERATION_COUNT]; /* "job/PATTERN", "*" */
};

/* arn:PARTITION:iot:REGION:ACCOUNT:KIND/PATTERN */
static const char *resource_of(const char *arn)
{
    for (int colons = 0; colons < 5; colons++) {
        const char *colon = strchr(arn, ':');
        arn = colon != NULL ? colon + 1 : arn;
    }
    return arn;
}

static void on_need(void *ctx, enum operation operation, const char *resource)
{
    struct needs *needs = ctx;
    needs->list->needed[operation] = true;
    names_intern(needs->resources[operation], resource_of(resource));
}

static const char *pattern_of(const char *resource, const char *kind)
{
    size_t length = strlen(kind);
    return strncmp(resource, kind, length) == 0 ? resource + length : NULL;
}

/* The number-th resource of a kind; NULL: there are not so many. */
static const char *nth(const struct names *resources, const char *kind, size_t number)
{
    for (uint32_t i = 0; i < names_count(resources); i++) {
        if (pattern_of(names_text(resources, i), kind) != NULL && number-- == 0) {
            return names_text(resources, i);
        }
    }
    return NULL;
}

static size_t count_kind(const struct names *resources, const char *kind)
{
    size_t count = 0;
    while (nth(resources, kind, count) != NULL) {
        count++;
    }
    return count;
}

struct making {
    struct probe_list *list;
    uint64_t (*random)(void *ctx);
    void *ctx;
};

static void name_probe(const struct making *making, struct probe *probe, const char *resource)
{
    const struct {
        const char *kind;
        char *name;
        size_t max;
    } kinds[] = {{"job/", probe->job_id, JOB_ID_MAX},
                 {"thing/", probe->thing_name, THING_NAME_MAX},
                 {"thinggroup/", probe->group_name, THING_NAME_MAX}};
    size_t length = strlen(probe->resource);
    snprintf(probe->resource + length, sizeof probe->resource - length, "%s%s", length > 0 ? " and " : "",
             resource);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *pattern = pattern_of(resource, kinds[i].kind);
        if (pattern != NULL) {
            uint64_t random = making->random(making->ctx);
            probe->made_up = probe_name(pattern, kinds[i].max, random, kinds[i].name) || probe->made_up;
        }
    }
}

static struct probe *add(struct probe_list *list, enum operation operation)
{
    list->probes = mem_realloc(list->probes, list->count + 1, sizeof list->probes[0]);
    struct probe *probe = &list->probes[list->count++];
    *probe = (struct probe){.operation = operation};
    return probe;
}

/* Each job with a thing and each thing with a job, so that each permission is asked for once. */
static void add_pairs(const struct making *making, enum operation operation, const struct names *resources)
{
    size_t jobs = count_kind(resources, "job/"), things = count_kind(resources, "thing/");
    size_t count = jobs > things ? jobs : things;
    for (size_t i = 0; i < count && i < PROBES_PER_OPERATION && jobs > 0 && things > 0; i++) {
        struct probe *probe = add(making->list, operation);
        name_probe(making, probe, nth(resources, "job/", i % jobs));
        name_probe(making, probe, nth(resources, "thing/", i % things));
    }
    making->list->left_out += count > PROBES_PER_OPERATION ? count - PROBES_PER_OPERATION : 0;
}

static void add_each(const struct making *making, enum operation operation, const struct names *resources)
{
    uint32_t count = names_count(resources);
    for (uint32_t i = 0; i < count && i < PROBES_PER_OPERATION; i++) {
        name_probe(making, add(making->list, operation), names_text(resources, i));
    }
    making->list->left_out += count > PROBES_PER_OPERATION ? count - PROBES_PER_OPERATION : 0;
}

void probe_list_init(struct probe_list *list, const struct iam_scope *scopes, size_t count,
                     uint64_t (*random)(void *ctx), void *ctx)
{
    struct needs needs = {.list = list};
    const struct making making = {.list = list, .random = random, .ctx = ctx};
    *list = (struct probe_list){0};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        needs.resources[i] = names_create();
    }
    iam_needs(scopes, count, on_need, &needs);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        enum operation operation = (enum operation)i;
        if (operation == OPERATION_DESCRIBE_EXECUTION) {
            add_pairs(&making, operation, needs.resources[i]);
        } else if (operation_is_read(operation)) {
            add_each(&making, operation, needs.resources[i]);
        }
        names_destroy(needs.resources[i]);
    }
}

void probe_list_finish(struct probe_list *list)
{
    free(list->probes);
    *list = (struct probe_list){0};
}

/* --- asking --- */

void probe_ask(const struct probe *probe, struct call *call)
{
    call_init(call, probe->operation);
    text_copy(call->job_id, sizeof call->job_id, probe->job_id);
    text_copy(call->thing_name, sizeof call->thing_name, probe->thing_name);
    text_copy(call->group_name, sizeof call->group_name, probe->group_name);
    call->query = QUERY;
    call->max_results = 1;
}

/* The pattern, not the name that was made up for it. */
static void explain(struct probe *probe, const struct call *call)
{
    const struct answer *answer = &call->answer;
    call_error(call, &probe->err);
    err_set(&probe->err, probe->err.code, "iot:%s on %s: %s%s%s", operation_name(probe->operation),
            probe->resource, answer->code[0] != '\0' ? answer->code : answer_class_name(answer->class),
            answer->message[0] != '\0' ? ": " : "", answer->message);
}

void probe_take(struct probe *probe, const struct call *call)
{
    static const struct {
        enum probe_result result;
        enum exit_status status;
    } meanings[ANSWER_CLASS_COUNT] = {
        [ANSWER_DONE] = {PROBE_ALLOWED, EXIT_FINE},      [ANSWER_GONE] = {PROBE_ALLOWED, EXIT_FINE},
        [ANSWER_DENIED] = {PROBE_DENIED, EXIT_DENIED},   [ANSWER_EXPIRED] = {PROBE_DENIED, EXIT_DENIED},
        [ANSWER_INVALID] = {PROBE_MISSING, EXIT_FAILED}, [ANSWER_STATE] = {PROBE_MISSING, EXIT_FAILED},
        [ANSWER_NOT_SENT] = {PROBE_OPEN, EXIT_FAILED},   [ANSWER_THROTTLED] = {PROBE_OPEN, EXIT_FAILED},
        [ANSWER_AMBIGUOUS] = {PROBE_OPEN, EXIT_FAILED},  [ANSWER_SKEWED] = {PROBE_OPEN, EXIT_FAILED},
    };
    enum answer_class class = call->answer.class;
    /* A group is asked for by its own name, and a sweep cannot do without it. */
    bool missing = class == ANSWER_GONE && probe->operation == OPERATION_LIST_THINGS_IN_GROUP;
    probe->result = missing ? PROBE_MISSING : meanings[class].result;
    probe->status = missing ? EXIT_FAILED : meanings[class].status;
    if (probe->result != PROBE_ALLOWED) {
        explain(probe, call);
    }
}

const char *probe_result_name(enum probe_result result)
{
    static const char *const names[] = {[PROBE_OPEN] = "unknown",
                                        [PROBE_ALLOWED] = "allowed",
                                        [PROBE_DENIED] = "denied",
                                        [PROBE_MISSING] = "missing"};
    return names[result];
}
