/* Whom iotsim knows: accounts and regions with their fleets, the keys that requests are signed with, roles,
 * and the sessions that were made from them.
 *
 * A place is one account in one region: a fleet and quotas of its own. Who a request belongs to follows from
 * the access key that signed it, where from the region in the signature's scope. A region exists when any
 * place is in it; an account that has nothing there finds an empty fleet, as with AWS. */
#ifndef SIM_IOTSIM_WORLD_H
#define SIM_IOTSIM_WORLD_H

#include "aws/sigv4.h"
#include "base/err.h"
#include "base/random.h"
#include "model/names.h"
#include "sim/fleet.h"
#include "sim/fleet_quota.h"
#include "sim/iotsim_iam.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#define IOTSIM_ROUTES_MAX  48
#define IOTSIM_ARN_MAX     2048
#define IOTSIM_SESSION_MAX 64  /* roleSessionName: 2..64 */
#define IOTSIM_TOKEN_MAX   512 /* of our own session tokens */

struct iotsim_tally {
    int64_t received;  /* requests for it */
    int64_t executed;  /* that reached the model and were not throttled there */
    int64_t throttled; /* by the model */
    int64_t denied;    /* for want of permission */
};

struct iotsim_place {
    char name[ACCOUNT_LENGTH + 1 + 64]; /* "123456789012/eu-west-1" */
    char account[ACCOUNT_LENGTH + 1];
    char region[64];
    struct fleet *fleet;
    struct quota quotas[IOTSIM_ROUTES_MAX];         /* by route, of what the fleet does not count */
    struct iotsim_tally tallies[IOTSIM_ROUTES_MAX]; /* by route */
    UT_hash_handle hh;
};

struct iotsim_role {
    char arn[IOTSIM_ARN_MAX + 1];
    char account[ACCOUNT_LENGTH + 1];
    char id[24];               /* AROA... */
    struct iam_policy *policy; /* of the role; NULL: it may do everything */
    char **trusted;            /* "*", an account, or the ARN of a user, a role or a session */
    size_t trusted_count;
    char *external_id;     /* must be given to assume it; NULL: none */
    int64_t max_session_s; /* DurationSeconds at most */
    bool web_identity;     /* may be assumed with the web identity's token */
    UT_hash_handle hh;
};

/* A user's key, or a session's. */
struct iotsim_key {
    char access_key[SIGV4_ACCESS_KEY_MAX + 1];
    char secret_key[SIGV4_SECRET_KEY_MAX + 1];
    char token[IOTSIM_TOKEN_MAX]; /* "" for none; else it must be sent and signed */
    char account[ACCOUNT_LENGTH + 1];
    char arn[512];                  /* of the user or the session */
    char user_id[128];              /* AIDA..., or AROA...:session */
    const struct iotsim_role *role; /* whose policy counts; NULL: a user's */
    struct iam_policy *user_policy; /* of a user; NULL: everything */
    struct iam_policy *session;     /* session policy; NULL: none */
    int64_t expires_ms;             /* when it ends; 0: never */
    int64_t told_ms;                /* the end that its owner was told */
    struct sigv4_key signing;       /* the last one used: it serves all day */
    UT_hash_handle hh;
};

/* What the tests may set; see iotsim_setup.h. */
struct iotsim_sessions {
    int64_t life_s;            /* sessions are told that they live no longer than this; 0: as asked */
    int64_t early_s;           /* and end this much before they were told; negative: later */
    int64_t packed_policy_max; /* bytes of a session policy without its white space */
};

enum iotsim_web_mode { WEB_OK, WEB_IDP_DOWN, WEB_EXPIRED, WEB_INVALID, WEB_REJECTED, WEB_MODE_COUNT };

struct iotsim_world {
    struct iotsim_place *places;
    struct iotsim_place *home; /* the place of the command line */
    struct iotsim_role *roles;
    struct iotsim_key *keys;
    struct fleet_config empty;     /* of a fleet that nobody made: no things, the command line's quotas */
    int quotas[IOTSIM_ROUTES_MAX]; /* of places that are still to be made; 0: AWS's default, -1: none */
    struct iotsim_sessions sessions;
    char *web_token; /* what AssumeRoleWithWebIdentity takes; NULL: none */
    enum iotsim_web_mode web_mode;
    int64_t made;  /* sessions */
    bool no_index; /* IndexNotReadyException */
    struct random random;
};

/* config: of the first place, which is home. */
void iotsim_world_init(struct iotsim_world *world, const struct fleet_config *config);
void iotsim_world_finish(struct iotsim_world *world);

/* Makes the fleet of config's account and region, in place of one that was there. */
struct iotsim_place *iotsim_place_make(struct iotsim_world *world, const struct fleet_config *config);
/* The place, made empty when there is none; NULL when no place is in this region. */
struct iotsim_place *iotsim_place_find(struct iotsim_world *world, const char *account, const char *region,
                                       int64_t now_ms);

/* Adds a role that anybody may assume, or clears the one of this ARN. NULL with err for a bad ARN. */
struct iotsim_role *iotsim_role_make(struct iotsim_world *world, const char *arn, struct err *err);
struct iotsim_role *iotsim_role_find(struct iotsim_world *world, const char *arn); /* NULL: none */
bool iotsim_role_trusts(const struct iotsim_role *role, const struct iotsim_key *caller);

/* Adds a user's key, or replaces what had this access key; token: NULL or "" for none. -1 with err when a
 * part is too long. */
struct iotsim_key *iotsim_user_make(struct iotsim_world *world, const char *account, const char *name,
                                    const char *access_key, const char *secret_key, const char *token,
                                    struct err *err);
struct iotsim_key *iotsim_key_find(struct iotsim_world *world, const char *access_key); /* NULL: none */

/* Makes a session of a role with random keys; takes the session policy (NULL: none). */
struct iotsim_key *iotsim_session_make(struct iotsim_world *world, struct iotsim_role *role, const char *name,
                                       struct iam_policy *session, int64_t duration_s, int64_t now_ms);
/* Draws characters of secrets and tokens; out has room for one more than length. */
void iotsim_secret_draw(struct iotsim_world *world, char *out, size_t length);
/* Every session that there is ends at this moment. */
void iotsim_sessions_end(struct iotsim_world *world, int64_t now_ms);

#endif
