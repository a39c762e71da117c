/* What a test asks iotsim itself, under /_iotsim/: no signature, no faults, no latency.
 *
 *   counts             what happened, over all places; ?place=ACCOUNT/REGION: in this one
 *   places             one line for each place: its fleet and what was executed there
 *   deleted            one line for each execution that was deleted; ?place= as above
 *   world              POST: sets up what the body says (iotsim_setup.h)
 *   skew               POST: the service's clock is ahead of ours by so many seconds from now on
 *   sessions           one line for each session that was handed out and may still live, with its keys
 *   expire-sessions    every temporary credential that was handed out ends now
 *   quit               ends iotsim */
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim_route.h"
#include "sim/iotsim_setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- counts --- */

/* Of one place, only what had a good signature counts as received: nobody knows whose the rest was. */
static struct iotsim_tally tally_of(const struct iotsim *sim, const struct iotsim_place *only, size_t route)
{
    struct iotsim_tally sum = {.received = sim->received[route]};
    for (const struct iotsim_place *place = sim->world.places; place; place = place->hh.next) {
        if (only && place != only) {
            continue;
        }
        sum.executed += place->tallies[route].executed;
        sum.throttled += place->tallies[route].throttled;
        sum.denied += place->tallies[route].denied;
    }
    if (only) {
        sum.received = sum.executed + sum.throttled + sum.denied;
    }
    return sum;
}

static void print_operations(const struct iotsim *sim, const struct iotsim_place *only, struct buf *out)
{
    buf_text(out, "{\"operations\":{");
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        const struct iotsim_tally tally = tally_of(sim, only, i);
        buf_printf(out,
                   "%s\"%s\":{\"received\":%" PRId64 ",\"executed\":%" PRId64 ",\"throttled\":%" PRId64
                   ",\"denied\":%" PRId64 "}",
                   i ? "," : "", iotsim_routes[i].name, tally.received, tally.executed, tally.throttled,
                   tally.denied);
    }
    buf_text(out, "}");
}

static void print_totals(const struct iotsim *sim, const struct iotsim_place *only, struct buf *out)
{
    struct fleet_counts sum = {.executions = 0};
    for (const struct iotsim_place *place = sim->world.places; place; place = place->hh.next) {
        struct fleet_counts counts;
        fleet_counts(place->fleet, &counts);
        if (!only || place == only) {
            sum.executions += counts.executions;
            sum.deleted += counts.deleted;
            sum.forced += counts.forced;
        }
    }
    buf_printf(out, ",\"executions\":%" PRId64 ",\"deleted\":%" PRId64 ",\"forced\":%" PRId64, sum.executions,
               sum.deleted, sum.forced);
}

static void print_counts(const struct iotsim *sim, const struct iotsim_place *only, struct buf *out)
{
    print_operations(sim, only, out);
    buf_text(out, ",\"faults\":{");
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        buf_printf(out, "%s\"%s\":%" PRId64, i > FAULT_NONE + 1 ? "," : "", fault_name((enum fault)i),
                   sim->options->faults.done[i]);
    }
    buf_text(out, "}");
    print_totals(sim, only, out);
    buf_text(out, ",\"metadata\":");
    iotsim_metadata_print(&sim->metadata, out);
    buf_printf(out,
               ",\"double_deletes\":%" PRId64 ",\"signature_failures\":%" PRId64 ",\"connections\":%" PRId64
               ",\"sessions\":%" PRId64 "}\n",
               sim->double_deletes, sim->signature_failures, sim->connections, sim->world.made);
}

void iotsim_print_counts(const struct iotsim *sim, struct buf *out)
{
    print_counts(sim, NULL, out);
}

static void print_places(const struct iotsim *sim, struct buf *out)
{
    for (const struct iotsim_place *place = sim->world.places; place; place = place->hh.next) {
        buf_printf(out, "{\"account\":\"%s\",\"region\":\"%s\"", place->account, place->region);
        print_totals(sim, place, out);
        buf_text(out, ",\"executed\":{");
        const char *separator = "";
        for (size_t i = 0; i < iotsim_route_count(); i++) {
            if (place->tallies[i].executed > 0) {
                buf_printf(out, "%s\"%s\":%" PRId64, separator, iotsim_routes[i].name,
                           place->tallies[i].executed);
                separator = ",";
            }
        }
        buf_text(out, "}}\n");
    }
}

