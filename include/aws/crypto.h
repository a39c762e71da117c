/* SHA-256, HMAC-SHA-256 and SHA-1 from OpenSSL, which is included in crypto.c alone. The EVP digest and MAC
 * are fetched once, so that a digest of a short text costs well under a microsecond. SHA-256 may be called
 * from any thread; the rest belongs to one. */
#ifndef AWS_CRYPTO_H
#define AWS_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_BYTES 32

/* Before anything else in the process uses OpenSSL, libcurl included: OpenSSL gets its memory from
 * base/heap.h, which wipes what it gives back. */
void crypto_start(void);

void crypto_sha256(const void *data, size_t length, uint8_t out[CRYPTO_SHA256_BYTES]);
void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                        uint8_t out[CRYPTO_SHA256_BYTES]);
/* Wipes the last key of crypto_hmac_sha256(), which is kept so that its next use is quicker. */
void crypto_forget(void);
void crypto_hex(const uint8_t *bytes, size_t length, char *out); /* lower case, 2 * length + 1 bytes */
/* Hex of the SHA-256 of data. */
void crypto_sha256_hex(const void *data, size_t length, char out[2 * CRYPTO_SHA256_BYTES + 1]);
/* Hex of the SHA-1 of data, which names the files of the AWS CLI's caches and protects nothing. */
void crypto_sha1_hex(const void *data, size_t length, char out[41]);
/* Equal in a time that does not depend on where they differ. */
int crypto_equal(const void *a, const void *b, size_t length);

#endif
