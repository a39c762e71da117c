/* See aws/cred_step.h. */
#include "aws/cred_step.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cred_step_finish(struct cred_step *step)
{
    char *texts[] = {step->profile,     step->role_arn,        step->external_id, step->session_name,
                     step->policy,      step->token_file,      step->command,     step->sso_session,
                     step->sso_account, step->sso_start_url,   step->sso_region,  step->sso_role,
                     step->uri,         step->auth_token_file, step->mfa_serial};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(texts[i]);
    }
    if (step->auth_token != NULL) {
        mem_wipe(step->auth_token, strlen(step->auth_token));
    }
    free(step->auth_token);
}

void cred_step_source(const struct cred_step *step, char source[64])
{
    source[0] = '\0';
    if (step->kind == CRED_SSO) {
        snprintf(source, 64, "sso role %.50s", step->sso_role);
    } else if (step->kind == CRED_ROLE || step->kind == CRED_WEB_IDENTITY) {
        const char *name = strrchr(step->role_arn, '/');
        snprintf(source, 64, "role %.50s", name != NULL ? name + 1 : step->role_arn);
    }
}

/* The fifth field of arn:PARTITION:iam::ACCOUNT:role/NAME, with what follows it. */
static const char *account_of_arn(const char *role_arn)
{
    const char *at = role_arn;
    for (int i = 0; i < 4 && at != NULL; i++) {
        at = strchr(at, ':');
        at = at != NULL ? at + 1 : NULL;
    }
    return at;
}

bool cred_step_account(const struct cred_step *step, char account[ACCOUNT_LENGTH + 1])
{
    bool role = step->kind == CRED_ROLE || step->kind == CRED_WEB_IDENTITY;
    const char *at = role                     ? account_of_arn(step->role_arn)
                     : step->kind == CRED_SSO ? step->sso_account
                                              : NULL;
    snprintf(account, ACCOUNT_LENGTH + 1, "%s", at != NULL ? at : "");
    return account_id_valid(account) && at[ACCOUNT_LENGTH] == (role ? ':' : '\0');
}
