/* See ledger/memory_grace.h. */
#include "ledger/memory_grace.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct list {
    struct ledger_grace *items;
    size_t count, room;
};

struct memory_graces { /* of a policy in an account and region */
    struct run_header header;
    struct list kept, next; /* next: since_ms is 0 where the run under way is the first */
    size_t at;              /* of kept: the first that was not walked by */
    int64_t run;            /* under way; 0: none */
    struct memory_graces *next_scope;
};

static bool same_place(const struct run_header *a, const struct run_header *b)
{
    char of_a[RUN_OWNER_MAX + 1], of_b[RUN_OWNER_MAX + 1];
    return strcmp(a->policy, b->policy) == 0 && strcmp(a->region, b->region) == 0 &&
           strcmp(run_header_owner(a, of_a), run_header_owner(b, of_b)) == 0;
}

static struct memory_graces *find(struct memory_graces *graces, const struct run_header *header)
{
    struct memory_graces *scope;
    LL_FOREACH2(graces, scope, next_scope)
    {
        if (same_place(&scope->header, header) &&
            memcmp(scope->header.grace_sha256, header->grace_sha256, sizeof header->grace_sha256) == 0) {
            break;
        }
    }
    return scope;
}

static void append(struct list *list, const struct ledger_grace *grace)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? LEDGER_BATCH : 2 * list->room;
        list->items = mem_realloc(list->items, list->room, sizeof *list->items);
    }
    list->items[list->count++] = *grace;
}

static struct memory_graces *begin(struct memory_graces **graces, const struct ledger_request *request)
{
    struct memory_graces *scope = find(*graces, request->header);
    if (scope == NULL) {
        scope = mem_zalloc(sizeof *scope);
        scope->header = *request->header;
        LL_PREPEND2(*graces, scope, next_scope);
    }
    scope->run = request->run;
    scope->next.count = 0;
    scope->at = 0;
    return scope;
}

bool memory_graces_walk(struct memory_graces **graces, struct ledger_request *request)
{
    struct memory_graces *scope =
        request->graces_first ? begin(graces, request) : find(*graces, request->header);
    request->more = false;
    if (scope == NULL || scope->run != request->run || (request->count == 0 && !request->graces_last)) {
        return false;
    }
    for (size_t i = 0; i < request->count; i++) {
        struct ledger_grace *grace = &request->graces[i];
        int order = -1;
        while (scope->at < scope->kept.count &&
               (order = memcmp(scope->kept.items[scope->at].key, grace->key, GRACE_KEY_BYTES)) < 0) {
            scope->at++;
        }
        bool known = scope->at < scope->kept.count && order == 0 &&
                     scope->kept.items[scope->at].since_ms <= request->now_ms + GRACE_AHEAD_MS;
        grace->since_ms = known ? scope->kept.items[scope->at].since_ms : 0;
        append(&scope->next, grace);
    }
    return true;
}

static void drop(struct memory_graces **graces, struct memory_graces *scope)
{
    LL_DELETE2(*graces, scope, next_scope);
    free(scope->kept.items);
    free(scope->next.items);
    free(scope);
}

static void forget_but(struct memory_graces **graces, const struct run_header *header,
                       const struct memory_graces *spared)
{
    struct memory_graces *scope, *next;
    LL_FOREACH_SAFE2(*graces, scope, next, next_scope)
    {
        if (scope != spared && same_place(&scope->header, header)) {
            drop(graces, scope);
        }
    }
}

bool memory_graces_count(struct memory_graces **graces, const struct ledger_request *request)
{
    struct memory_graces *scope = find(*graces, request->header);
    if (scope == NULL || scope->run != request->run) {
        return false;
    }
    for (size_t i = 0; i < scope->next.count; i++) {
        struct ledger_grace *grace = &scope->next.items[i];
        grace->since_ms = grace->since_ms != 0 ? grace->since_ms : request->now_ms;
    }
    struct list before = scope->kept;
    scope->kept = scope->next;
    scope->next = before;
    scope->run = 0;
    forget_but(graces, request->header, scope);
    return true;
}

void memory_graces_forget(struct memory_graces **graces, const struct run_header *header)
{
    forget_but(graces, header, NULL);
}

void memory_graces_finish(struct memory_graces **graces)
{
    while (*graces != NULL) {
        drop(graces, *graces);
    }
}
