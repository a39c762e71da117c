/* See unit/client_world.h. */
#include "unit/client_world.h"

#include "base/text.h"
#include "patience.h"
#include "resolver.h"
#include "tap.h"

#include <stdio.h>

int64_t client_world_ms(void *ctx)
{
    (void)ctx;
    return NOW;
}

static void on_done(struct call *call)
{
    struct client_world *world = call->owner;

    assert_false(world->submitting);
    world->answers++;
}

void client_world_no_keys(void)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_SECURITY_TOKEN",
                                        "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_ENDPOINT_URL_IOT",
                                        "AWS_ENDPOINT_URL_STS",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_CA_BUNDLE",
                                        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                                        "AWS_CREDENTIAL_EXPIRATION",
                                        "HTTP_PROXY",
                                        "http_proxy",
                                        "ALL_PROXY",
                                        "all_proxy"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unsetenv(names[i]);
    }
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

struct aws_client_config client_world_config(struct client_world *world)
{
    return (struct aws_client_config){
        .http = world->http, .credentials = world->credentials, .wall_ms = client_world_ms, .region = REGION};
}

struct aws_client *client_world_client(struct client_world *world, const char *path)
{
    struct aws_client_config config = client_world_config(world);
    char url[64];
    struct err err;

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", world->server.port, path);
    config.endpoint_url = url;
    config.sts_endpoint_url = url;
    struct aws_client *client = aws_client_create(&config, &err);
    if (client == NULL) {
        fail_msg("%s", err.msg);
    }
    return client;
}

struct client_world *client_world_open(const char *answer)
{
    struct client_world *world = mem_zalloc(sizeof(*world));
    struct err err;

    client_world_no_keys();
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
    uv_loop_init(&world->loop);
    loopback_open(&world->server, &world->loop);
    world->server.answers[0] = answer;
    world->server.answer_count = 1;
    world->http = http_client_create(&world->loop, &PATIENT, &err);
    assert_non_null(world->http);
    world->credentials =
        credentials_provider_create(&(struct credentials_config){.wall_ms = client_world_ms});
    world->client = client_world_client(world, "");
    return world;
}

static void on_http_closed(void *owner)
{
    *(bool *)owner = true;
}

void client_world_close(struct client_world *world)
{
    bool closed = false;

    call_finish(&world->call);
    aws_client_destroy(world->client);
    http_client_destroy(world->http, on_http_closed, &closed);
    credentials_provider_destroy(world->credentials);
    loopback_close(&world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(closed);
    assert_int_equal(resolver_unknown(), 0); /* no test asks for a name */
    assert_int_equal(uv_loop_close(&world->loop), 0);
    free(world);
    client_world_no_keys();
}

void client_world_prepare(struct client_world *world, enum operation operation)
{
    call_finish(&world->call);
    call_init(&world->call, operation);
    text_copy(world->call.job_id, sizeof(world->call.job_id), "fw-1");
    text_copy(world->call.thing_name, sizeof(world->call.thing_name), "gw:1");
    world->call.number = 7;
    world->call.signed_at_ms = NOW;
    world->call.owner = world;
    world->call.done = on_done;
}

void client_world_submit(struct client_world *world)
{
    const struct job_service *service = aws_client_service(world->client);

    world->answers = 0;
    world->submitting = true;
    service->submit(service->ctx, &world->call);
    world->submitting = false;
}

void client_world_finish(struct client_world *world)
{
    while (world->answers == 0 && uv_run(&world->loop, UV_RUN_ONCE)) {
    }
    assert_int_equal(world->answers, 1);
    assert_null(world->call.service);
}

void client_world_run(struct client_world *world, enum operation operation)
{
    client_world_prepare(world, operation);
    client_world_submit(world);
    client_world_finish(world);
}
