/* From a request line to an operation and what it asks. The routes are those of the service model `iot`
 * 2015-05-28 (and POST / for STS); unknown parameters are refused, so that no mistake hides. */
#ifndef SIM_IOTSIM_ROUTE_H
#define SIM_IOTSIM_ROUTE_H

#include "sim/iotsim.h"

#define ROUTE_PARAMS_MAX 16

struct iotsim_asked;

struct iotsim_route {
    const char *method;
    const char *pattern;      /* T, J, N, G: a thing's name, a job id, an execution number, a group's name */
    const char *name;         /* AWS's own */
    enum operation operation; /* OPERATION_COUNT: not of the model's core, `carry_out` does it */
    const char *params;       /* comma-separated; "" for none */
    void (*carry_out)(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
    void (*show)(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out); /* or NULL */
};

struct iotsim_asked {
    const struct iotsim_route *route;
    const struct iotsim_request *request;
    struct call call; /* what is asked, and then the answer */
    char *text;       /* holds the decoded parts */
    struct {
        const char *name, *value;
    } params[ROUTE_PARAMS_MAX];
    size_t param_count;
};

extern const struct iotsim_route iotsim_routes[];
size_t iotsim_route_count(void);
const struct iotsim_route *iotsim_route_find(const char *method, const char *target); /* NULL: none */

/* False with a refusal in the reply when it cannot be understood. asked is to be finished in any case. */
bool iotsim_asked_init(struct iotsim_asked *asked, const struct iotsim_route *route,
                       const struct iotsim_request *request, struct iotsim_reply *reply);
void iotsim_asked_finish(struct iotsim_asked *asked);
const char *iotsim_asked_param(const struct iotsim_asked *asked, const char *name); /* NULL: not given */

/* iotsim_admin.c: carry_out of what the model's core does not have. */
void iotsim_cancel_execution(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_cancel_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_describe_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_list_groups(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_describe_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);

/* iotsim_json.c: the bodies of successes, as the service sends them. */
void iotsim_show_jobs(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_job(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_job_made(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_executions(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_execution(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_things(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_thing(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_members(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_groups(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_group(const struct iotsim *sim, const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_identity(const struct iotsim *sim, const struct iotsim_asked *asked,
                          struct buf *out); /* XML */

#endif
