/* See app/delete_call.h.
 *
 * The happy path: prepare() settles region, retries and address, validates, and makes the target; attempt()
 * asks for credentials; on_credentials() signs and hands the request to the HTTP client; on_answer() has
 * app/delete_retry.h decide, and after a success stops the loop.
 *
 * The ways out: everything up to the first request is told in failure before the loop runs. An answer that is
 * to be tried again starts the timer, whose end is attempt() again. Every other answer is told in failure and
 * stops the loop. SIGINT ends the process where it is. */
#include "app/delete_call.h"

#include "app/aws_parameters.h"
#include "app/delete_answer.h"
#include "app/delete_retry.h"
#include "app/mfa_prompt.h"
#include "app/world.h"
#include "aws/credentials.h"
#include "aws/instance_region.h"
#include "aws/signing.h"
#include "base/text.h"
#include "base/version.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET_MAX  ((size_t)400 * 1024) /* three names of 64 KiB, each byte as three, fit */
#define WITHOUT_END (INT64_C(20) * 86400 * 1000)
#define ANSWER_TIMES                                                                                         \
    10 /* read timeouts that a whole answer may take: botocore's counts from byte to byte                    \
        */

static const char unknown_fate[] =
    "It is unknown whether the job execution was deleted. The request was not sent again, because another "
    "one "
    "may have taken its number; look with `aws iot describe-job-execution` before you try again.";

struct delete_call {
    const struct delete_call_config *config;
    struct aws_failure *failure;
    struct settings_region region;
    struct settings_endpoint endpoint;
    struct settings_retries retries;
    struct world *world;
    struct http_origin *origin;
    struct credentials_provider *provider;
    struct credentials_waiter waiter;
    struct http_request request;
    struct signing signing;
    struct sigv4_key key;
    struct delete_retry retry;
    struct delete_answer answer;
    struct env_timer pause;
    uv_signal_t interrupt;
    struct buf target, url;
    bool under_way; /* the request is with the HTTP client */
    bool deleted;
};

