/* See aws/iot.h: from a call to what goes on the wire. */
#include "aws/iot.h"

#include "aws/sigv4.h"
#include "aws/sts.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* In a path: %j job id, %t thing name, %g group name, %n execution number. */
static const struct {
    const char *method, *path;
} OPERATIONS[OPERATION_COUNT] = {
    [OPERATION_LIST_JOBS] = {"GET", "/jobs"},
    [OPERATION_DESCRIBE_JOB] = {"GET", "/jobs/%j"},
    [OPERATION_LIST_EXECUTIONS_FOR_JOB] = {"GET", "/jobs/%j/things"},
    [OPERATION_LIST_EXECUTIONS_FOR_THING] = {"GET", "/things/%t/jobs"},
    [OPERATION_LIST_THINGS] = {"GET", "/things"},
    [OPERATION_LIST_THINGS_IN_GROUP] = {"GET", "/thing-groups/%g/things"},
    [OPERATION_DESCRIBE_THING] = {"GET", "/things/%t"},
    [OPERATION_SEARCH_INDEX] = {"POST", "/indices/search"},
    [OPERATION_DESCRIBE_EXECUTION] = {"GET", "/things/%t/jobs/%j"},
    [OPERATION_DELETE_EXECUTION] = {"DELETE", "/things/%t/jobs/%j/executionNumber/%n"},
    [OPERATION_GET_CALLER_IDENTITY] = {"POST", "/"},
    [OPERATION_GET_SERVICE_QUOTA] = {"POST", "/"},
};

/* Each placeholder checks what it stands for, so that no operation can forget to. */
static int expand(const struct call *call, char placeholder, struct buf *target, struct err *err)
{
    switch (placeholder) {
    case 'j':
        if (!job_id_valid(call->job_id)) {
            return err_set(err, ERR_INVALID, "the job id is not 1 to 64 of [a-zA-Z0-9_-]");
        }
        sigv4_uri_encode(target, call->job_id, false);
        return 0;
    case 't':
        if (!thing_name_valid(call->thing_name)) {
            return err_set(err, ERR_INVALID, "the thing name is not 1 to 128 of [a-zA-Z0-9:_-]");
        }
        sigv4_uri_encode(target, call->thing_name, false);
        return 0;
    case 'g':
        if (!thing_group_name_valid(call->group_name)) {
            return err_set(err, ERR_INVALID, "the thing group name is not 1 to 128 of [a-zA-Z0-9:_-]");
        }
        sigv4_uri_encode(target, call->group_name, false);
        return 0;
    default:
        if (call->number <= 0) {
            return err_set(err, ERR_INVALID, "the execution number %" PRId64 " is not above 0", call->number);
        }
        buf_printf(target, "%" PRId64, call->number);
        return 0;
    }
}

static int add_path(const struct call *call, struct buf *target, struct err *err)
{
    for (const char *at = OPERATIONS[call->operation].path; *at; at++) {
        if (*at != '%') {
            buf_char(target, *at);
        } else if (expand(call, *++at, target, err)) {
            return -1;
        }
    }
    return 0;
}

struct query {
    struct buf *target;
    char separator; /* '?' before the first parameter, then '&' */
};

static void add(struct query *query, const char *name, const char *value)
{
    buf_printf(query->target, "%c%s=", query->separator, name);
    sigv4_uri_encode(query->target, value, false);
    query->separator = '&';
}

static void add_number(struct query *query, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    add(query, name, text);
}

static int check_paging(const struct call *call, int most, struct err *err)
{
    if (call->max_results < 1 || call->max_results > most) {
        return err_set(err, ERR_INVALID, "%d rows a page; allowed are 1 to %d", call->max_results, most);
    }
    if (call->next_token && strlen(call->next_token) > NEXT_TOKEN_MAX) {
        return err_set(err, ERR_INVALID, "a paging token of more than %d bytes", NEXT_TOKEN_MAX);
    }
    return 0;
}

static int add_paging(const struct call *call, struct query *query, struct err *err)
{
    if (check_paging(call, PAGE_MAX, err)) {
        return -1;
    }
    add_number(query, "maxResults", call->max_results);
    if (call->next_token) {
        add(query, "nextToken", call->next_token);
    }
    return 0;
}

