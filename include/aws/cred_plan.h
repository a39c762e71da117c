/* What the environment and the shared files say about where credentials come from: a pure decision, in the
 * order and with the words of botocore 1.43 (AWS CLI 2.36). */
#ifndef AWS_CRED_PLAN_H
#define AWS_CRED_PLAN_H

#include "aws/cred_step.h"
#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/profile.h"

#define CRED_ROLES_MAX 8 /* in a chain; one more for the role on top */
#define CRED_STEPS_MAX (CRED_ROLES_MAX + 2)

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
