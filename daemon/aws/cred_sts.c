/* A role that STS lends, and whose account credentials are: see aws/cred_source.h.
 *
 * The happy path: a turn at the pace, one signed (or, with a web identity, unsigned) POST, the keys in the
 * answer.
 *
 * The ways out: what STS could not answer, or not at this rate, is asked again after a pause, three times in
 * all, each with a turn of its own. A signature that STS calls too old or too new is made once more by the
 * clock of its answer. A refusal is told as the AWS CLI tells it. */
#include "aws/cred_check.h"
#include "aws/cred_http.h"
#include "aws/iot.h"
#include "aws/signing.h"
#include "aws/sts.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS           3
#define TIMEOUT_MS         10000
#define PAUSE_MS           1000
#define IDENTITY_TOKEN_MAX ((size_t)20000)

enum action { ASSUME_ROLE, ASSUME_ROLE_WITH_WEB_IDENTITY, GET_CALLER_IDENTITY };

struct sts {
    struct credentials_source face;
    struct cred_http http;
    const struct cred_step *step;
    struct credentials with;
    enum action action;
    struct credentials_fetch *fetch;
    struct signing signing;
    struct sigv4_key key;
    struct buf token;
    char code[CREDENTIALS_CODE_MAX]; /* of the device, once it was typed */
    char region[64];
    int attempts;
    int64_t skew_ms; /* what STS's clock is ahead of ours, once it mattered */
};

static const char *provider(const struct sts *sts)
{
    static const char *const names[] = {"assume-role", "assume-role-with-web-identity",
                                        "get-caller-identity"};
    return names[sts->action];
}

static bool web_identity(const struct sts *sts)
{
    return sts->action == ASSUME_ROLE_WITH_WEB_IDENTITY;
}

static void end(struct sts *sts)
{
    sts->fetch->done(sts->fetch);
}

/* --- asking --- */

static bool read_token(struct sts *sts)
{
    struct err err;
    buf_reset(&sts->token);
    if (!web_identity(sts)) {
        return true;
    }
    if (credentials_read_file(sts->step->token_file, false, &sts->token, &err) != 0) {
        credentials_fail(sts->fetch, provider(sts), "web identity token: %s", err.msg);
        return false;
    }
    if (sts->token.length == 0 || strlen(buf_string(&sts->token)) != sts->token.length) {
        credentials_fail(sts->fetch, provider(sts), "web identity token: %s: %s", sts->step->token_file,
                         sts->token.length == 0 ? "the file is empty" : "a NUL byte");
        return false;
    }
    return true;
}

/* Once: a second attempt has the same code. */
static bool have_code(struct sts *sts)
{
    const struct credentials_config *config = sts->http.config;
    if (sts->step->mfa_serial == NULL || sts->code[0] != '\0' ||
        config->ask_code(config->ctx, sts->step->mfa_serial, sts->code)) {
        return true;
    }
    sts->fetch->fault = CREDENTIALS_RETRIEVAL;
    err_set(&sts->fetch->err, ERR_CREDENTIALS, "%s", ""); /* as the AWS CLI, which has asked and said so */
    return false;
}

static void write_form(struct sts *sts)
{
    const struct cred_step *step = sts->step;
    const struct credentials_config *config = sts->http.config;
    char name[64];
    if (sts->action == GET_CALLER_IDENTITY) {
        buf_text(&sts->http.body, STS_GET_CALLER_IDENTITY);
        return;
    }
    snprintf(name, sizeof name, "jobsweep-%lld",
             (long long)(config->wall_ms(config->ctx) / TIME_MS_PER_SECOND));
    const struct sts_role role = {.role_arn = step->role_arn,
                                  .session_name = step->session_name != NULL ? step->session_name : name,
                                  .external_id = step->external_id,
                                  .policy = step->policy,
                                  .mfa_serial = step->mfa_serial,
                                  .token_code = step->mfa_serial != NULL ? sts->code : NULL,
                                  .duration_s = step->duration_s,
                                  .web_identity_token = web_identity(sts) ? buf_string(&sts->token) : NULL};
    sts_role_form(&role, &sts->http.body);
}

