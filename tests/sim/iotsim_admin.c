/* The operations on jobs besides the core's: from what was asked to fleet_admin.h. */
#include "aws/json.h"
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/iotsim_route.h"

#include <string.h>

void iotsim_refuse_call(struct call *call, int status, const char *code, const char *message)
{
    call->answer.class = ANSWER_INVALID;
    call->answer.http_status = status;
    text_copy(call->answer.code, sizeof call->answer.code, code);
    text_copy(call->answer.message, sizeof call->answer.message, message);
}

static void refuse(struct call *call, const char *message)
{
    iotsim_refuse_call(call, 400, "InvalidRequestException", message);
}

struct json_doc *iotsim_body(struct iotsim_asked *asked)
{
    struct err err;
    const struct buf *body = &asked->request->body;
    if (!body->length) {
        return NULL;
    }
    struct json_doc *doc = json_parse(body->data, body->length, &err);
    if (!doc) {
        refuse(&asked->call, err.msg);
    }
    return doc;
}

void iotsim_cancel_execution(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    struct json_doc *body = iotsim_body(asked);
    if (json_get(json_root(body), "expectedVersion")) {
        refuse(&asked->call, "expectedVersion is not known here.");
    } else if (asked->call.answer.class == ANSWER_DONE) {
        fleet_cancel_execution(asked->place->fleet, &asked->call, now_ms);
    }
    json_free(body);
}

/* --- jobs --- */

/* The name behind ":thing/" of an ARN; names may hold ':' but no '/'. */
static const char *thing_of(const char *arn)
{
    const char *found = arn ? strstr(arn, ":thing/") : NULL;
    return found ? found + strlen(":thing/") : NULL;
}

static bool targets_exist(struct fleet *fleet, const struct json_value *targets)
{
    bool all = json_count(targets) > 0;
    for (size_t i = 0; i < json_count(targets) && all; i++) {
        struct call probe;
        const char *name = thing_of(json_string(json_at(targets, i)));
        call_init(&probe, OPERATION_COUNT);
        probe.answer.class = ANSWER_DONE;
        all = name && text_copy(probe.thing_name, sizeof probe.thing_name, name);
        if (all) {
            fleet_describe_thing(fleet, &probe);
        }
        all = all && probe.answer.class == ANSWER_DONE;
        call_finish(&probe);
    }
    return all;
}

static void create_for(struct fleet *fleet, struct call *call, const struct json_value *root, int64_t now_ms)
{
    const struct json_value *targets = json_get(root, "targets");
    const char *selection = json_string(json_get(root, "targetSelection"));
    if (!targets_exist(fleet, targets)) {
        refuse(call, "Every target must be the ARN of a thing that exists.");
        return;
    }
    fleet_create_job(fleet, call, selection && strcmp(selection, "CONTINUOUS") == 0,
                     json_string(json_get(root, "document")), now_ms);
    for (size_t i = 0; i < json_count(targets) && call->answer.class == ANSWER_DONE; i++) {
        fleet_add_execution(fleet, call->job_id, thing_of(json_string(json_at(targets, i))), EXECUTION_QUEUED,
                            now_ms, now_ms);
    }
}

void iotsim_create_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    struct json_doc *body = iotsim_body(asked);
    if (asked->call.answer.class == ANSWER_DONE) {
        create_for(asked->place->fleet, &asked->call, json_root(body), now_ms);
    }
    json_free(body);
}

void iotsim_cancel_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    struct json_doc *body = iotsim_body(asked);
    const struct json_value *root = json_root(body);
    if (asked->call.answer.class == ANSWER_DONE) {
        fleet_cancel_job(asked->place->fleet, &asked->call, json_string(json_get(root, "reasonCode")),
                         json_string(json_get(root, "comment")), now_ms);
    }
    json_free(body);
}

void iotsim_delete_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    fleet_delete_job(asked->place->fleet, &asked->call, now_ms);
}

void iotsim_job_document(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct fleet_job_about about;
    (void)sim;
    (void)now_ms;
    if (!fleet_job_about(asked->place->fleet, asked->call.job_id, &about)) {
        iotsim_refuse_call(&asked->call, 404, "ResourceNotFoundException", "The job cannot be found.");
    }
}
