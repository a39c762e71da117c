/* Static keys of a profile in the shared files: see aws/credentials.h. The files are read at each fetch, so
 * that new keys are found without a restart. */
#include "aws/cred_check.h"
#include "aws/cred_source.h"
#include "aws/profile.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

struct shared_files {
    struct credentials_source face;
    char *profile;
    bool named;
};

/* Keys that say where else the profile's credentials are; none of these sources is built yet. */
static const char *other_source(const struct profiles *profiles, const char *profile)
{
    static const char *const keys[] = {
        "role_arn",      "credential_process",      "sso_session",   "sso_start_url",
        "sso_role_name", "web_identity_token_file", "login_session", NULL};
    for (int i = 0; keys[i] != NULL; i++) {
        if (profiles_get(profiles, profile, keys[i]) != NULL) {
            return keys[i];
        }
    }
    return NULL;
}

static const char *const NAMES[3] = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"};

/* All from one file, that of the access key, as the AWS CLI takes them: a token left over in the other would
 * not fit. -1 with err when the file is open to others. */
static int take_keys(const struct profiles *profiles, const char *profile, const char *values[3],
                     struct err *err)
{
    const bool has_access_key = profiles_get(profiles, profile, NAMES[0]) != NULL;
    const char *leader = NAMES[has_access_key ? 0 : 1];
    const char *file = profiles_origin(profiles, profile, leader);
    for (int i = 0; i < 3; i++) {
        bool beside = file != NULL && profiles_origin(profiles, profile, NAMES[i]) == file;
        values[i] = beside ? profiles_get(profiles, profile, NAMES[i]) : NULL;
    }
    return profiles_check_secret(profiles, profile, leader, err);
}

static void look_in_profile(const struct shared_files *files, const struct profiles *profiles,
                            struct credentials_fetch *fetch)
{
    const char *values[3];
    char source[64];
    snprintf(source, sizeof source, "profile '%.40s'", files->profile);
    const char *other = other_source(profiles, files->profile);
    if (take_keys(profiles, files->profile, values, &fetch->err) != 0) {
        fetch->err.code = ERR_CREDENTIALS;
    } else if (values[0] != NULL || values[1] != NULL) {
        credentials_accept(fetch, source, NAMES, values[0], values[1], values[2]);
    } else if (files->named && !profiles_has(profiles, files->profile)) {
        err_set(&fetch->err, ERR_CREDENTIALS, "the profile '%s' is in none of the shared files",
                files->profile);
    } else if (other != NULL) {
        err_set(&fetch->err, ERR_CREDENTIALS,
                "%s takes its credentials by '%s', which this version does not know; static keys or the "
                "environment work",
                source, other);
    }
}

static void fetch_shared_files(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct shared_files *files = (struct shared_files *)source;
    struct profiles *profiles = profiles_load(&fetch->err);
    if (profiles != NULL) {
        look_in_profile(files, profiles, fetch);
    } else {
        fetch->err.code = ERR_CREDENTIALS;
    }
    profiles_free(profiles);
    fetch->done(fetch);
}

static void destroy(struct credentials_source *source)
{
    struct shared_files *files = (struct shared_files *)source;
    free(files->profile);
    free(files);
}

struct credentials_source *credentials_from_shared_files(const char *profile, bool profile_is_explicit)
{
    struct shared_files *files = mem_alloc(sizeof *files);
    *files = (struct shared_files){
        .face = {.name = "shared files", .fetch = fetch_shared_files, .destroy = destroy},
        .profile = mem_strdup(profile),
        .named = profile_is_explicit,
    };
    return &files->face;
}
