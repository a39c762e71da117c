/* The real archive (ledger/archive.h, without its thread) on a shelf, in virtual time: a group takes its
 * time, and who looks on sees every document before it is handed over and when it is answered. */
#ifndef SIM_LIBRARIAN_H
#define SIM_LIBRARIAN_H

#include "model/archive.h"
#include "sim/shelf.h"
#include "sim/virtual.h"

struct librarian;

struct librarian_config {
    struct virtual_world *world;
    struct shelf *shelf; /* it works again, if the power had gone */
    int64_t delay_ns;    /* from a request to its being written */
    /* May be NULL. The request is as it is answered; for ARCHIVE_CLOSE too. */
    void (*answered)(void *ctx, const struct archive_request *request);
    void *ctx;
};

struct librarian *librarian_create(const struct librarian_config *config);
void librarian_destroy(struct librarian *librarian); /* when no request is in it; takes NULL */
struct archive *librarian_face(struct librarian *librarian);
/* The process is gone: nobody is told of what is answered from now on. */
void librarian_silence(struct librarian *librarian);

#endif
