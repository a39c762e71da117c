/* See policy/iam.h.
 *
 * Actions are authorised by resource: ListJobs and ListThings by none, DescribeJob and
 * ListJobExecutionsForJob by the job, ListJobExecutionsForThing and DescribeThing by the thing,
 * ListThingsInThingGroup by the group, SearchIndex by the index, DescribeJobExecution and DeleteJobExecution
 * by job and thing, each of which must be allowed ("Actions,
 * resources, and condition keys for AWS IoT"). GetCallerIdentity needs no permission. */
#include "policy/iam.h"

#include "base/names.h"
#include "policy/asks.h"

#include <stdio.h>
#include <string.h>

#define ARN_MAX      1024
#define DOCUMENT_MAX ((size_t)64 * 1024 * 1024)

/* The statements, each with the resources that it is about. */
enum statement {
    LIST_ALL,
    READ_JOBS,
    READ_THINGS,
    DESCRIBE_THINGS,
    READ_GROUPS,
    SEARCH_INDEX,
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
    [DESCRIBE_THINGS] = {"Allow", {"DescribeThing", NULL}},
    [READ_GROUPS] = {"Allow", {"ListThingsInThingGroup", NULL}},
    [SEARCH_INDEX] = {"Allow", {"SearchIndex", NULL}},
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

static void add_list(struct document *document, enum statement statement, const struct iam_scope *scope,
                     const char *kind, const struct pattern_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        add(document, statement, scope, kind, list->patterns[i]);
    }
}

static const struct name_match *names_of(const struct match *match, bool things)
{
    return things ? &match->thing : &match->job_id;
}

/* Whether its patterns, or those of every block of any_of, say what it can hold for. */
static bool bounded(const struct match *match, bool things)
{
    if (names_of(match, things)->include.count > 0) {
        return true;
    }
    for (size_t i = 0; i < match->any_of_count; i++) {
        if (!bounded(&match->any_of[i], things)) {
            return false;
        }
    }
    return match->any_of_count > 0;
}

/* What else the blocks ask, of jobs and of things, IAM cannot see. */
static void add_bounds(struct document *document, enum statement statement, const struct iam_scope *scope,
                       const struct match *match, bool things)
{
    const struct pattern_list *list = &names_of(match, things)->include;
    add_list(document, statement, scope, things ? "thing" : "job", list);
    for (size_t i = 0; list->count == 0 && i < match->any_of_count; i++) {
        add_bounds(document, statement, scope, &match->any_of[i], things);
    }
}

static void add_kind(struct document *document, enum statement statement, const struct iam_scope *scope,
                     bool things)
{
    const struct match *match = &scope->policy->match;
    bool wide = scope->explains || (document->widened & (things ? IAM_THINGS : IAM_JOBS)) != 0;
    if (wide || !bounded(match, things)) {
        add(document, statement, scope, things ? "thing" : "job", "*");
    } else {
        add_bounds(document, statement, scope, match, things);
    }
}

struct asking {
    struct document *document;
    const struct iam_scope *scope;
};

static void add_ask(void *ctx, const struct ask *ask)
{
    const struct asking *asking = ctx;
    if (ask->fact == THING_IN_GROUP) {
        add(asking->document, READ_GROUPS, asking->scope, "thinggroup", ask->value);
    } else if (ask->fact == THING_IN_QUERY) {
        add(asking->document, SEARCH_INDEX, asking->scope, "index", "AWS_Things");
    }
}

/* Types and attributes come with ListThings, which is allowed anyway. */
static void add_asks(struct document *document, const struct iam_scope *scope)
{
    struct asking asking = {.document = document, .scope = scope};
    policy_asks(scope->policy, false, 0, add_ask, &asking);
    if (policy_asks_existence(scope->policy, false, 0)) {
        add_kind(document, DESCRIBE_THINGS, scope, true);
    }
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
        const struct name_match *match = names_of(&other->policy->match, things);
        if (other->deletes && meet(scope, other) && !excludes(match, pattern)) {
            return false;
        }
    }
    return true;
}

static void add_excluded(struct document *document, const struct iam_scope *scope, bool things)
{
    const struct pattern_list *list = &names_of(&scope->policy->match, things)->exclude;
    for (size_t i = 0; i < list->count; i++) {
        if (all_exclude(document, scope, list->patterns[i], things)) {
            add(document, LEAVE_EXECUTIONS, scope, things ? "thing" : "job", list->patterns[i]);
        }
    }
}

/* Protection is the whole configuration's. A denial has one resource and no end: rules that ask for a job and
 * a thing together, for a group, or until a day, are left to us. */
static void add_protected(struct document *document, const struct iam_scope *scope)
{
    const struct protect_list *protect = scope->policy->protect;
    for (size_t i = 0; protect != NULL && i < protect->count; i++) {
        const struct protect_rule *rule = &protect->rules[i];
        if (rule->until_ms == 0 && rule->groups.count == 0 &&
            (rule->job_ids.count == 0 || rule->things.count == 0)) {
            add_list(document, LEAVE_EXECUTIONS, scope, "job", &rule->job_ids);
            add_list(document, LEAVE_EXECUTIONS, scope, "thing", &rule->things);
        }
    }
}

/* --- the document --- */

static void collect_one(struct document *document, const struct iam_scope *scope)
{
    names_intern(document->resources[LIST_ALL], "*");
    add_kind(document, READ_JOBS, scope, false);
    add_kind(document, READ_THINGS, scope, true);
    add_asks(document, scope);
    if (scope->settles) {
        add(document, READ_EXECUTIONS, scope, "job", "*");
        add(document, READ_EXECUTIONS, scope, "thing", "*");
    }
    if (!scope->deletes) {
        return;
    }
    add_kind(document, DELETE_EXECUTIONS, scope, false);
    add_kind(document, DELETE_EXECUTIONS, scope, true);
    if ((document->widened & IAM_EXCLUDES) == 0) {
        add_excluded(document, scope, false);
        add_excluded(document, scope, true);
        add_protected(document, scope);
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

static void tell_needs(const struct document *document, enum statement statement, enum operation operation,
                       void (*need)(void *ctx, enum operation operation, const char *resource), void *ctx)
{
    const struct names *resources = document->resources[statement];
    for (uint32_t i = 0; i < names_count(resources); i++) {
        need(ctx, operation, names_text(resources, i));
    }
}

void iam_needs(const struct iam_scope *scopes, size_t count,
               void (*need)(void *ctx, enum operation operation, const char *resource), void *ctx)
{
    struct document document = {.scopes = scopes, .count = count};
    collect(&document);
    for (int i = 0; i < LEAVE_EXECUTIONS; i++) {
        for (int j = 0; j < 2 && STATEMENTS[i].actions[j] != NULL; j++) {
            enum operation operation = operation_parse(STATEMENTS[i].actions[j]);
            tell_needs(&document, (enum statement)i, operation, need, ctx);
        }
    }
    forget(&document);
}
