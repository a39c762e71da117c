/* See iotsim_setup.h. */
#include "sim/iotsim_setup.h"

#include "aws/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_registry.h"
#include "sim/iotsim_route.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (16 * 1024 * 1024)

struct setup {
    struct iotsim *sim;
    int64_t now_ms;
    struct err *err;
    bool failed;
    /* the one that is being read */
    const struct json_value *object;
    struct fleet_config config;
    const char *account;
    int64_t number; /* of several, from 0 */
};

static void fail(struct setup *setup, const char *where, const char *what)
{
    if (!setup->failed) {
        err_set(setup->err, ERR_INVALID, "%s: %.200s", where, what);
    }
    setup->failed = true;
}

/* --- members --- */

/* A whole number, with its range; the value stays where it is absent. */
static int64_t number_of(struct setup *setup, const char *key, int64_t least, int64_t most, int64_t absent)
{
    const struct json_value *value = json_get(setup->object, key);
    int64_t number = absent;

    if (value && (!json_int64(value, &number) || number < least || number > most)) {
        fail(setup, key, "not a number that is possible here");
    }
    return number;
}

static const char *text_of(struct setup *setup, const char *key)
{
    const struct json_value *value = json_get(setup->object, key);
    const char *text = json_string(value);

    if (value && !text) {
        fail(setup, key, "not a text");
    }
    return text;
}

static bool truth_of(struct setup *setup, const char *key)
{
    const struct json_value *value = json_get(setup->object, key);
    bool truth = false;

    if (value && !json_truth(value, &truth)) {
        fail(setup, key, "neither true nor false");
    }
    return truth;
}

struct known {
    struct setup *setup;
    const char *list;
};

static void on_member(void *ctx, const char *key, const struct json_value *value)
{
    const struct known *known = ctx;

    (void)value;
    if (!fault_listed(known->list, key)) {
        fail(known->setup, key, "is not known here");
    }
}

/* Goes on with this object, which may have these members only. */
static void enter(struct setup *setup, const struct json_value *object, const char *members)
{
    struct known known = {setup, members};

    setup->object = object;
    if (object && !json_is_object(object)) {
        fail(setup, members, "not an object");
    }
    json_members(object, on_member, &known);
}

/* "account", counted up. */
static void account_of(struct setup *setup, char account[ACCOUNT_LENGTH + 1])
{
    const char *first = text_of(setup, "account");
    int64_t number = 0;

    first = first ? first : setup->sim->options->fleet.account;
    if (!text_int64(first, 0, INT64_C(999999999999) - setup->number, &number) ||
        strlen(first) != ACCOUNT_LENGTH) {
        fail(setup, "account", first);
    }
    snprintf(account, ACCOUNT_LENGTH + 1, "%012" PRId64, number + setup->number);
}

static void put_policy(struct setup *setup, struct iam_policy **policy)
{
    const struct json_value *document = json_get(setup->object, "policy");
    struct err why;

    if (document) {
        iam_policy_free(*policy);
        *policy = iam_policy_read(document, &why);
        if (!*policy) {
            fail(setup, "policy", why.msg);
        }
    }
}

/* --- quotas --- */

static void on_core_quota(void *ctx, const char *key, const struct json_value *value)
{
    struct setup *setup = ctx;
    enum operation operation = operation_parse(key);
    int64_t rate;

    if (operation == OPERATION_COUNT || !json_int64(value, &rate) || rate < -1 || rate > 1000000) {
        fail(setup, "quotas", key);
        return;
    }
    setup->config.quota[operation] = (int)rate;
}

static void on_quota(void *ctx, const char *key, const struct json_value *value)
{
    struct setup *setup = ctx;
    int64_t rate;

    if (!json_int64(value, &rate) || rate < -1 || rate > 1000000 ||
        iotsim_quota_set(setup->sim, key, (int)rate) < 0) {
        fail(setup, "quotas", key);
    }
}

/* --- what there is --- */

