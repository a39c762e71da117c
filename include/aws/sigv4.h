/* AWS Signature Version 4 (AWS General Reference, "Signing AWS API requests"), as pure stages: canonical
 * request, string to sign, signature. The time is an argument. Every service but S3 encodes the path twice in
 * the canonical request: a thing named a:b goes out as a%3Ab and is signed as a%253Ab. */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "aws/crypto.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGV4_ACCESS_KEY_MAX 128
#define SIGV4_SECRET_KEY_MAX 256
#define SIGV4_SCOPE_MAX      160

struct sigv4_header {
    const char *name;  /* any case */
    const char *value; /* as it goes on the wire */
};

struct sigv4_request {
    const char *method;
    const char *path;  /* as it goes on the wire, percent-encoded; "" is "/" */
    const char *query; /* without '?', as it goes on the wire; NULL or "" for none */
    const struct sigv4_header
        *headers; /* those to sign: host, x-amz-date, x-amz-security-token, content-type, ... */
    size_t header_count;
    const char *payload_sha256; /* hex */
    bool keep_path;             /* no dot-segment removal: only for the signing suite's unnormalised cases */
};

extern const char SIGV4_EMPTY_SHA256[]; /* hex of the SHA-256 of nothing */

/* Appends the canonical request; signed_headers (may be NULL) gets the "host;x-amz-date" list. -1 when a
 * buffer's maximum or the number of parts (128 headers or query parameters) is passed. */
int sigv4_canonical_request(const struct sigv4_request *request, struct buf *canonical,
                            struct buf *signed_headers, struct err *err);

/* The signing key and its scope, kept by the caller for as long as day, region, service and secret stay the
 * same. */
struct sigv4_key {
    char scope[SIGV4_SCOPE_MAX]; /* "20261124/eu-west-1/iot/aws4_request" */
    char access_key[SIGV4_ACCESS_KEY_MAX + 1];
    char secret_key[SIGV4_SECRET_KEY_MAX + 1];
    uint8_t key[CRYPTO_SHA256_BYTES];
};
int sigv4_key_init(struct sigv4_key *key, const char *access_key, const char *secret_key,
                   const char amz_date[17], const char *region, const char *service, struct err *err);
bool sigv4_key_fits(const struct sigv4_key *key, const char *access_key, const char *secret_key,
                    const char amz_date[17], const char *region, const char *service);
void sigv4_key_wipe(struct sigv4_key *key);

/* The four lines of the string to sign. */
void sigv4_string_to_sign(const char amz_date[17], const char *scope, const char *canonical, size_t length,
                          struct buf *out);
void sigv4_signature(const struct sigv4_key *key, const char *string_to_sign, size_t length, char hex[65]);

/* All of it: appends the value of the Authorization header. request.headers must hold x-amz-date. */
int sigv4_authorization(const struct sigv4_key *key, const struct sigv4_request *request,
                        const char amz_date[17], struct buf *authorization, struct err *err);

/* Appends text percent-encoded but for A-Z a-z 0-9 - _ . ~ ('/' too is encoded, unless keep_slash). */
void sigv4_uri_encode(struct buf *out, const char *text, bool keep_slash);

#endif
