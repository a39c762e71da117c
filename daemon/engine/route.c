/* See engine/route.h. */
#include "engine/route.h"

#include "base/text.h"
#include "model/call.h"
#include "policy/glob.h"

static int64_t pages(int64_t rows)
{
    return (rows + PAGE_MAX - 1) / PAGE_MAX;
}

static bool single_bit(unsigned bits)
{
    return bits != 0 && (bits & (bits - 1)) == 0;
}

struct route_listing route_job(const struct job *job, unsigned status_bits)
{
    if (!job->described) {
        return (struct route_listing){.calls = 1, .status_bits = single_bit(status_bits) ? status_bits : 0};
    }
    struct route_listing each = {0};
    int64_t rows = 0;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        int64_t count = job->counts[status];
        rows += count > 0 ? count : 0;
        if (count > 0 && (status_bits & EXECUTION_BIT(status)) != 0) {
            each.calls += pages(count);
            each.status_bits |= EXECUTION_BIT(status);
        }
    }
    /* On a tie one listing of all is preferred: it sees every execution in one state only. One state alone is
     * asked for by name: no page then brings rows that are not wanted. */
    if (each.calls == 0 || each.calls < pages(rows) || single_bit(each.status_bits)) {
        return each;
    }
    return (struct route_listing){.calls = pages(rows), .status_bits = 0};
}

enum execution_status route_thing_status(unsigned status_bits)
{
    if (!single_bit(status_bits)) {
        return EXECUTION_UNKNOWN;
    }
    enum execution_status status = EXECUTION_UNKNOWN;
    while (EXECUTION_BIT(status) != status_bits) {
        status++;
    }
    return status;
}

bool route_literal(const struct name_match *match)
{
    for (size_t i = 0; i < match->include.count; i++) {
        if (!glob_literal(match->include.patterns[i])) {
            return false;
        }
    }
    return match->include.count > 0;
}

bool route_things_first(int64_t jobs, int64_t things)
{
    return things >= 0 && things < jobs;
}

struct route route_choose(int64_t jobs, int64_t job_calls, int64_t things)
{
    if (things >= 0 && things < job_calls) {
        return (struct route){
            .by_thing = true, .jobs = jobs, .things = things, .calls = things, .other_calls = job_calls};
    }
    return (struct route){.jobs = jobs, .things = things, .calls = job_calls, .other_calls = things};
}

void route_print(const struct route *route, struct buf *out)
{
    char count[32], calls[32], other[32];
    int64_t scopes = route->by_thing ? route->things : route->jobs;
    const char *one = route->by_thing ? "thing" : "job";
    buf_printf(out, "by %s: %s %s%s, about %s call%s", one, text_thousands(count, scopes), one,
               scopes == 1 ? "" : "s", text_thousands(calls, route->calls), route->calls == 1 ? "" : "s");
    buf_printf(out, " (by %s: ", route->by_thing ? "job" : "thing");
    if (route->other_calls >= 0) {
        buf_printf(out, "about %s)", text_thousands(other, route->other_calls));
    } else if (route->other_least > 0) {
        buf_printf(out, "at least %s, more than jobs, and counted no further)",
                   text_thousands(other, route->other_least));
    } else {
        buf_text(out, route->other_refused ? "not known, they could not be listed)"
                                           : "things were not counted, with so few calls)");
    }
}
