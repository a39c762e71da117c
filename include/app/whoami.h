/* Who the credentials of targets say that we are: asked of STS, many side by side, at one pace. */
#ifndef APP_WHOAMI_H
#define APP_WHOAMI_H

#include "app/exit_status.h"
#include "app/link.h"
#include "app/world.h"
#include "base/err.h"
#include "policy/policy.h"

#include <stddef.h>
#include <stdint.h>

struct identity {
    const struct target *target;
    char account[ACCOUNT_LENGTH + 1], arn[256]; /* "" when STS did not answer */
    char region[REGION_MAX + 1];                /* "" when there is none */
    char source[64];                            /* of the credentials; "" when there are none */
    int64_t expires_ms;                         /* of the credentials; 0: never */
    char host[256];                             /* of the control plane; "" when it is not known */
    struct err err;                             /* ERR_NONE: the credentials are the target's account's */
    enum exit_status status; /* EXIT_USAGE: what is configured makes no link; EXIT_FAILED: nobody could be
                                asked; EXIT_DENIED: the credentials, or whose they are */
};

struct whoami_visit { /* of a target whose credentials are its account's */
    struct identity *identity;
    size_t number; /* of the identity */
    struct link *link;
    void *asking; /* the module's */
};

struct whoami_config {
    struct world *world;
    const struct config *config;
    const char *target_name;    /* the targets that it means; NULL: all */
    const char *session_policy; /* of roles; NULL: a session that can be asked for its name alone */
    /* What else is to be asked of the target; it keeps the visit until it calls whoami_leave(), which it may
     * do from inside of a call's done(). The link can ask Service Quotas, and gives up sooner than usual.
     * NULL: nothing. */
    void (*follow)(void *owner, struct whoami_visit *visit);
    void *owner;
};

/* Returns when all targets are answered and left: one for each, in the order of the configuration; the caller
 * frees it. */
struct identity *whoami_ask(const struct whoami_config *config, size_t *count);
void whoami_leave(struct whoami_visit *visit);

#endif
