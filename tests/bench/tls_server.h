/* The other end for benchmarks: a process that answers every request on every TLS connection with the same
 * few bytes, as fast as it can, and counts. */
#ifndef BENCH_TLS_SERVER_H
#define BENCH_TLS_SERVER_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>

/* What came in, since the start. */
struct tls_counts {
    int64_t connections, requests, bytes;
};

struct tls_server {
    pid_t pid;
    int port;
    volatile struct tls_counts *counts; /* the server's own, in shared memory */
};

/* Starts it on a free port of 127.0.0.1, on the last processor if there are several. It ends with its parent.
 */
void tls_server_start(struct tls_server *server, SSL_CTX *context);
void tls_server_stop(struct tls_server *server);

/* Ties the calling process to one processor, if there is such a one. */
void bench_pin(int processor);

#endif
