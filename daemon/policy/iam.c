/* See policy/iam.h.
 *
 * Actions are authorised by resource: ListJobs and ListThings by none, DescribeJob and
 * ListJobExecutionsForJob by the job, ListJobExecutionsForThing by the thing, DescribeJobExecution and
 * DeleteJobExecution by both, each of which must be allowed ("Actions, resources, and condition keys for AWS
 * IoT"). GetCallerIdentity needs no permission. */
#include "policy/iam.h"

#include "base/names.h"

#include <stdio.h>
#include <string.h>

#define ARN_MAX      1024
#define DOCUMENT_MAX ((size_t)64 * 1024 * 1024)

/* The statements, each with the resources that it is about. */
enum statement {
    LIST_ALL,
    READ_JOBS,
    READ_THINGS,
    READ_EXECUTIONS, /* where nothing is deleted */
    DELETE_EXECUTIONS,
    LEAVE_EXECUTIONS,
    STATEMENT_COUNT
};

static const struct {
    const char *effect, *actions[2];
} STATEMENTS[STATEMENT_COUNT] = {
    [LIST_ALL] = {"Allow", {"ListJobs", "ListThings"}},
    [READ_JOBS] = {"Allow", {"DescribeJob", "ListJobExecutionsForJob"}},
    [READ_THINGS] = {"Allow", {"ListJobExecutionsForThing", NULL}},
    [READ_EXECUTIONS] = {"Allow", {"DescribeJobExecution", NULL}},
    [DELETE_EXECUTIONS] = {"Allow", {"DescribeJobExecution", "DeleteJobExecution"}},
    [LEAVE_EXECUTIONS] = {"Deny", {"DeleteJobExecution", NULL}},
};

struct document {
    const struct iam_scope *scopes;
    size_t count;
    unsigned widened;
    struct names *resources[STATEMENT_COUNT];
};

/* --- resources --- */

static const char *or_any(const char *text)
{
    return *text != '\0' ? text : "*";
}

static void add(struct document *document, enum statement statement, const struct iam_scope *scope,
                const char *kind, const char *pattern)
{
    char arn[ARN_MAX];
    snprintf(arn, sizeof arn, "arn:%s:iot:%s:%s:%s/%s", scope->partition, or_any(scope->region),
             or_any(scope->account), kind, pattern);
    names_intern(document->resources[statement], arn);
}

static void add_patterns(struct document *document, enum statement statement, const struct iam_scope *scope,
                         const char *kind, const struct pattern_list *list, bool wide)
{
    if (list->count == 0 || wide) {
        add(document, statement, scope, kind, "*");
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        add(document, statement, scope, kind, list->patterns[i]);
    }
}

static void add_jobs(struct document *document, enum statement statement, const struct iam_scope *scope)
{
    add_patterns(document, statement, scope, "job", &scope->policy->job_id.include,
                 (document->widened & IAM_JOBS) != 0);
}

static void add_things(struct document *document, enum statement statement, const struct iam_scope *scope)
{
    add_patterns(document, statement, scope, "thing", &scope->policy->thing.include,
                 (document->widened & IAM_THINGS) != 0);
}

/* --- exclusions --- */

static bool overlap(const char *a, const char *b) /* "" is any */
{
    return *a == '\0' || *b == '\0' || strcmp(a, b) == 0;
}

static bool meet(const struct iam_scope *a, const struct iam_scope *b)
{
    return overlap(a->region, b->region) && overlap(a->account, b->account) &&
           strcmp(a->partition, b->partition) == 0;
}

static bool excludes(const struct name_match *match, const char *pattern)
{
    for (size_t i = 0; i < match->exclude.count; i++) {
        if (strcmp(match->exclude.patterns[i], pattern) == 0) {
            return true;
        }
    }
    return false;
}

/* A denial holds for all that share the document: so all must mean it. Sites that are not known may be any.
 */
static bool all_exclude(const struct document *document, const struct iam_scope *scope, const char *pattern,
                        bool things)
{
    for (size_t i = 0; i < document->count; i++) {
        const struct iam_scope *other = &document->scopes[i];
        const struct name_match *match = things ? &other->policy->thing : &other->policy->job_id;
        if (other->deletes && meet(scope, other) && !excludes(match, pattern)) {
            return false;
        }
    }
    return true;
}

