/* Since when the runs of a policy in an account and region select an execution. See model/ledger.h.
 *
 * A run walks through all that it selects in the order of the keys, and with it through what is kept: what is
 * in both stays as it is, so that a night in which little changes writes little. A new one gets the run's
 * number, one that is missing is marked with it (gone). Both count only when the run has a row in grace_run,
 * which is written last: what a run leaves that does not come so far is undone by the next that walks by.
 * `oldest` is the lowest number of a run that is still needed, so that grace_run does not grow for ever. */
#include "ledger/store_private.h"

#include <string.h>

#define PART_ROWS 1000 /* kept ones that one request walks through at most */

struct scope {
    int64_t id; /* 0: there is none */
    int64_t complete, merging, oldest;
};

struct kept {
    uint8_t key[GRACE_KEY_BYTES];
    int64_t run, gone;
    int64_t since_ms; /* 0: its run does not count */
};

static int find_scope(struct store *store, const struct run_header *header, struct scope *scope,
                      struct err *err)
{
    char owner[RUN_OWNER_MAX + 1];
    struct db_statement *get =
        db_use(store->db, &store->statements[FIND_GRACES],
               "SELECT id, complete, merging, oldest FROM grace_scope WHERE policy = ?1"
               " AND account = ?2 AND region = ?3 AND sha256 = ?4 AND dropped = 0",
               err);
    *scope = (struct scope){0};
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "ttth", header->policy, run_header_owner(header, owner), header->region,
            header->grace_sha256);
    int result = db_step(get, err);
    if (result == 1) {
        *scope = (struct scope){.id = db_int(get, 0),
                                .complete = db_int(get, 1),
                                .merging = db_int(get, 2),
                                .oldest = db_int(get, 3)};
        db_reset(get);
    }
    return result < 0 ? -1 : 0;
}

static int add_scope(struct store *store, const struct run_header *header, struct scope *scope,
                     struct err *err)
{
    char owner[RUN_OWNER_MAX + 1];
    struct db_statement *add = db_use(store->db, &store->statements[ADD_GRACES],
                                      "INSERT INTO grace_scope (policy, account, region, sha256, touched_ms)"
                                      " VALUES (?1, ?2, ?3, ?4, ?5)",
                                      err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "ttthi", header->policy, run_header_owner(header, owner), header->region,
            header->grace_sha256, store->config.wall_ms(store->config.ctx));
    if (db_run(add, err) != 0) {
        return -1;
    }
    scope->id = db_last_id(store->db);
    return 0;
}

int store_forget_graces(struct store *store, const struct run_header *header, struct err *err)
{
    char owner[RUN_OWNER_MAX + 1];
    struct db_statement *set = db_use(store->db, &store->statements[FORGET_GRACES],
                                      "UPDATE grace_scope SET dropped = 1 WHERE policy = ?1 AND account = ?2"
                                      " AND region = ?3 AND dropped = 0",
                                      err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "ttt", header->policy, run_header_owner(header, owner), header->region);
    return db_run(set, err);
}

/* Selected by all complete runs since some moment that may have been. */
static bool counts(const struct scope *scope, const struct kept *kept, int64_t now_ms)
{
    bool gone = kept->gone != 0 && kept->gone <= scope->complete;
    return kept->since_ms > 0 && kept->since_ms <= now_ms + GRACE_AHEAD_MS && !gone;
}

/* --- for looking only --- */

static int look_up(struct store *store, const struct scope *scope, struct ledger_grace *grace, int64_t now_ms,
                   struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[LOOK_UP_GRACE],
                                      "SELECT gone, counted_ms FROM grace JOIN grace_run USING (scope, run)"
                                      " WHERE grace.scope = ?1 AND key = ?2",
                                      err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "ik", scope->id, grace->key);
    int result = db_step(get, err);
    if (result == 1) {
        struct kept kept = {.gone = db_int(get, 0), .since_ms = db_int(get, 1)};
        grace->since_ms = counts(scope, &kept, now_ms) ? kept.since_ms : 0;
        db_reset(get);
    }
    return result < 0 ? -1 : 0;
}

static int look_up_all(struct store *store, const struct scope *scope, struct ledger_request *request,
                       struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < request->count && result == 0; i++) {
        request->graces[i].since_ms = 0;
        result = scope->id != 0 ? look_up(store, scope, &request->graces[i], request->now_ms, err) : 0;
    }
    return result;
}

/* --- walking through --- */

