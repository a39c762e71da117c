/* The AWS client against a loopback server: what arrives there is signed, and what must not be sent is not.
 */
#include "aws/client.h"
#include "aws/sigv4.h"
#include "base/text.h"
#include "base/time.h"
#include "resolver.h"
#include "tap.h"
#include "unit/client_world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- what arrived --- */

static const char *request(const struct client_world *world, int number)
{
    assert_true(number < world->server.request_count);
    return world->server.requests[number];
}

static void assert_line(const char *text, const char *line)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    if (strcasestr(text, whole) == NULL) {
        fail_msg("no '%s' in: %s", line, text);
    }
}

static bool header_value(const char *text, const char *name, char *out, size_t size)
{
    char start[64];
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *at = strcasestr(text, start);

    if (at == NULL) {
        return false;
    }
    at += strlen(start);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
    return true;
}

static void assert_starts(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0) {
        fail_msg("expected %s: %s", start, text);
    }
}

/* Signs what arrived once more, with the headers that SignedHeaders must name. */
static void assert_signed(const char *text, const char *service, const char *access_key)
{
    static const char *const names[] = {"Host", "X-Amz-Date", "X-Amz-Security-Token", "Content-Type"};
    char method[16], target[1024], values[4][256], authorization[512], payload[65];
    struct sigv4_header headers[4];
    struct sigv4_request signable = {.headers = headers, .payload_sha256 = payload};
    struct sigv4_key key;
    struct buf expected;
    struct err err;

    assert_int_equal(sscanf(text, "%15s %1023s", method, target), 2);
    signable.method = method;
    signable.path = target;
    char *question = strchr(target, '?');
    if (question != NULL) {
        *question = '\0';
        signable.query = question + 1;
    }
    for (size_t i = 0; i < 4; i++) {
        if (header_value(text, names[i], values[i], sizeof(values[i]))) {
            headers[signable.header_count++] = (struct sigv4_header){names[i], values[i]};
        }
    }
    const char *body = strstr(text, "\r\n\r\n") + 4;
    crypto_sha256_hex(body, strlen(body), payload);
    assert_int_equal(sigv4_key_init(&key, access_key, SECRET, values[1], REGION, service, &err), 0);
    buf_init(&expected, sizeof(authorization));
    assert_int_equal(sigv4_authorization(&key, &signable, values[1], &expected, &err), 0);
    assert_true(header_value(text, "Authorization", authorization, sizeof(authorization)));
    assert_string_equal(authorization, buf_string(&expected));
    buf_finish(&expected);
    sigv4_key_wipe(&key);
}

/* --- what is sent --- */

static void a_deletion_arrives_signed_and_is_done(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    char host[64];
    (void)state;

    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    assert_string_equal(world->call.answer.request_id, "r-1");
    assert_int_equal(world->call.answer.received_ms, NOW);
    assert_int_equal(world->server.request_count, 1);
    assert_starts(request(world, 0), "DELETE /things/gw%3A1/jobs/fw-1/executionNumber/7 HTTP/1.1\r\n");
    snprintf(host, sizeof(host), "Host: 127.0.0.1:%d", world->server.port);
    assert_line(request(world, 0), host);
    assert_line(request(world, 0), "X-Amz-Date: 20261124T031500Z");
    assert_line(request(world, 0), "Content-Length: 0");
    assert_non_null(strstr(request(world, 0), "User-Agent: jobsweep/"));
    assert_null(strstr(request(world, 0), "X-Amz-Security-Token"));
    assert_signed(request(world, 0), "iot", "AKIDEXAMPLE");
    client_world_close(world);
}

