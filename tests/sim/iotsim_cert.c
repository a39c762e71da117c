/* Certificates for one run, made with OpenSSL: P-256 keys, a CA, and a server certificate that it signs. */
#include "sim/iotsim.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define PEM_MAX  16384
#define LIFETIME (30L * 24 * 3600)
#define BEFORE   (-24L * 3600) /* valid since yesterday, for clocks that are set wrong on purpose */

static int complain(struct err *err)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return err_set(err, ERR_TLS, "cannot make a certificate: %s", text);
}

static bool extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool name_it(X509_NAME *name, const char *common)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
}

/* Signed by issuer_key; issuer NULL: by itself. */
static X509 *make(const char *common, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509 *above = issuer ? issuer : certificate;
    bool done = certificate && X509_set_version(certificate, 2) &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), BEFORE) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), LIFETIME) &&
                X509_set_pubkey(certificate, key) && name_it(X509_get_subject_name(certificate), common) &&
                X509_set_issuer_name(certificate, X509_get_subject_name(above)) &&
                extend(certificate, above, NID_subject_key_identifier, "hash") &&
                extend(certificate, above, NID_authority_key_identifier, "keyid:always");
    if (done && !issuer) {
        done = extend(certificate, above, NID_basic_constraints, "critical,CA:TRUE") &&
               extend(certificate, above, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else if (done) {
        done = extend(certificate, above, NID_basic_constraints, "critical,CA:FALSE") &&
               extend(certificate, above, NID_key_usage, "critical,digitalSignature") &&
               extend(certificate, above, NID_ext_key_usage, "serverAuth") &&
               extend(certificate, above, NID_subject_alt_name,
                      "DNS:localhost,DNS:*.iotsim.invalid,IP:127.0.0.1,IP:::1");
    }
    if (done && X509_sign(certificate, issuer_key, EVP_sha256())) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static bool write_pem(struct buf *out, X509 *certificate, EVP_PKEY *key)
{
    char *text;
    BIO *memory = BIO_new(BIO_s_mem());
    bool done = memory && (certificate ? PEM_write_bio_X509(memory, certificate)
                                       : PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL));
    if (done) {
        long length = BIO_get_mem_data(memory, &text);
        done = buf_append(out, text, (size_t)length);
    }
    BIO_free(memory);
    return done;
}

int iotsim_certificate_make(struct iotsim_certificate *certificate, struct err *err)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key ? make("iotsim test CA", ca_key, NULL, ca_key) : NULL;
    X509 *server = ca && key ? make("localhost", key, ca, ca_key) : NULL;
    buf_init(&certificate->ca, PEM_MAX);
    buf_init(&certificate->certificate, PEM_MAX);
    buf_init(&certificate->key, PEM_MAX);
    int result = 0;
    if (!server || !write_pem(&certificate->ca, ca, NULL) ||
        !write_pem(&certificate->certificate, server, NULL) || !write_pem(&certificate->key, NULL, key)) {
        result = complain(err);
    }
    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return result;
}

void iotsim_certificate_finish(struct iotsim_certificate *certificate)
{
    buf_finish(&certificate->ca);
    buf_finish(&certificate->certificate);
    buf_finish(&certificate->key);
}