static int put_new(struct store *store, const struct scope *scope, int64_t run, const uint8_t *key,
                   struct err *err)
{
    struct db_statement *put = db_use(store->db, &store->statements[PUT_GRACE],
                                      "INSERT OR REPLACE INTO grace VALUES (?1, ?2, ?3, 0)", err);
    if (put == NULL) {
        return -1;
    }
    db_bind(put, "iki", scope->id, key, run);
    return db_run(put, err);
}

static int set_gone(struct store *store, const struct scope *scope, const uint8_t *key, int64_t gone,
                    struct err *err)
{
    struct db_statement *mark = db_use(store->db, &store->statements[MARK_GRACE],
                                       "UPDATE grace SET gone = ?3 WHERE scope = ?1 AND key = ?2", err);
    if (mark == NULL) {
        return -1;
    }
    db_bind(mark, "iki", scope->id, key, gone);
    return db_run(mark, err);
}

static int take_away(struct store *store, const struct scope *scope, const uint8_t *key, struct err *err)
{
    struct db_statement *take = db_use(store->db, &store->statements[DROP_GRACE],
                                       "DELETE FROM grace WHERE scope = ?1 AND key = ?2", err);
    if (take == NULL) {
        return -1;
    }
    db_bind(take, "ik", scope->id, key);
    return db_run(take, err);
}

/* Selected now; kept is NULL where it was not before. */
static int select_one(struct store *store, struct scope *scope, const struct ledger_request *request,
                      struct ledger_grace *grace, const struct kept *kept, struct err *err)
{
    if (kept == NULL || !counts(scope, kept, request->now_ms)) {
        return put_new(store, scope, request->run, grace->key, err);
    }
    grace->since_ms = kept->since_ms;
    scope->oldest = kept->run < scope->oldest ? kept->run : scope->oldest;
    return kept->gone != 0 ? set_gone(store, scope, grace->key, 0, err) : 0;
}

/* Not selected now. The mark of a run that did not count is written over. */
static int pass_by(struct store *store, const struct scope *scope, const struct ledger_request *request,
                   const struct kept *kept, struct err *err)
{
    return counts(scope, kept, request->now_ms) ? set_gone(store, scope, kept->key, request->run, err)
                                                : take_away(store, scope, kept->key, err);
}

/* What is kept in the range of the request, and cut: only so far as there is room. */
static int read_range(struct store *store, const struct scope *scope, const struct ledger_request *request,
                      struct kept kept[PART_ROWS], size_t *count, struct err *err)
{
    uint8_t last[GRACE_KEY_BYTES];
    struct db_statement *get =
        db_use(store->db, &store->statements[GRACE_RANGE],
               "SELECT key, grace.run, gone, counted_ms FROM grace LEFT JOIN grace_run"
               " ON grace_run.scope = grace.scope AND grace_run.run = grace.run"
               " WHERE grace.scope = ?1 AND key > COALESCE(?2, x'') AND key <= ?3 ORDER BY key LIMIT ?4",
               err);
    if (get == NULL) {
        return -1;
    }
    memset(last, 0xff, sizeof last);
    if (!request->graces_last) {
        memcpy(last, request->graces[request->count - 1].key, sizeof last);
    }
    db_bind(get, "ikki", scope->id, request->graces_first ? NULL : request->graces_after, last,
            (int64_t)PART_ROWS);
    int result;
    *count = 0;
    while ((result = db_step(get, err)) == 1) {
        struct kept *one = &kept[(*count)++];
        *one = (struct kept){.run = db_int(get, 1), .gone = db_int(get, 2), .since_ms = db_int(get, 3)};
        db_bytes(get, 0, one->key, sizeof one->key);
    }
    return result;
}

static bool is_behind(const struct ledger_request *request, const uint8_t *key)
{
    return request->graces_first || memcmp(key, request->graces_after, GRACE_KEY_BYTES) > 0;
}

/* Both sorted by key; `more` says that the range goes on behind the last that is kept. */
static int walk(struct store *store, struct scope *scope, struct ledger_request *request,
                const struct kept *kept, size_t count, struct err *err)
{
    struct ledger_grace *grace = request->graces, *end = request->graces + request->count;
    const struct kept *kept_end = kept + count;
    int result = 0;
    while (grace < end && !is_behind(request, grace->key)) {
        grace++; /* answered before */
    }
    while (result == 0 && (kept < kept_end || (grace < end && !request->more))) {
        int order = kept == kept_end ? -1 : grace == end ? 1 : memcmp(grace->key, kept->key, GRACE_KEY_BYTES);
        if (order > 0) {
            result = pass_by(store, scope, request, kept++, err);
            continue;
        }
        grace->since_ms = 0;
        result = select_one(store, scope, request, grace, order == 0 ? kept : NULL, err);
        grace++;
        kept += order == 0;
    }
    return result;
}

