/* See ledger/db.h. */
#include "ledger/db.h"

#include "base/mem.h"
#include "base/text.h"
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS     5000 /* how long a reader waits for the writer's checkpoint */
#define DB_PATH_MAX (2 * PATH_MAX)

struct db_statement {
    sqlite3_stmt *stmt;
    struct db *db;
    struct db_statement *next; /* of the db's */
};

struct db {
    sqlite3 *handle;
    char *path;
    struct db_statement *statements;
    int log_pages; /* in the write-ahead log at the latest commit */
    bool no_space; /* why the latest failure was one */
};

/* --- SQLite's memory, from base/mem.h ------------------------------------------------------------------ */

static void *allocate(int size)
{
    return mem_alloc((size_t)size);
}

static void *reallocate(void *old, int size)
{
    return mem_realloc(old, (size_t)size, 1);
}

static int size_of(void *memory)
{
    return (int)malloc_usable_size(memory);
}

static int round_up(int size)
{
    return (size + 7) & ~7;
}

static int begin_memory(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void end_memory(void *unused)
{
    (void)unused;
}

/* Without memory SQLite says many things, "unable to open a temporary database file" among them. */
static void supply_memory(void)
{
    static const sqlite3_mem_methods methods = {.xMalloc = allocate,
                                                .xFree = free,
                                                .xRealloc = reallocate,
                                                .xSize = size_of,
                                                .xRoundup = round_up,
                                                .xInit = begin_memory,
                                                .xShutdown = end_memory};
    /* Both are refused where SQLite is in use already: in tests. Its counts of memory, which nobody asks for,
     * would take a lock for each allocation. */
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* --- the database -------------------------------------------------------------------------------------- */

/* A sync that fails for want of space has lost what it was to keep: that is no different from a broken disk.
 */
static bool lacks_space(sqlite3 *handle)
{
    int code = sqlite3_extended_errcode(handle), number = sqlite3_system_errno(handle);
    bool io = (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC;
    return (code & 0xff) == SQLITE_FULL || (io && (number == ENOSPC || number == EDQUOT));
}

static int failed(struct db *db, struct err *err)
{
    db->no_space = db->handle != NULL && lacks_space(db->handle);
    return err_set(err, ERR_IO, "ledger '%s': %s", db->path, sqlite3_errmsg(db->handle));
}

/* SQLite takes a last page that is cut off for one that ends with zeros, and a single byte for nothing at
 * all. While there is a log, the last page may be one that a checkpoint has not written to its end; the log
 * has it whole. */
static int check_length(int fd, const char *path, struct err *err)
{
    uint8_t header[18] = {0};
    char log[4096];
    struct stat file, log_file;
    snprintf(log, sizeof log, "%s-wal", path);
    if (fstat(fd, &file) != 0 || pread(fd, header, sizeof header, 0) < 0) {
        return err_set(err, ERR_IO, "ledger '%s': %s", path, err_errno(errno));
    }
    bool logged = stat(log, &log_file) == 0 && log_file.st_size > 0;
    bool database = memcmp(header, "SQLite format 3", 16) == 0; /* else SQLite says so, but for one byte */
    int64_t page = header[16] << 8 | header[17];
    page = page == 1 ? 65536 : page;
    if (file.st_size == 1 || (database && !logged && page > 1 && file.st_size % page != 0)) {
        return err_set(err, ERR_IO, "ledger '%s': its end is missing", path);
    }
    return 0;
}

/* SQLite would give the file the mode that the umask leaves. */
static int create_file(const char *path, struct err *err)
{
    int fd = file_open(path);
    if (fd < 0) {
        return err_set(err, ERR_IO, "ledger '%s': %s", path, err_errno(errno));
    }
    int result = check_length(fd, path, err);
    close(fd);
    return result;
}

/* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path, and a service with DynamicUser= has its state
 * behind one. Only the file itself must be none. Where there is no such folder the path stays as it is, and
 * fails. */
static void resolve_folder(const char *path, char out[DB_PATH_MAX])
{
    char folder[PATH_MAX], resolved[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = slash == NULL || slash == path ? 1 : (size_t)(slash - path);
    bool fits = length < sizeof folder;
    snprintf(folder, sizeof folder, "%.*s", fits ? (int)length : 0, slash != NULL ? path : ".");
    if (realpath(folder, resolved) == NULL) {
        text_copy(out, DB_PATH_MAX, path);
    } else {
        snprintf(out, DB_PATH_MAX, "%s/%s", resolved, name);
    }
}

static int on_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = ctx;
    (void)handle;
    (void)name;
    db->log_pages = pages;
    return SQLITE_OK;
}

static int open_handle(struct db *db, const char *vfs, bool read_only, struct err *err)
{
    char path[DB_PATH_MAX];
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    flags |= read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (read_only && access(db->path, R_OK) != 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? err_set(err, ERR_NOT_FOUND,
                             "there is no ledger '%s': nothing was swept with this state directory", db->path)
                   : err_set(err, ERR_PERMISSION,
                             "ledger '%s' cannot be read: %s; it belongs to whoever runs the sweeps",
                             db->path, err_errno(errno));
    }
    if (!read_only && vfs == NULL && create_file(db->path, err) != 0) {
        return -1;
    }
    resolve_folder(db->path, path);
    if (sqlite3_open_v2(vfs == NULL ? path : db->path, &db->handle, flags, vfs) != SQLITE_OK) {
        return failed(db, err);
    }
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_wal_hook(db->handle, on_commit, db); /* in place of SQLite's own checkpoints */
    return read_only
               ? 0
               : db_execute(
                     db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY",
                     err);
}

struct db *db_open(const char *path, const char *vfs, bool read_only, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, supply_memory);
    struct db *db = mem_zalloc(sizeof *db);
    db->path = mem_strdup(path);
    if (open_handle(db, vfs, read_only, err) != 0) {
        db_close(db);
        return NULL;
    }
    return db;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    while (db->statements != NULL) {
        struct db_statement *statement = db->statements;
        db->statements = statement->next;
        sqlite3_finalize(statement->stmt);
        free(statement);
    }
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

int db_execute(struct db *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, err);
}

struct db_statement *db_use(struct db *db, struct db_statement **slot, const char *sql, struct err *err)
{
    if (*slot == NULL) {
        sqlite3_stmt *stmt;
        if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
            failed(db, err);
            return NULL;
        }
        *slot = mem_alloc(sizeof **slot);
        **slot = (struct db_statement){.stmt = stmt, .db = db, .next = db->statements};
        db->statements = *slot;
    }
    sqlite3_reset((*slot)->stmt);
    return *slot;
}

void db_bind(struct db_statement *statement, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'i') {
            sqlite3_bind_int64(statement->stmt, i + 1, va_arg(args, int64_t));
        } else if (types[i] == 'h') {
            sqlite3_bind_blob(statement->stmt, i + 1, va_arg(args, const void *), 32, SQLITE_STATIC);
        } else if (types[i] == 'k') {
            sqlite3_bind_blob(statement->stmt, i + 1, va_arg(args, const void *), 16, SQLITE_STATIC);
        } else {
            sqlite3_bind_text(statement->stmt, i + 1, va_arg(args, const char *), -1, SQLITE_STATIC);
        }
    }
    va_end(args);
}

