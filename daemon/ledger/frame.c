/* See ledger/frame.h. */
#include "ledger/frame.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zstd.h>

/* A frame holds the lines of one group, often few: a larger window would only cost memory, here and for
 * whoever reads it. */
#define WINDOW_LOG 18
#define LEVEL      3
#define OUT_BYTES  65536

struct frame {
    ZSTD_CCtx *context;
    int (*sink)(void *ctx, const void *bytes, size_t length, struct err *err);
    char out[OUT_BYTES];
};

struct frame *frame_create(int (*sink)(void *ctx, const void *bytes, size_t length, struct err *err))
{
    struct frame *frame = mem_zalloc(sizeof *frame);
    frame->sink = sink;
    frame->context = ZSTD_createCCtx();
    if (frame->context == NULL) {
        mem_exhausted();
    }
    ZSTD_CCtx_setParameter(frame->context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(frame->context, ZSTD_c_windowLog, WINDOW_LOG);
    ZSTD_CCtx_setParameter(frame->context, ZSTD_c_checksumFlag, 1);
    return frame;
}

void frame_destroy(struct frame *frame)
{
    if (frame != NULL) {
        ZSTD_freeCCtx(frame->context);
        free(frame);
    }
}

static int feed(struct frame *frame, void *ctx, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct err *err)
{
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = frame->out, .size = sizeof frame->out};
        left = ZSTD_compressStream2(frame->context, &out, in, how);
        if (ZSTD_isError(left)) {
            return err_set(err, ERR_ARCHIVE, "zstd: %s", ZSTD_getErrorName(left));
        }
        if (out.pos > 0 && frame->sink(ctx, frame->out, out.pos, err) != 0) {
            return -1;
        }
    } while (how == ZSTD_e_end ? left > 0 : in->pos < in->size);
    return 0;
}

int frame_add(struct frame *frame, void *ctx, const void *bytes, size_t length, struct err *err)
{
    ZSTD_inBuffer in = {.src = bytes, .size = length};
    return length == 0 ? 0 : feed(frame, ctx, &in, ZSTD_e_continue, err);
}

int frame_end(struct frame *frame, void *ctx, struct err *err)
{
    ZSTD_inBuffer in = {.src = "", .size = 0};
    return feed(frame, ctx, &in, ZSTD_e_end, err);
}

void frame_drop(struct frame *frame)
{
    ZSTD_CCtx_reset(frame->context, ZSTD_reset_session_only);
}
