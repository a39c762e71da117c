/* See app/grace_look.h. */
#include "app/grace_look.h"

#include "app/say.h"
#include "app/state_directory.h"
#include "aws/crypto.h"
#include "base/mem.h"
#include "ledger/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct grace_look {
    struct store *store; /* NULL: it cannot be read */
};

static bool is_needed(const struct config *config)
{
    for (size_t i = 0; i < config->policy_count; i++) {
        if (config->policies[i].grace_ms > 0) {
            return true;
        }
    }
    return false;
}

/* Nothing is written, so nothing is dated. */
static int64_t no_ms(void *ctx)
{
    (void)ctx;
    return 0;
}

static struct store *open_store(const struct config *config, struct err *err)
{
    char path[PATH_MAX];
    if (state_directory_find(config, path, sizeof path - sizeof "/ledger.db", err) != 0) {
        return NULL;
    }
    strcat(path, "/ledger.db");
    const struct store_config store = {
        .path = path, .read_only = true, .wall_ms = no_ms, .sha256 = crypto_sha256};
    return store_open(&store, err);
}

static void complain(const struct err *err)
{
    say("warning: %s; so nothing counts as selected by an earlier run", err->msg);
}

struct grace_look *grace_look_open(const struct config *config)
{
    struct err err;
    struct store *store = is_needed(config) ? open_store(config, &err) : NULL;
    if (!is_needed(config) || (store == NULL && err.code == ERR_NOT_FOUND)) {
        return NULL;
    }
    if (store == NULL) {
        complain(&err);
    }
    struct grace_look *look = mem_zalloc(sizeof *look);
    look->store = store;
    return look;
}

void grace_look_close(struct grace_look *look)
{
    if (look != NULL) {
        store_close(look->store);
    }
    free(look);
}

/* A plan is made all the same. */
void grace_look_answer(void *ctx, struct ledger_request *request)
{
    struct grace_look *look = ctx;
    for (size_t i = 0; i < request->count; i++) {
        request->graces[i].since_ms = 0;
    }
    if (look->store == NULL || store_apply(look->store, request) == 0) {
        return;
    }
    complain(&request->err);
    request->err = (struct err){0};
    store_close(look->store);
    look->store = NULL;
}
