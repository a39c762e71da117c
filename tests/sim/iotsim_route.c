/* See iotsim_route.h. */
#include "sim/iotsim_route.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOT_CORE  OPERATION_COUNT
#define UNLIMITED (-1)
#define STS_QUOTA                                                                                            \
    500 /* of AssumeRole, as the default is said to be; requests a second, account and region                \
         */

/* Resources: Service Authorization Reference, "Actions, resources, and condition keys for AWS IoT": those
 * that an action needs (marked with * there), and for DescribeJobExecution the job besides, which the
 * developer guide names too ("Authorizing users to use AWS IoT Jobs"). Quotas: Service Quotas, AWS IoT Core
 * and AWS IoT Device Management; what only makes or ends something is not limited here. */
const struct iotsim_route iotsim_routes[] = {
    {"DELETE", "/things/T/jobs/J/executionNumber/N", "DeleteJobExecution", OPERATION_DELETE_EXECUTION,
     "force,namespaceId", "JT", 0, NULL, NULL},
    {"GET", "/things/T/jobs/J", "DescribeJobExecution", OPERATION_DESCRIBE_EXECUTION, "executionNumber", "JT",
     0, NULL, iotsim_show_execution},
    {"GET", "/jobs/J/things", "ListJobExecutionsForJob", OPERATION_LIST_EXECUTIONS_FOR_JOB,
     "status,maxResults,nextToken", "J", 0, NULL, iotsim_show_executions},
    {"GET", "/things/T/jobs", "ListJobExecutionsForThing", OPERATION_LIST_EXECUTIONS_FOR_THING,
     "status,namespaceId,maxResults,nextToken,jobId", "T", 0, NULL, iotsim_show_executions},
    {"GET", "/jobs", "ListJobs", OPERATION_LIST_JOBS,
     "status,targetSelection,maxResults,nextToken,thingGroupName,thingGroupId,namespaceId", "*", 0, NULL,
     iotsim_show_jobs},
    {"GET", "/jobs/J", "DescribeJob", OPERATION_DESCRIBE_JOB, "", "J", 0, NULL, iotsim_show_job},
    {"GET", "/things", "ListThings", OPERATION_LIST_THINGS,
     "maxResults,nextToken,attributeName,attributeValue,thingTypeName,usePrefixAttributeValue", "*", 0, NULL,
     iotsim_show_things},
    {"GET", "/thing-groups/G/things", "ListThingsInThingGroup", OPERATION_LIST_THINGS_IN_GROUP,
     "recursive,maxResults,nextToken", "G", 0, NULL, iotsim_show_members},
    {"PUT", "/things/T/jobs/J/cancel", "CancelJobExecution", NOT_CORE, "force", "JT", UNLIMITED,
     iotsim_cancel_execution, NULL},
    {"PUT", "/jobs/J", "CreateJob", NOT_CORE, "", "J", UNLIMITED, iotsim_create_job, iotsim_show_job_made},
    {"PUT", "/jobs/J/cancel", "CancelJob", NOT_CORE, "force", "J", UNLIMITED, iotsim_cancel_job,
     iotsim_show_job_made},
    {"DELETE", "/jobs/J", "DeleteJob", NOT_CORE, "force,namespaceId", "J", UNLIMITED, iotsim_delete_job,
     NULL},
    {"GET", "/things/T", "DescribeThing", NOT_CORE, "", "T", 350, iotsim_describe_thing, iotsim_show_thing},
    {"POST", "/things/T", "CreateThing", NOT_CORE, "", "T", UNLIMITED, iotsim_create_thing,
     iotsim_show_thing},
    {"DELETE", "/things/T", "DeleteThing", NOT_CORE, "", "T", UNLIMITED, iotsim_delete_thing, NULL},
    {"PATCH", "/things/T", "UpdateThing", NOT_CORE, "", "T", UNLIMITED, iotsim_update_thing, NULL},
    {"GET", "/jobs/J/job-document", "GetJobDocument", NOT_CORE, "", "J", 10, iotsim_job_document,
     iotsim_show_document},
    {"POST", "/indices/search", "SearchIndex", NOT_CORE, "", "I", 15, iotsim_search, iotsim_show_found},
    {"GET", "/thing-groups", "ListThingGroups", NOT_CORE,
     "maxResults,nextToken,parentGroup,namePrefixFilter,recursive", "*", 10, iotsim_list_groups,
     iotsim_show_groups},
    {"PUT", "/thing-groups/addThingToThingGroup", "AddThingToThingGroup", NOT_CORE, "", "*", UNLIMITED,
     iotsim_join_group, NULL},
    {"PUT", "/thing-groups/removeThingFromThingGroup", "RemoveThingFromThingGroup", NOT_CORE, "", "*",
     UNLIMITED, iotsim_leave_group, NULL},
    {"GET", "/thing-groups/G", "DescribeThingGroup", NOT_CORE, "", "G", 100, iotsim_describe_group,
     iotsim_show_group},
    {"POST", "/thing-groups/G", "CreateThingGroup", NOT_CORE, "", "G", UNLIMITED, iotsim_create_group,
     iotsim_show_group},
    {"DELETE", "/thing-groups/G", "DeleteThingGroup", NOT_CORE, "", "G", UNLIMITED, iotsim_delete_group,
     NULL},
    /* STS: all of them POST /, told apart by Action in the body */
    {"POST", "/", "GetCallerIdentity", OPERATION_GET_CALLER_IDENTITY, "Action,Version", "", 0, NULL,
     iotsim_show_identity},
    {"POST", "/", "AssumeRole", NOT_CORE,
     "Action,Version,RoleArn,RoleSessionName,DurationSeconds,ExternalId,Policy,SerialNumber,TokenCode", "",
     STS_QUOTA, iotsim_assume_role, iotsim_show_session},
    {"POST", "/", "AssumeRoleWithWebIdentity", NOT_CORE,
     "Action,Version,RoleArn,RoleSessionName,DurationSeconds,WebIdentityToken,Policy", "", STS_QUOTA,
     iotsim_assume_role_with_token, iotsim_show_session},
    /* Service Quotas: the same with X-Amz-Target */
    {"POST", "/", "GetServiceQuota", NOT_CORE, "", "*", 10, iotsim_get_quota, iotsim_show_quota},
};

