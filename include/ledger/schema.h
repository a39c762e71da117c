/* The tables of the ledger's file, and how a file of an older version becomes one of this. */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "base/err.h"
#include "ledger/db.h"

#include <stdbool.h>

#define SCHEMA_VERSION 6

/* Makes the tables of an empty file, or brings an older one up to this version, in one transaction. -1 with
 * ERR_INVALID for a file of a newer version or of something else, ERR_NOT_FOUND for an empty one that is only
 * read, ERR_IO. path is for messages; *found gets the version that the file has now: an older one where it
 * is only read. */
int schema_prepare(struct db *db, const char *path, bool read_only, int *found, struct err *err);

#endif
