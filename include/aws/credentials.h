/* Credentials and where they come from. A provider keeps one target's credentials fresh: it asks once at a
 * time, however many wait, and ahead of their end. Where they come from is decided anew at each asking
 * (aws/cred_plan.h), from the environment and the shared files as they are then. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/err.h"
#include "net/http.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL when there is none */
    int64_t expires_ms;  /* wall clock of this machine; 0: never */
    char source[64];     /* for people: "environment", "profile 'fleet'" */
};
void credentials_finish(struct credentials *credentials); /* wipes and frees */
void credentials_copy(struct credentials *to, const struct credentials *from);

/* Why there are none, by the AWS CLI's own kinds. For all but CREDENTIALS_NONE the sentence in err is
 * botocore's where it has one; the AWS CLI exits with 253 for CREDENTIALS_NONE and with 255 for the others.
 */
enum credentials_fault {
    CREDENTIALS_OK,
    CREDENTIALS_NONE,              /* NoCredentials: no source has any; err says why, source by source */
    CREDENTIALS_PARTIAL,           /* PartialCredentials: half a pair */
    CREDENTIALS_PROFILE_NOT_FOUND, /* ProfileNotFound */
    CREDENTIALS_CONFIG_PARSE,      /* ConfigParseError: a shared file cannot be read */
    CREDENTIALS_INVALID_CONFIG, /* InvalidConfigError, InfiniteLoopConfigError: the profile makes no sense */
    CREDENTIALS_RETRIEVAL,      /* CredentialRetrievalError and its kin: the source was asked and failed */
    CREDENTIALS_SERVICE,        /* ClientError: STS or IAM Identity Center refused; err has its code */
    CREDENTIALS_FAULT_COUNT
};
const char *credentials_fault_name(enum credentials_fault fault); /* "NoCredentials"; "" for CREDENTIALS_OK */

#define CREDENTIALS_CODE_MAX 64 /* of a device, with its NUL; AWS's have six digits */

/* A role to be assumed with the credentials that the rest of the order yields. */
struct credentials_role {
    const char *role_arn;
    const char *external_id;    /* NULL: none */
    const char *session_name;   /* NULL: "jobsweep-" and the time */
    int64_t duration_s;         /* 0: what the role gives, an hour */
    const char *session_policy; /* JSON text; NULL: none */
};

/* Calls on STS, and on IAM Identity Center, wait for their turn here, so that many targets at once stay
 * within what these allow (one pace for all providers of a process, or of an account). NULL in the
 * configuration: no waiting. */
struct credentials_turn {
    void (*granted)(struct credentials_turn *turn);
    void *owner;
    struct credentials_turn *prev, *next; /* for the pace's queue, as is impl */
    void *impl;
};
struct credentials_pace {
    void *ctx;
    /* granted() follows once, from inside of acquire() or later, unless release() comes first. */
    void (*acquire)(void *ctx, struct credentials_turn *turn);
    /* The call is answered, or no longer wanted. Exactly once for each acquire(). */
    void (*release)(void *ctx, struct credentials_turn *turn);
};

/* Strings are copied; loop, http, pace and ctx outlive the provider. */
struct credentials_config {
    uv_loop_t *loop;          /* of http; for credential_process and pauses */
    struct http_client *http; /* NULL with loop: sources that need neither work, the others are errors */
    int64_t (*wall_ms)(void *ctx);
    uint64_t (*random)(void *ctx); /* NULL: no jitter */
    void *ctx;
    const char *profile;          /* explicit, as --profile: the environment's keys are left out then. NULL:
                                     AWS_PROFILE, AWS_DEFAULT_PROFILE, else "default" */
    const char *region;           /* of STS; NULL: as aws/settings.h */
    const char *sts_endpoint_url; /* NULL: as settings_endpoint() */
    const char *ca_bundle;        /* NULL: that of the settings, else the system's */
    bool no_verify;               /* only for `--no-verify-ssl` */
    const struct credentials_role *role;
    /* Whose they must be; NULL or "": the first account that credentials_identified() names. */
    const char *account;
    /* Has a person type the code of the device `serial`, for a profile's role that wants one; false: none
     * came. NULL: nobody is here to type it, and such a profile is refused. */
    bool (*ask_code)(void *ctx, const char *serial, char code[CREDENTIALS_CODE_MAX]);
    /* Messages go to a log: what a credential_process says on its standard error is left out of them, because
     * a script that traces itself (set -x) says its secrets there. */
    bool logged;
    bool foreground; /* a person is here: a credential_process has the terminal, see net/program.h */
    bool cli_cache;  /* sessions of roles are taken from ~/.aws/cli/cache, and put there */
    const struct credentials_pace *pace;
    int64_t pause_ms;    /* between two attempts at a container endpoint; 1,000 when 0 */
    int64_t patience_ms; /* with each request, whatever its source allows it; 0: that */
};

struct credentials_provider;
struct credentials_provider *credentials_provider_create(const struct credentials_config *config);
/* No waiter may be left. What is being asked in the background is given up; its last callbacks come from the
 * loop, before http's on_closed. Takes NULL. */
void credentials_provider_destroy(struct credentials_provider *provider);

struct credentials_waiter {
    const struct credentials *credentials; /* valid inside done() only; NULL with err */
    enum credentials_fault fault;
    struct err err; /* ERR_CREDENTIALS; ERR_UNAVAILABLE: it may pass, as a service that answers 503 */
    void (*done)(struct credentials_waiter *waiter);
    void *owner;
    struct credentials_waiter *prev, *next;
};
/* Calls done() exactly once, before it returns when the credentials are at hand and need no refresh at once
 * (aws/cred_window.h), else when they have come, or could not. */
void credentials_get(struct credentials_provider *provider, struct credentials_waiter *waiter);
/* When those in use end, on the wall clock of this machine; 0: never, or there are none. */
int64_t credentials_end_ms(const struct credentials_provider *provider);
/* The service refused these as expired or unknown: the next get asks for others. Does nothing when they are
 * no longer the ones in use. */
void credentials_expired(struct credentials_provider *provider, const char *access_key);
/* STS said that this access key is of this account. From then on no other access key is handed out before STS
 * has named the same account for it, but for sessions of a role whose ARN does; those of another account are
 * an ERR_CREDENTIALS that names both, and as long as the old ones last these are used on. Nothing is decided
 * where the account is not the configured one: that is the caller's to refuse. */
void credentials_identified(struct credentials_provider *provider, const char *access_key,
                            const char *account);

#endif