static void a_session_token_is_sent_and_signed(void **state)
{
    struct client_world *world = client_world_open(EMPTY_PAGE);
    char authorization[512];
    (void)state;

    setenv("AWS_SESSION_TOKEN", "IQoJb3//+token==", 1);
    client_world_prepare(world, OPERATION_LIST_EXECUTIONS_FOR_THING);
    world->call.next_token = mem_strdup("a+b/c==");
    client_world_submit(world);
    client_world_finish(world);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    assert_line(request(world, 0), "X-Amz-Security-Token: IQoJb3//+token==");
    assert_non_null(strstr(request(world, 0), "?maxResults=250&nextToken=a%2Bb%2Fc%3D%3D HTTP"));
    assert_true(header_value(request(world, 0), "Authorization", authorization, sizeof(authorization)));
    assert_non_null(strstr(authorization, "SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    assert_signed(request(world, 0), "iot", "AKIDEXAMPLE");
    client_world_close(world);
}

static void sts_is_asked_with_a_signed_form(void **state)
{
    static const char xml[] =
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:root</Arn>"
        "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    char answer[512];
    snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             strlen(xml), xml);
    struct client_world *world = client_world_open(answer);
    (void)state;

    client_world_run(world, OPERATION_GET_CALLER_IDENTITY);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    assert_string_equal(world->call.account, "123456789012");
    assert_starts(request(world, 0), "POST / HTTP/1.1\r\n");
    assert_line(request(world, 0), "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
    assert_non_null(strstr(request(world, 0), "\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15"));
    assert_signed(request(world, 0), "sts", "AKIDEXAMPLE");
    client_world_close(world);
}

static void service_quotas_are_asked_only_where_the_client_has_them(void **state)
{
    static const char json[] = "{\"Quota\":{\"QuotaCode\":\"L-4AB367B4\",\"Value\":12.5}}";
    char answer[512];
    snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             strlen(json), json);
    struct client_world *world = client_world_open(answer);
    (void)state;

    client_world_prepare(world, OPERATION_GET_SERVICE_QUOTA);
    world->call.quota_of = OPERATION_DELETE_EXECUTION;
    client_world_submit(world);
    client_world_finish(world);
    assert_int_equal(world->call.answer.class,
                     ANSWER_INVALID); /* never sent: the client was not made for it */
    client_world_close(world);
}

static void signatures_follow_the_day_and_the_path(void **state)
{
    struct client_world *world = client_world_open(EMPTY_PAGE);
    struct aws_client_config config = client_world_config(world);
    char url[64];
    struct err err;
    (void)state;

    for (int day = 0; day < 3; day++) {
        client_world_prepare(world, OPERATION_LIST_JOBS);
        world->call.signed_at_ms = NOW + (day % 2) * TIME_MS_PER_DAY;
        client_world_submit(world);
        client_world_finish(world);
        assert_signed(request(world, day), "iot", "AKIDEXAMPLE");
    }
    assert_line(request(world, 1), "X-Amz-Date: 20261125T031500Z");

    aws_client_destroy(world->client);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/base/?x=1", world->server.port);
    config.endpoint_url = url;
    world->client = aws_client_create(&config, &err);
    assert_non_null(world->client);
    client_world_run(world, OPERATION_DESCRIBE_EXECUTION);
    assert_starts(request(world, 3), "GET /base/things/gw%3A1/jobs/fw-1?x=1&executionNumber=7 HTTP");
    assert_signed(request(world, 3), "iot", "AKIDEXAMPLE");
    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_starts(request(world, 4), "DELETE /base/things/gw%3A1/jobs/fw-1/executionNumber/7?x=1");
    client_world_close(world);
}

/* --- what is not --- */

static void assert_refused(struct client_world *world, enum answer_class class, const char *code)
{
    client_world_submit(world);
    client_world_finish(world);
    assert_int_equal(world->call.answer.class, class);
    assert_string_equal(world->call.answer.code, code);
    assert_int_equal(world->server.request_count, 0);
}

static void a_malformed_call_never_reaches_the_socket(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    (void)state;

    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    text_copy(world->call.thing_name, sizeof(world->call.thing_name), "../x");
    assert_refused(world, ANSWER_INVALID, "InvalidCall");
    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    text_copy(world->call.job_id, sizeof(world->call.job_id), "x?force=true");
    assert_refused(world, ANSWER_INVALID, "InvalidCall");
    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    world->call.number = 0;
    assert_refused(world, ANSWER_INVALID, "InvalidCall");
    client_world_prepare(world, OPERATION_LIST_JOBS);
    world->call.signed_at_ms = 0;
    assert_refused(world, ANSWER_INVALID, "InvalidCall");
    client_world_close(world);
}

static void a_call_whose_time_to_leave_is_over_is_not_sent(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    (void)state;

    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    world->call.leave_by_ns = 1;
    assert_refused(world, ANSWER_NOT_SENT, "Timeout");
    client_world_close(world);
}

static void without_credentials_nothing_is_sent(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    (void)state;

    client_world_no_keys();
    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    assert_refused(world, ANSWER_DENIED, "NoCredentials");
    assert_true(world->call.answer.message[0]);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    assert_refused(world, ANSWER_DENIED, "NoCredentials");
    client_world_close(world);
}

static void a_call_canceled_at_once_is_answered_once(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    (void)state;

    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    client_world_submit(world);
    const struct job_service *service = aws_client_service(world->client);
    world->submitting = true; /* nor from inside cancel */
    service->cancel(service->ctx, &world->call);
    service->cancel(service->ctx, &world->call);
    world->submitting = false;
    client_world_finish(world);
    assert_true(world->call.answer.class == ANSWER_NOT_SENT || world->call.answer.class == ANSWER_AMBIGUOUS);
    assert_string_equal(world->call.answer.code, "Canceled");
    service->cancel(service->ctx, &world->call);
    client_world_close(world);
}

/* After any number of turns of the loop: it has left, or it never does. */
static void a_call_that_has_not_left_is_taken_back(void **state)
{
    int left = 0, turns = 0;
    (void)state;

    while (left == 0 && turns < 100) {
        struct client_world *world = client_world_open(EMPTY_OK);
        const struct job_service *service = aws_client_service(world->client);
        client_world_prepare(world, OPERATION_DELETE_EXECUTION);
        client_world_submit(world);
        for (int i = 0; i < turns; i++) {
            uv_run(&world->loop, UV_RUN_NOWAIT);
        }
        world->submitting = true;
        service->recall(service->ctx, &world->call);
        service->recall(service->ctx, &world->call);
        world->submitting = false;
        client_world_finish(world);
        left = world->call.answer.class == ANSWER_DONE;
        assert_int_equal(world->call.answer.class, left ? ANSWER_DONE : ANSWER_NOT_SENT);
        assert_string_equal(world->call.answer.code, left ? "" : "Canceled");
        assert_int_equal(world->server.request_count, left);
        service->recall(service->ctx, &world->call);
        client_world_close(world);
        turns++;
    }
    assert_in_range(turns, 2, 99);
}

static void a_call_that_has_left_is_not_taken_back(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    const struct job_service *service = aws_client_service(world->client);
    (void)state;

    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    client_world_submit(world);
    while (world->server.request_count == 0) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(world->answers, 0);
    service->recall(service->ctx, &world->call);
    client_world_finish(world);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    client_world_close(world);
}

/* They come, and it does not leave. */
static void a_call_that_waits_for_credentials_is_taken_back(void **state)
{
    static const char config[] = "[default]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": "
                                 "\"AKIDEXAMPLE\", \"SecretAccessKey\": \"" SECRET "\"}'\n";
    struct client_world *world = client_world_open(EMPTY_OK);
    const struct job_service *service = aws_client_service(world->client);
    char path[] = "/tmp/test_client.XXXXXX";
    int fd = mkstemp(path);
    (void)state;

    assert_int_equal(write(fd, config, strlen(config)), (ssize_t)strlen(config));
    close(fd);
    client_world_no_keys();
    setenv("AWS_CONFIG_FILE", path, 1);
    credentials_provider_destroy(world->credentials);
    world->credentials = credentials_provider_create(
        &(struct credentials_config){.loop = &world->loop, .http = world->http, .wall_ms = client_world_ms});
    aws_client_set_credentials(world->client, world->credentials);
    client_world_prepare(world, OPERATION_DELETE_EXECUTION);
    client_world_submit(world);
    service->recall(service->ctx, &world->call);
    client_world_finish(world);
    assert_int_equal(world->call.answer.class, ANSWER_NOT_SENT);
    assert_string_equal(world->call.answer.code, "Canceled");
    assert_int_equal(world->server.request_count, 0);
    client_world_run(world, OPERATION_DELETE_EXECUTION); /* with these very credentials */
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    assert_int_equal(unlink(path), 0);
    client_world_close(world);
}

static void a_deletion_whose_answer_is_lost_is_ambiguous_and_sent_once(void **state)
{
    struct client_world *world = client_world_open(NULL);
    (void)state;

    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_AMBIGUOUS);
    assert_int_equal(world->server.request_count, 1);
    client_world_close(world);
}