_Static_assert(sizeof iotsim_routes / sizeof *iotsim_routes <= IOTSIM_ROUTES_MAX, "too many routes");

size_t iotsim_route_count(void)
{
    return sizeof iotsim_routes / sizeof *iotsim_routes;
}

/* --- which --- */

static bool wildcard(const char *pattern, size_t length)
{
    return length == 1 && strchr("TJNG", *pattern);
}

/* Segment by segment; a wildcard takes any segment that is not empty. */
static bool matches(const char *pattern, const char *path, size_t path_length)
{
    const char *end = path + path_length;
    while (*pattern == '/' && path < end && *path == '/') {
        size_t wanted = strcspn(++pattern, "/");
        path++;
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t given = slash ? (size_t)(slash - path) : (size_t)(end - path);
        bool same = wanted == given && memcmp(pattern, path, given) == 0;
        if (!same && !(wildcard(pattern, wanted) && given > 0)) {
            return false;
        }
        pattern += wanted;
        path += given;
    }
    return *pattern == '\0' && path == end;
}

static bool is_root(const struct iotsim_request *request)
{
    return strcmp(request->method, "POST") == 0 && strcmp(request->target, "/") == 0;
}

bool iotsim_route_quotas(const struct iotsim_request *request)
{
    return is_root(request) && iotsim_header(request, "x-amz-target") != NULL;
}

bool iotsim_route_sts(const struct iotsim_request *request)
{
    return is_root(request) && !iotsim_route_quotas(request);
}

bool iotsim_route_unsigned(const struct iotsim_route *route)
{
    return route->carry_out == iotsim_assume_role_with_token;
}

