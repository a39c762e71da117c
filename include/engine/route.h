/* How to list what a policy may select with the fewest calls: job by job, or thing by thing. Pure; the survey
 * (engine/survey.h) gathers the facts. */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

#include "base/buf.h"
#include "model/job.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* How one job's executions are listed. */
struct route_listing {
    int64_t calls;        /* estimate from the job's counts; 0: it holds nothing that is wanted */
    unsigned status_bits; /* one listing for each of these; 0: one listing of all */
};
/* status_bits: the states that are wanted. A job that was not described is listed by what the bits say. */
struct route_listing route_job(const struct job *job, unsigned status_bits);

/* The one state a listing by thing asks for, or EXECUTION_UNKNOWN for all: a filter costs a listing for each
 * state, so it pays only when there is one. */
enum execution_status route_thing_status(unsigned status_bits);

/* Whether a list of patterns names everything it includes, so that nothing needs to be searched for. */
bool route_literal(const struct name_match *match);

struct route {
    bool by_thing;
    int64_t jobs, things; /* to be listed; of the way not taken: known, or -1 */
    int64_t calls;        /* estimate, of the listing that follows */
    int64_t other_calls;  /* estimate of the other way, -1 when not known */
    /* Where it is not known. */
    int64_t other_least; /* it takes at least so many; 0: nothing is known of it */
    bool other_refused;  /* it could not be found out; else that would have cost more than it saves */
};

/* Before any job is described: by thing costs a listing of each thing and at most a description of each job,
 * by job a description of each job and about a listing of each. */
bool route_things_first(int64_t jobs, int64_t things);

/* After the jobs are described; things is -1 when they are not known. Jobs win a tie. */
struct route route_choose(int64_t jobs, int64_t job_calls, int64_t things);

/* "by job: 12 jobs, about 30 calls (by thing: about 1,000)"; the way that is not taken takes more, or it is
 * said why that is not known. */
void route_print(const struct route *route, struct buf *out);

#endif
