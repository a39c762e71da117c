/* Signs the deletions of bench_sign.py: usage: part_sign ours|naive COUNT DATE ACCESS_KEY SECRET_KEY
 *
 * ours: as aws/client does, with the day's signing key kept and OpenSSL's algorithms fetched once. naive:
 * what one writes first, a signing key for every request and an algorithm looked up for every digest. Prints
 * the seconds it took and then the last signature, to be compared. */
#include "aws/sigv4.h"
#include "measure.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char REGION[] = "eu-west-1", SERVICE[] = "iot", HOST[] = "iot.eu-west-1.amazonaws.com";

struct job {
    const char *date, *access_key, *secret_key;
    struct sigv4_key key;
    struct buf out;
};

static void require(bool works, const char *what)
{
    if (works)
        return;
    fprintf(stderr, "part_sign: %s\n", what);
    exit(1);
}

static struct sigv4_request request_of(int number, const struct sigv4_header *headers, char path[160])
{
    snprintf(path, 160, "/things/gw-%06d/jobs/fw-%04d/executionNumber/%d", number, number % 1000,
             number % 7 + 1);
    return (struct sigv4_request){.method = "DELETE",
                                  .path = path,
                                  .headers = headers,
                                  .header_count = 2,
                                  .payload_sha256 = SIGV4_EMPTY_SHA256};
}

/* --- ours ----------------------------------------------------------------------------------------------- */

static void sign_ours(struct job *job, const struct sigv4_request *request)
{
    struct err err;
    if (!sigv4_key_fits(&job->key, job->access_key, job->secret_key, job->date, REGION, SERVICE))
        require(
            !sigv4_key_init(&job->key, job->access_key, job->secret_key, job->date, REGION, SERVICE, &err),
            "the signing key");
    buf_reset(&job->out);
    require(!sigv4_authorization(&job->key, request, job->date, &job->out, &err), "the signature");
}

/* --- naive ---------------------------------------------------------------------------------------------- */

static void hmac(const void *key, size_t key_length, const char *text, uint8_t out[32])
{
    size_t length;
    require(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_length, (const unsigned char *)text,
                      strlen(text), out, 32, &length) != NULL,
            "HMAC");
}

static void sign_naive(struct job *job, const struct sigv4_request *request)
{
    struct buf canonical, names;
    struct err err;
    uint8_t hash[32];
    char hex[65], day[9], secret[300], text[512];
    buf_init(&canonical, 65536);
    buf_init(&names, 1024);
    require(!sigv4_canonical_request(request, &canonical, &names, &err), "the canonical request");
    require(EVP_Q_digest(NULL, "SHA256", NULL, canonical.data, canonical.length, hash, NULL) == 1, "SHA-256");
    crypto_hex(hash, sizeof(hash), hex);
    snprintf(day, sizeof(day), "%.8s", job->date);
    snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", job->date, day, REGION,
             SERVICE, hex);
    snprintf(secret, sizeof(secret), "AWS4%s", job->secret_key);
    hmac(secret, strlen(secret), day, hash);
    hmac(hash, sizeof(hash), REGION, hash);
    hmac(hash, sizeof(hash), SERVICE, hash);
    hmac(hash, sizeof(hash), "aws4_request", hash);
    hmac(hash, sizeof(hash), text, hash);
    crypto_hex(hash, sizeof(hash), hex);
    buf_reset(&job->out);
    buf_printf(&job->out,
               "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
               job->access_key, day, REGION, SERVICE, buf_string(&names), hex);
    buf_finish(&canonical);
    buf_finish(&names);
}

/* --- both ----------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    require(argc == 6 && strlen(argv[3]) == 16,
            "usage: part_sign ours|naive COUNT DATE ACCESS_KEY SECRET_KEY");
    struct job job = {.date = argv[3], .access_key = argv[4], .secret_key = argv[5]};
    const struct sigv4_header headers[] = {{"Host", HOST}, {"X-Amz-Date", job.date}};
    bool naive = strcmp(argv[1], "naive") == 0;
    int count = atoi(argv[2]);
    char path[160];
    buf_init(&job.out, 1024);
    double start = measure_seconds(CLOCK_MONOTONIC);
    for (int i = 1; i <= count; i++) {
        struct sigv4_request request = request_of(i, headers, path);
        if (naive)
            sign_naive(&job, &request);
        else
            sign_ours(&job, &request);
    }
    printf("%.9f\n%s\n", measure_seconds(CLOCK_MONOTONIC) - start, buf_string(&job.out));
    buf_finish(&job.out);
    sigv4_key_wipe(&job.key);
    return 0;
}
