/* See iotsim_iam.h. */
#include "sim/iotsim_iam.h"

#include "base/mem.h"
#include "sim/pattern.h"

#include <stdlib.h>
#include <string.h>

struct patterns {
    char **items;
    size_t count;
};

struct statement {
    bool deny;
    struct patterns actions, resources;
};

struct iam_policy {
    struct statement *statements;
    size_t count;
};

/* --- reading --- */

struct reading {
    struct iam_policy *policy;
    struct statement *statement;
    struct err *err;
    bool failed;
};

static void fail(struct reading *reading, const char *what, const char *name)
{
    if (!reading->failed) {
        err_set(reading->err, ERR_INVALID, "%s %s", what, name);
    }
    reading->failed = true;
}

static void add_pattern(struct reading *reading, struct patterns *patterns, const struct json_value *value,
                        const char *name)
{
    const char *text = json_string(value);

    if (!text || !*text) {
        fail(reading, "Syntax errors in policy:", name);
        return;
    }
    patterns->items = mem_realloc(patterns->items, patterns->count + 1, sizeof(*patterns->items));
    patterns->items[patterns->count++] = mem_strdup(text);
}

static void read_patterns(struct reading *reading, struct patterns *patterns, const struct json_value *value,
                          const char *name)
{
    if (!json_is_array(value)) {
        add_pattern(reading, patterns, value, name);
        return;
    }
    for (size_t i = 0; i < json_count(value); i++) {
        add_pattern(reading, patterns, json_at(value, i), name);
    }
}

static void on_statement_member(void *ctx, const char *key, const struct json_value *value)
{
    struct reading *reading = ctx;
    const char *text = json_string(value);

    if (strcmp(key, "Action") == 0) {
        read_patterns(reading, &reading->statement->actions, value, key);
    } else if (strcmp(key, "Resource") == 0) {
        read_patterns(reading, &reading->statement->resources, value, key);
    } else if (strcmp(key, "Effect") == 0 && text && strcmp(text, "Deny") == 0) {
        reading->statement->deny = true;
    } else if (strcmp(key, "Effect") == 0 ? !text || strcmp(text, "Allow") != 0 : strcmp(key, "Sid") != 0) {
        fail(reading, "Not supported by the simulator or not valid:", key);
    }
}

static void read_statement(struct reading *reading, const struct json_value *value)
{
    struct iam_policy *policy = reading->policy;

    policy->statements = mem_realloc(policy->statements, policy->count + 1, sizeof(*policy->statements));
    reading->statement = &policy->statements[policy->count++];
    *reading->statement = (struct statement){0};
    if (!json_is_object(value) || !json_get(value, "Effect") || !json_get(value, "Action") ||
        !json_get(value, "Resource")) {
        fail(reading, "Syntax errors in policy:", "a statement needs Effect, Action and Resource");
        return;
    }
    json_members(value, on_statement_member, reading);
    if (reading->statement->actions.count == 0 || reading->statement->resources.count == 0) {
        fail(reading, "Syntax errors in policy:", "an empty list");
    }
}

static void on_member(void *ctx, const char *key, const struct json_value *value)
{
    struct reading *reading = ctx;
    const char *text = json_string(value);

    if (strcmp(key, "Version") == 0) {
        if (!text || (strcmp(text, "2012-10-17") != 0 && strcmp(text, "2008-10-17") != 0)) {
            fail(reading, "Syntax errors in policy:", key);
        }
    } else if (strcmp(key, "Statement") == 0 && json_is_array(value)) {
        for (size_t i = 0; i < json_count(value); i++) {
            read_statement(reading, json_at(value, i));
        }
    } else if (strcmp(key, "Statement") == 0) {
        read_statement(reading, value);
    } else if (strcmp(key, "Id") != 0) {
        fail(reading, "Not supported by the simulator or not valid:", key);
    }
}

struct iam_policy *iam_policy_read(const struct json_value *document, struct err *err)
{
    struct reading reading = {.policy = mem_zalloc(sizeof(struct iam_policy)), .err = err};

    json_members(document, on_member, &reading);
    if (reading.policy->count == 0) {
        fail(&reading, "Syntax errors in policy:", "Statement");
    }
    if (reading.failed) {
        iam_policy_free(reading.policy);
        return NULL;
    }
    return reading.policy;
}

static void free_patterns(struct patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        free(patterns->items[i]);
    }
    free(patterns->items);
}

void iam_policy_free(struct iam_policy *policy)
{
    if (!policy) {
        return;
    }
    for (size_t i = 0; i < policy->count; i++) {
        free_patterns(&policy->statements[i].actions);
        free_patterns(&policy->statements[i].resources);
    }
    free(policy->statements);
    free(policy);
}

/* --- judging --- */

static bool any(const struct patterns *patterns, const char *text, bool any_case)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (pattern_matches(patterns->items[i], '*', '?', text, any_case)) {
            return true;
        }
    }
    return false;
}

enum iam_verdict iam_judge(const struct iam_policy *policy, const char *action, const char *resource)
{
    enum iam_verdict verdict = IAM_SILENT;

    for (size_t i = 0; i < policy->count; i++) {
        const struct statement *statement = &policy->statements[i];
        if (!any(&statement->actions, action, true) || !any(&statement->resources, resource, false)) {
            continue;
        }
        if (statement->deny) {
            return IAM_DENIED;
        }
        verdict = IAM_ALLOWED;
    }
    return verdict;
}