/* libcurl would send it again by itself. */
static void a_deletion_on_a_connection_that_dies_is_sent_once(void **state)
{
    struct client_world *world = client_world_open(KEPT_OPEN);
    (void)state;

    world->server.answers[1] = NULL;
    world->server.answers[2] = EMPTY_OK;
    world->server.answer_count = 3;
    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_AMBIGUOUS);
    assert_int_equal(world->server.request_count, 2);
    client_world_close(world);
}

/* --- credentials --- */

static void expired_credentials_are_asked_for_anew(void **state)
{
    struct client_world *world = client_world_open(EXPIRED);
    (void)state;

    world->server.answers[1] = EMPTY_OK;
    world->server.answer_count = 2;
    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_EXPIRED);
    assert_int_equal(world->server.request_count, 1); /* nothing here repeats a call */

    setenv("AWS_ACCESS_KEY_ID", "AKIDNEWER", 1);
    client_world_run(world, OPERATION_DELETE_EXECUTION);
    assert_int_equal(world->call.answer.class, ANSWER_DONE);
    assert_signed(request(world, 1), "iot", "AKIDNEWER");
    client_world_close(world);
}

/* --- endpoints --- */

static bool creates(struct client_world *world, const char *region)
{
    struct aws_client_config config = client_world_config(world);
    struct http_stats stats;
    struct err err;

    config.region = region;
    struct settings *settings = settings_load(NULL, NULL, &err);
    config.settings = settings;
    struct aws_client *client = aws_client_create(&config, &err);
    aws_client_destroy(client);
    settings_free(settings);
    http_client_stats(world->http, &stats);
    assert_int_equal(stats.origins, 2); /* of the client that is there; a reload makes new ones each time */
    if (client == NULL) {
        assert_int_equal(err.code, region != NULL ? ERR_INVALID : ERR_NOT_FOUND);
    }
    return client != NULL;
}

