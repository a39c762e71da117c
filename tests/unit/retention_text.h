/* The world's policy as it would stand in a configuration: what is drawn, in the words of the manual. */
#ifndef UNIT_RETENTION_TEXT_H
#define UNIT_RETENTION_TEXT_H

#include "base/buf.h"

/* Appends a whole configuration of one target, "simulated", and one policy, "drawn". */
void world_print(struct buf *out);

#endif
