/* Time zones: what the clock on the wall shows at a moment. The C library's own functions follow one zone for
 * the whole process (TZ); policies have one each. Reads compiled zone files (tzfile(5), RFC 8536), and the
 * rule at their end for the time behind their last transition. */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"

struct zone;

/* By a name such as Europe/Berlin. "UTC" gives NULL and needs no file. Returns -1 with ERR_INVALID for what
 * is no name of a zone, ERR_NOT_FOUND where there is no such file, ERR_IO or ERR_SYNTAX for one that cannot
 * be read. */
int zone_load(const char *name, struct zone **zone, struct err *err);
/* The same from a file's content. */
int zone_parse(const void *bytes, size_t length, struct zone **zone, struct err *err);
void zone_destroy(struct zone *zone); /* takes NULL */

/* What to add to UTC at this moment to have local time, in milliseconds. zone NULL: UTC, so 0. */
int64_t zone_offset_ms(const struct zone *zone, int64_t utc_ms);
/* The moment when the wall clock shows local_ms (a local time as if it were UTC). The first of two, where a
 * clock is set back; where it is set forward over that time, as much later as it was set. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_ms);

#endif
