/* From a request line to an operation and what it asks. The routes are those of the service model `iot`
 * 2015-05-28 (and POST / for STS and Service Quotas); unknown parameters are refused, so that no mistake
 * hides. */
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
    const char *resources;    /* what the permission is about: letters as in pattern, "*" for no resource; see
                                 iotsim_permit.c */
    int quota;                /* requests a second where the fleet does not count: AWS's default; -1: none */
    void (*carry_out)(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
    void (*show)(const struct iotsim_asked *asked, struct buf *out); /* or NULL */
};

struct iotsim_asked {
    const struct iotsim_route *route;
    const struct iotsim_request *request;
    struct iotsim_key *caller; /* NULL: the operation needs no signature */
    struct iotsim_place *place;
    struct iotsim_reply *reply;
    struct call call; /* what is asked, and then the answer */
    char *text;       /* holds the decoded parts */
    struct {
        const char *name, *value;
    } params[ROUTE_PARAMS_MAX];
    size_t param_count;
    struct iotsim_key *session; /* that was made */
    int packed_percent;         /* of the room that its policy may have */
};

extern const struct iotsim_route iotsim_routes[];
size_t iotsim_route_count(void);
const struct iotsim_route *iotsim_route_find(const struct iotsim_request *request); /* NULL: none */
bool iotsim_route_sts(const struct iotsim_request *request);    /* it is for STS, whatever it asks */
bool iotsim_route_quotas(const struct iotsim_request *request); /* the same of Service Quotas */
bool iotsim_route_unsigned(const struct iotsim_route *route);

/* False with a refusal in the reply when it cannot be understood. asked is to be finished in any case. */
bool iotsim_asked_init(struct iotsim_asked *asked, const struct iotsim_route *route,
                       const struct iotsim_request *request, struct iotsim_reply *reply);
void iotsim_asked_finish(struct iotsim_asked *asked);
const char *iotsim_asked_param(const struct iotsim_asked *asked, const char *name); /* NULL: not given */

/* iotsim_permit.c: whether the caller may do it; else the reply is the refusal. */
bool iotsim_permitted(const struct iotsim_asked *asked);
/* The same for one action on one resource: "sts:AssumeRole" on a role. */
bool iotsim_permits(const struct iotsim_key *caller, const char *action, const char *resource,
                    struct iotsim_reply *reply);

/* iotsim_sts.c: carry_out and bodies (XML). */
void iotsim_assume_role(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_assume_role_with_token(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_xml(struct buf *out, const char *text); /* appends text as XML */
void iotsim_show_identity(const struct iotsim_asked *asked, struct buf *out);
/* Where an unsigned request counts: the role's account, in the region of the command line. */
struct iotsim_place *iotsim_unsigned_place(struct iotsim *sim, const struct iotsim_asked *asked,
                                           int64_t now_ms);
void iotsim_show_session(const struct iotsim_asked *asked, struct buf *out);

/* iotsim_admin.c: carry_out of what the model's core does not have. */
void iotsim_cancel_execution(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_cancel_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_job(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_job_document(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
/* The body as JSON; NULL for none, or with a refusal. */
struct json_doc *iotsim_body(struct iotsim_asked *asked);
void iotsim_refuse_call(struct call *call, int status, const char *code, const char *message);

/* iotsim_quotas.c: Service Quotas. */
void iotsim_get_quota(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_show_quota(const struct iotsim_asked *asked, struct buf *out);

/* iotsim_registry.c: things and groups, what is done and the bodies. */
void iotsim_list_things(struct iotsim_asked *asked, int64_t now_ms); /* ListThings with its filters */
void iotsim_search(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_describe_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_update_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_list_groups(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_describe_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_create_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_delete_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_join_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_leave_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms);
void iotsim_show_found(const struct iotsim_asked *asked, struct buf *out);

/* "arn:aws:iot:REGION:ACCOUNT:KIND/NAME" */
void iotsim_arn(const struct iotsim_place *place, const char *kind, const char *name,
                char arn[IOTSIM_ARN_MAX]);

/* iotsim_json.c: the bodies of successes, as the service sends them, and their parts. */
void iotsim_put_arn(const struct iotsim_asked *asked, const char *kind, const char *name, struct buf *out);
void iotsim_put_moment(struct buf *out, const char *member, int64_t ms); /* nothing for 0 */
void iotsim_end_page(const struct call *call, struct buf *out);          /* closes the list, with its token */
void iotsim_show_document(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_jobs(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_job(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_job_made(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_executions(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_execution(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_things(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_thing(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_members(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_groups(const struct iotsim_asked *asked, struct buf *out);
void iotsim_show_group(const struct iotsim_asked *asked, struct buf *out);

#endif
