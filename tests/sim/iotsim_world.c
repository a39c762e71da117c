/* See iotsim_world.h. */
#include "sim/iotsim_world.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_DEFAULT_MAX_S 3600 /* of a role (IAM user guide, "maximum session duration") */

/* --- places --- */

static void place_free(struct iotsim_place *place)
{
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        quota_close(&place->quotas[i]);
    }
    fleet_destroy(place->fleet);
    free(place);
}

static struct iotsim_place *place_named(const struct iotsim_world *world, const char *account,
                                        const char *region)
{
    struct iotsim_place *found;
    char name[sizeof(found->name)];

    snprintf(name, sizeof(name), "%s/%s", account, region);
    HASH_FIND_STR(world->places, name, found);
    return found;
}

struct iotsim_place *iotsim_place_make(struct iotsim_world *world, const struct fleet_config *config)
{
    struct iotsim_place *old = place_named(world, config->account, config->region);
    struct iotsim_place *place = mem_zalloc(sizeof(*place));

    snprintf(place->name, sizeof(place->name), "%s/%s", config->account, config->region);
    text_copy(place->account, sizeof(place->account), config->account);
    text_copy(place->region, sizeof(place->region), config->region);
    place->fleet = fleet_create(config);
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        int rate = world->quotas[i] ? world->quotas[i] : iotsim_routes[i].quota;
        quota_open(&place->quotas[i], config->quota_kind, rate, config->now_ms);
    }
    if (old) {
        HASH_DEL(world->places, old);
        world->home = world->home == old ? place : world->home;
        place_free(old);
    }
    HASH_ADD_STR(world->places, name, place);
    return place;
}

static bool region_served(const struct iotsim_world *world, const char *region)
{
    const struct iotsim_place *place = world->places;

    while (place && strcmp(place->region, region) != 0) {
        place = place->hh.next;
    }
    return place != NULL;
}

struct iotsim_place *iotsim_place_find(struct iotsim_world *world, const char *account, const char *region,
                                       int64_t now_ms)
{
    struct iotsim_place *found = place_named(world, account, region);
    struct fleet_config config = world->empty;

    if (found || !region_served(world, region)) {
        return found;
    }
    config.account = account;
    config.region = region;
    config.now_ms = now_ms;
    return iotsim_place_make(world, &config);
}

/* --- roles --- */

static void role_clear(struct iotsim_role *role)
{
    for (size_t i = 0; i < role->trusted_count; i++) {
        free(role->trusted[i]);
    }
    free(role->trusted);
    free(role->external_id);
    iam_policy_free(role->policy);
    role->trusted = NULL;
    role->trusted_count = 0;
    role->external_id = NULL;
    role->policy = NULL;
    role->web_identity = false;
    role->max_session_s = SESSION_DEFAULT_MAX_S;
}

/* AWS's identifiers: a prefix and capitals and digits. */
static void draw_id(struct random *random, const char *prefix, char *out, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t at = strlen(prefix);

    memcpy(out, prefix, at);
    for (; at + 1 < size; at++) {
        out[at] = alphabet[random_below(random, sizeof(alphabet) - 1)];
    }
    out[at] = '\0';
}

/* "arn:aws:iam::123456789012:role/path/name"; the account, or false. */
static bool role_account(const char *arn, char account[ACCOUNT_LENGTH + 1])
{
    const char *colon = strncmp(arn, "arn:aws", 7) == 0 ? strstr(arn, ":iam::") : NULL;

    if (!colon || strlen(arn) > IOTSIM_ARN_MAX || strlen(colon) < 12 + ACCOUNT_LENGTH ||
        strncmp(colon + 6 + ACCOUNT_LENGTH, ":role/", 6) != 0) {
        return false;
    }
    snprintf(account, ACCOUNT_LENGTH + 1, "%s", colon + 6);
    return account_id_valid(account) && strrchr(arn, '/')[1];
}

struct iotsim_role *iotsim_role_make(struct iotsim_world *world, const char *arn, struct err *err)
{
    struct iotsim_role *role = iotsim_role_find(world, arn);
    char account[ACCOUNT_LENGTH + 1];

    if (!role_account(arn, account)) {
        err_set(err, ERR_INVALID, "'%.200s' is not the ARN of a role", arn);
        return NULL;
    }
    if (!role) {
        role = mem_zalloc(sizeof(*role));
        text_copy(role->arn, sizeof(role->arn), arn);
        text_copy(role->account, sizeof(role->account), account);
        draw_id(&world->random, "AROA", role->id, 22);
        HASH_ADD_STR(world->roles, arn, role);
    }
    role_clear(role);
    return role;
}

struct iotsim_role *iotsim_role_find(struct iotsim_world *world, const char *arn)
{
    struct iotsim_role *found;

    HASH_FIND_STR(world->roles, arn, found);
    return found;
}

static bool trusts(const char *trusted, const struct iotsim_key *caller)
{
    char root[64];

    snprintf(root, sizeof(root), "arn:aws:iam::%s:root", caller->account);
    return strcmp(trusted, "*") == 0 || strcmp(trusted, caller->account) == 0 || strcmp(trusted, root) == 0 ||
           strcmp(trusted, caller->arn) == 0 || (caller->role && strcmp(trusted, caller->role->arn) == 0);
}

