/* A growing byte buffer with a maximum given at its creation. What would pass the maximum is refused
 * whole, and the refusal is remembered, so that a series of appends is checked once at its end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;    /* always NUL-terminated once anything was appended; NULL before */
    size_t length; /* without that NUL */
    size_t room;
    size_t max;    /* the length never passes this */
    bool overflow; /* something was refused since buf_init() or buf_reset() */
    bool secret;   /* see buf_init_secret() */
};

void buf_init(struct buf *buf, size_t max);
/* For keys, tokens and what is made with them: memory is wiped before it is given back, when the buffer grows
 * too, and by buf_reset(). */
void buf_init_secret(struct buf *buf, size_t max);
void buf_finish(struct buf *buf); /* frees; the struct may be initialised again */
void buf_reset(struct buf *buf);  /* empties and forgets an overflow, keeps the memory */
/* Takes away what is behind this length, which it has at least, and forgets an overflow. */
void buf_cut(struct buf *buf, size_t length);

bool buf_append(struct buf *buf, const void *bytes, size_t length); /* false: refused */
bool buf_text(struct buf *buf, const char *text);
bool buf_char(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a string; "" for an empty buffer. Valid until the next call on the buffer. */
const char *buf_string(const struct buf *buf);

#endif
