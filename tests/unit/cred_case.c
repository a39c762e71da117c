/* See the header. */
#include "cred_case.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>

static void set_variables(struct cred_world *world, const char *variables)
{
    char text[512], *rest = text;
    snprintf(text, sizeof text, "%s", variables);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value = '\0';
        cred_world_variable(world, word, value + 1);
    }
}

static void prepare(struct cred_world *world, const struct cred_case *given)
{
    cred_world_open(world, given->answers);
    cred_world_file(world, ".aws/config", given->config != NULL ? given->config : "", 0600);
    cred_world_file(world, ".aws/credentials", given->credentials != NULL ? given->credentials : "", 0600);
    if (given->file != NULL) {
        cred_world_file(world, given->file, given->content, given->mode != 0 ? given->mode : 0600);
    }
    set_variables(world, given->variables != NULL ? given->variables : "");
    struct credentials_config config = cred_world_config(world);
    config.profile = given->profile;
    cred_world_provider(world, &config);
}

static void check(const struct cred_world *world, const struct cred_case *given, size_t number)
{
    const char *said = world->fault == CREDENTIALS_OK ? world->found : world->err.msg;
    bool same = given->fault == CREDENTIALS_OK ? strcmp(said, given->found) == 0
                                               : strncmp(said, given->found, strlen(given->found)) == 0;
    if (!same || world->fault != given->fault) {
        fail_msg("case %zu: %s: \"%s\" is not \"%s\"", number, credentials_fault_name(world->fault), said,
                 given->found);
    }
    for (int i = 0; i < 3 && given->requested[i] != NULL; i++) {
        if (strstr(buf_string(&world->requests), given->requested[i]) == NULL) {
            fail_msg("case %zu: \"%s\" is not in \"%s\"", number, given->requested[i],
                     buf_string(&world->requests));
        }
    }
    if (given->expected_requests != 0 && world->server.requests != given->expected_requests) {
        fail_msg("case %zu: %d requests, not %d", number, world->server.requests, given->expected_requests);
    }
}

void cred_cases_run(const struct cred_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cred_world world;
        prepare(&world, &cases[i]);
        cred_world_ask(&world);
        check(&world, &cases[i], i);
        cred_world_close(&world);
    }
    print_message("# %zu cases\n", count);
}
