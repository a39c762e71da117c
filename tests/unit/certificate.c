/* X.509 with OpenSSL: P-256 keys, SHA-256 signatures, a subjectAltName for the host. */
#include "certificate.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400L

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *subject, long seconds)
{
    static long serial;
    X509 *certificate = X509_new();
    assert(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)subject, -1, -1, 0);
    return certificate;
}

void authority_create(struct authority *authority)
{
    char name[64];
    snprintf(authority->path, sizeof(authority->path), "/tmp/jobsweep-test-ca-XXXXXX");
    int fd = mkstemp(authority->path);
    assert(fd >= 0);
    snprintf(name, sizeof(name), "Test authority %s", authority->path + strlen(authority->path) - 6);
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = make(authority->key, name, DAY);
    X509_set_issuer_name(authority->certificate, X509_get_subject_name(authority->certificate));
    add_extension(authority->certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(authority->certificate, authority->key, EVP_sha256());
    FILE *file = fdopen(fd, "w");
    assert(file);
    PEM_write_X509(file, authority->certificate);
    fclose(file);
}

void authority_destroy(struct authority *authority)
{
    unlink(authority->path);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

static X509 *sign_server(const struct authority *authority, EVP_PKEY *key, const char *name, long seconds)
{
    char names[128];
    X509 *certificate = make(key, name, seconds);
    bool is_address = name[strspn(name, "0123456789.")] == '\0';
    snprintf(names, sizeof(names), "%s:%s", is_address ? "IP" : "DNS", name);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    add_extension(certificate, NID_subject_alt_name, names);
    X509_sign(certificate, authority->key, EVP_sha256());
    return certificate;
}

SSL_CTX *authority_server(const struct authority *authority, const char *name, long seconds)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = sign_server(authority, key, name, seconds);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert(context);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

void authority_write_server(const struct authority *authority, const char *name, const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = sign_server(authority, key, name, DAY);
    FILE *file = fopen(path, "w");
    assert(file);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}