/* Whether a form has this action. */
static bool has_action(const char *form, const char *action)
{
    const char *found = strstr(form, "Action=");
    while (found && found != form && found[-1] != '&') {
        found = strstr(found + 1, "Action=");
    }
    if (!found) {
        return false;
    }
    found += strlen("Action=");
    return strcspn(found, "&") == strlen(action) && strncmp(found, action, strlen(action)) == 0;
}

static bool has_target(const struct iotsim_request *request, const char *action)
{
    static const char service[] = "ServiceQuotasV20190624.";
    const char *target = iotsim_header(request, "x-amz-target");
    return target != NULL && strncmp(target, service, strlen(service)) == 0 &&
           strcmp(target + strlen(service), action) == 0;
}

const struct iotsim_route *iotsim_route_find(const struct iotsim_request *request)
{
    size_t path_length = strcspn(request->target, "?");
    bool sts = iotsim_route_sts(request);
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        const struct iotsim_route *route = &iotsim_routes[i];
        if (strcmp(route->method, request->method) == 0 &&
            matches(route->pattern, request->target, path_length) &&
            (!sts || has_action(buf_string(&request->body), route->name)) &&
            (!iotsim_route_quotas(request) || has_target(request, route->name))) {
            return route;
        }
    }
    return NULL;
}

