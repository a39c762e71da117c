/* What was printed against what is expected. */
#ifndef UNIT_PRINTED_H
#define UNIT_PRINTED_H

#include "base/buf.h"

/* Fails the test, with both texts as they stand, unless they are the same. Finishes the buffer. */
void prints(struct buf *out, const char *expected);

#endif
