/* What every source of credentials must check before it hands any on. */
#ifndef AWS_CRED_CHECK_H
#define AWS_CRED_CHECK_H

#include "aws/cred_source.h"

/* Fills fetch->credentials with copies, or fetch->err. An empty or missing key of the pair is ERR_CREDENTIALS
 * that names it by the name given here ("AWS_SECRET_ACCESS_KEY"); a byte that cannot stand in a header
 * (control characters, white space, anything beyond ASCII) is too, and so is one that aws/sigv4.h calls too
 * long (session tokens: 64 KiB). token may be NULL or "". */
void credentials_accept(struct credentials_fetch *fetch, const char *source, const char *const names[3],
                        const char *access_key, const char *secret_key, const char *token);

#endif
