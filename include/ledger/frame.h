/* Compressing in frames of zstd that can be read one by one or together. zstd.h is included in frame.c alone.
 * Memory stays at about 2 MB, whatever is compressed. */
#ifndef LEDGER_FRAME_H
#define LEDGER_FRAME_H

#include "base/err.h"

#include <stddef.h>

struct frame;

/* sink takes what comes out, as it comes: 0, or -1 with err. */
struct frame *frame_create(int (*sink)(void *ctx, const void *bytes, size_t length, struct err *err));
void frame_destroy(struct frame *frame); /* takes NULL */

/* The first bytes begin a frame; -1 as sink said. ctx is sink's. */
int frame_add(struct frame *frame, void *ctx, const void *bytes, size_t length, struct err *err);
/* The frame is complete: the next bytes begin another one. */
int frame_end(struct frame *frame, void *ctx, struct err *err);
void frame_drop(struct frame *frame); /* what is not out yet never comes */

#endif