static int add_things_filter(const struct call *call, struct query *query, struct err *err)
{
    if (call->thing_type && !thing_name_valid(call->thing_type)) {
        return err_set(err, ERR_INVALID, "the thing type is not 1 to 128 of [a-zA-Z0-9:_-]");
    }
    if (add_paging(call, query, err)) {
        return -1;
    }
    if (call->attribute_name) {
        add(query, "attributeName", call->attribute_name);
    }
    if (call->attribute_name && call->attribute_value) {
        add(query, "attributeValue", call->attribute_value);
    }
    if (call->thing_type) {
        add(query, "thingTypeName", call->thing_type);
    }
    return 0;
}

static int add_query(const struct call *call, struct query *query, struct err *err)
{
    switch (call->operation) {
    case OPERATION_LIST_JOBS:
        if (call->job_status != JOB_UNKNOWN) {
            add(query, "status", job_status_name(call->job_status));
        }
        return add_paging(call, query, err);
    case OPERATION_LIST_EXECUTIONS_FOR_JOB:
    case OPERATION_LIST_EXECUTIONS_FOR_THING:
        if (call->status != EXECUTION_UNKNOWN) {
            add(query, "status", execution_status_name(call->status));
        }
        return add_paging(call, query, err);
    case OPERATION_LIST_THINGS_IN_GROUP:
        if (call->recursive) {
            add(query, "recursive", "true");
        }
        return add_paging(call, query, err);
    case OPERATION_LIST_THINGS:
        return add_things_filter(call, query, err);
    case OPERATION_DESCRIBE_EXECUTION:
        if (call->number < 0) {
            return err_set(err, ERR_INVALID, "the execution number %" PRId64 " is below 0", call->number);
        }
        if (call->number > 0) {
            add_number(query, "executionNumber", call->number);
        }
        return 0;
    case OPERATION_DELETE_EXECUTION:
        if (call->force) {
            add(query, "force", "true");
        }
        return 0;
    default:
        return 0;
    }
}

static int add_search(const struct call *call, struct buf *body, struct err *err)
{
    if (!call->query || !*call->query || !text_is_utf8(call->query, strlen(call->query))) {
        return err_set(err, ERR_INVALID, "the query is empty or not UTF-8");
    }
    if (check_paging(call, SEARCH_MAX, err)) {
        return -1;
    }
    buf_text(body, "{\"indexName\":\"AWS_Things\",\"queryString\":");
    text_json(body, call->query);
    if (call->next_token) {
        buf_text(body, ",\"nextToken\":");
        text_json(body, call->next_token);
    }
    buf_printf(body, ",\"maxResults\":%d}", call->max_results);
    return 0;
}

static int add_quota(const struct call *call, struct buf *body, struct err *err)
{
    const char *service, *code = operation_quota_code(call->quota_of, &service);

    if (!code) {
        return err_set(err, ERR_INVALID, "%s has no quota there", operation_name(call->quota_of));
    }
    buf_printf(body, "{\"ServiceCode\":\"%s\",\"QuotaCode\":\"%s\"}", service, code);
    return 0;
}

static int add_body(const struct call *call, struct buf *body, struct err *err)
{
    switch (call->operation) {
    case OPERATION_GET_CALLER_IDENTITY:
        buf_text(body, STS_GET_CALLER_IDENTITY);
        return 0;
    case OPERATION_SEARCH_INDEX:
        return add_search(call, body, err);
    case OPERATION_GET_SERVICE_QUOTA:
        return add_quota(call, body, err);
    default:
        return 0;
    }
}

int iot_encode(const struct call *call, const char **method, struct buf *target, struct buf *body,
               struct err *err)
{
    struct query query = {.target = target, .separator = '?'};

    if ((unsigned)call->operation >= OPERATION_COUNT) {
        return err_set(err, ERR_INVALID, "no such operation: %d", (int)call->operation);
    }
    if (add_path(call, target, err) || add_query(call, &query, err) || add_body(call, body, err)) {
        return -1;
    }
    if (target->overflow) {
        return err_set(err, ERR_INVALID, "a request target of more than %zu bytes", target->max);
    }
    if (body->overflow) {
        return err_set(err, ERR_INVALID, "a request body of more than %zu bytes", body->max);
    }
    *method = OPERATIONS[call->operation].method;
    return 0;
}