/* -1 with err. The request's body is set here already: it is signed. */
static int sign(struct sts *sts, struct err *err)
{
    struct cred_http *http = &sts->http;
    const int64_t now_ms = http->config->wall_ms(http->config->ctx);
    http->request.target = buf_string(&http->target);
    http->request.body = buf_string(&http->body);
    http->request.body_length = http->body.length;
    signing_finish(&sts->signing);
    signing_init(&sts->signing);
    if (!web_identity(sts)) {
        return signing_apply(&sts->signing, &http->request, &sts->with, &sts->key, sts->region, "sts",
                             now_ms + sts->skew_ms, err);
    }
    http_request_header(&http->request, "Content-Type", STS_CONTENT_TYPE);
    http_request_header(&http->request, "User-Agent", "jobsweep/" JOBSWEEP_VERSION);
    return 0;
}

static void ask(struct sts *sts)
{
    struct err err;
    sts->attempts++;
    if (!read_token(sts) || !have_code(sts)) {
        end(sts);
        return;
    }
    cred_http_prepare(&sts->http, "POST", "/", TIMEOUT_MS);
    write_form(sts);
    if (sign(sts, &err) != 0) {
        credentials_fail(sts->fetch, provider(sts), "%s", err.msg);
        end(sts);
        return;
    }
    cred_http_send(&sts->http);
}

static void on_turn(struct cred_http *http)
{
    ask(http->owner);
}

static void on_rested(struct cred_http *http)
{
    cred_http_take_turn(http);
}

/* --- the answer --- */

static void take_keys(struct sts *sts)
{
    const struct http_request *request = &sts->http.request;
    struct sts_role_answer answer;
    struct err err;
    char source[64];
    cred_step_source(sts->step, source);
    if (sts_role_read(&answer, web_identity(sts), buf_string(&request->body_in), request->body_in.length,
                      &err) != 0) {
        credentials_fail(sts->fetch, provider(sts), "the answer of STS cannot be read: %s", err.msg);
    } else {
        struct cred_found found = {.source = source,
                                   .provider = provider(sts),
                                   .names = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"},
                                   .skew_ms = cred_http_skew_ms(&sts->http)};
        for (int i = 0; i < 4; i++) {
            found.values[i] = buf_string(&answer.texts[i]);
        }
        credentials_accept(sts->fetch, &found);
    }
    sts_role_answer_finish(&answer);
    end(sts);
}

static void take_account(struct sts *sts)
{
    const struct http_request *request = &sts->http.request;
    struct call call;
    struct err err;
    call_init(&call, OPERATION_GET_CALLER_IDENTITY);
    if (sts_identity_read(&call, buf_string(&request->body_in), request->body_in.length, &err) != 0) {
        credentials_fail(sts->fetch, provider(sts), "the answer of STS cannot be read: %s", err.msg);
    } else {
        sts->fetch->found = true;
        text_copy(sts->fetch->account, sizeof sts->fetch->account, call.account);
    }
    call_finish(&call);
    end(sts);
}

static bool is_passing(const struct answer *answer)
{
    return answer->class == ANSWER_THROTTLED || answer->class == ANSWER_NOT_SENT ||
           answer->class == ANSWER_AMBIGUOUS || strcmp(answer->code, "IDPCommunicationError") == 0;
}

