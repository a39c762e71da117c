/* Credentials from the environment: see aws/credentials.h. */
#include "aws/cred_check.h"
#include "aws/cred_source.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static void fetch_environment(struct credentials_source *source, struct credentials_fetch *fetch)
{
    static const char *const names[3] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    const char *access_key = set_variable(names[0]);
    const char *secret_key = set_variable(names[1]);
    const char *token =
        set_variable("AWS_SECURITY_TOKEN"); /* the older name, which the SDKs still ask first */
    const char *expires = set_variable("AWS_CREDENTIAL_EXPIRATION");
    if (access_key != NULL || secret_key != NULL) {
        credentials_accept(fetch, source->name, names, access_key, secret_key,
                           token != NULL ? token : set_variable(names[2]));
    }
    if (fetch->found && expires != NULL &&
        time_parse_rfc3339(expires, &fetch->credentials.expires_ms, &fetch->err) != 0) {
        fetch->err.code = ERR_CREDENTIALS;
        err_context(&fetch->err, "AWS_CREDENTIAL_EXPIRATION in the environment");
    }
    fetch->done(fetch);
}

static void destroy(struct credentials_source *source)
{
    free(source);
}

struct credentials_source *credentials_from_environment(void)
{
    struct credentials_source *source = mem_alloc(sizeof *source);
    *source =
        (struct credentials_source){.name = "environment", .fetch = fetch_environment, .destroy = destroy};
    return source;
}