static void make_fleet(struct setup *setup)
{
    char account[ACCOUNT_LENGTH + 1];
    const char *region = text_of(setup, "region");
    struct fleet_config *config = &setup->config;

    *config = setup->sim->world.empty;
    account_of(setup, account);
    config->account = account;
    config->region = region ? region : setup->sim->options->fleet.region;
    config->seed = (uint64_t)number_of(setup, "seed", 0, INT64_MAX, (int64_t)config->seed + setup->number);
    config->things = (int)number_of(setup, "things", 0, 1000000, 0);
    config->jobs = (int)number_of(setup, "jobs", 0, 10000, 0);
    config->executions = number_of(setup, "executions", 0, 100000000, 0);
    config->groups = (int)number_of(setup, "groups", 0, 10000, 0);
    config->thing_types = (int)number_of(setup, "thing_types", 0, 1000, 0);
    config->thing_attributes = (int)number_of(setup, "thing_attributes", 0, FLEET_ATTRIBUTES_MAX, 0);
    config->reuse_numbers = config->reuse_numbers || truth_of(setup, "reuse_numbers");
    config->now_ms = setup->now_ms;
    json_members(json_get(setup->object, "quotas"), on_core_quota, setup);
    if (!region_valid(config->region)) {
        fail(setup, "region", config->region);
    }
    if (!setup->failed) {
        iotsim_place_make(&setup->sim->world, config);
    }
}

static void make_user(struct setup *setup)
{
    char account[ACCOUNT_LENGTH + 1];
    const char *name = text_of(setup, "name"), *access = text_of(setup, "access_key");
    const char *secret = text_of(setup, "secret_key"), *token = text_of(setup, "session_token");
    struct err why;

    account_of(setup, account);
    if (!access || !secret) {
        fail(setup, "users", "access_key and secret_key are needed");
    }
    if (setup->failed) {
        return;
    }
    struct iotsim_key *key =
        iotsim_user_make(&setup->sim->world, account, name ? name : "sweeper", access, secret, token, &why);
    if (!key) {
        fail(setup, "users", why.msg);
        return;
    }
    put_policy(setup, &key->user_policy);
}

static void trust(struct setup *setup, struct iotsim_role *role, const struct json_value *trusted)
{
    role->trusted = mem_calloc(json_count(trusted) + 1, sizeof(*role->trusted));
    for (size_t i = 0; i < json_count(trusted); i++) {
        const char *text = json_string(json_at(trusted, i));
        if (!text) {
            fail(setup, "trust", "a list of texts");
            return;
        }
        role->trusted[role->trusted_count++] = mem_strdup(text);
    }
}

static void make_role(struct setup *setup)
{
    char account[ACCOUNT_LENGTH + 1], arn[512];
    const char *name = text_of(setup, "name"), *external_id = text_of(setup, "external_id");
    const struct json_value *trusted = json_get(setup->object, "trust");
    struct err why;

    account_of(setup, account);
    if (!name || !*name) {
        fail(setup, "roles", "name is needed");
        return;
    }
    snprintf(arn, sizeof(arn), "arn:aws:iam::%s:role/%s", account, name);
    struct iotsim_role *role = iotsim_role_make(&setup->sim->world, arn, &why);
    if (!role) {
        fail(setup, "roles", why.msg);
        return;
    }
    role->external_id = external_id ? mem_strdup(external_id) : NULL;
    role->max_session_s = number_of(setup, "max_session_s", 900, 43200, role->max_session_s);
    role->web_identity = truth_of(setup, "web_identity");
    if (trusted) {
        trust(setup, role, trusted);
    }
    put_policy(setup, &role->policy);
}

static void make_all(struct setup *setup, const struct json_value *list, const char *members,
                     void (*make)(struct setup *setup))
{
    if (list && !json_is_array(list)) {
        fail(setup, members, "not a list");
    }
    for (size_t i = 0; i < json_count(list) && !setup->failed; i++) {
        enter(setup, json_at(list, i), members);
        int64_t count = number_of(setup, "count", 1, 100000, 1);
        for (setup->number = 0; setup->number < count && !setup->failed; setup->number++) {
            make(setup);
        }
        setup->number = 0;
    }
}

