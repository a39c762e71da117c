/* Who the credentials of targets say that we are: asked of STS, many side by side, at one pace. */
#ifndef APP_WHOAMI_H
#define APP_WHOAMI_H

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
};

/* Asks for the targets of config that target_name means (NULL: all) and returns when all are answered: one
 * for each, in the order of the configuration; the caller frees it. */
struct identity *whoami_ask(struct world *world, const struct config *config, const char *target_name,
                            size_t *count);

#endif
