/* See ledger/store_private.h: the paces that were learned. */
#include "ledger/store_private.h"

#include <string.h>

int store_set_rates(struct store *store, const struct ledger_request *request, struct err *err)
{
    const struct run_header *header = request->header;
    struct db_statement *forget_all = db_use(store->db, &store->statements[FORGET_RATES],
                                             "DELETE FROM rate WHERE account = ?1 AND region = ?2", err);
    struct db_statement *set =
        db_use(store->db, &store->statements[SET_RATE], "INSERT INTO rate VALUES (?1, ?2, ?3, ?4)", err);
    if (forget_all == NULL || set == NULL) {
        return -1;
    }
    db_bind(forget_all, "tt", header->account, header->region);
    if (db_run(forget_all, err) != 0) {
        return -1;
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        db_bind(set, "ttti", header->account, header->region, operation_name((enum operation)i),
                request->rates[i]);
        if (request->rates[i] > 0 && db_run(set, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* By the operation's name, so that its number may change. */
int store_get_rates(struct store *store, struct ledger_request *request, struct err *err)
{
    const struct run_header *header = request->header;
    struct db_statement *get =
        db_use(store->db, &store->statements[GET_RATES],
               "SELECT operation, per_1000s FROM rate WHERE account = ?1 AND region = ?2", err);
    if (get == NULL) {
        return -1;
    }
    memset(request->rates, 0, sizeof request->rates);
    db_bind(get, "tt", header->account, header->region);
    int result;
    while ((result = db_step(get, err)) == 1) {
        for (int i = 0; i < OPERATION_COUNT; i++) {
            if (strcmp(db_text(get, 0), operation_name((enum operation)i)) == 0) {
                request->rates[i] = db_int(get, 1);
            }
        }
    }
    return result;
}
