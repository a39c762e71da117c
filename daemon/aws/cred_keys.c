/* Static keys of a profile in the shared files: see aws/cred_source.h. */
#include "aws/cred_check.h"
#include "aws/profile.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keys {
    struct credentials_source face;
    char *profile;
};

/* All from one file, that of the access key, as the AWS CLI takes them: a token left over in the other would
 * not fit. -1 as profiles_reveal(). */
static int take_keys(struct profiles *profiles, const char *profile, struct cred_found *found,
                     struct err *err)
{
    const char *leader = found->names[0];
    if (profiles_reveal(profiles, profile, leader, err) != 0) {
        return -1;
    }
    const char *file = profiles_origin(profiles, profile, leader);
    for (int i = 0; i < 3; i++) {
        found->values[i] = profiles_beside(profiles, profile, leader, found->names[i]);
    }
    bool in_config = file != NULL && strcmp(file, profiles_config_path(profiles)) == 0;
    found->provider = in_config ? "config-file" : "shared-credentials-file";
    return 0;
}

static void take_profile(const struct keys *keys, struct profiles *profiles, struct credentials_fetch *fetch)
{
    char source[64];
    struct cred_found found = {
        .source = source, .names = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", NULL}};
    snprintf(source, sizeof source, "profile '%.40s'", keys->profile);
    if (take_keys(profiles, keys->profile, &found, &fetch->err) != 0) {
        fetch->err.code = ERR_CREDENTIALS;
        fetch->fault = CREDENTIALS_RETRIEVAL;
        return;
    }
    credentials_accept(fetch, &found);
}

static void fetch_keys(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct profiles *profiles = profiles_load(&fetch->err);
    if (profiles != NULL) {
        take_profile((struct keys *)source, profiles, fetch);
    } else {
        fetch->err.code = ERR_CREDENTIALS;
        fetch->fault = CREDENTIALS_CONFIG_PARSE;
    }
    profiles_free(profiles);
    fetch->done(fetch);
}

static void destroy(struct credentials_source *source)
{
    struct keys *keys = (struct keys *)source;
    free(keys->profile);
    free(keys);
}

struct credentials_source *cred_keys(const struct cred_step *step)
{
    struct keys *keys = mem_alloc(sizeof *keys);
    *keys = (struct keys){.face = {.fetch = fetch_keys, .destroy = destroy},
                          .profile = mem_strdup(step->profile)};
    return &keys->face;
}
