/* See the header. */
#include "cred_case.h"

#include "patience.h"
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

static void prepare(struct cred_world *world, const struct cred_case *given, int64_t patience_ms)
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
    config.patience_ms = patience_ms;
    cred_world_provider(world, &config);
}

static const char *said_by(const struct cred_world *world)
{
    return world->fault == CREDENTIALS_OK ? world->found : world->err.msg;
}

static bool is_found(const struct cred_world *world, const struct cred_case *given)
{
    const char *said = said_by(world);
    bool same = given->fault == CREDENTIALS_OK ? strcmp(said, given->found) == 0
                                               : strncmp(said, given->found, strlen(given->found)) == 0;
    return same && world->fault == given->fault;
}

static void check(const struct cred_world *world, const struct cred_case *given, size_t number)
{
    const char *said = said_by(world);
    if (!is_found(world, given)) {
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

static bool hangs(const struct cred_case *given)
{
    bool found = false;
    for (int i = 0; given->answers[i] != NULL; i++) {
        found = found || strcmp(given->answers[i], "HANG") == 0;
    }
    return found;
}

/* Where one request is to run out of time, the others must not, for which a machine may be too busy: such a
 * case is given more time until it is as it should be. */
static void run_case(struct cred_world *world, const struct cred_case *given)
{
    int64_t patience_ms = hangs(given) ? 200 : PATIENCE_MS;
    prepare(world, given, patience_ms);
    cred_world_ask(world);
    while (hangs(given) && !is_found(world, given) && patience_ms < 30000) {
        cred_world_close(world);
        patience_ms *= 4;
        prepare(world, given, patience_ms);
        cred_world_ask(world);
    }
}

void cred_cases_run(const struct cred_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cred_world world;
        run_case(&world, &cases[i]);
        check(&world, &cases[i], i);
        cred_world_close(&world);
    }
    print_message("# %zu cases\n", count);
}
