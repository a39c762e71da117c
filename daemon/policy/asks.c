/* See policy/asks.h. */
#include "policy/asks.h"

struct walk {
    void (*each)(void *ctx, const struct ask *ask);
    void *ctx;
    bool releases;
};

static void tell(const struct walk *walk, enum thing_fact fact, const char *name, const char *value)
{
    const struct ask ask = {.fact = fact, .name = name, .value = value, .releases = walk->releases};
    walk->each(walk->ctx, &ask);
}

static void tell_all(const struct walk *walk, enum thing_fact fact, const struct pattern_list *values)
{
    for (size_t i = 0; i < values->count; i++) {
        tell(walk, fact, NULL, values->patterns[i]);
    }
}

static void tell_block(const struct walk *walk, const struct match *match)
{
    struct walk inner = *walk;
    tell_all(walk, THING_IN_GROUP, &match->groups);
    tell_all(walk, THING_OF_TYPE, &match->types);
    for (size_t i = 0; i < match->attributes.count; i++) {
        tell(walk, THING_HAS_ATTRIBUTE, match->attributes.items[i].name, match->attributes.items[i].value);
    }
    if (match->query != NULL) {
        tell(walk, THING_IN_QUERY, NULL, match->query);
    }
    for (size_t i = 0; i < match->any_of_count; i++) { /* as deep as a file nests */
        tell_block(walk, &match->any_of[i]);
    }
    inner.releases = true;
    for (size_t i = 0; i < match->none_of_count; i++) {
        tell_block(&inner, &match->none_of[i]);
    }
}

void policy_asks(const struct policy *policy, bool protect_only, int64_t now_ms,
                 void (*each)(void *ctx, const struct ask *ask), void *ctx)
{
    struct walk walk = {.each = each, .ctx = ctx};
    const struct protect_list *protect = policy->protect;
    if (!protect_only) {
        tell_block(&walk, &policy->match);
    }
    walk.releases = true;
    for (size_t i = 0; protect != NULL && i < protect->count; i++) {
        const struct protect_rule *rule = &protect->rules[i];
        if (rule->until_ms == 0 || now_ms < rule->until_ms) {
            tell_all(&walk, THING_IN_GROUP, &rule->groups);
        }
    }
}

static void note_release(void *ctx, const struct ask *ask)
{
    bool *releases = ctx;
    *releases = *releases || ask->releases;
}

bool policy_asks_existence(const struct policy *policy, bool protect_only, int64_t now_ms)
{
    bool releases = false;
    policy_asks(policy, protect_only, now_ms, note_release, &releases);
    return releases;
}

bool policy_bounds_things(const struct policy *policy)
{
    const struct match *match = &policy->match;
    return match->groups.count > 0 || match->types.count > 0 || match->attributes.count > 0 ||
           match->query != NULL;
}