/* --- what holds for all --- */

static void set_sessions(struct setup *setup, const struct json_value *object)
{
    struct iotsim_sessions *set = &setup->sim->world.sessions;

    enter(setup, object, "life_s,early_s,packed_policy_max");
    set->life_s = number_of(setup, "life_s", 0, 43200, set->life_s);
    set->early_s = number_of(setup, "early_s", -86400, 86400, set->early_s);
    set->packed_policy_max = number_of(setup, "packed_policy_max", 1, 2048, set->packed_policy_max);
}

static void set_web_identity(struct setup *setup, const struct json_value *object)
{
    static const char *const modes[WEB_MODE_COUNT] = {"ok", "idp-down", "expired", "invalid", "rejected"};
    struct iotsim_world *world = &setup->sim->world;

    enter(setup, object, "token,mode");
    const char *token = text_of(setup, "token"), *mode = text_of(setup, "mode");
    if (token) {
        free(world->web_token);
        world->web_token = mem_strdup(token);
    }
    if (!mode) {
        return;
    }
    for (int i = 0; i < WEB_MODE_COUNT; i++) {
        if (strcmp(mode, modes[i]) == 0) {
            world->web_mode = (enum iotsim_web_mode)i;
            return;
        }
    }
    fail(setup, "web_identity", mode);
}

static void set_metadata(struct setup *setup, const struct json_value *object)
{
    struct err why;

    enter(setup, object, "imds,container,sso");
    if (!setup->failed && iotsim_metadata_set(&setup->sim->metadata, object, &why) < 0) {
        fail(setup, "metadata", why.msg);
    }
}

static void set_index(struct setup *setup, const struct json_value *object)
{
    enter(setup, object, "ready");
    if (json_get(object, "ready")) {
        setup->sim->world.no_index = !truth_of(setup, "ready");
    }
}

static void set_up(struct setup *setup, const struct json_value *root)
{
    enter(setup, root, "fleets,users,roles,quotas,sessions,web_identity,metadata,index");
    json_members(json_get(root, "quotas"), on_quota, setup);
    set_sessions(setup, json_get(root, "sessions"));
    set_web_identity(setup, json_get(root, "web_identity"));
    set_metadata(setup, json_get(root, "metadata"));
    set_index(setup, json_get(root, "index"));
    make_all(setup, json_get(root, "fleets"),
             "account,region,count,seed,things,jobs,executions,groups,thing_types,thing_attributes,reuse_"
             "numbers,quotas",
             make_fleet);
    make_all(setup, json_get(root, "users"), "account,name,access_key,secret_key,session_token,policy",
             make_user);
    make_all(setup, json_get(root, "roles"),
             "account,name,count,trust,external_id,max_session_s,policy,web_identity", make_role);
}

int iotsim_setup(struct iotsim *sim, const char *text, size_t length, int64_t now_ms, struct err *err)
{
    struct setup setup = {.sim = sim, .now_ms = now_ms, .err = err};
    struct json_doc *doc = json_parse(text, length, err);

    if (!doc) {
        return -1;
    }
    set_up(&setup, json_root(doc));
    json_free(doc);
    return setup.failed ? -1 : 0;
}

int iotsim_setup_file(struct iotsim *sim, const char *path, int64_t now_ms, struct err *err)
{
    FILE *file = fopen(path, "r");
    char part[8192];
    struct buf text;
    size_t length;
    int result = -1;

    if (!file) {
        return err_set(err, ERR_IO, "%s: %s", path, err_errno(errno));
    }
    buf_init(&text, FILE_MAX_BYTES);
    while ((length = fread(part, 1, sizeof(part), file)) > 0) {
        buf_append(&text, part, length);
    }
    if (text.overflow || ferror(file)) {
        err_set(err, ERR_IO, "%s: cannot be read, or too long", path);
    } else {
        result = iotsim_setup(sim, buf_string(&text), text.length, now_ms, err);
    }
    fclose(file);
    buf_finish(&text);
    return result < 0 ? err_context(err, "%s", path) : 0;
}
