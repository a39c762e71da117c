/* See retention_text.h. */
#include "retention_text.h"

#include "base/time.h"
#include "model/status.h"
#include "retention_world.h"

static void put_list(struct buf *out, const char *key, const struct pattern_list *list)
{
    if (list->count == 0) {
        return;
    }
    buf_printf(out, "%s: [", key);
    for (size_t i = 0; i < list->count; i++) {
        buf_printf(out, "\"%s\", ", list->patterns[i]);
    }
    buf_printf(out, "], ");
}

static void put_words(struct buf *out, unsigned bits, const char *(*name)(int number))
{
    buf_printf(out, "status: [");
    for (int i = 0; i < 32; i++) {
        if ((bits >> i & 1u) != 0) {
            buf_printf(out, "%s, ", name(i));
        }
    }
    buf_printf(out, "], ");
}

static const char *execution_word(int number)
{
    return execution_status_name((enum execution_status)number);
}

static const char *job_word(int number)
{
    return job_status_name((enum job_status)number);
}

/* A key whose map may turn out empty, which the loader refuses: then it is left out. */
static void put_map(struct buf *out, const char *key, void (*put)(struct buf *out, const struct match *match),
                    const struct match *match)
{
    size_t before = out->length;
    buf_printf(out, "%s: {", key);
    size_t empty = out->length;
    put(out, match);
    if (out->length > empty) {
        buf_printf(out, "}, ");
    } else {
        buf_cut(out, before);
    }
}

static void put_attributes(struct buf *out, const struct match *match)
{
    for (size_t i = 0; i < match->attributes.count; i++) {
        buf_printf(out, "%s: \"%s\", ", match->attributes.items[i].name, match->attributes.items[i].value);
    }
}

static void put_thing(struct buf *out, const struct match *match)
{
    put_list(out, "include", &match->thing.include);
    put_list(out, "exclude", &match->thing.exclude);
    put_list(out, "group", &match->groups);
    put_list(out, "type", &match->types);
    put_map(out, "attribute", put_attributes, match);
    if (match->query != NULL) {
        buf_printf(out, "query: \"%s\"", match->query);
    }
}

static void put_job_id(struct buf *out, const struct match *match)
{
    put_list(out, "include", &match->job_id.include);
    put_list(out, "exclude", &match->job_id.exclude);
}

static void put_job(struct buf *out, const struct match *match)
{
    static const char *const selections[] = {"ANY", "SNAPSHOT", "CONTINUOUS"};
    if (match->job_selection != SELECTION_ANY) {
        buf_printf(out, "target_selection: %s, ", selections[match->job_selection]);
    }
    if (match->job_status_bits != 0) {
        put_words(out, match->job_status_bits, job_word);
    }
}

static void put_match(struct buf *out, const struct match *match);

static void put_blocks(struct buf *out, const char *key, const struct match *blocks, size_t count)
{
    if (count == 0) {
        return;
    }
    buf_printf(out, "%s: [", key);
    for (size_t i = 0; i < count; i++) {
        put_match(out, &blocks[i]);
        buf_printf(out, ", ");
    }
    buf_printf(out, "], ");
}

static void put_match(struct buf *out, const struct match *match)
{
    static const char *const fields[] = {"last_updated_at", "queued_at", "started_at"};
    buf_printf(out, "{");
    if (match->status_bits != 0) {
        put_words(out, match->status_bits, execution_word);
    }
    put_map(out, "job_id", put_job_id, match);
    put_map(out, "thing", put_thing, match);
    put_map(out, "job", put_job, match);
    if (match->namespace_id != NULL) {
        buf_printf(out, "namespace_id: %s, ", match->namespace_id);
    }
    if (match->older_than_ms > 0) {
        buf_printf(out, "age: {field: %s, older_than: %lldh}, ", fields[match->age_field],
                   (long long)(match->older_than_ms / HOUR));
    }
    put_blocks(out, "any_of", match->any_of, match->any_of_count);
    put_blocks(out, "none_of", match->none_of, match->none_of_count);
    buf_printf(out, "}");
}

static void put_rule(struct buf *out, const struct keep_rule *rule)
{
    static const char *const pers[] = {"", "target", "thing", "job", "[thing, job]"}, *const kinds[] = {
                                                                                          "last", "within",
                                                                                          "daily", "weekly",
                                                                                          "monthly"};
    if (rule->kind == KEEP_WITHIN) {
        buf_printf(out, "{within: %lldh}\n", (long long)(rule->within_ms / HOUR));
    } else {
        buf_printf(out, "{%s: %lld, per: %s}\n", kinds[rule->kind], (long long)rule->last, pers[rule->per]);
    }
}

static void put_protect(struct buf *out)
{
    for (size_t i = 0; i < world.protect.count; i++) {
        const struct protect_rule *rule = &world.rules[i];
        char until[21];
        buf_printf(out, "%s  - {", i == 0 ? "protect:\n" : "");
        put_list(out, "job_id", &rule->job_ids);
        put_list(out, "thing", &rule->things);
        put_list(out, "thing_group", &rule->groups);
        if (rule->until_ms > 0) {
            time_rfc3339(rule->until_ms, until);
            buf_printf(out, "until: \"%s\"", until);
        }
        buf_printf(out, "}\n");
    }
}

static void put_bounds(struct buf *out, const struct policy *policy)
{
    static const char *const orders[] = {"as_listed", "oldest_first", "newest_first"};
    buf_printf(out, "    order: %s\n    abort_if: {selected_over: %lld", orders[policy->order],
               (long long)policy->selected_over);
    if (policy->selected_over_percent > 0) {
        buf_printf(out, ", selected_over_percent: %lld", (long long)policy->selected_over_percent);
    }
    buf_printf(out, "}\n");
    if (policy->per_run > 0 && policy->per_thing > 0) {
        buf_printf(out, "    limits: {per_run: %lld, per_thing: %lld}\n", (long long)policy->per_run,
                   (long long)policy->per_thing);
    } else if (policy->per_run > 0 || policy->per_thing > 0) {
        buf_printf(out, "    limits: {%s: %lld}\n", policy->per_run > 0 ? "per_run" : "per_thing",
                   (long long)(policy->per_run + policy->per_thing));
    }
    if (policy->grace_ms > 0) {
        buf_printf(out, "    grace: %lldh\n", (long long)(policy->grace_ms / HOUR));
    }
}

static void put_keep(struct buf *out, const struct policy *policy)
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        buf_printf(out, "%s      - ", i == 0 ? "    keep:\n" : "");
        put_rule(out, &policy->keep[i]);
    }
}

void world_print(struct buf *out)
{
    const struct policy *policy = &world.policy;
    buf_printf(out,
               "version: 1\n"
               "targets: {simulated: {account: \"123456789012\", region: us-east-1}}\n"
               "policies:\n"
               "  - name: drawn\n"
               "    targets: [simulated]\n"
               "    mode: %s\n    timezone: %s\n    verify: %s\n    force: %s\n",
               policy->enforce ? "enforce" : "observe", world.zone_name,
               policy->verify_risky ? "risky" : "always", policy->force ? "true" : "false");
    put_bounds(out, policy);
    put_keep(out, policy);
    buf_printf(out, "    match: ");
    put_match(out, &policy->match);
    buf_printf(out, "\n");
    put_protect(out);
}
