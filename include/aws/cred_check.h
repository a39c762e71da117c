/* What every source of credentials must check before it hands any on. */
#ifndef AWS_CRED_CHECK_H
#define AWS_CRED_CHECK_H

#include "aws/cred_source.h"
#include "aws/json.h"

/* What came, and what to call it. */
struct cred_found {
    const char *source;    /* for people: "environment", "profile 'fleet'" */
    const char *provider;  /* botocore's word: "env", "custom-process" */
    const char *names[4];  /* of the four values, as its sentence names them */
    const char *values[4]; /* access key, secret key, token (may be NULL or ""), expiry (RFC 3339; NULL
                              or "": never) */
    int64_t skew_ms;       /* of the clock that expiry is by: subtracted */
};

/* Fills fetch->credentials with copies, or fault and err. A missing or empty key of the pair is
 * CREDENTIALS_PARTIAL; a byte that cannot stand in a header (control characters, white space, anything beyond
 * ASCII) is CREDENTIALS_RETRIEVAL, and so is one that aws/sigv4.h calls too long (session tokens: 64 KiB). */
void credentials_accept(struct credentials_fetch *fetch, const struct cred_found *found);
/* The same from a JSON object with these names. What is missing, also of those that `required` has
 * ("Token"; NULL: none), is CREDENTIALS_RETRIEVAL. */
void credentials_accept_json(struct credentials_fetch *fetch, struct cred_found *found,
                             const struct json_value *object, const char *const required[]);

/* Fills fault and err: "Error when retrieving credentials from PROVIDER: ...". */
void credentials_fail(struct credentials_fetch *fetch, const char *provider, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The whole of a regular file into out, whose maximum bounds it. -1 with ERR_IO, ERR_INVALID, ERR_TOO_BIG,
 * and with is_private as secret_file_check(). */
int credentials_read_file(const char *path, bool is_private, struct buf *out, struct err *err);

#endif
