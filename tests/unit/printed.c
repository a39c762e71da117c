/* See printed.h. */
#include "printed.h"

#include "tap.h"

#include <string.h>

void prints(struct buf *out, const char *expected)
{
    if (strcmp(buf_string(out), expected) != 0) {
        fail_msg("printed:\n%sexpected:\n%s", buf_string(out), expected);
    }
    buf_finish(out);
}
