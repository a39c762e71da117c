/* The calls that show what a target's credentials may do, without changing anything: reads of what the
 * policies there have to read. Where a pattern stands for many names, a name is made up that it fits and that
 * nothing bears; AWS asks for the permission before it looks whether there is such a thing, so that "not
 * found" says that the call is allowed.
 *
 * DeleteJobExecution is not among them: AWS has no dry run of it, and a request that would be refused only
 * because nothing bears that name is still a deletion. Whether it is allowed stays open. */
#ifndef APP_PROBE_H
#define APP_PROBE_H

#include "app/exit_status.h"
#include "base/err.h"
#include "model/call.h"
#include "policy/iam.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBES_PER_OPERATION 20 /* what is beyond is counted as left out */

enum probe_result {
    PROBE_OPEN,    /* not answered yet, or the answer does not tell */
    PROBE_ALLOWED, /* answered, or not found */
    PROBE_DENIED,
    PROBE_MISSING /* allowed, but what the policy names is not there or cannot be asked */
};

struct probe {
    enum operation operation;
    char resource[JOB_ID_MAX + THING_NAME_MAX + 32]; /* "job/fw-1 and thing/gw-1", "*": for people */
    char job_id[JOB_ID_MAX + 1], thing_name[THING_NAME_MAX + 1], group_name[THING_NAME_MAX + 1];
    bool made_up; /* no such thing is expected */
    enum probe_result result;
    enum exit_status status; /* what it is for the target; EXIT_FINE where the result is PROBE_ALLOWED */
    struct err err;          /* unless the result is PROBE_ALLOWED */
};

struct probe_list {
    struct probe *probes;
    size_t count;
    size_t left_out;              /* patterns beyond PROBES_PER_OPERATION */
    bool needed[OPERATION_COUNT]; /* the operations that the policies use, DELETE_EXECUTION among them */
};

/* What these need. random() makes up the names. probe_list_finish(). */
void probe_list_init(struct probe_list *list, const struct iam_scope *scopes, size_t count,
                     uint64_t (*random)(void *ctx), void *ctx);
void probe_list_finish(struct probe_list *list);

void probe_ask(const struct probe *probe, struct call *call); /* into a call that is not initialised */
void probe_take(struct probe *probe, const struct call *call);

const char *probe_result_name(enum probe_result result); /* "allowed", ... */

/* A name that the pattern fits, with something made up for what it leaves open; at most max bytes long.
 * Whether anything was made up. */
bool probe_name(const char *pattern, size_t max, uint64_t random, char *out);

#endif