static void endpoints_come_from_the_environment_unless_that_is_ignored(void **state)
{
    struct client_world *world = client_world_open(EMPTY_PAGE);
    struct aws_client_config config = client_world_config(world);
    char url[64];
    struct err err;
    (void)state;

    snprintf(url, sizeof(url), "http://127.0.0.1:%d", world->server.port);
    setenv("AWS_ENDPOINT_URL", "ftp://nowhere", 1);
    assert_false(creates(world, REGION));
    setenv("AWS_ENDPOINT_URL_STS", url, 1);
    assert_false(creates(world, REGION));
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
    assert_true(creates(world, REGION));
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1);
    setenv("AWS_ENDPOINT_URL_IOT", url, 1);
    aws_client_destroy(world->client);
    struct settings *settings = settings_load(NULL, NULL, &err);
    config.settings = settings;
    world->client = aws_client_create(&config, &err);
    settings_free(settings);
    assert_non_null(world->client);
    client_world_run(world, OPERATION_LIST_JOBS);
    assert_int_equal(world->server.request_count, 1);
    client_world_close(world);
}

static void a_pseudo_region_is_its_region_with_fips(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    struct aws_client_config config = client_world_config(world);
    struct err err;
    (void)state;

    config.region = "fips-us-east-1";
    struct aws_client *client = aws_client_create(&config, &err);
    assert_non_null(client);
    assert_string_equal(aws_client_host(client, OPERATION_DELETE_EXECUTION),
                        "iot-fips.us-east-1.amazonaws.com");
    assert_string_equal(aws_client_host(client, OPERATION_GET_CALLER_IDENTITY),
                        "sts-fips.us-east-1.amazonaws.com");
    aws_client_destroy(client);
    config.endpoint_url = "http://127.0.0.1:9";
    assert_null(aws_client_create(&config, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "Invalid Configuration: FIPS and custom endpoint are not supported");
    client_world_close(world);
}

static void a_region_that_could_name_another_host_is_refused(void **state)
{
    struct client_world *world = client_world_open(EMPTY_OK);
    (void)state;

    assert_true(creates(world, "us-east-1"));
    assert_false(creates(world, "eu-west-1.evil.com"));
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9", 1); /* the region still goes into the signature */
    assert_true(creates(world, "us-east-1"));
    assert_false(creates(world, "eu-west-1.evil.com"));
    assert_false(creates(world, "a/b"));
    assert_false(creates(world, ""));
    assert_false(creates(world, NULL));
    client_world_close(world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_deletion_arrives_signed_and_is_done),
    cmocka_unit_test(a_session_token_is_sent_and_signed),
    cmocka_unit_test(sts_is_asked_with_a_signed_form),
    cmocka_unit_test(service_quotas_are_asked_only_where_the_client_has_them),
    cmocka_unit_test(signatures_follow_the_day_and_the_path),
    cmocka_unit_test(a_malformed_call_never_reaches_the_socket),
    cmocka_unit_test(a_call_whose_time_to_leave_is_over_is_not_sent),
    cmocka_unit_test(without_credentials_nothing_is_sent),
    cmocka_unit_test(a_call_canceled_at_once_is_answered_once),
    cmocka_unit_test(a_call_that_has_not_left_is_taken_back),
    cmocka_unit_test(a_call_that_has_left_is_not_taken_back),
    cmocka_unit_test(a_call_that_waits_for_credentials_is_taken_back),
    cmocka_unit_test(a_deletion_whose_answer_is_lost_is_ambiguous_and_sent_once),
    cmocka_unit_test(a_deletion_on_a_connection_that_dies_is_sent_once),
    cmocka_unit_test(expired_credentials_are_asked_for_anew),
    cmocka_unit_test(endpoints_come_from_the_environment_unless_that_is_ignored),
    cmocka_unit_test(a_pseudo_region_is_its_region_with_fips),
    cmocka_unit_test(a_region_that_could_name_another_host_is_refused),
};

TAP_MAIN(tests)