bool iotsim_role_trusts(const struct iotsim_role *role, const struct iotsim_key *caller)
{
    for (size_t i = 0; i < role->trusted_count; i++) {
        if (trusts(role->trusted[i], caller)) {
            return true;
        }
    }
    return role->trusted_count == 0;
}

/* --- keys --- */

static void key_free(struct iotsim_key *key)
{
    iam_policy_free(key->user_policy);
    iam_policy_free(key->session);
    free(key);
}

struct iotsim_key *iotsim_key_find(struct iotsim_world *world, const char *access_key)
{
    struct iotsim_key *found;

    HASH_FIND_STR(world->keys, access_key, found);
    return found;
}

static void key_add(struct iotsim_world *world, struct iotsim_key *key)
{
    struct iotsim_key *old = iotsim_key_find(world, key->access_key);

    if (old) {
        HASH_DEL(world->keys, old);
        key_free(old);
    }
    HASH_ADD_STR(world->keys, access_key, key);
}

struct iotsim_key *iotsim_user_make(struct iotsim_world *world, const char *account, const char *name,
                                    const char *access_key, const char *secret_key, const char *token,
                                    struct err *err)
{
    struct iotsim_key *key = mem_zalloc(sizeof(*key));

    if (!account_id_valid(account) || !text_copy(key->access_key, sizeof(key->access_key), access_key) ||
        !text_copy(key->secret_key, sizeof(key->secret_key), secret_key) ||
        !text_copy(key->token, sizeof(key->token), token ? token : "")) {
        free(key);
        err_set(err, ERR_INVALID, "user '%.64s': no account of twelve digits, or a key that is too long",
                name);
        return NULL;
    }
    text_copy(key->account, sizeof(key->account), account);
    snprintf(key->arn, sizeof(key->arn), "arn:aws:iam::%s:user/%.64s", account, name);
    text_copy(key->user_id, sizeof(key->user_id), "AIDASIMULATEDUSER");
    key_add(world, key);
    return key;
}

/* Characters as in AWS's secrets and tokens: '+', '/' and '=' must survive every encoding on the way. */
void iotsim_secret_draw(struct iotsim_world *world, char *out, size_t length)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < length; i++) {
        out[i] = alphabet[random_below(&world->random, sizeof(alphabet) - 1)];
    }
    out[length] = '\0';
}

struct iotsim_key *iotsim_session_make(struct iotsim_world *world, struct iotsim_role *role, const char *name,
                                       struct iam_policy *session, int64_t duration_s, int64_t now_ms)
{
    const struct iotsim_sessions *set = &world->sessions;
    struct iotsim_key *key = mem_zalloc(sizeof(*key));

    draw_id(&world->random, "ASIA", key->access_key, 21);
    iotsim_secret_draw(world, key->secret_key, 40);
    memcpy(key->token, "IQoJb3JpZ2luX2Vj", 16);
    iotsim_secret_draw(world, key->token + 16, 302);
    memcpy(key->token + 318, "==", 3);
    text_copy(key->account, sizeof(key->account), role->account);
    snprintf(key->arn, sizeof(key->arn), "arn:aws:sts::%s:assumed-role/%s/%s", role->account,
             strrchr(role->arn, '/') + 1, name);
    snprintf(key->user_id, sizeof(key->user_id), "%s:%s", role->id, name);
    if (set->life_s > 0 && set->life_s < duration_s) {
        duration_s = set->life_s;
    }
    key->told_ms = now_ms - now_ms % TIME_MS_PER_SECOND + duration_s * TIME_MS_PER_SECOND;
    key->expires_ms = key->told_ms - set->early_s * TIME_MS_PER_SECOND;
    key->role = role;
    key->session = session;
    world->made++;
    key_add(world, key);
    return key;
}

void iotsim_sessions_end(struct iotsim_world *world, int64_t now_ms)
{
    struct iotsim_key *key, *next;

    HASH_ITER (hh, world->keys, key, next) {
        if (key->expires_ms > now_ms) {
            key->expires_ms = now_ms;
        }
    }
}

/* --- its life --- */

void iotsim_world_init(struct iotsim_world *world, const struct fleet_config *config)
{
    world->empty = *config;
    world->empty.things = world->empty.jobs = world->empty.groups = 0;
    world->empty.executions = 0;
    if (world->sessions.packed_policy_max == 0) {
        world->sessions.packed_policy_max = 2048;
    }
    /* two runs must not hand out the same keys: clients keep them in files */
    random_seed(&world->random, config->seed ^ (uint64_t)config->now_ms ^ UINT64_C(0x73657373696f6e73));
    world->home = iotsim_place_make(world, config);
}

void iotsim_world_finish(struct iotsim_world *world)
{
    struct iotsim_place *place, *next_place;
    struct iotsim_role *role, *next_role;
    struct iotsim_key *key, *next_key;

    HASH_ITER (hh, world->keys, key, next_key) {
        HASH_DEL(world->keys, key);
        key_free(key);
    }
    HASH_ITER (hh, world->roles, role, next_role) {
        HASH_DEL(world->roles, role);
        role_clear(role);
        free(role);
    }
    HASH_ITER (hh, world->places, place, next_place) {
        HASH_DEL(world->places, place);
        place_free(place);
    }
    free(world->web_token);
}
