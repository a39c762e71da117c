/* See base/buf.h. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256 /* most texts fit: names, targets, header lines */

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_init_secret(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max, .secret = true};
}

static void wipe(struct buf *buf)
{
    if (buf->secret && buf->data != NULL) {
        mem_wipe(buf->data, buf->room);
    }
}

void buf_finish(struct buf *buf)
{
    wipe(buf);
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    wipe(buf);
    buf->length = 0;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

void buf_cut(struct buf *buf, size_t length)
{
    if (buf->secret && buf->data != NULL) {
        mem_wipe(buf->data + length, buf->length - length);
    }
    buf->length = length;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[length] = '\0';
    }
}

static void grow(struct buf *buf, size_t room)
{
    if (!buf->secret) {
        buf->data = mem_realloc(buf->data, room, 1);
    } else { /* realloc() would leave a copy behind */
        char *data = mem_alloc(room);
        memcpy(data, buf_string(buf), buf->length + 1);
        wipe(buf);
        free(buf->data);
        buf->data = data;
    }
    buf->room = room;
}

/* Makes room for `more` bytes and the NUL behind them. */
static bool reserve(struct buf *buf, size_t more)
{
    if (more > buf->max - buf->length) {
        buf->overflow = true;
        return false;
    }
    size_t need = buf->length + more + 1;
    if (need > buf->room) {
        size_t room = buf->room > 0 ? buf->room : FIRST_ROOM;
        while (room < need) {
            room *= 2;
        }
        grow(buf, room);
    }
    return true;
}

bool buf_append(struct buf *buf, const void *bytes, size_t length)
{
    if (!reserve(buf, length)) {
        return false;
    }
    if (length > 0) {
        memcpy(buf->data + buf->length, bytes, length);
    }
    buf->length += length;
    buf->data[buf->length] = '\0';
    return true;
}

bool buf_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

bool buf_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

/* Most texts fit into the room that is there: then once is enough. */
bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    size_t left = buf->room - buf->length;
    va_start(args, format);
    int length = vsnprintf(left > 0 ? buf->data + buf->length : NULL, left, format, args);
    va_end(args);
    if (length < 0 || !reserve(buf, (size_t)length)) {
        buf->overflow = true;
        if (left > 0) {
            buf->data[buf->length] = '\0';
        }
        return false;
    }
    if ((size_t)length >= left) {
        va_start(args, format);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
        va_end(args);
    }
    buf->length += (size_t)length;
    return true;
}

const char *buf_string(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}
