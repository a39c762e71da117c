/* See app/places.h. */
#include "app/places.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define MINUTE_NS   (60 * TIME_NS_PER_SECOND)
#define IDLE_NS     (20 * MINUTE_NS)
#define REST_MAX_NS (60 * MINUTE_NS)
#define DOUBLED_MAX 6 /* 64 minutes are over the maximum */

struct places {
    struct places_config config;
    const struct env *env;
    struct sts_pace *pace;
    struct target_state *targets;
    struct target_state *idle; /* the longest first */
    struct site *sites;
    struct env_timer tidy;
    bool held; /* no link sends a deletion */
};

static int64_t mono_ns(const struct places *places)
{
    return places->env->mono_ns(places->env->ctx);
}

/* --- links --------------------------------------------------------------------------------------------- */

static void on_episode(void *owner, enum operation operation, bool begins, int64_t rate_before,
                       int64_t rate_now)
{
    const struct target_state *place = owner;
    const struct places_config *config = &place->places->config;
    if (config->episode != NULL) {
        config->episode(config->owner, place->name, operation, begins, rate_before, rate_now);
    }
}

static void close_link(struct target_state *place)
{
    link_destroy(place->link);
    config_unref(place->config);
    place->link = NULL;
    place->config = NULL;
}

static int open_link(struct target_state *place, struct config *config, const struct target *target,
                     const char *session_policy, struct err *err)
{
    const struct link_config link = {.world = place->places->config.world,
                                     .target = target,
                                     .pace = sts_pace_face(place->places->pace, STS_FIRST),
                                     .session_policy = session_policy,
                                     .episode = on_episode,
                                     .owner = place,
                                     .metrics = place->places->config.metrics};
    close_link(place);
    place->stale = false;
    place->link = link_create(&link, err);
    if (place->link == NULL) {
        return -1;
    }
    place->config = config_ref(config);
    dispatcher_hold(link_dispatcher(place->link), place->places->held);
    return 0;
}

static void wake(struct target_state *place)
{
    if (place->idle) {
        DL_DELETE(place->places->idle, place);
        place->idle = false;
    }
}

/* Runs of two configurations may stand in line for one name, which need not mean the same target in both. */
int places_reach(struct target_state *place, struct config *config, const struct target *target,
                 const char *session_policy, bool *fresh, struct err *err)
{
    wake(place);
    *fresh = place->link == NULL || place->stale || place->config != config;
    if (*fresh) {
        return open_link(place, config, target, session_policy, err);
    }
    link_scope(place->link, session_policy);
    return 0;
}

/* --- idle ones ----------------------------------------------------------------------------------------- */

static void arm(struct places *places)
{
    if (places->idle != NULL && !places->tidy.armed) {
        places->env->start(places->env->ctx, &places->tidy, places->idle->since_ns + places->config.idle_ns);
    }
}

static void on_tidy(struct env_timer *timer)
{
    struct places *places = timer->owner;
    struct target_state *place;
    while ((place = places->idle) != NULL && place->since_ns + places->config.idle_ns <= mono_ns(places)) {
        wake(place);
        close_link(place);
    }
    arm(places);
}

void places_rest(struct target_state *place)
{
    struct places *places = place->places;
    if (place->link != NULL && !place->idle) {
        place->idle = true;
        place->since_ns = mono_ns(places);
        DL_APPEND(places->idle, place);
        arm(places);
    }
}

/* --- failures ------------------------------------------------------------------------------------------ */

void places_note(struct target_state *place, bool denied)
{
    if (!denied) {
        place->denials = 0;
        return;
    }
    int doubled = place->denials < DOUBLED_MAX ? place->denials : DOUBLED_MAX;
    int64_t rest_ns = MINUTE_NS << doubled < REST_MAX_NS ? MINUTE_NS << doubled : REST_MAX_NS;
    place->denials++;
    /* A tenth less, so that what is due every minute or hour is not late by the moments that a run takes. */
    place->rests_until_ns = mono_ns(place->places) + rest_ns - rest_ns / 10;
}

int64_t places_rest_ms(const struct target_state *place)
{
    int64_t left_ns = place->denials > 0 ? place->rests_until_ns - mono_ns(place->places) : 0;
    return left_ns > 0 ? left_ns / TIME_NS_PER_MS + 1 : 0;
}

void places_renew(struct places *places)
{
    struct target_state *place, *next;
    HASH_ITER (hh, places->targets, place, next) {
        place->stale = true;
        place->denials = 0;
    }
}

void places_hold(struct places *places, bool hold)
{
    struct target_state *place, *next;
    places->held = hold;
    HASH_ITER (hh, places->targets, place, next) {
        if (place->link != NULL) {
            dispatcher_hold(link_dispatcher(place->link), hold);
        }
    }
}

/* --- the places ---------------------------------------------------------------------------------------- */

struct places *places_create(const struct places_config *config)
{
    struct places *places = mem_zalloc(sizeof *places);
    places->config = *config;
    places->config.idle_ns = config->idle_ns > 0 ? config->idle_ns : IDLE_NS;
    places->env = world_env(config->world);
    places->pace = sts_pace_create(places->env);
    places->tidy = (struct env_timer){.fire = on_tidy, .owner = places};
    return places;
}

void places_destroy(struct places *places)
{
    struct target_state *place, *next_place;
    struct site *site, *next_site;
    if (places == NULL) {
        return;
    }
    places->env->stop(places->env->ctx, &places->tidy);
    HASH_ITER (hh, places->targets, place, next_place) {
        HASH_DEL(places->targets, place);
        close_link(place);
        free(place);
    }
    HASH_ITER (hh, places->sites, site, next_site) {
        HASH_DEL(places->sites, site);
        free(site);
    }
    sts_pace_destroy(places->pace);
    free(places);
}

void places_each(const struct places *places, void (*each)(void *owner, const struct target_state *place),
                 void *owner)
{
    for (const struct target_state *place = places->targets; place != NULL; place = place->hh.next) {
        each(owner, place);
    }
}

const struct target_state *places_known(const struct places *places, const char *name)
{
    const struct target_state *place;
    HASH_FIND_STR(places->targets, name, place);
    return place;
}

struct target_state *places_target(struct places *places, const char *name)
{
    struct target_state *place;
    HASH_FIND_STR(places->targets, name, place);
    if (place == NULL) {
        place = mem_zalloc(sizeof *place);
        place->places = places;
        text_copy(place->name, sizeof place->name, name);
        HASH_ADD_STR(places->targets, name, place);
    }
    return place;
}

struct site *places_site(struct places *places, const char *account, const char *region)
{
    struct site *site;
    char name[sizeof site->name];
    snprintf(name, sizeof name, "%s/%s", account, region);
    HASH_FIND_STR(places->sites, name, site);
    if (site == NULL) {
        site = mem_zalloc(sizeof *site);
        text_copy(site->name, sizeof site->name, name);
        HASH_ADD_STR(places->sites, name, site);
    }
    return site;
}

const struct credentials_pace *places_pace(const struct places *places)
{
    return sts_pace_face(places->pace, STS_LAST);
}
