/* From a request to its answer: signature, route, model, body. See iotsim.h. */
#include "sim/iotsim.h"

#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/iotsim_route.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *iotsim_header(const struct iotsim_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

void iotsim_refuse(struct iotsim_reply *reply, int status, const char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->message, sizeof reply->message, format, arguments);
    va_end(arguments);
    text_copy(reply->error, sizeof reply->error, error);
    reply->status = status;
}

const char *iotsim_received(struct iotsim *sim, const struct iotsim_request *request)
{
    const struct iotsim_route *route = iotsim_route_find(request);
    if (route) {
        sim->received[route - iotsim_routes]++;
    }
    return route ? route->name : NULL;
}

int iotsim_quota_set(struct iotsim *sim, const char *operation, int rate)
{
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        const struct iotsim_route *route = &iotsim_routes[i];
        if (strcmp(route->name, operation) != 0 || route->operation != OPERATION_COUNT) {
            continue;
        }
        sim->world.quotas[i] = rate;
        for (struct iotsim_place *place = sim->world.places; place; place = place->hh.next) {
            quota_close(&place->quotas[i]);
            quota_open(&place->quotas[i], sim->options->fleet.quota_kind, rate ? rate : route->quota, 0);
        }
        return 0;
    }
    return -1;
}

/* --- faults that are answers --- */

static const struct {
    enum fault fault;
    int status;
    const char *error, *of_sts, *message;
} refusals[] = {
    {FAULT_THROTTLE, 400, "ThrottlingException", "Throttling", "Rate exceeded"},
    {FAULT_500, 500, "InternalFailureException", "InternalFailure", "An unexpected error has occurred."},
    {FAULT_503, 503, "ServiceUnavailableException", "ServiceUnavailable",
     "The service is temporarily unavailable."},
    {FAULT_EXPIRED, 403, "ExpiredTokenException", "ExpiredToken",
     "The security token included in the request is expired"},
    {FAULT_DENIED, 403, "AccessDeniedException", "AccessDenied",
     "User is not authorized to perform this action"},
};

static bool refused_by(enum fault fault, bool sts, struct iotsim_reply *reply)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].fault == fault) {
            iotsim_refuse(reply, refusals[i].status, sts ? refusals[i].of_sts : refusals[i].error, "%s",
                          refusals[i].message);
            return true;
        }
    }
    return false;
}

/* --- carried out --- */

static bool in_namespace(const struct iotsim_asked *asked)
{
    struct fleet_job_about about;
    const char *namespace_id = iotsim_asked_param(asked, "namespaceId");
    return !namespace_id || !*asked->call.job_id ||
           (fleet_job_about(asked->place->fleet, asked->call.job_id, &about) &&
            strcmp(about.namespace_id, namespace_id) == 0);
}

static void tally(struct iotsim *sim, const struct iotsim_asked *asked)
{
    struct iotsim_tally *entry = &asked->place->tallies[asked->route - iotsim_routes];
    const struct call *call = &asked->call;
    if (call->answer.class == ANSWER_THROTTLED) {
        entry->throttled++;
    } else {
        entry->executed++;
    }
    if (call->operation == OPERATION_DELETE_EXECUTION && call->answer.class == ANSWER_GONE) {
        sim->double_deletes +=
            fleet_was_deleted(asked->place->fleet, call->job_id, call->thing_name, call->number);
    }
}

/* Somebody else makes what was just deleted anew: with --reuse-numbers under the same number. */
static void maybe_reborn(struct iotsim *sim, const struct iotsim_asked *asked, int64_t now_ms)
{
    const struct call *call = &asked->call;
    struct fleet_execution reborn;
    if ((int)random_below(&sim->rebirths, FAULT_WHOLE) >= sim->options->rebirth) {
        return;
    }
    uint64_t identity = fleet_add_execution(asked->place->fleet, call->job_id, call->thing_name,
                                            EXECUTION_SUCCEEDED, now_ms, now_ms);
    if (fleet_identity(asked->place->fleet, identity, &reborn)) {
        iotsim_journal_reborn(sim, asked->request, &reborn, now_ms);
    }
}

static void delete_execution(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct call *call = &asked->call;
    struct fleet_execution before = {0};
    fleet_find(asked->place->fleet, call->job_id, call->thing_name, call->number, &before);
    fleet_execute(asked->place->fleet, call, now_ms);
    iotsim_journal_executed(sim, asked->request, call, &before, now_ms);
    if (call->answer.class == ANSWER_DONE) {
        maybe_reborn(sim, asked, now_ms);
    }
}

/* What the fleet does not count has its quota here. */
static void carry_out_own(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct quota *quota = &asked->place->quotas[asked->route - iotsim_routes];
    struct answer *answer = &asked->call.answer;
    fleet_answer(asked->place->fleet, &asked->call, now_ms);
    if (quota_take(quota, now_ms)) {
        asked->route->carry_out(sim, asked, now_ms);
        return;
    }
    answer->class = ANSWER_THROTTLED;
    answer->http_status = 400;
    text_copy(answer->code, sizeof answer->code,
              iotsim_route_sts(asked->request) ? "Throttling" : "ThrottlingException");
    text_copy(answer->message, sizeof answer->message, "Rate exceeded");
}

