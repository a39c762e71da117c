/* What the environment and the shared files say about where credentials come from: a pure decision, in the
 * order and with the words of botocore 1.43 (AWS CLI 2.36). */
#ifndef AWS_CRED_PLAN_H
#define AWS_CRED_PLAN_H

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/profile.h"

#define CRED_ROLES_MAX 8 /* in a chain; one more for the role on top */
#define CRED_STEPS_MAX (CRED_ROLES_MAX + 2)

enum cred_kind {
    CRED_ENVIRONMENT,
    CRED_KEYS, /* of a profile */
    CRED_PROCESS,
    CRED_SSO,
    CRED_WEB_IDENTITY,
    CRED_CONTAINER,
    CRED_INSTANCE,
    CRED_ROLE, /* assumed with what the step before it yields */
    CRED_KIND_COUNT
};
const char *cred_kind_name(enum cred_kind kind); /* "environment", "profile", "credential_process", ... */

/* Strings that a kind has no use for, or that are not set, are NULL. */
struct cred_step {
    enum cred_kind kind;
    char *profile; /* whose settings these are */
    /* CRED_ROLE, CRED_WEB_IDENTITY */
    char *role_arn, *external_id, *session_name, *policy, *token_file;
    char *mfa_serial;   /* of the device whose code CRED_ROLE wants */
    int64_t duration_s; /* 0: not set */
    /* CRED_PROCESS */
    char *command;
    /* CRED_SSO */
    char *sso_session, *sso_start_url, *sso_region, *sso_account, *sso_role;
    /* CRED_CONTAINER: the address; where its token is, or the token itself (wiped) */
    char *uri, *auth_token_file, *auth_token;
    /* CRED_INSTANCE; the address of the service is uri */
    bool v1_disabled;
    int64_t timeout_ms;
    int attempts;
};

struct cred_plan {
    struct cred_step steps[CRED_STEPS_MAX];
    int count;        /* 0: no source is left, and passed is the whole story */
    char passed[420]; /* who was passed over before the first step, and why: "environment: ...; profile ...:
                         ..." */
};

/* -1 with fault and err where the settings make no sense. explicit_profile and role as in struct
 * credentials_config. env: NULL for the process's. Where nobody can type the code of a device a profile with
 * mfa_serial is refused. */
int cred_plan_make(struct cred_plan *plan, const struct profiles *profiles, const struct environment *env,
                   const char *explicit_profile, const struct credentials_role *role, bool code_can_be_typed,
                   enum credentials_fault *fault, struct err *err);
/* A plan of nothing but the instance metadata service, as the profile's settings have it; false: disabled. */
bool cred_plan_instance(struct cred_plan *plan, const struct profiles *profiles,
                        const struct environment *env, const char *profile);
void cred_plan_finish(struct cred_plan *plan); /* wipes and frees */

#endif