static int note_oldest(struct store *store, const struct scope *scope, struct err *err)
{
    struct db_statement *set =
        db_use(store->db, &store->statements[OLDEST_GRACE],
               "UPDATE grace_scope SET oldest = ?2 WHERE id = ?1 AND oldest > ?2", err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "ii", scope->id, scope->oldest);
    return db_run(set, err);
}

/* Touched, so that it is not taken for old while the run walks through it. */
static int begin_walk(struct store *store, const struct ledger_request *request, struct scope *scope,
                      struct err *err)
{
    struct db_statement *set = db_use(
        store->db, &store->statements[BEGIN_GRACES],
        "UPDATE grace_scope SET merging = ?2, oldest = ?2, touched_ms = max(touched_ms, ?3) WHERE id = ?1",
        err);
    if (set == NULL || (scope->id == 0 && add_scope(store, request->header, scope, err) != 0)) {
        return -1;
    }
    db_bind(set, "iii", scope->id, request->run, store->config.wall_ms(store->config.ctx));
    scope->merging = scope->oldest = request->run;
    return db_run(set, err);
}

static int out_of_order(const struct ledger_request *request, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "ledger: graces of run %lld are out of order", (long long)request->run);
}

int store_graces(struct store *store, struct ledger_request *request, struct err *err)
{
    struct scope scope = {0};
    struct kept kept[PART_ROWS];
    size_t count;
    request->more = false;
    if (store->version >= 5 && find_scope(store, request->header, &scope, err) != 0) {
        return -1;
    }
    if (store->config.read_only) {
        return look_up_all(store, &scope, request, err);
    }
    if (request->graces_first && begin_walk(store, request, &scope, err) != 0) {
        return -1;
    }
    if (scope.merging != request->run || (request->count == 0 && !request->graces_last)) {
        return out_of_order(request, err);
    }
    if (read_range(store, &scope, request, kept, &count, err) != 0) {
        return -1;
    }
    request->more = count == PART_ROWS;
    if (walk(store, &scope, request, kept, count, err) != 0) {
        return -1;
    }
    if (request->more) {
        memcpy(request->graces_after, kept[count - 1].key, GRACE_KEY_BYTES);
        request->graces_first = false;
    }
    return note_oldest(store, &scope, err);
}

/* --- the end of a walk --- */

static int count_run(struct store *store, const struct ledger_request *request, const struct scope *scope,
                     struct err *err)
{
    struct db_statement *set = db_use(store->db, &store->statements[COUNT_GRACES],
                                      "UPDATE grace_scope SET complete = ?2, merging = 0, touched_ms = ?3"
                                      " WHERE id = ?1",
                                      err);
    struct db_statement *add = db_use(store->db, &store->statements[COUNT_GRACE_RUN],
                                      "INSERT INTO grace_run VALUES (?1, ?2, ?3)", err);
    if (set == NULL || add == NULL) {
        return -1;
    }
    db_bind(set, "iii", scope->id, request->run, store->config.wall_ms(store->config.ctx));
    db_bind(add, "iii", scope->id, request->run, request->now_ms);
    return db_run(set, err) != 0 ? -1 : db_run(add, err);
}

/* Runs that nothing kept goes back to, and what was noted of the policy as it was before. */
static int drop_old(struct store *store, const struct ledger_request *request, const struct scope *scope,
                    struct err *err)
{
    char owner[RUN_OWNER_MAX + 1];
    const struct run_header *header = request->header;
    struct db_statement *runs = db_use(store->db, &store->statements[DROP_GRACE_RUNS],
                                       "DELETE FROM grace_run WHERE scope = ?1 AND run < ?2", err);
    struct db_statement *others = db_use(store->db, &store->statements[DROP_OLD_GRACES],
                                         "UPDATE grace_scope SET dropped = 1 WHERE policy = ?1"
                                         " AND account = ?2 AND region = ?3 AND dropped = 0 AND id <> ?4",
                                         err);
    if (runs == NULL || others == NULL) {
        return -1;
    }
    db_bind(runs, "ii", scope->id, scope->oldest);
    db_bind(others, "ttti", header->policy, run_header_owner(header, owner), header->region, scope->id);
    return db_run(runs, err) != 0 ? -1 : db_run(others, err);
}

int store_count_graces(struct store *store, const struct ledger_request *request, struct err *err)
{
    struct scope scope;
    if (find_scope(store, request->header, &scope, err) != 0) {
        return -1;
    }
    if (scope.id == 0 || scope.merging != request->run) {
        return out_of_order(request, err);
    }
    return count_run(store, request, &scope, err) != 0 ? -1 : drop_old(store, request, &scope, err);
}
