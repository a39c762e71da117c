/* The tokens that `aws sso login` leaves in ~/.aws/sso/cache, one file for each session or start URL. */
#ifndef AWS_SSO_CACHE_H
#define AWS_SSO_CACHE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sso_token {
    char *access_token;
    int64_t expires_ms;
    /* NULL and 0 where the file has none: it cannot be refreshed then */
    char *refresh_token, *client_id, *client_secret;
    int64_t registration_expires_ms;
};
void sso_token_finish(struct sso_token *token); /* wipes and frees */
void sso_token_copy(struct sso_token *to, const struct sso_token *from);

/* The newest token where it could not be written back: its refresh token has replaced the file's, which
 * serves once. Starts as zeros. */
struct sso_kept {
    char *name; /* as below; NULL: the file has the newest */
    struct sso_token token;
    bool warned;
};
void sso_kept_finish(struct sso_kept *kept); /* wipes and frees */

/* name: of the sso-session, or the start URL where there is none. -1 with ERR_NOT_FOUND, "Token for NAME does
 * not exist", ERR_SYNTAX, "Token for NAME is invalid", or ERR_PERMISSION as secret_file_check(). */
int sso_cache_read(const char *name, struct sso_token *token, struct err *err);
/* Replaces the file, readable by its owner alone. The folder is there, as it had the token before. */
int sso_cache_write(const char *name, const char *start_url, const char *region,
                    const struct sso_token *token, struct err *err);

#endif
