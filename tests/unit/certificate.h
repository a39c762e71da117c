/* Certificates for tests, made on the spot: an authority, and servers' certificates that it signs. */
#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

#include <openssl/ssl.h>

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char path[64]; /* its PEM file */
};

void authority_create(struct authority *authority);
void authority_destroy(struct authority *authority); /* removes the file */

/* What a server of the name (a host name or an IPv4 address) presents, valid for seconds from now (below 0:
 * expired). */
SSL_CTX *authority_server(const struct authority *authority, const char *name, long seconds);
/* Writes such a certificate with its key as PEM: for servers that are other programs. */
void authority_write_server(const struct authority *authority, const char *name, const char *path);

#endif
