/* See the header. */
#include "cred_world.h"

#include "base/mem.h"
#include "patience.h"
#include "resolver.h"
#include "tap.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* --- the server --- */

static void answer(struct peer *peer, const char *text)
{
    char date[64] = "", head[256];
    if (strncmp(text, "DATE: ", 6) == 0) {
        size_t length = strcspn(text, "\n");
        snprintf(date, sizeof date, "Date: %.*s\r\n", (int)(length - 6), text + 6);
        text += length + 1;
    }
    int status = atoi(text);
    const char *body = strchr(text, ' ');
    body = body != NULL ? body + 1 : "";
    snprintf(head, sizeof head, "HTTP/1.1 %d Status\r\n%sContent-Length: %zu\r\n\r\n", status, date,
             strlen(body));
    peer_say(peer, head);
    peer_say(peer, body);
}

static void on_request(struct peer *peer, const char *request)
{
    struct cred_world *world = peer_server(peer)->owner;
    const char *text = world->answers[world->asked];
    assert_non_null(text);
    world->asked += world->answers[world->asked + 1] != NULL ? 1 : 0;
    buf_text(&world->requests, request);
    buf_char(&world->requests, '\n');
    if (strcmp(text, "RESET") == 0) {
        peer_reset(peer);
    } else if (strcmp(text, "HANG") != 0) {
        answer(peer, text);
    }
}

/* --- the surroundings --- */

static void clear_environment(void)
{
    char name[128];
    for (char **at = environ; *at != NULL;) {
        size_t length = strcspn(*at, "=");
        bool ours =
            strncmp(*at, "AWS_", 4) == 0 || (length > 6 && strncasecmp(*at + length - 6, "_proxy", 6) == 0);
        snprintf(name, sizeof name, "%.*s", (int)length, *at);
        if (ours) {
            unsetenv(name);
            at = environ;
        } else {
            at++;
        }
    }
}

static void expand(const struct cred_world *world, const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (strncmp(text, "PORT", 4) == 0) {
            buf_printf(out, "%d", world->server.port);
            text += 3;
        } else if (strncmp(text, "HOME", 4) == 0) {
            buf_text(out, world->home);
            text += 3;
        } else {
            buf_char(out, *text);
        }
    }
}

static void make_folders(const char *path)
{
    char part[256];
    for (const char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        mkdir(part, 0700);
    }
}

void cred_world_file(struct cred_world *world, const char *name, const char *text, int mode)
{
    char path[256];
    struct buf content;
    buf_init(&content, 256 * 1024);
    expand(world, text, &content);
    snprintf(path, sizeof path, "%s/%s", world->home, name);
    make_folders(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(buf_string(&content), file);
    fclose(file);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
    buf_finish(&content);
}

void cred_world_variable(struct cred_world *world, const char *name, const char *text)
{
    struct buf value;
    buf_init(&value, 4096);
    expand(world, text, &value);
    setenv(name, buf_string(&value), 1);
    buf_finish(&value);
}

void cred_world_open(struct cred_world *world, const char *const *answers)
{
    struct err err;
    memset(world, 0, sizeof *world);
    signal(SIGPIPE, SIG_IGN);
    clear_environment();
    snprintf(world->home, sizeof world->home, "/tmp/jobsweep-cred-XXXXXX");
    assert_non_null(mkdtemp(world->home));
    setenv("HOME", world->home, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    world->now_ms = CRED_NOW;
    world->answers = answers;
    buf_init(&world->requests, 1024 * 1024);
    uv_loop_init(&world->loop);
    http_server_open(&world->server, &world->loop, NULL);
    world->server.on_request = on_request;
    world->server.owner = world;
    world->http = http_client_create(&world->loop, &PATIENT, &err);
    assert_non_null(world->http);
}

void cred_world_open_container(struct cred_world *world, const char *const *answers)
{
    cred_world_open(world, answers);
    cred_world_variable(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:PORT/creds");
}

void cred_world_open_role(struct cred_world *world, const char *const *answers)
{
    static const struct credentials_role role = {.role_arn = "arn:aws:iam::123456789012:role/top",
                                                 .session_policy = "{\"Version\":\"2012-10-17\"}"};
    cred_world_open(world, answers);
    cred_world_variable(world, "AWS_ACCESS_KEY_ID", "EK");
    cred_world_variable(world, "AWS_SECRET_ACCESS_KEY", "ES");
    cred_world_variable(world, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:PORT");
    world->role = &role;
}

void cred_world_open_sso(struct cred_world *world, const char *const *answers, const char *token)
{
    cred_world_open(world, answers);
    cred_world_variable(world, "AWS_ENDPOINT_URL", "http://127.0.0.1:PORT");
    cred_world_file(world, ".aws/config", CRED_SSO_CONFIG, 0600);
    cred_world_file(world, CRED_SSO_FILE, token, 0600);
}

/* --- asking --- */

static int64_t wall(void *ctx)
{
    return ((struct cred_world *)ctx)->now_ms;
}

static uint64_t chance(void *ctx)
{
    return ((struct cred_world *)ctx)->chance;
}

struct credentials_config cred_world_config(struct cred_world *world)
{
    return (struct credentials_config){.loop = &world->loop,
                                       .http = world->http,
                                       .wall_ms = wall,
                                       .random = chance,
                                       .ctx = world,
                                       .region = "eu-west-1",
                                       .role = world->role,
                                       .pause_ms = 1,
                                       .patience_ms = PATIENCE_MS};
}

void cred_world_provider(struct cred_world *world, const struct credentials_config *config)
{
    const struct credentials_config usual = cred_world_config(world);
    world->provider = credentials_provider_create(config != NULL ? config : &usual);
}

static void on_credentials(struct credentials_waiter *waiter)
{
    struct cred_world *world = waiter->owner;
    const struct credentials *credentials = waiter->credentials;
    world->done++;
    world->err = waiter->err;
    world->fault = waiter->fault;
    world->found[0] = '\0';
    if (credentials != NULL) {
        snprintf(world->found, sizeof world->found, "%s %s %s %s", credentials->access_key,
                 credentials->secret_key,
                 credentials->session_token != NULL ? credentials->session_token : "-", credentials->source);
        world->expires_ms = credentials->expires_ms;
    }
}

void cred_world_begin(struct cred_world *world)
{
    world->done = 0;
    world->waiter = (struct credentials_waiter){.done = on_credentials, .owner = world};
    credentials_get(world->provider, &world->waiter);
}

void cred_world_wait(struct cred_world *world)
{
    while (world->done == 0) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(world->done, 1);
}

void cred_world_ask(struct cred_world *world)
{
    cred_world_begin(world);
    cred_world_wait(world);
}

void cred_world_expect(struct cred_world *world, const char *found, int requests)
{
    cred_world_ask(world);
    if (strncmp(world->found, found, strlen(found)) != 0 || world->found[0] == '\0') {
        fail_msg("\"%s\" (%s) is not \"%s\"", world->found, world->err.msg, found);
    }
    assert_int_equal(world->server.requests, requests);
}

/* --- the end --- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

void cred_world_close(struct cred_world *world)
{
    bool closed = false;
    credentials_provider_destroy(world->provider);
    http_client_destroy(world->http, on_closed, &closed);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(closed);
    http_server_close(&world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(resolver_unknown(), 0); /* no test asks for a name */
    nftw(world->home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    buf_finish(&world->requests);
    clear_environment();
}