static void carry_out(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms,
                      struct iotsim_reply *reply)
{
    struct call *call = &asked->call;
    if (!in_namespace(asked)) {
        iotsim_refuse(reply, 404, "ResourceNotFoundException", "There is no job %s in this namespace.",
                      call->job_id);
        return;
    }
    if (asked->route->carry_out) {
        carry_out_own(sim, asked, now_ms);
    } else if (call->operation == OPERATION_DELETE_EXECUTION) {
        delete_execution(sim, asked, now_ms);
    } else if (call->operation == OPERATION_LIST_THINGS) {
        iotsim_list_things(asked, now_ms);
    } else {
        fleet_execute(asked->place->fleet, call, now_ms);
    }
    tally(sim, asked);
    text_copy(reply->request_id, sizeof reply->request_id, call->answer.request_id);
    if (call->answer.class != ANSWER_DONE) {
        iotsim_refuse(reply, call->answer.http_status, call->answer.code, "%s", call->answer.message);
    } else if (asked->route->show && reply->status < 300) {
        asked->route->show(asked, &reply->body);
    }
}

/* Whose request it is, whether it may be, and what comes of it. */
static void take(struct iotsim *sim, const struct iotsim_route *route, const struct iotsim_request *request,
                 int64_t now_ms, struct iotsim_reply *reply)
{
    struct iotsim_asked asked;
    struct iotsim_key *caller = NULL;
    struct iotsim_place *place = NULL;
    if (!iotsim_route_unsigned(route) &&
        !iotsim_authentic(sim, request, iotsim_route_sts(request), now_ms, &caller, &place, reply)) {
        return;
    }
    bool understood = iotsim_asked_init(&asked, route, request, reply);
    asked.caller = caller;
    asked.place = caller ? place : iotsim_unsigned_place(sim, &asked, now_ms);
    if (understood && iotsim_permitted(&asked)) {
        carry_out(sim, &asked, now_ms, reply);
    }
    iotsim_asked_finish(&asked);
}

/* --- the answer --- */

/* rest-json tells the code in x-amzn-ErrorType, json 1.1 in the body. */
static void write_json_refusal(struct iotsim_reply *reply, bool quotas)
{
    struct buf *out = &reply->body;
    buf_char(out, '{');
    if (quotas) {
        buf_printf(out, "\"__type\":\"%s\",", reply->error);
        reply->error[0] = '\0';
    }
    buf_text(out, "\"message\":");
    text_json(out, reply->message);
    buf_text(out, "}");
}

static void write_refusal(struct iotsim_reply *reply, const struct iotsim_request *request)
{
    struct buf *out = &reply->body;
    buf_reset(out);
    if (!iotsim_route_sts(request)) {
        write_json_refusal(reply, iotsim_route_quotas(request));
        return;
    }
    buf_printf(out,
               "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n"
               "    <Type>Sender</Type>\n    <Code>%s</Code>\n    <Message>",
               reply->error);
    iotsim_xml(out, reply->message);
    buf_printf(out, "</Message>\n  </Error>\n  <RequestId>%s</RequestId>\n</ErrorResponse>\n",
               reply->request_id);
    reply->error[0] = '\0'; /* the query protocol has no x-amzn-ErrorType */
}

void iotsim_answer(struct iotsim *sim, const struct iotsim_request *request, enum fault fault, int64_t now_ms,
                   struct iotsim_reply *reply)
{
    const struct iotsim_route *route = iotsim_route_find(request);
    bool sts = iotsim_route_sts(request);
    struct call fresh; /* for its request id, should the request not get as far as the model */
    call_init(&fresh, OPERATION_COUNT);
    fleet_answer(sim->world.home->fleet, &fresh, now_ms);
    text_copy(reply->request_id, sizeof reply->request_id, fresh.answer.request_id);
    reply->status = 200;
    reply->error[0] = '\0';
    reply->content_type = sts                            ? "text/xml"
                          : iotsim_route_quotas(request) ? "application/x-amz-json-1.1"
                                                         : "application/json";
    if (fault == FAULT_GARBAGE) {
        reply->content_type = "text/html";
        buf_text(&reply->body,
                 "<!DOCTYPE html>\n<html><body>Please sign in to use this network.</body></html>\n");
        return;
    }
    if (!route && sts) {
        iotsim_refuse(reply, 400, "InvalidAction", "Could not find operation for this request");
    } else if (!route) {
        iotsim_refuse(reply, 404, "UnknownOperationException", "There is no such operation.");
    } else if (!refused_by(fault, sts, reply)) {
        take(sim, route, request, now_ms, reply);
    }
    if (fault == FAULT_500_EXECUTED && reply->status < 300) {
        iotsim_refuse(reply, 500, "InternalFailureException", "An unexpected error has occurred.");
    }
    if (reply->status >= 300) {
        write_refusal(reply, request);
    }
}
