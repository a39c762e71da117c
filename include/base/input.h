/* A stream of bytes with the place of each one, read in pieces so that its size does not matter. A byte order
 * mark of UTF-8 at its beginning is left out. */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INPUT_END   (-1)
#define INPUT_PIECE 65536

struct input {
    /* As read(2): how many bytes were read, 0 at the end, -1 with errno. */
    ssize_t (*read)(void *ctx, char *bytes, size_t size);
    void *ctx;
    int64_t line, column; /* of the byte that comes next, from 1; column counts characters (code points) */
    int error;            /* errno of the read that failed; the input ends there */
    size_t at, length;
    bool begun, ended;
    char bytes[INPUT_PIECE];
};

void input_init(struct input *input, ssize_t (*read)(void *ctx, char *bytes, size_t size), void *ctx);

int input_peek(struct input *input); /* the next byte, 0..255, or INPUT_END */
int input_next(struct input *input); /* the same, and goes on behind it */
/* Up to `count` bytes from the next one on, as far as they are there at the beginning of the input: for
 * finding out what it is. At most INPUT_PIECE. */
size_t input_look(struct input *input, size_t count, const char **bytes);

#endif
