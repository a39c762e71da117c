/* See the header. */
#include "http_fixture.h"

#include "patience.h"
#include "resolver.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A test that waits for one of these names it; to all others they only bound a hang. */
static struct http_limits patient(const struct http_limits *limits)
{
    struct http_limits full = limits != NULL ? *limits : PATIENT;
    full.connect_ms = full.connect_ms > 0 ? full.connect_ms : PATIENCE_MS;
    full.request_ms = full.request_ms > 0 ? full.request_ms : PATIENCE_MS;
    full.slow_ms = full.slow_ms > 0 ? full.slow_ms : PATIENCE_MS;
    full.idle_ms = full.idle_ms > 0 ? full.idle_ms : PATIENCE_MS;
    return full;
}

void fixture_open(struct fixture *fixture, SSL_CTX *tls, const char *host, const struct http_limits *limits,
                  const struct http_origin_options *options)
{
    char url[128];
    struct err err = {0};
    signal(SIGPIPE, SIG_IGN);
    memset(fixture, 0, sizeof(*fixture));
    fixture->unknown_names = resolver_unknown(); /* links the resolver that asks nobody */
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    http_server_open(&fixture->server, &fixture->loop, tls);
    const struct http_limits full = patient(limits);
    fixture->client = http_client_create(&fixture->loop, &full, &err);
    assert_non_null(fixture->client);
    snprintf(url, sizeof(url), "%s://%s:%d", tls ? "https" : "http", host, fixture->server.port);
    fixture->origin = http_origin_create(fixture->client, url, options, &err);
    assert_string_equal(err.msg, "");
    assert_non_null(fixture->origin);
}

static void on_closed(void *owner)
{
    struct fixture *fixture = owner;
    fixture->closed++;
}

void fixture_destroy(struct fixture *fixture)
{
    fixture->inside = true;
    http_client_destroy(fixture->client, on_closed, fixture);
    fixture->inside = false;
    fixture->client = NULL;
}

void fixture_close(struct fixture *fixture)
{
    if (fixture->client)
        fixture_destroy(fixture);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->closed, 1);
    http_server_close(&fixture->server);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

void fixture_run(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
}

void fixture_turns(struct fixture *fixture, int turns)
{
    for (int i = 0; i < turns; i++)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void on_done(struct http_request *request)
{
    struct ask *ask = request->owner;
    assert_false(ask->fixture->inside);
    ask->done++;
}

static void submit(struct fixture *fixture, struct ask *ask, const char *method, const char *target,
                   bool once)
{
    memset(ask, 0, sizeof(*ask));
    http_request_init(&ask->request);
    ask->fixture = fixture;
    ask->request.origin = fixture->origin;
    ask->request.method = method;
    ask->request.target = target;
    ask->request.once = once;
    ask->request.done = on_done;
    ask->request.owner = ask;
    fixture->inside = true;
    http_submit(fixture->client, &ask->request);
    fixture->inside = false;
}

void ask_submit(struct fixture *fixture, struct ask *ask, const char *method, const char *target)
{
    submit(fixture, ask, method, target, false);
}

void ask_once(struct fixture *fixture, struct ask *ask, const char *method, const char *target)
{
    submit(fixture, ask, method, target, true);
}

void ask_cancel(struct ask *ask)
{
    ask->fixture->inside = true;
    http_cancel(ask->fixture->client, &ask->request);
    ask->fixture->inside = false;
}

void ask_expect(struct fixture *fixture, struct ask *ask, const char *method, const char *target,
                enum err_code code)
{
    submit(fixture, ask, method, target, strcmp(method, "DELETE") == 0);
    fixture_run(fixture);
    assert_int_equal(ask->done, 1);
    if (ask->request.err.code != code)
        print_message("# %s %s: %s\n", method, target, ask->request.err.msg);
    assert_int_equal(ask->request.err.code, code);
}

void ask_finish(struct ask *ask)
{
    http_request_finish(&ask->request);
}