/* --- deleted --- */

struct printing {
    const struct iotsim_place *place;
    struct buf *out;
};

static void print_deleted(void *ctx, const struct fleet_execution *deleted)
{
    const struct printing *printing = ctx;
    char time[21];
    time_rfc3339(deleted->deleted_ms, time);
    buf_printf(printing->out,
               "{\"identity\":%" PRIu64 ",\"job\":\"%s\",\"thing\":\"%s\",\"number\":%" PRId64
               ",\"status\":\"%s\",\"time\":\"%s\",\"forced\":%s,\"account\":\"%s\",\"region\":\"%s\"}\n",
               deleted->identity, deleted->execution.job_id, deleted->execution.thing_name,
               deleted->execution.number, execution_status_name(deleted->execution.fingerprint.status), time,
               deleted->forced ? "true" : "false", printing->place->account, printing->place->region);
}

static void print_all_deleted(const struct iotsim *sim, const struct iotsim_place *only, struct buf *out)
{
    for (const struct iotsim_place *place = sim->world.places; place; place = place->hh.next) {
        struct printing printing = {place, out};
        if (!only || place == only) {
            fleet_each(place->fleet, true, print_deleted, &printing);
        }
    }
}

/* --- sessions --- */

/* Keys and names are of letters that need no escape (iotsim_world.c, iotsim_sts.c). */
static void print_sessions(const struct iotsim *sim, int64_t now_ms, struct buf *out)
{
    for (const struct iotsim_key *key = sim->world.keys; key; key = key->hh.next) {
        if (key->expires_ms > now_ms) {
            buf_printf(out,
                       "{\"account\":\"%s\",\"arn\":\"%s\",\"access_key\":\"%s\",\"secret_key\":\"%s\","
                       "\"session_token\":\"%s\",\"scoped\":%s}\n",
                       key->account, key->arn, key->access_key, key->secret_key, key->token,
                       key->session ? "true" : "false");
        }
    }
}

/* --- what is asked --- */

static void set_up(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                   struct iotsim_reply *reply)
{
    struct err err;
    if (iotsim_setup(sim, buf_string(&request->body), request->body.length, now_ms, &err) < 0) {
        reply->status = 400;
        buf_text(&reply->body, err.msg);
    }
}

/* Of "counts?place=123456789012/eu-west-1"; NULL for all. False when there is no such place. */
static bool place_of(const struct iotsim *sim, const char *target, const struct iotsim_place **only)
{
    const char *name = strstr(target, "?place=");
    *only = NULL;
    if (name) {
        HASH_FIND_STR(sim->world.places, name + strlen("?place="), *only);
    }
    return !name || *only;
}

static bool answer(struct iotsim *sim, const struct iotsim_request *request, const char *word, size_t length,
                   int64_t now_ms, struct iotsim_reply *reply)
{
    const struct iotsim_place *only;
    char name[32] = "";
    if (length >= sizeof(name) || !place_of(sim, word, &only)) {
        return false;
    }
    memcpy(name, word, length);
    if (strcmp(name, "counts") == 0) {
        print_counts(sim, only, &reply->body);
    } else if (strcmp(name, "places") == 0) {
        print_places(sim, &reply->body);
    } else if (strcmp(name, "deleted") == 0) {
        print_all_deleted(sim, only, &reply->body);
    } else if (strcmp(name, "world") == 0) {
        set_up(sim, request, now_ms, reply);
    } else if (strcmp(name, "skew") == 0) {
        sim->options->skew_ms = strtoll(buf_string(&request->body), NULL, 10) * TIME_MS_PER_SECOND;
    } else if (strcmp(name, "sessions") == 0) {
        print_sessions(sim, now_ms, &reply->body);
    } else if (strcmp(name, "expire-sessions") == 0) {
        iotsim_sessions_end(&sim->world, now_ms);
    } else if (strcmp(name, "quit") == 0) {
        sim->quit = true;
    } else {
        return false;
    }
    return true;
}

bool iotsim_control(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                    struct iotsim_reply *reply)
{
    static const char prefix[] = "/_iotsim/";
    const char *word = request->target + strlen(prefix);
    reply->status = 200;
    reply->content_type = "application/json";
    return strncmp(request->target, prefix, strlen(prefix)) == 0 &&
           answer(sim, request, word, strcspn(word, "?"), now_ms, reply);
}
