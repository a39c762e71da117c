/* See aws/cred_check.h. */
#include "aws/cred_check.h"

#include "aws/sigv4.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

#define TOKEN_MAX (64 * 1024)

static bool printable(const char *text, size_t max)
{
    size_t length = 0;
    while (text[length] > ' ' && text[length] < 0x7f) {
        length++;
    }
    return text[length] == '\0' && length <= max;
}

void credentials_accept(struct credentials_fetch *fetch, const char *source, const char *const names[3],
                        const char *access_key, const char *secret_key, const char *token)
{
    const char *values[3] = {access_key, secret_key, token};
    static const size_t max[3] = {SIGV4_ACCESS_KEY_MAX, SIGV4_SECRET_KEY_MAX, TOKEN_MAX};
    for (int i = 0; i < 3; i++) {
        bool missing = values[i] == NULL || *values[i] == '\0';
        if (missing && i < 2) {
            err_set(&fetch->err, ERR_CREDENTIALS, "partial credentials in the %s: %s is missing", source,
                    names[i]);
            return;
        }
        if (!missing && !printable(values[i], max[i])) {
            err_set(&fetch->err, ERR_CREDENTIALS,
                    "%s in the %s is too long or holds characters that no key has (white space, control "
                    "characters)",
                    names[i], source);
            return;
        }
    }
    fetch->credentials.access_key = mem_strdup(access_key);
    fetch->credentials.secret_key = mem_strdup(secret_key);
    fetch->credentials.session_token = token != NULL && *token != '\0' ? mem_strdup(token) : NULL;
    text_copy(fetch->credentials.source, sizeof fetch->credentials.source, source);
    fetch->found = true;
}
