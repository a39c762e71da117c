/* What a run puts into the archive before it deletes: of each row the document that the deletion rests on,
 * and before the first row of a job what DescribeJob says of it, once. A row's document counts as archived
 * when both are on the disk. */
#ifndef ENGINE_ARCHIVIST_H
#define ENGINE_ARCHIVIST_H

#include "engine/dispatcher.h"
#include "engine/env.h"
#include "model/archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archivist;

struct archivist_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    struct archive *archive;
    const char *directory;
    const struct run_header *header; /* of the run; outlives the archivist */
    int64_t run;
    bool optional; /* what cannot be archived may be deleted all the same */
    void *owner;
    void (*warning)(void *owner, const char *text); /* the first time that something optional fails */
};

/* A row's document, and its way. Embedded in its owner's struct, zeroed; stays where it is from submit until
 * done(). */
struct archiving {
    char
        *document; /* what the latest look showed; NULL: it is over CALL_DOCUMENT_MAX, or not kept any more */
    size_t length;
    bool archived; /* it is on the disk, or need not be */
    /* asked; valid until done */
    const struct job_execution *execution;
    const char *reason;
    int64_t row;
    void (*done)(struct archiving *archiving);
    void *owner;
    /* answered: ERR_NONE; ERR_ARCHIVE: nothing of this run can be archived any more; ERR_CREDENTIALS: nor can
     * anything be asked (step_is_for_all()), also where archiving is optional; ERR_CANCELED: see
     * archivist_cancel(); any other: this one cannot be */
    struct err err;
    enum answer_class why; /* of the answer about its job, where that is the reason; else ANSWER_DONE */
    /* the archivist's */
    struct archivist *archivist;
    struct archive_request request;
    struct archiving *prev, *next;
};

/* Takes the document of an answered call. One that is byte for byte what is archived already needs no second
 * line. Not while it is submitted. */
void archiving_keep(struct archiving *archiving, struct call *call);
void archiving_finish(struct archiving *archiving); /* frees what it holds */

struct archivist *archivist_create(const struct archivist_config *config);
/* When no document is on its way and it was closed, or nothing was ever submitted. Takes NULL. */
void archivist_destroy(struct archivist *archivist);

/* done() comes exactly once, never from inside. */
void archivist_submit(struct archivist *archivist, struct archiving *archiving);
/* A wish: what waits for the description of its job ends with ERR_CANCELED. */
void archivist_cancel(struct archivist *archivist);

struct archivist_view {
    int64_t executions, jobs; /* documents on the disk */
    int64_t missing;          /* rows that went on without */
    struct err err;           /* the first failure */
    char file[ARCHIVE_PATH_MAX + 1];
};
/* When no document is on its way: no more come. closed() comes once, with what is in the archive now. */
void archivist_close(struct archivist *archivist, void (*closed)(void *owner), struct archivist_view *view);

#endif
