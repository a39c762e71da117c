/* The archive of model/archive.h on disk: one file for each run, JSON lines in frames of zstd, with a writer
 * thread and group commit. What waits when the thread looks is one frame of its file; done() comes when the
 * frame is synced. So all that was confirmed can be read whatever happens later, and a frame that was torn is
 * the last one of its file: a new process begins a new file.
 *
 * A file is called POLICY-TIME-run-RUN.jsonl.zst, after when it was begun, in UTC. */
#ifndef LEDGER_ARCHIVE_H
#define LEDGER_ARCHIVE_H

#include "ledger/archive_disk.h"
#include "model/archive.h"

#include <stdbool.h>

struct archive_writer;

struct archive_writer_config {
    bool threaded; /* else archive_writer_work() does the thread's work. The thread begins with the first
                      request. */
    /* Called from the writer thread (or from work()) when drain() has something to do. */
    void (*wake)(void *ctx);
    int64_t (*wall_ms)(void *ctx); /* called on the writer thread too */
    void *ctx;
    const struct archive_disk *disk; /* NULL: the system's; else valid while the archive is open */
};

struct archive_writer *archive_writer_create(const struct archive_writer_config *config);
/* Waits for the thread; every request must have been drained. Takes NULL. */
void archive_writer_destroy(struct archive_writer *writer);

struct archive *archive_writer_face(struct archive_writer *writer);
void archive_writer_drain(struct archive_writer *writer); /* on the loop's thread: calls done() */
void archive_writer_work(struct archive_writer *writer);  /* not threaded: one group of all that waits */

#endif
