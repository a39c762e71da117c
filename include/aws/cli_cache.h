/* The folders of JSON files that the AWS CLI keeps below ~/.aws, one file for each name. */
#ifndef AWS_CLI_CACHE_H
#define AWS_CLI_CACHE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CLI_CACHE_FILE_MAX ((size_t)64 * 1024)

/* folder: "sso/cache". The file is called by the SHA-1 of name. -1 as credentials_read_file() of a private
 * file. */
int cli_cache_read(const char *folder, const char *name, struct buf *text, struct err *err);
/* Replaces the file as a whole, readable by its owner alone: whose the folder is, where root writes it. Makes
 * the folder where HOME is set, in folders of this user. -1 with ERR_IO. */
int cli_cache_write(const char *folder, const char *name, const struct buf *text, struct err *err);

/* "2026-11-26T21:00:00Z"; versions of the AWS CLI before 2.0.23 wrote "...UTC", and some files still have it.
 * False when it is neither, or NULL. */
bool cli_cache_time(const char *text, int64_t *ms);
/* Adds a member to an object that is being written, behind a comma unless it is the first. NULL: nothing. */
void cli_cache_member(struct buf *text, const char *key, const char *value);

#endif
