/* See engine/pairs.h: a hash table of pairs, each with its claims in order; the first one holds it. */
#include "engine/pairs.h"

#include "base/mem.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort() /* never: mem_alloc() does not fail */
#define uthash_malloc(size)   mem_alloc(size)
#include <uthash.h>
#include <utlist.h>

struct pair {
    char key[JOB_ID_MAX + THING_NAME_MAX + 2]; /* "job/thing": neither name can have a '/' */
    struct pair_claim *claims;
    UT_hash_handle hh;
};

struct pairs {
    struct pair *table;
};

struct pairs *pairs_create(void)
{
    return mem_zalloc(sizeof(struct pairs));
}

void pairs_destroy(struct pairs *pairs)
{
    free(pairs);
}

bool pairs_claim(struct pairs *pairs, const char *job_id, const char *thing_name, struct pair_claim *claim)
{
    char key[sizeof(((struct pair *)0)->key)];
    struct pair *pair;
    snprintf(key, sizeof key, "%s/%s", job_id, thing_name);
    HASH_FIND_STR(pairs->table, key, pair);
    if (pair == NULL) {
        pair = mem_zalloc(sizeof *pair);
        memcpy(pair->key, key, sizeof key);
        HASH_ADD_STR(pairs->table, key, pair);
    }
    claim->pair = pair;
    DL_APPEND(pair->claims, claim);
    return pair->claims == claim;
}

struct pair_claim *pairs_release(struct pairs *pairs, struct pair_claim *claim)
{
    struct pair *pair = claim->pair;
    bool held = pair->claims == claim;
    DL_DELETE(pair->claims, claim);
    claim->pair = NULL;
    if (pair->claims == NULL) {
        HASH_DEL(pairs->table, pair);
        free(pair);
        return NULL;
    }
    return held ? pair->claims : NULL;
}
