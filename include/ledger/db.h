/* SQLite in a few words; sqlite3.h is included in db.c alone. One thread at a time. Every failure is ERR_IO
 * with the file's name and SQLite's sentence. */
#ifndef LEDGER_DB_H
#define LEDGER_DB_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_statement; /* belongs to its db and ends with it */

/* Creates the file with mode 0600 unless read_only (then ERR_NOT_FOUND where there is none, ERR_PERMISSION
 * for somebody else's). WAL, synchronous=FULL; checkpoints are the caller's business. The file may lie in a
 * folder that is reached by a link, but be none itself. vfs: NULL for the system's. Refuses
 * a file whose end is missing. */
struct db *db_open(const char *path, const char *vfs, bool read_only, struct err *err);
void db_close(struct db *db); /* takes NULL; what is not committed is rolled back */

int db_execute(struct db *db, const char *sql, struct err *err); /* statements without parameters and rows */

/* Makes *slot the prepared statement of sql (once) and resets it. NULL with err. */
struct db_statement *db_use(struct db *db, struct db_statement **slot, const char *sql, struct err *err);

/* Binds from parameter 1 on, one letter each: i int64_t, t const char *, n const char * that may be NULL, h
 * 32 bytes, k 16 bytes that may be NULL. Texts and bytes must live until the statement is run. */
void db_bind(struct db_statement *statement, const char *types, ...);

int db_step(struct db_statement *statement,
            struct err *err); /* 1: a row; 0: no more (and reset); -1: failed */
int db_run(struct db_statement *statement,
           struct err *err);                   /* a statement without rows, then reset: 0 or -1 */
void db_reset(struct db_statement *statement); /* takes NULL */

/* Columns of the present row, from 0. */
int64_t db_int(struct db_statement *statement, int column);
const char *db_text(struct db_statement *statement, int column); /* "" for NULL; valid until the next step */
void db_copy(struct db_statement *statement, int column, char *to, size_t size);
bool db_bytes(struct db_statement *statement, int column, void *to,
              size_t size); /* false unless just that many */

/* How many pages a checkpoint would have to move, by the latest commit or checkpoint. */
int db_log_pages(const struct db *db);
/* Moves what is committed from the write-ahead log to its place, as far as no reader needs the older state;
 * the log begins anew once all is moved. -1 loses nothing: the log still has it. */
int db_checkpoint(struct db *db, struct err *err);

bool db_no_space(const struct db *db); /* the latest failure was for want of space on the disk */
bool db_in_transaction(const struct db *db);
int64_t db_last_id(const struct db *db); /* of the latest INSERT */
int64_t db_changes(const struct db *db); /* rows changed by the latest statement */

#endif
