/* What a test asks iotsim itself, under /_iotsim/: no signature, no faults, no latency. */
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim_route.h"

#include <inttypes.h>
#include <string.h>

void iotsim_print_counts(const struct iotsim *sim, struct buf *out)
{
    struct fleet_counts counts;
    fleet_counts(sim->fleet, &counts);
    buf_text(out, "{\"operations\":{");
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        const struct iotsim_tally *tally = &sim->tallies[i];
        buf_printf(out,
                   "%s\"%s\":{\"received\":%" PRId64 ",\"executed\":%" PRId64 ",\"throttled\":%" PRId64 "}",
                   i ? "," : "", iotsim_routes[i].name, tally->received, tally->executed, tally->throttled);
    }
    buf_text(out, "},\"faults\":{");
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++)
        buf_printf(out, "%s\"%s\":%" PRId64, i > FAULT_NONE + 1 ? "," : "", fault_name((enum fault)i),
                   sim->options->faults.done[i]);
    buf_printf(out,
               "},\"executions\":%" PRId64 ",\"deleted\":%" PRId64 ",\"forced\":%" PRId64
               ",\"double_deletes\":%" PRId64 ",\"signature_failures\":%" PRId64 ",\"connections\":%" PRId64
               "}\n",
               counts.executions, counts.deleted, counts.forced, sim->double_deletes, sim->signature_failures,
               sim->connections);
}

static void print_deleted(void *ctx, const struct fleet_execution *deleted)
{
    struct buf *out = ctx;
    char time[21];
    time_rfc3339(deleted->deleted_ms, time);
    buf_printf(out,
               "{\"identity\":%" PRIu64 ",\"job\":\"%s\",\"thing\":\"%s\",\"number\":%" PRId64
               ",\"status\":\"%s\",\"time\":\"%s\",\"forced\":%s}\n",
               deleted->identity, deleted->execution.job_id, deleted->execution.thing_name,
               deleted->execution.number, execution_status_name(deleted->execution.fingerprint.status), time,
               deleted->forced ? "true" : "false");
}

bool iotsim_control(struct iotsim *sim, const char *target, struct iotsim_reply *reply)
{
    reply->status = 200;
    reply->content_type = "application/json";
    if (strcmp(target, "/_iotsim/counts") == 0)
        iotsim_print_counts(sim, &reply->body);
    else if (strcmp(target, "/_iotsim/deleted") == 0)
        fleet_each(sim->fleet, true, print_deleted, &reply->body);
    else if (strcmp(target, "/_iotsim/quit") == 0)
        sim->quit = true;
    else
        return false;
    return true;
}
