/* See engine/pairs.h: a hash table of pairs, each with its claims in order; the first one holds it. A pair
 * that is only barred stays in the table until all bars are over, which is when the next claim notices. */
#include "engine/pairs.h"

#include "base/mem.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

struct pair {
    char key[JOB_ID_MAX + THING_NAME_MAX + 2]; /* "job/thing": neither name can have a '/' */
    struct pair_claim *claims;
    int64_t barred_ns;
    UT_hash_handle hh;
};

struct pairs {
    struct pair *table;
    int64_t barred_ns; /* the latest of all; 0: none is barred */
};

struct pairs *pairs_create(void)
{
    return mem_zalloc(sizeof(struct pairs));
}

static void drop(struct pairs *pairs, struct pair *pair)
{
    HASH_DEL(pairs->table, pair);
    free(pair);
}

static void drop_unclaimed(struct pairs *pairs)
{
    struct pair *pair, *next;
    HASH_ITER (hh, pairs->table, pair, next) {
        if (pair->claims == NULL) {
            drop(pairs, pair);
        }
    }
    pairs->barred_ns = 0;
}

void pairs_destroy(struct pairs *pairs)
{
    if (pairs != NULL) {
        drop_unclaimed(pairs);
    }
    free(pairs);
}

bool pairs_claim(struct pairs *pairs, const char *job_id, const char *thing_name, struct pair_claim *claim,
                 int64_t now_ns)
{
    char key[sizeof(((struct pair *)0)->key)];
    struct pair *pair;
    if (pairs->barred_ns != 0 && pairs->barred_ns <= now_ns) {
        drop_unclaimed(pairs);
    }
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

int64_t pairs_barred_ns(const struct pair_claim *claim)
{
    return claim->pair->barred_ns;
}

static void bar(struct pairs *pairs, struct pair *pair, int64_t until_ns)
{
    if (until_ns > pair->barred_ns) {
        pair->barred_ns = until_ns;
    }
    if (pair->barred_ns > pairs->barred_ns) {
        pairs->barred_ns = pair->barred_ns;
    }
}

struct pair_claim *pairs_release(struct pairs *pairs, struct pair_claim *claim, int64_t barred_ns)
{
    struct pair *pair = claim->pair;
    bool held = pair->claims == claim;
    DL_DELETE(pair->claims, claim);
    claim->pair = NULL;
    bar(pairs, pair, barred_ns);
    if (pair->claims != NULL) {
        return held ? pair->claims : NULL;
    }
    if (pair->barred_ns == 0) {
        drop(pairs, pair);
    }
    return NULL;
}
