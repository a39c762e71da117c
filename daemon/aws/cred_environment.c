/* Credentials from the environment: see aws/cred_source.h. */
#include "aws/cred_check.h"
#include "aws/environment.h"
#include "base/mem.h"

#include <stdlib.h>

static void fetch_environment(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct cred_found found = {.source = "environment",
                               .provider = "env",
                               .names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                         "AWS_CREDENTIAL_EXPIRATION"}};
    const char *older = environment_get(NULL, "AWS_SECURITY_TOKEN");
    (void)source;
    for (int i = 0; i < 4; i++) {
        found.values[i] = environment_get(NULL, found.names[i]);
    }
    found.values[2] = older != NULL ? older : found.values[2];
    credentials_accept(fetch, &found);
    fetch->done(fetch);
}

static void destroy(struct credentials_source *source)
{
    free(source);
}

struct credentials_source *cred_environment(void)
{
    struct credentials_source *source = mem_alloc(sizeof *source);
    *source = (struct credentials_source){.fetch = fetch_environment, .destroy = destroy};
    return source;
}