/* --- what --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. False for a broken escape or an encoded NUL. */
static bool decode(char *text)
{
    char *to = text;
    for (; *text; text++) {
        int c = (unsigned char)*text;
        if (c == '%') {
            int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
            c = low < 0 ? 0 : high << 4 | low;
            text += low < 0 ? 0 : 2;
        }
        if (!c) {
            return false;
        }
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

static bool take(char *to, size_t size, const char *from, const char *member, struct iotsim_reply *reply)
{
    if (text_copy(to, size, from)) {
        return true;
    }
    iotsim_refuse(
        reply, 400, "InvalidRequestException",
        "1 validation error detected: Value '%.80s...' at '%s' failed to satisfy constraint: Member "
        "must have length less than or equal to %zu",
        from, member, size - 1);
    return false;
}

static bool take_number(int64_t *number, const char *from, const char *member, struct iotsim_reply *reply)
{
    bool negative = *from == '-';
    if (text_int64(from + negative, 0, INT64_MAX, number)) {
        *number = negative ? -*number : *number;
        return true;
    }
    iotsim_refuse(reply, 400, "InvalidRequestException", "Value '%.80s' at '%s' is not a number.", from,
                  member);
    return false;
}

static bool take_bool(bool *truth, const char *from, const char *member, struct iotsim_reply *reply)
{
    *truth = strcmp(from, "true") == 0;
    if (*truth || strcmp(from, "false") == 0) {
        return true;
    }
    iotsim_refuse(reply, 400, "InvalidRequestException", "Value '%.80s' at '%s' is not true or false.", from,
                  member);
    return false;
}

static bool take_status(struct call *call, const char *from, struct iotsim_reply *reply)
{
    if (call->operation == OPERATION_LIST_JOBS) {
        call->job_status = job_status_parse(from);
    } else {
        call->status = execution_status_parse(from);
    }
    if (call->job_status != JOB_UNKNOWN || call->status != EXECUTION_UNKNOWN) {
        return true;
    }
    iotsim_refuse(
        reply, 400, "InvalidRequestException",
        "1 validation error detected: Value '%.80s' at 'status' failed to satisfy constraint: Member "
        "must satisfy enum value set",
        from);
    return false;
}

static bool bind_segment(struct call *call, char wildcard_letter, const char *value,
                         struct iotsim_reply *reply)
{
    switch (wildcard_letter) {
    case 'T':
        return take(call->thing_name, sizeof call->thing_name, value, "thingName", reply);
    case 'J':
        return take(call->job_id, sizeof call->job_id, value, "jobId", reply);
    case 'G':
        return take(call->group_name, sizeof call->group_name, value, "thingGroupName", reply);
    default:
        return take_number(&call->number, value, "executionNumber", reply);
    }
}

static bool bind_path(struct iotsim_asked *asked, char *path, struct iotsim_reply *reply)
{
    const char *pattern = asked->route->pattern;
    while (*pattern == '/' && pattern[1]) {
        size_t wanted = strcspn(++pattern, "/");
        char *segment = ++path;
        path += strcspn(path, "/");
        bool last = *path == '\0';
        *path = '\0';
        if (wildcard(pattern, wanted)) {
            if (!decode(segment)) {
                iotsim_refuse(reply, 400, "InvalidRequestException", "The path cannot be decoded.");
                return false;
            }
            if (!bind_segment(&asked->call, *pattern, segment, reply)) {
                return false;
            }
        }
        pattern += wanted;
        if (last) {
            break;
        }
    }
    return true;
}

static bool bind_param(struct iotsim_asked *asked, const char *name, const char *value,
                       struct iotsim_reply *reply)
{
    struct call *call = &asked->call;
    int64_t number;
    if (strcmp(name, "maxResults") == 0) {
        if (!take_number(&number, value, name, reply)) {
            return false;
        }
        call->max_results = number > 0 && number <= PAGE_MAX ? (int)number : -1; /* the model refuses -1 */
    } else if (strcmp(name, "nextToken") == 0) {
        free(call->next_token);
        call->next_token = mem_strdup(value);
    } else if (strcmp(name, "status") == 0) {
        return take_status(call, value, reply);
    } else if (strcmp(name, "force") == 0) {
        return take_bool(&call->force, value, name, reply);
    } else if (strcmp(name, "recursive") == 0) {
        return take_bool(&call->recursive, value, name, reply);
    } else if (strcmp(name, "executionNumber") == 0) {
        return take_number(&call->number, value, name, reply);
    } else if (strcmp(name, "jobId") == 0) {
        return take(call->job_id, sizeof call->job_id, value, name, reply);
    }
    return true; /* the others are filters, read where they matter */
}

static bool bind_query(struct iotsim_asked *asked, char *query, struct iotsim_reply *reply)
{
    char *rest = query;
    for (char *part = strtok_r(query, "&", &rest); part; part = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(part, '=');
        if (value) {
            *value++ = '\0';
        }
        if (!decode(part) || (value && !decode(value)) || !fault_listed(asked->route->params, part) ||
            asked->param_count == ROUTE_PARAMS_MAX) {
            iotsim_refuse(reply, 400, "InvalidRequestException", "Parameter '%.80s' of %s is not known here.",
                          part, asked->route->name);
            return false;
        }
        asked->params[asked->param_count].name = part;
        asked->params[asked->param_count++].value = value ? value : "";
        if (!bind_param(asked, part, value ? value : "", reply)) {
            return false;
        }
    }
    return true;
}

static void spaces_of_form(char *text)
{
    for (; *text; text++) {
        if (*text == '+') {
            *text = ' ';
        }
    }
}

bool iotsim_asked_init(struct iotsim_asked *asked, const struct iotsim_route *route,
                       const struct iotsim_request *request, struct iotsim_reply *reply)
{
    *asked = (struct iotsim_asked){.route = route, .request = request, .reply = reply};
    call_init(&asked->call, route->operation);
    asked->call.max_results = 100;
    if (iotsim_route_sts(request)) {
        asked->text = mem_strdup(buf_string(&request->body));
        spaces_of_form(asked->text);
        return bind_query(asked, asked->text, reply);
    }
    asked->text = mem_strdup(request->target);
    char *query = strchr(asked->text, '?');
    if (query) {
        *query++ = '\0';
    }
    return bind_path(asked, asked->text, reply) && (!query || bind_query(asked, query, reply));
}

void iotsim_asked_finish(struct iotsim_asked *asked)
{
    call_finish(&asked->call);
    free(asked->text);
}

const char *iotsim_asked_param(const struct iotsim_asked *asked, const char *name)
{
    for (size_t i = 0; i < asked->param_count; i++) {
        if (strcmp(asked->params[i].name, name) == 0) {
            return asked->params[i].value;
        }
    }
    return NULL;
}