static void debug(const struct delete_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void debug(const struct delete_call *call, const char *format, ...)
{
    char text[8192];
    struct buf out;
    va_list args;
    if (!call->config->arguments->debug) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_init(&out, 4 * sizeof text);
    text_visible(&out, text);
    fprintf(stderr, "jobsweep: [DEBUG]: %s\n", buf_string(&out));
    buf_finish(&out);
}

/* --- before anything is sent -----------------------------------------------------------------------------
 */

static bool check_timeout(const char *which, int64_t seconds, struct aws_failure *failure)
{
    return seconds >= 0 ||
           aws_failure_other(failure,
                             "Attempted to set %s timeout to %" PRId64
                             ", but the timeout cannot be set to a value less than or equal to 0.",
                             which, seconds);
}

static void on_interrupt(uv_signal_t *handle, int number)
{
    struct delete_call *call = handle->data;
    (void)number;
    if (call->under_way) {
        fprintf(stderr, "jobsweep: [ERROR]: %s\n", unknown_fate);
    }
    fputc('\n', stdout);
    fflush(stdout);
    _exit(EXIT_INTERRUPTED);
}

static int64_t milliseconds(int64_t seconds)
{
    return seconds > 0 ? seconds * 1000 : WITHOUT_END;
}

static struct world *make_world(const struct aws_arguments *arguments, struct err *err)
{
    int64_t connect_ms = milliseconds(arguments->connect_timeout_s);
    int64_t read_ms = milliseconds(arguments->read_timeout_s);
    int64_t whole_ms = connect_ms + ANSWER_TIMES * read_ms;
    const struct world_config config = {
        .program = "jobsweep delete-job-execution",
        .http = {.connections = 1,
                 .connect_ms = connect_ms,
                 .slow_ms = read_ms,
                 .request_ms = whole_ms < WITHOUT_END ? whole_ms : WITHOUT_END}};
    return world_create(&config, err);
}

static bool open_world(struct delete_call *call)
{
    struct err err;
    if (call->world != NULL) {
        return true;
    }
    call->world = make_world(call->config->arguments, &err);
    if (call->world == NULL) {
        return aws_failure_other(call->failure, "%s", err.msg);
    }
    uv_signal_init(world_loop(call->world), &call->interrupt);
    call->interrupt.data = call;
    uv_signal_start(&call->interrupt, on_interrupt, SIGINT);
    return true;
}

static int64_t wall_ms(void *ctx)
{
    const struct env *env = world_env(ctx);
    return env->wall_ms(env->ctx);
}

static uint64_t random_number(void *ctx)
{
    const struct env *env = world_env(ctx);
    return env->random(env->ctx, RANDOM_CREDENTIALS);
}

static struct credentials_config credentials_of(const struct delete_call *call)
{
    const struct aws_arguments *arguments = call->config->arguments;
    const char *profile = arguments->profile;
    return (struct credentials_config){.loop = world_loop(call->world),
                                       .http = world_http(call->world),
                                       .wall_ms = wall_ms,
                                       .random = random_number,
                                       .ctx = call->world,
                                       .profile = profile != NULL && profile[0] != '\0' ? profile : NULL,
                                       .region = call->region.name,
                                       .ca_bundle = arguments->ca_bundle,
                                       .no_verify = arguments->no_verify_ssl,
                                       .ask_code = mfa_prompt,
                                       .foreground = true,
                                       .cli_cache = true};
}

/* The last place where the AWS CLI looks for a region. */
static bool ask_instance(struct delete_call *call)
{
    char region[64];
    struct err err;
    if (!open_world(call)) {
        return false;
    }
    const struct credentials_config config = credentials_of(call);
    if (instance_region_find(&config, call->config->settings, region, &err) != 0) {
        debug(call, "no region: %s", err.msg);
        return aws_failure_no_region(call->failure);
    }
    debug(call, "region %s of the instance", region);
    return settings_region(call->config->settings, region, &call->region, &err) == 0 ||
           aws_failure_other(call->failure, "%s", err.msg);
}

static bool settle_region(struct delete_call *call)
{
    struct err err;
    if (settings_region(call->config->settings, call->config->arguments->region, &call->region, &err) == 0) {
        return true;
    }
    return err.code == ERR_NOT_FOUND ? ask_instance(call) : aws_failure_other(call->failure, "%s", err.msg);
}

static bool settle(struct delete_call *call)
{
    const struct aws_arguments *arguments = call->config->arguments;
    struct err err;
    if (!settle_region(call)) {
        return false;
    }
    if (settings_retries(call->config->settings, &call->retries, &err) != 0 ||
        settings_endpoint(call->config->settings, "iot", &call->region, arguments->endpoint_url,
                          &call->endpoint, &err) != 0) {
        return aws_failure_other(call->failure, "%s", err.msg);
    }
    if (http_url_check(call->endpoint.url, &err) != 0) {
        return aws_failure_other(call->failure, "Invalid endpoint: %s (%s)", call->endpoint.url, err.msg);
    }
    return check_timeout("connect", arguments->connect_timeout_s, call->failure) &&
           check_timeout("read", arguments->read_timeout_s, call->failure);
}

static bool open_origin(struct delete_call *call)
{
    const struct aws_arguments *arguments = call->config->arguments;
    const char *given = arguments->ca_bundle;
    struct err err;
    if (given == NULL || given[0] == '\0') {
        given = settings_get(call->config->settings, SETTING_CA_BUNDLE, NULL);
    }
    bool verified = !arguments->no_verify_ssl && strncmp(call->endpoint.url, "http:", 5) != 0;
    const struct http_origin_options options = {.ca_bundle = verified ? given : NULL,
                                                .no_verify = arguments->no_verify_ssl};
    call->origin = http_origin_create(world_http(call->world), call->endpoint.url, &options, &err);
    if (call->origin != NULL) {
        return true;
    }
    if (err.code == ERR_NOT_FOUND) {
        return aws_failure_other(
            call->failure, "Could not find a suitable TLS CA certificate bundle, invalid path: %s", given);
    }
    return aws_failure_other(call->failure, "%s", err.msg);
}

/* The target, and the whole address as the AWS CLI tells it. */
static bool make_target(struct delete_call *call)
{
    bool tls = strncmp(call->endpoint.url, "https:", 6) == 0;
    if (!aws_parameters_target(call->config->parameters, http_origin_base(call->origin),
                               http_origin_query(call->origin), &call->target, call->failure)) {
        return false;
    }
    buf_printf(&call->url, "%s://%s", tls ? "https" : "http", http_origin_host(call->origin));
    buf_text(&call->url, buf_string(&call->target));
    return true;
}

static bool prepare(struct delete_call *call)
{
    if (!settle(call) || !aws_parameters_validate(call->config->parameters, call->failure)) {
        return false;
    }
    if (call->config->only_validate) {
        return true;
    }
    return open_world(call) && open_origin(call) && make_target(call);
}

/* --- an attempt ------------------------------------------------------------------------------------------
 */

static void attempt(struct delete_call *call);

static void stop(struct delete_call *call)
{
    world_stop(call->world);
}

static void on_pause_over(struct env_timer *timer)
{
    attempt(timer->owner);
}

static void try_again(struct delete_call *call)
{
    const struct env *env = world_env(call->world);
    double chance = (double)(env->random(env->ctx, RANDOM_BACKOFF) >> 11) / (double)(UINT64_C(1) << 53);
    int64_t pause_ms = delete_retry_pause_ms(&call->retry, chance);
    debug(call, "attempt %d of %d; the next one in %" PRId64 " ms", call->retry.attempts,
          call->retry.max_attempts, pause_ms);
    call->pause = (struct env_timer){.fire = on_pause_over, .owner = call};
    env->start(env->ctx, &call->pause, env->mono_ns(env->ctx) + pause_ms * 1000000);
}

/* What the last attempt came to. */
static void tell(struct delete_call *call, bool unknown)
{
    const struct delete_answer *answer = &call->answer;
    if (answer->attempt.status == 0) {
        delete_answer_explain(&call->request, buf_string(&call->url), &call->failure->message);
        aws_failure_other(call->failure, "%s", "");
    } else if (answer->attempt.unreadable) {
        aws_failure_other(call->failure, "The answer does not come from AWS: HTTP status %d",
                          answer->attempt.status);
    } else {
        aws_failure_service(call->failure, answer->code, buf_string(&answer->message),
                            delete_retry_reached(&call->retry));
    }
    call->failure->note = unknown ? unknown_fate : NULL;
}

static void on_answer(struct http_request *request)
{
    struct delete_call *call = request->owner;
    call->under_way = false;
    delete_answer_read(&call->answer, request);
    debug(call, "status %d, code \"%s\", request id \"%s\", %zu bytes: %s", request->status,
          call->answer.code, request->request_id, request->body_in.length,
          request->err.code == ERR_NONE ? "answered" : request->err.msg);
    switch (delete_retry_decide(&call->retry, &call->answer.attempt)) {
    case DELETE_DONE:
        call->deleted = true;
        stop(call);
        break;
    case DELETE_AGAIN:
        try_again(call);
        break;
    case DELETE_FAILED:
        tell(call, false);
        stop(call);
        break;
    case DELETE_UNKNOWN:
        tell(call, true);
        stop(call);
        break;
    }
}

static void start_request(struct delete_call *call)
{
    http_request_finish(&call->request);
    http_request_init(&call->request);
    signing_finish(&call->signing);
    signing_init(&call->signing);
    call->request.done = on_answer;
    call->request.owner = call;
    call->request.origin = call->origin;
    call->request.method = "DELETE";
    call->request.target = buf_string(&call->target);
    call->request.once = true;
}

static void send_request(struct delete_call *call)
{
    for (size_t i = 0; i < call->request.header_count; i++) {
        bool secret = strcmp(call->request.headers[i].name, "Authorization") == 0 ||
                      strcmp(call->request.headers[i].name, "X-Amz-Security-Token") == 0;
        debug(call, "header %s: %s", call->request.headers[i].name,
              secret ? "(blanked)" : call->request.headers[i].value);
    }
    call->under_way = true;
    http_submit(world_http(call->world), &call->request);
}

static void fail_credentials(struct delete_call *call, const struct credentials_waiter *waiter)
{
    debug(call, "%s: %s", credentials_fault_name(waiter->fault), waiter->err.msg);
    if (waiter->fault == CREDENTIALS_NONE) {
        aws_failure_no_credentials(call->failure);
    } else {
        aws_failure_other(call->failure, "%s", waiter->err.msg);
    }
    if (waiter->fault == CREDENTIALS_SERVICE) {
        call->failure->exit = EXIT_AWS_SERVICE;
    }
    stop(call);
}

static void on_credentials(struct credentials_waiter *waiter)
{
    struct delete_call *call = waiter->owner;
    const struct env *env = world_env(call->world);
    struct err err;
    if (waiter->credentials == NULL) {
        fail_credentials(call, waiter);
        return;
    }
    debug(call, "credentials of %s", waiter->credentials->source);
    start_request(call);
    if (signing_apply(&call->signing, &call->request, waiter->credentials, &call->key, call->region.name,
                      "iot", env->wall_ms(env->ctx), &err) != 0) {
        aws_failure_other(call->failure, "%s", err.msg);
        stop(call);
        return;
    }
    send_request(call);
}

static void attempt(struct delete_call *call)
{
    debug(call, "DELETE %s", buf_string(&call->url));
    if (call->provider == NULL) {
        start_request(call);
        http_request_header(&call->request, "User-Agent", "jobsweep/" JOBSWEEP_VERSION);
        send_request(call);
        return;
    }
    call->waiter = (struct credentials_waiter){.done = on_credentials, .owner = call};
    credentials_get(call->provider, &call->waiter);
}

/* --- all of it -------------------------------------------------------------------------------------------
 */

static void open_provider(struct delete_call *call)
{
    const struct credentials_config config = credentials_of(call);
    if (!call->config->arguments->no_sign_request) {
        call->provider = credentials_provider_create(&config);
    }
}

static void warn_of_force(void)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr,
                "jobsweep: [WARNING]: --force deletes the job execution even where its device is at work "
                "on it; the device can then neither read nor report it.\n");
    }
}

