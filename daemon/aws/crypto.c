/* See aws/crypto.h. The only file that includes OpenSSL.
 *
 * Looking an algorithm up by name costs several times what the digest of a short text costs, and so does
 * making a context: both are done once. Keying HMAC costs as much as a short text, too; as signing uses one
 * key for a day, the MAC context is keyed anew only when the key is another one. */
#include "aws/crypto.h"

#include "base/heap.h"
#include "base/mem.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_KEY_MAX 64

static EVP_MD *digest;
static pthread_key_t digest_key; /* frees the context of a thread that ends */
static _Thread_local EVP_MD_CTX *digest_context;
static EVP_MAC_CTX *mac_context;

static struct {
    bool valid;
    size_t length;
    uint8_t bytes[KEPT_KEY_MAX];
} kept_key; /* what mac_context is keyed with */

/* What is checked with this fails only when OpenSSL is out of memory or has no SHA-256 at all. */
static void require(bool works)
{
    if (!works) {
        fputs("jobsweep: OpenSSL cannot compute SHA-256\n", stderr);
        abort();
    }
}

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch_digest(void)
{
    digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    require(digest != NULL && pthread_key_create(&digest_key, free_context) == 0);
}

static void make_context(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    require(pthread_once(&once, fetch_digest) == 0);
    digest_context = EVP_MD_CTX_new();
    require(digest_context != NULL && pthread_setspecific(digest_key, digest_context) == 0);
}

static void fetch_mac(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    require(mac != NULL);
    mac_context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context holds on to it */
    char name[] = "SHA256";
    OSSL_PARAM with_sha256[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                OSSL_PARAM_construct_end()};
    require(mac_context != NULL && EVP_MAC_CTX_set_params(mac_context, with_sha256) == 1);
}

void crypto_sha256(const void *data, size_t length, uint8_t out[CRYPTO_SHA256_BYTES])
{
    if (digest_context == NULL) {
        make_context();
    }
    require(EVP_DigestInit_ex2(digest_context, digest, NULL) == 1 &&
            EVP_DigestUpdate(digest_context, data, length) == 1 &&
            EVP_DigestFinal_ex(digest_context, out, NULL) == 1);
}

static void set_key(const void *key, size_t length)
{
    if (kept_key.valid && kept_key.length == length && crypto_equal(kept_key.bytes, key, length)) {
        require(EVP_MAC_init(mac_context, NULL, 0, NULL) == 1);
        return;
    }
    require(EVP_MAC_init(mac_context, key, length, NULL) == 1);
    mem_wipe(&kept_key, sizeof kept_key);
    if (length <= KEPT_KEY_MAX) {
        memcpy(kept_key.bytes, key, length);
        kept_key.length = length;
        kept_key.valid = true;
    }
}

void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                        uint8_t out[CRYPTO_SHA256_BYTES])
{
    if (mac_context == NULL) {
        fetch_mac();
    }
    size_t written = 0;
    set_key(key, key_length);
    require(EVP_MAC_update(mac_context, data, length) == 1 &&
            EVP_MAC_final(mac_context, out, &written, CRYPTO_SHA256_BYTES) == 1 &&
            written == CRYPTO_SHA256_BYTES);
}

void crypto_forget(void)
{
    EVP_MAC_CTX_free(mac_context); /* wipes */
    mac_context = NULL;
    mem_wipe(&kept_key, sizeof kept_key);
}

void crypto_hex(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

void crypto_sha256_hex(const void *data, size_t length, char out[2 * CRYPTO_SHA256_BYTES + 1])
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    crypto_sha256(data, length, hash);
    crypto_hex(hash, sizeof hash, out);
}

void crypto_sha1_hex(const void *data, size_t length, char out[41])
{
    uint8_t hash[20];
    unsigned int written = 0;
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    require(sha1 != NULL && EVP_Digest(data, length, hash, &written, sha1, NULL) == 1 &&
            written == sizeof hash);
    EVP_MD_free(sha1);
    crypto_hex(hash, sizeof hash, out);
}

int crypto_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

/* --- OpenSSL's memory ---------------------------------------------------------------------------------- */

static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? mem_alloc(size) : NULL;
}

static void release(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    heap_free(memory);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
    if (size > 0) {
        return heap_realloc(old, size);
    }
    release(old, file, line);
    return NULL;
}

void crypto_start(void)
{
    CRYPTO_set_mem_functions(allocate, reallocate, release);
}
