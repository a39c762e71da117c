/* A disk for archives, in memory: what is synced survives a crash, and of what was written since then a
 * random prefix. It can fail and be full. What lies there can be read as anybody would: frame by frame, up to
 * the first one that is torn. zstd.h is included in shelf.c, too. */
#ifndef SIM_SHELF_H
#define SIM_SHELF_H

#include "base/buf.h"
#include "ledger/archive_disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf;

enum shelf_trouble {
    SHELF_CREATE_ERROR, /* a file cannot be begun */
    SHELF_WRITE_ERROR,
    SHELF_SHORT_WRITE, /* half of it is written, which is no error */
    SHELF_FULL,        /* half of it is written, and then ENOSPC */
    SHELF_SYNC_ERROR,  /* and what was to be synced is lost */
    SHELF_TROUBLE_COUNT
};

struct shelf *shelf_create(uint64_t seed);
void shelf_destroy(struct shelf *shelf); /* takes NULL */
const struct archive_disk *shelf_disk(struct shelf *shelf);

/* It befalls the operation after this many of those that it can befall, and all that follow; -1: none. */
void shelf_trouble(struct shelf *shelf, enum shelf_trouble trouble, int64_t operations);
/* So many of a million operations suffer a trouble of some kind, each once. */
void shelf_rate(struct shelf *shelf, int ppm);
void shelf_crash(struct shelf *shelf);   /* the power goes: nothing works any more */
void shelf_restart(struct shelf *shelf); /* but what was open stays closed */

size_t shelf_files(const struct shelf *shelf);
size_t shelf_open_files(const struct shelf *shelf);
size_t shelf_syncs(const struct shelf *shelf);
const char *shelf_name(const struct shelf *shelf, size_t file); /* "DIRECTORY/NAME" */
bool shelf_unsynced(const struct shelf *shelf);                 /* a crash could lose something */
int64_t shelf_failures(const struct shelf *shelf);              /* so far, of all kinds */
/* Appends what can be read of a file, of what is synced alone or of all. Whether that was to its end. */
bool shelf_read(const struct shelf *shelf, size_t file, bool synced, struct buf *out);

#endif