static void run(struct delete_call *call)
{
    bool force = aws_parameters_force(call->config->parameters);
    open_provider(call);
    delete_retry_init(&call->retry, call->retries.max_attempts, force);
    if (force) {
        warn_of_force();
    }
    attempt(call);
    world_run(call->world);
}

static void finish(struct delete_call *call)
{
    credentials_provider_destroy(call->provider);
    http_request_finish(&call->request);
    signing_finish(&call->signing);
    sigv4_key_wipe(&call->key);
    if (call->world != NULL) {
        http_origin_destroy(world_http(call->world), call->origin);
        uv_close((uv_handle_t *)&call->interrupt, NULL);
    }
    world_destroy(call->world);
    delete_answer_finish(&call->answer);
    buf_finish(&call->target);
    buf_finish(&call->url);
}

bool delete_call_run(const struct delete_call_config *config, struct aws_failure *failure)
{
    struct delete_call call = {.config = config, .failure = failure};
    http_request_init(&call.request);
    signing_init(&call.signing);
    delete_answer_init(&call.answer);
    buf_init(&call.target, TARGET_MAX);
    buf_init(&call.url, TARGET_MAX + 2048);
    bool prepared = prepare(&call);
    if (prepared && !config->only_validate) {
        run(&call);
    }
    finish(&call);
    return prepared && (call.deleted || config->only_validate);
}
