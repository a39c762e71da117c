/* The way to one target: its credentials, its AWS client, and its lanes, which all policies of the process
 * share, because the quotas are the target's. */
#ifndef APP_LINK_H
#define APP_LINK_H

#include "app/metrics.h"
#include "app/world.h"
#include "aws/credentials.h"
#include "base/err.h"
#include "engine/dispatcher.h"
#include "policy/policy.h"

struct link;

struct link_config {
    struct world *world;
    const struct target *target;         /* outlives the link */
    const struct credentials_pace *pace; /* of calls on STS; outlives the link; NULL: none */
    const char *session_policy;          /* as for link_scope() */
    bool with_quotas;                    /* Service Quotas can be asked */
    int read_attempts;                   /* as in struct dispatcher_config; 0: the usual ones */
    /* Throttling begins or is over in a lane: see struct dispatcher_config. May be NULL. */
    void (*episode)(void *owner, enum operation operation, bool begins, int64_t rate_before,
                    int64_t rate_now);
    void *owner;
    struct metrics *metrics; /* counts the answers; outlives the link; NULL: nobody does */
};

/* The region of a target: its own, or what the usual sources say. -1 as settings_region(). */
int link_find_region(const struct target *target, char region[64], struct err *err);

/* Connects to nothing yet. NULL with err (ERR_INVALID, ERR_NOT_FOUND, ERR_PERMISSION, ERR_CREDENTIALS): what
 * is wrong with region, endpoint, profile or CA file. */
struct link *link_create(const struct link_config *config, struct err *err);
/* No call may be in its dispatcher. Takes NULL. */
void link_destroy(struct link *link);

/* With a role: it is assumed again, with this session policy (JSON; NULL: none), unless it is the one that
 * there is. No call may be in the dispatcher. Without a role it changes nothing. */
void link_scope(struct link *link, const char *session_policy);

/* The paces of its lanes where they were throttled down and are not at their full pace again, else 0; and a
 * link that sets out from such paces. In requests per 1,000 s. */
void link_learned(const struct link *link, int64_t rates[OPERATION_COUNT]);
void link_learn(struct link *link, const int64_t rates[OPERATION_COUNT]);

const struct target *link_target(const struct link *link);
struct dispatcher *link_dispatcher(const struct link *link);
struct credentials_provider *link_credentials(const struct link *link); /* until the next link_scope() */
const char *link_region(const struct link *link);                       /* as link_find_region() found it */
/* Where such calls go, "host" or "host:port": for people. */
const char *link_host(const struct link *link, enum operation operation);

/* Whether an answered GetCallerIdentity names the target's account; any will do where the target has none. -1
 * with ERR_CREDENTIALS for another account, or as call_error() for no answer. */
int link_compare_account(const struct target *target, const struct call *identity, struct err *err);

#endif
