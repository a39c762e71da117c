/* One of the shared files of the AWS CLI, parsed, with its sections by name. Whoever reads the same version
 * of a file again gets what was parsed before, so that a thousand profiles cost one reading. A version is the
 * file's identity, size and times; one that was written, or whose times were set, less than two seconds ago
 * is not kept, because the next one may look like it. What is kept has no secrets. Not for threads. */
#ifndef AWS_SHARED_FILE_H
#define AWS_SHARED_FILE_H

#include "aws/ini.h"
#include "aws/profile.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_FILE_NONE SIZE_MAX

enum shared_file_kind {
    SHARED_FILE_CONFIG,     /* sections are [default], [profile NAME], [sso-session NAME], [services NAME] */
    SHARED_FILE_CREDENTIALS /* each section is a profile */
};

struct shared_parse;
struct shared_file {
    enum shared_file_kind kind;
    char path[4096];
    struct err exposed;         /* why no secret may be taken from it; ERR_NONE when it is closed to others */
    struct shared_parse *parse; /* NULL for a file that does not exist */
};

/* kind and path are set, the rest is zeros. A missing file and /dev/null are empty ones. closed: an exposed
 * file is refused. -1 with err as in profiles_load(). Each needs a shared_file_release(). */
int shared_file_read(struct shared_file *file, bool closed, struct err *err);
/* Reads it once more, with its secrets and for this struct alone. -1 as above; it is as before then. */
int shared_file_reveal(struct shared_file *file, struct err *err);
void shared_file_release(struct shared_file *file); /* wipes what was revealed */

/* The last section of the name; SHARED_FILE_NONE when there is none. */
size_t shared_file_section(const struct shared_file *file, enum profiles_kind kind, const char *name);
/* NULL for a file that does not exist. */
const struct ini *shared_file_ini(const struct shared_file *file);

#endif
