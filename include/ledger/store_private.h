/* What the files of ledger/store share: the database, and columns that several read. */
#ifndef LEDGER_STORE_PRIVATE_H
#define LEDGER_STORE_PRIVATE_H

#include "ledger/active.h"
#include "ledger/db.h"
#include "ledger/record.h"
#include "ledger/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_statement {
    GET_TIP,
    SET_TIP,
    ADD_RUN_RECORD,
    ADD_INTENT,
    ADD_RESULT,
    LOST_BEFORE,
    LAST_RUN,
    ADD_RUN,
    RUN_STATE,
    FIND_NAME,
    ADD_NAME,
    ADD_ROW,
    RUN_ROWS,
    RUN_SEAL,
    RUN_END,
    RUN_LOST,
    ROW_STATE,
    READ_ROWS,
    OPEN_RUN,
    PAIR_RUN,
    FORGET_RATES,
    SET_RATE,
    GET_RATES,
    VERIFY_CHAIN,
    VERIFY_PLAN,
    VERIFY_TIP,
    PRUNE_LAST,
    FIND_GRACES,
    ADD_GRACES,
    FORGET_GRACES,
    BEGIN_GRACES,
    OLDEST_GRACE,
    LOOK_UP_GRACE,
    GRACE_RANGE,
    PUT_GRACE,
    MARK_GRACE,
    DROP_GRACE,
    COUNT_GRACES,
    COUNT_GRACE_RUN,
    DROP_GRACE_RUNS,
    DROP_OLD_GRACES,
    STORE_STATEMENT_COUNT
};

enum store_name { NAME_JOB, NAME_THING, NAME_REASON, STORE_NAMES };

struct store {
    struct db *db;
    struct db_statement *statements[STORE_STATEMENT_COUNT];
    struct store_config config;
    int version; /* of the file; one that is only read may be old */
    struct active active;
    char *last_name[STORE_NAMES]; /* interned last: a page of a job repeats its id and its reasons */
    int64_t last_id[STORE_NAMES];
    int64_t sequence; /* of the last record of the open transaction */
    uint8_t hash[STORE_HASH_BYTES];
    bool tip_loaded;
};

/* A plan's columns, and the joins that give its names. A reason that is no name is the row's own. */
#define STORE_PLAN_COLUMNS                                                                                   \
    "job.text, thing.text, number, status, queued_at, started_at, last_updated_at, version, force, "         \
    "COALESCE(reason.text, CAST(plan.reason AS TEXT))"
#define STORE_PLAN_NAMES                                                                                     \
    "JOIN name AS job ON job.id = plan.job JOIN name AS thing ON thing.id = plan.thing"                      \
    " LEFT JOIN name AS reason ON reason.id = plan.reason"

void store_take_plan_row(struct db_statement *statement, int column, struct plan_row *row);
/* The origin of a run is the note of its first record. */
#define STORE_RUN_ORIGIN "(SELECT entry.note FROM entry WHERE entry.id = " RECORD_RUN_ID("run.id") ")"
/* policy, policy_sha256, target, account, region, started_ms, STORE_RUN_ORIGIN */
void store_take_header(struct db_statement *statement, int column, struct run_header *header);
/* Appends a record, with its number, moment and hash, to the chain. */
int store_append_record(struct store *store, struct store_record *record, enum record_kind kind,
                        struct err *err);
/* Always -1: ERR_INTERNAL, a bug of who asks. */
int store_out_of_order(const struct ledger_request *request, struct err *err);
/* LEDGER_INTENT and LEDGER_RESULT. */
int store_add_attempt(struct store *store, struct ledger_request *request, struct active_run *run,
                      struct err *err);
/* LEDGER_READ_ROWS. */
int store_read_rows(struct store *store, struct ledger_request *request, const struct active_run *run,
                    struct err *err);
/* LEDGER_ADD_ROWS, on a run that takes them. */
int store_add_rows(struct store *store, const struct ledger_request *request, struct active_run *state,
                   struct err *err);
/* LEDGER_SET_RATES and LEDGER_GET_RATES. */
int store_set_rates(struct store *store, const struct ledger_request *request, struct err *err);
int store_get_rates(struct store *store, struct ledger_request *request, struct err *err);
/* LEDGER_GRACES; of a store that is only read it looks, and notes nothing. */
int store_graces(struct store *store, struct ledger_request *request, struct err *err);
int store_count_graces(struct store *store, const struct ledger_request *request, struct err *err);
/* What was noted of the policy in the account and region goes, bit by bit, by store_prune_rest(). */
int store_forget_graces(struct store *store, const struct run_header *header, struct err *err);
void store_forget_names(struct store *store); /* that were interned last: they may go */
/* What the record that seals a plan says of it. */
void store_seal_note(int64_t rows, const uint8_t digest[STORE_HASH_BYTES], char *note, size_t size);

#endif
