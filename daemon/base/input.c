/* See base/input.h. */
#include "base/input.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

void input_init(struct input *input, ssize_t (*read)(void *ctx, char *bytes, size_t size), void *ctx)
{
    input->read = read;
    input->ctx = ctx;
    input->line = input->column = 1;
    input->error = 0;
    input->at = input->length = 0;
    input->begun = input->ended = false;
}

/* Appends what one read gives. */
static void read_more(struct input *input)
{
    ssize_t got = input->read(input->ctx, input->bytes + input->length, sizeof input->bytes - input->length);
    if (got < 0 && errno == EINTR) {
        return;
    }
    input->error = got < 0 ? errno : 0;
    input->ended = got <= 0;
    input->length += got > 0 ? (size_t)got : 0;
}

static void begin(struct input *input)
{
    input->begun = true;
    while (input->length < 3 && !input->ended) {
        read_more(input);
    }
    input->at = text_mark_length(input->bytes, input->length);
}

size_t input_look(struct input *input, size_t count, const char **bytes)
{
    if (!input->begun) {
        begin(input);
    }
    while (input->length - input->at < count && input->length < sizeof input->bytes && !input->ended) {
        read_more(input);
    }
    *bytes = input->bytes + input->at;
    size_t there = input->length - input->at;
    return there < count ? there : count;
}

int input_peek(struct input *input)
{
    if (!input->begun) {
        begin(input);
    }
    while (input->at == input->length && !input->ended) {
        input->at = input->length = 0;
        read_more(input);
    }
    return input->at < input->length ? (unsigned char)input->bytes[input->at] : INPUT_END;
}

int input_next(struct input *input)
{
    int byte = input_peek(input);
    if (byte == INPUT_END) {
        return byte;
    }
    input->at++;
    if (byte == '\n') {
        input->line++;
        input->column = 1;
    } else if (((unsigned)input_peek(input) & 0xc0) != 0x80) { /* counts once it is complete */
        input->column++;
    }
    return byte;
}
