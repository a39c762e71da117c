/* Errors: a code to decide on and a sentence for a person.
 *
 * A function that can fail takes a struct err from its caller, fills it when it fails and returns -1
 * (or NULL). The sentence names the place and what was found and allowed; it is one line without a
 * final full stop, and never holds a secret. Out of memory is not an error here: see base/mem.h. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,     /* a value outside of what is allowed */
    ERR_SYNTAX,      /* text that cannot be read at all */
    ERR_NOT_FOUND,   /* a file, profile, policy or target that does not exist */
    ERR_PERMISSION,  /* refused by the operating system or by our own rules on file modes */
    ERR_IO,          /* reading or writing failed */
    ERR_TOO_BIG,     /* a bound given at creation was reached */
    ERR_CANCELED,    /* the caller asked for it */
    ERR_TIMEOUT,     /* a time limit passed */
    ERR_RESOLVE,     /* the host name has no address */
    ERR_CONNECT,     /* no connection could be made */
    ERR_TLS,         /* the TLS handshake or the certificate check failed */
    ERR_BROKEN,      /* the connection ended, or its content made no sense, after the request went out */
    ERR_CREDENTIALS, /* no credentials, or they cannot be used */
    ERR_UNAVAILABLE, /* who hands out credentials does not answer, or not now */
    ERR_LOCKED,      /* somebody else holds it */
    ERR_EXPIRED,     /* it was allowed until a time that has come */
    ERR_ARCHIVE,     /* what was to be deleted could not be archived */
    ERR_INTERNAL     /* a bug in this program */
};

struct err {
    enum err_code code;
    char msg[512];
};

/* Sets code and message (cut to fit). Always returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message, keeping the code. Always returns -1. */
int err_context(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text of an errno, thread-safe; valid for ever. */
const char *err_errno(int number);

#endif