int db_step(struct db_statement *statement, struct err *err)
{
    int result = sqlite3_step(statement->stmt);
    if (result == SQLITE_ROW) {
        return 1;
    }
    if (result != SQLITE_DONE) {
        failed(statement->db, err);
    }
    sqlite3_reset(statement->stmt);
    return result == SQLITE_DONE ? 0 : -1;
}

int db_run(struct db_statement *statement, struct err *err)
{
    int result = db_step(statement, err);
    if (result == 1) {
        sqlite3_reset(statement->stmt);
    }
    return result < 0 ? -1 : 0;
}

void db_reset(struct db_statement *statement)
{
    if (statement != NULL) {
        sqlite3_reset(statement->stmt);
    }
}

int64_t db_int(struct db_statement *statement, int column)
{
    return sqlite3_column_int64(statement->stmt, column);
}

const char *db_text(struct db_statement *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement->stmt, column);
    return text != NULL ? text : "";
}

void db_copy(struct db_statement *statement, int column, char *to, size_t size)
{
    text_copy(to, size, db_text(statement, column));
}

bool db_bytes(struct db_statement *statement, int column, void *to, size_t size)
{
    const void *blob = sqlite3_column_blob(statement->stmt, column);
    if (blob == NULL || (size_t)sqlite3_column_bytes(statement->stmt, column) != size) {
        return false;
    }
    memcpy(to, blob, size);
    return true;
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int db_log_pages(const struct db *db)
{
    return db->log_pages;
}

int db_checkpoint(struct db *db, struct err *err)
{
    int pages = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    if (code != SQLITE_OK && code != SQLITE_BUSY) { /* a reader in the way only delays it */
        return failed(db, err);
    }
    db->log_pages = pages - moved;
    return 0;
}

bool db_no_space(const struct db *db)
{
    return db->no_space;
}
