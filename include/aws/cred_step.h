/* One step on the way to credentials: a first source, or a role that is assumed with what the step before it
 * yields. Made by aws/cred_plan.h. */
#ifndef AWS_CRED_STEP_H
#define AWS_CRED_STEP_H

#include "model/names.h"

#include <stdbool.h>
#include <stdint.h>

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

void cred_step_finish(struct cred_step *step); /* wipes and frees */
/* For people: "role sweep", "sso role sweep"; "" for other kinds. */
void cred_step_source(const struct cred_step *step, char source[64]);
/* The account that a session of such a step is of; false: the step does not say. */
bool cred_step_account(const struct cred_step *step, char account[ACCOUNT_LENGTH + 1]);

#endif
