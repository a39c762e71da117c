/* What `check --online` finds out of each target: whose credentials it has, which of the calls that its
 * policies need are allowed, what quotas the account has, and how far this machine's clock is from the
 * service's. Nothing is changed, and where a role is assumed the session cannot change anything. */
#ifndef APP_ONLINE_H
#define APP_ONLINE_H

#include "app/probe.h"
#include "app/whoami.h"

struct online_quota { /* of an operation that the policies use; requests per 1,000 s */
    enum operation operation;
    int64_t used;       /* what the configuration says, or AWS's default */
    bool configured;    /* the configuration says it */
    int64_t of_account; /* 0: Service Quotas does not know it, so the default counts */
};

struct online_target {
    const struct identity *identity;
    struct probe_list probes; /* empty where the identity has an error: nothing more is asked then */
    struct online_quota quotas[OPERATION_COUNT];
    size_t quota_count;
    struct err quotas_failed; /* why the others are not known; it does not make the target fail */
    bool clock_known;
    int64_t skew_ms;         /* the service's clock minus ours */
    struct err clock;        /* too far apart, or not known */
    enum exit_status status; /* the worst of all of it */
};

struct online {
    struct identity *identities;
    struct online_target *targets; /* in the order of the configuration */
    size_t count, failed;
    enum exit_status status;
};

/* Asks for the targets that target_name means (NULL: all), as whoami_ask(). online_finish(). */
void online_ask(struct online *online, struct world *world, const struct config *config,
                const char *target_name);
void online_finish(struct online *online);

#endif
