/* The face of the archive: what the service said of a job execution, on the disk before it is deleted. The
 * engine hands documents over and never sees how they are kept; ledger/archive.h has the implementation.
 *
 * Every request is asynchronous: done() comes exactly once, never from inside submit, and of a document only
 * when it is on the disk. Requests of one run take effect in the order of submission. A document that cannot
 * be written fails with ERR_ARCHIVE, and so does every later one of its run, with the same words: a file that
 * failed once is never written again. Other runs have files of their own. */
#ifndef MODEL_ARCHIVE_H
#define MODEL_ARCHIVE_H

#include "base/err.h"
#include "model/job_execution.h"
#include "model/ledger.h"

#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_DIRECTORY_MAX 400
#define ARCHIVE_PATH_MAX      511

enum archive_operation {
    ARCHIVE_JOB,       /* what DescribeJob said */
    ARCHIVE_EXECUTION, /* what DescribeJobExecution said */
    ARCHIVE_CLOSE      /* no more of this run: file is filled */
};

struct archive_request {
    enum archive_operation operation;
    const char *directory; /* at most ARCHIVE_DIRECTORY_MAX bytes */
    int64_t run;           /* of the ledger that this process has */
    /* For what stands beside the document; these and the document stay valid until done. */
    const struct run_header *header;
    const struct job_execution *execution; /* ARCHIVE_JOB: only its job id */
    const char *reason;                    /* ARCHIVE_EXECUTION: why it was selected */
    int64_t row;                           /* ARCHIVE_EXECUTION: in the ledger's plan */
    const char *document;                  /* one JSON value on one line */
    size_t length;
    char *file; /* ARCHIVE_CLOSE: room for ARCHIVE_PATH_MAX + 1; "" when the run has none */

    struct err err; /* ERR_NONE when it was done */
    void (*done)(struct archive_request *request);
    void *owner;
    struct archive_request *prev, *next; /* the archive's while it has the request */
};

struct archive {
    void *ctx;
    void (*submit)(void *ctx, struct archive_request *request);
};

#endif