static void add_excluded(struct document *document, const struct iam_scope *scope, bool things)
{
    const struct pattern_list *list = things ? &scope->policy->thing.exclude : &scope->policy->job_id.exclude;
    for (size_t i = 0; i < list->count; i++) {
        if (all_exclude(document, scope, list->patterns[i], things)) {
            add(document, LEAVE_EXECUTIONS, scope, things ? "thing" : "job", list->patterns[i]);
        }
    }
}

/* --- the document --- */

static void collect_one(struct document *document, const struct iam_scope *scope)
{
    names_intern(document->resources[LIST_ALL], "*");
    add_jobs(document, READ_JOBS, scope);
    add_things(document, READ_THINGS, scope);
    if (scope->settles) {
        add(document, READ_EXECUTIONS, scope, "job", "*");
        add(document, READ_EXECUTIONS, scope, "thing", "*");
    }
    if (!scope->deletes) {
        return;
    }
    add_jobs(document, DELETE_EXECUTIONS, scope);
    add_things(document, DELETE_EXECUTIONS, scope);
    if ((document->widened & IAM_EXCLUDES) == 0) {
        add_excluded(document, scope, false);
        add_excluded(document, scope, true);
    }
}

static void collect(struct document *document)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        document->resources[i] = names_create();
    }
    for (size_t i = 0; i < document->count; i++) {
        collect_one(document, &document->scopes[i]);
    }
}

static void forget(struct document *document)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        names_destroy(document->resources[i]);
    }
}

static void print_actions(enum statement statement, struct buf *out)
{
    const char *const *actions = STATEMENTS[statement].actions;
    buf_printf(out, actions[1] != NULL ? "[\"iot:%s\"," : "\"iot:%s\"", actions[0]);
    if (actions[1] != NULL) {
        buf_printf(out, "\"iot:%s\"]", actions[1]);
    }
}

static void print_resources(const struct names *resources, const char *indent, struct buf *out)
{
    uint32_t count = names_count(resources);
    buf_text(out, count > 1 ? "[" : "");
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(out, "%s%s\"%s\"", i > 0 ? "," : "", count > 1 ? indent : "", names_text(resources, i));
    }
    buf_text(out, count > 1 ? "]" : "");
}

/* Nothing that is printed needs to be escaped: names of the configuration have been checked. */
static void print(const struct document *document, bool pretty, struct buf *out)
{
    const char *separator = "";
    const char *open = pretty ? "\n    {" : "{", *member = pretty ? "\n      " : "";
    const char *colon = pretty ? "\": " : "\":";
    buf_printf(out, "{%s\"Version%s\"2012-10-17\",%s\"Statement%s[", pretty ? "\n  " : "", colon,
               pretty ? "\n  " : "", colon);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (names_count(document->resources[i]) == 0) {
            continue;
        }
        buf_printf(out, "%s%s%s\"Effect%s\"%s\",%s\"Action%s", separator, open, member, colon,
                   STATEMENTS[i].effect, member, colon);
        print_actions((enum statement)i, out);
        buf_printf(out, ",%s\"Resource%s", member, colon);
        print_resources(document->resources[i], pretty ? "\n        " : "", out);
        buf_text(out, pretty ? "\n    }" : "}");
        separator = ",";
    }
    buf_text(out, pretty ? "\n  ]\n}\n" : "]}");
}

static void print_widened(struct document *document, bool pretty, struct buf *text)
{
    collect(document);
    print(document, pretty, text);
    forget(document);
}

void iam_print(const struct iam_scope *scopes, size_t count, bool pretty, size_t max, struct buf *out,
               unsigned *widened)
{
    static const unsigned ways[] = {0, IAM_EXCLUDES, IAM_EXCLUDES | IAM_THINGS, IAM_EXCLUDES | IAM_JOBS,
                                    IAM_EXCLUDES | IAM_THINGS | IAM_JOBS};
    struct buf text;
    unsigned way = 0;
    buf_init(&text, DOCUMENT_MAX);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct document document = {.scopes = scopes, .count = count, .widened = way = ways[i]};
        buf_reset(&text);
        print_widened(&document, pretty, &text);
        if (max == 0 || text.length <= max) {
            break;
        }
    }
    buf_append(out, text.data, text.length);
    buf_finish(&text);
    if (widened != NULL) {
        *widened = way;
    }
}