static void refuse(struct sts *sts, const struct answer *answer)
{
    static const char *const operations[] = {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"};
    struct buf message;
    buf_init(&message, 400);
    text_visible(&message, answer->message);
    if (answer->http_status == 0) {
        credentials_fail(sts->fetch, provider(sts), "%s", buf_string(&message));
    } else {
        sts->fetch->fault = CREDENTIALS_SERVICE;
        err_set(&sts->fetch->err, ERR_CREDENTIALS, "An error occurred (%s) when calling the %s operation: %s",
                answer->code[0] != '\0' ? answer->code : "Unknown", operations[sts->action],
                buf_string(&message));
    }
    buf_finish(&message);
    sts->fetch->err.code = is_passing(answer) ? ERR_UNAVAILABLE : ERR_CREDENTIALS;
    end(sts);
}

/* The same words that the answers to other calls are classified by: aws/iot.h. */
static void classify(const struct sts *sts, struct answer *answer)
{
    struct call call;
    call_init(&call, OPERATION_GET_CALLER_IDENTITY);
    iot_decode(&call, &sts->http.request);
    *answer = call.answer;
    call_finish(&call);
}

static void on_answer(struct cred_http *http)
{
    struct sts *sts = http->owner;
    struct answer answer = {0};
    if (http->request.err.code == ERR_NONE && http->request.status == 200) {
        sts->action == GET_CALLER_IDENTITY ? take_account(sts) : take_keys(sts);
        return;
    }
    classify(sts, &answer);
    const int64_t skew_ms = answer.class == ANSWER_SKEWED ? cred_http_skew_ms(http) : 0;
    if (http->canceled) {
        refuse(sts, &answer);
    } else if (skew_ms != 0 && sts->skew_ms == 0) {
        sts->skew_ms = skew_ms;
        cred_http_take_turn(&sts->http);
    } else if (is_passing(&answer) && sts->attempts < ATTEMPTS) {
        cred_http_rest(http, http->config->pause_ms > 0 ? http->config->pause_ms : PAUSE_MS);
    } else {
        refuse(sts, &answer);
    }
}

/* --- the face --- */

static int open_endpoint(struct sts *sts, struct err *err)
{
    const struct credentials_config *config = sts->http.config;
    return cred_http_open_service(&sts->http, "sts", config->sts_endpoint_url, config->region, sts->region,
                                  err);
}

static void fetch_sts(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct sts *sts = (struct sts *)source;
    struct err err;
    sts->fetch = fetch;
    if (open_endpoint(sts, &err) != 0) {
        credentials_fail(fetch, provider(sts), "%s", err.msg);
        end(sts);
    } else {
        cred_http_take_turn(&sts->http);
    }
}

static void cancel(struct credentials_source *source)
{
    struct sts *sts = (struct sts *)source;
    cred_http_cancel(&sts->http);
}

static void destroy(struct credentials_source *source)
{
    struct sts *sts = (struct sts *)source;
    cred_http_close(&sts->http);
    credentials_finish(&sts->with);
    signing_finish(&sts->signing);
    sigv4_key_wipe(&sts->key);
    buf_finish(&sts->token);
    mem_wipe(sts->code, sizeof sts->code);
    free(sts);
}

static struct credentials_source *create(const struct credentials_config *config,
                                         const struct cred_step *step, enum action action,
                                         const struct credentials *with)
{
    struct sts *sts = mem_zalloc(sizeof *sts);
    sts->face = (struct credentials_source){fetch_sts, cancel, destroy};
    sts->step = step;
    sts->action = action;
    if (with != NULL) {
        credentials_copy(&sts->with, with);
    }
    cred_http_init(&sts->http, config, sts);
    sts->http.done = on_answer;
    sts->http.rested = on_rested;
    sts->http.granted = on_turn;
    signing_init(&sts->signing);
    buf_init_secret(&sts->token, IDENTITY_TOKEN_MAX);
    return &sts->face;
}

struct credentials_source *cred_sts(const struct credentials_config *config, const struct cred_step *step,
                                    const struct credentials *with)
{
    return create(config, step, with == NULL ? ASSUME_ROLE_WITH_WEB_IDENTITY : ASSUME_ROLE, with);
}

struct credentials_source *cred_identity(const struct credentials_config *config,
                                         const struct credentials *with)
{
    static const struct cred_step none;
    return create(config, &none, GET_CALLER_IDENTITY, with);
}
