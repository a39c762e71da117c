/* What is left of keys and tokens in the memory of a process that has used them: nothing that is ours, and
 * nothing of libcurl's. The server is another process, the keys come from a file that a third one writes, and
 * the texts to look for are computed, so that this process holds only the copies that are looked for. What
 * the kernel holds in its sockets, and files on disk, are not looked at. */
#include "aws/client.h"
#include "aws/crypto.h"
#include "base/text.h"
#include "certificate.h"
#include "patience.h"
#include "resolver.h"
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW       INT64_C(1795490100000) /* 2026-11-24T03:15:00Z */
#define PERIOD    26 /* the letters of a secret repeat, so that pieces of it are found too */
#define TOKEN     2600
#define KEY       40
#define CALLS     3
#define MAPPING   ((size_t)64 * 1024 * 1024) /* larger ones are a sanitizer's own books */
#define AUTHORITY "127.0.0.1"

enum secret { SECRET_TOKEN, SECRET_KEY };
enum place { PLACE_FILE, PLACE_CONTAINER, PLACE_ROLE, PLACE_SESSION, PLACE_PROGRAM };

static struct authority authority;
static char directory[] = "/tmp/jobsweep-secrets-XXXXXX";

static char letter(enum secret secret, size_t i)
{
    return secret == SECRET_TOKEN ? (char)('A' + (i * 7 + 3) % PERIOD) : (char)('a' + (i * 11 + 5) % PERIOD);
}

/* --- looking for them ----------------------------------------------------------------------------------- */

/* Copies in a block, of any piece of two periods or more. */
static int count_in(const char *block, size_t size, enum secret secret)
{
    int found = 0;
    for (size_t at = 0; at + PERIOD <= size; at++) {
        size_t i = 0;
        while (i < PERIOD && block[at + i] == letter(secret, i))
            i++;
        found += i == PERIOD;
    }
    return found;
}

/* Writable memory of this process, read through the kernel: the address sanitizer forbids some of it. */
static int count_in_mapping(int memory, size_t from, size_t to, enum secret secret)
{
    static char block[65536];
    int found = 0;
    for (size_t at = from; at < to; at += sizeof(block) - PERIOD) {
        size_t size = to - at < sizeof(block) ? to - at : sizeof(block);
        bool own = at < (size_t)block + sizeof(block) && at + size > (size_t)block;
        ssize_t got = own ? 0 : pread(memory, block, size, (off_t)at);
        if (got > 0)
            found += count_in(block, (size_t)got, secret);
        memset(block, 0, sizeof(block));
    }
    return found;
}

static int count_copies(enum secret secret)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], rights[8];
    size_t from, to;
    assert_true(memory >= 0 && maps);
    while (fgets(line, sizeof(line), maps)) {
        assert_int_equal(sscanf(line, "%zx-%zx %7s", &from, &to, rights), 3);
        if (rights[1] == 'w' && to - from <= MAPPING)
            found += count_in_mapping(memory, from, to, secret);
    }
    fclose(maps);
    close(memory);
    return found;
}

/* --- the other processes -------------------------------------------------------------------------------- */

static void write_secret(FILE *file, const char *name, enum secret secret, size_t length)
{
    fprintf(file, "%s = ", name);
    for (size_t i = 0; i < length; i++)
        fputc(letter(secret, i), file);
    fputc('\n', file);
}

static char *add_secret(char *to, const char *before, enum secret secret, size_t length, const char *after)
{
    to += sprintf(to, "%s", before);
    for (size_t i = 0; i < length; i++)
        *to++ = letter(secret, i);
    return to + sprintf(to, "%s", after);
}

static void write_json(char *to, const char *token_name)
{
    char before[128];
    to = add_secret(to,
                    "{\"Version\":1,\"AccessKeyId\":\"AKIDEXAMPLE\",\"Expiration\":"
                    "\"2026-11-24T09:15:00Z\",\"SecretAccessKey\":\"",
                    SECRET_KEY, KEY, "\"");
    snprintf(before, sizeof(before), ",\"%s\":\"", token_name);
    add_secret(to, before, SECRET_TOKEN, TOKEN, "\"}");
}

static void write_xml(char *to)
{
    to =
        add_secret(to,
                   "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId>"
                   "<Expiration>2026-11-24T09:15:00Z</Expiration><SecretAccessKey>",
                   SECRET_KEY, KEY, "</SecretAccessKey>");
    add_secret(to, "<SessionToken>", SECRET_TOKEN, TOKEN,
               "</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>");
}

/* What a program prints: cat does. */
static void write_output(const char *path)
{
    static char text[8192];
    char beside[128];
    snprintf(beside, sizeof(beside), "%s.json", path);
    FILE *file = fopen(beside, "we");
    write_json(text, "SessionToken");
    fputs(text, file);
    fclose(file);
}

static void write_credentials(const char *path)
{
    pid_t child = fork();
    int status;
    assert_true(child >= 0);
    if (child == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        FILE *file = fdopen(fd, "w");
        fputs("[default]\naws_access_key_id = AKIDEXAMPLE\n", file);
        write_secret(file, "aws_secret_access_key", SECRET_KEY, KEY);
        write_secret(file, "aws_session_token", SECRET_TOKEN, TOKEN);
        fclose(file);
        write_output(path);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* What a container's endpoint says, what STS says, and what AWS IoT says to a deletion. */
static const char *find_answer(const char *request)
{
    static char body[8192], answer[8300];
    if (strncmp(request, "GET /keys", 9) == 0)
        write_json(body, "Token");
    else if (strncmp(request, "POST / ", 7) == 0)
        write_xml(body);
    else
        strcpy(body, "{}");
    sprintf(answer, "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
            body);
    return answer;
}

/* Answers as many requests as come on each connection; ends with the test's kill(). */
static void serve(int listener, SSL_CTX *tls)
{
    static char text[65536];
    for (;;) {
        int fd = accept(listener, NULL, NULL), got = 1;
        size_t length = 0;
        SSL *ssl = tls ? SSL_new(tls) : NULL;
        if (ssl) {
            SSL_set_fd(ssl, fd);
            SSL_accept(ssl);
        }
        while (got > 0 && length < sizeof(text) - 1) {
            size_t room = sizeof(text) - 1 - length;
            got = ssl ? SSL_read(ssl, text + length, (int)room) : (int)read(fd, text + length, room);
            length += got > 0 ? (size_t)got : 0;
            text[length] = '\0';
            if (strstr(text, "\r\n\r\n")) {
                const char *answer = find_answer(text);
                length = 0;
                got = ssl ? SSL_write(ssl, answer, (int)strlen(answer))
                          : (int)write(fd, answer, strlen(answer));
            }
        }
        SSL_free(ssl);
        close(fd);
    }
}

static pid_t start_server(bool with_tls, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        serve(listener, with_tls ? authority_server(&authority, AUTHORITY, 3600) : NULL);
    }
    close(listener);
    return child;
}

/* --- the test ------------------------------------------------------------------------------------------- */

struct world {
    uv_loop_t loop;
    struct http_client *http;
    struct credentials_provider *credentials;
    struct aws_client *client;
    int done;
};

static int64_t wall(void *ctx)
{
    (void)ctx;
    return NOW;
}

static void on_done(struct call *call)
{
    struct world *world = call->owner;
    assert_int_equal(call->answer.class, ANSWER_DONE);
    world->done++;
}

static void write_config(enum place place)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/config", directory);
    FILE *file = fopen(path, "we");
    if (place == PLACE_PROGRAM)
        fprintf(file, "[default]\ncredential_process = cat %s/credentials.json\n", directory);
    if (place == PLACE_ROLE || place == PLACE_SESSION)
        fprintf(file, "[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = not-looked-for\n");
    fclose(file);
    chmod(path, 0600);
    setenv("AWS_CONFIG_FILE", path, 1);
}

static void set_source(enum place place, const char *url)
{
    char path[64], keys[128];
    snprintf(path, sizeof(path), "%s/credentials", directory);
    snprintf(keys, sizeof(keys), "%s/keys", url);
    setenv("AWS_SHARED_CREDENTIALS_FILE", place == PLACE_FILE ? path : "/nonexistent/credentials", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", keys, 1); /* which comes behind the files */
    write_config(place);
}

static void open_world(struct world *world, bool with_tls, int port, enum place place)
{
    static const struct credentials_role role = {.role_arn = "arn:aws:iam::123456789012:role/r"};
    char url[64];
    struct err err;
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    world->http = http_client_create(&world->loop, &PATIENT, &err);
    snprintf(url, sizeof(url), "%s://%s:%d", with_tls ? "https" : "http", AUTHORITY, port);
    set_source(place, url);
    world->credentials = credentials_provider_create(
        &(struct credentials_config){.loop = &world->loop,
                                     .http = world->http,
                                     .wall_ms = wall,
                                     .region = "eu-west-1",
                                     .sts_endpoint_url = url,
                                     .role = place == PLACE_ROLE || place == PLACE_SESSION ? &role : NULL,
                                     .cli_cache = place == PLACE_SESSION,
                                     .patience_ms = PATIENCE_MS,
                                     .ca_bundle = with_tls ? authority.path : NULL});
    const struct aws_client_config config = {.http = world->http,
                                             .credentials = world->credentials,
                                             .wall_ms = wall,
                                             .region = "eu-west-1",
                                             .endpoint_url = url,
                                             .sts_endpoint_url = url,
                                             .ca_bundle = with_tls ? authority.path : NULL};
    world->client = aws_client_create(&config, &err);
    assert_non_null(world->client);
}

static void delete_some(struct world *world)
{
    const struct job_service *service = aws_client_service(world->client);
    struct call calls[CALLS];
    for (int i = 0; i < CALLS; i++) {
        call_init(&calls[i], OPERATION_DELETE_EXECUTION);
        text_copy(calls[i].job_id, sizeof(calls[i].job_id), "fw-1");
        text_copy(calls[i].thing_name, sizeof(calls[i].thing_name), "gw:1");
        calls[i].number = i + 1;
        calls[i].signed_at_ms = NOW;
        calls[i].owner = world;
        calls[i].done = on_done;
        service->submit(service->ctx, &calls[i]);
        while (world->done <= i)
            uv_run(&world->loop, UV_RUN_ONCE);
        call_finish(&calls[i]);
    }
}

static void on_http_closed(void *owner)
{
    (void)owner;
}

static void close_world(struct world *world)
{
    aws_client_destroy(world->client);
    http_client_destroy(world->http, on_http_closed, world);
    credentials_provider_destroy(world->credentials);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void leave_no_copy(bool with_tls, enum place place)
{
    struct world world;
    int port;
    pid_t server = start_server(with_tls, &port);
    open_world(&world, with_tls, port, place);
    delete_some(&world);
    print_message("# in use: %d copies of the token, %d of the key\n", count_copies(SECRET_TOKEN),
                  count_copies(SECRET_KEY));
    assert_true(count_copies(SECRET_TOKEN) > 0); /* the search finds what is there */
    assert_true(count_copies(SECRET_KEY) > 0);
    close_world(&world);
    assert_int_equal(count_copies(SECRET_TOKEN), 0);
    assert_int_equal(count_copies(SECRET_KEY), 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

static void over_plain_http_no_copy_of_a_secret_is_left(void **state)
{
    (void)state;
    leave_no_copy(false, PLACE_FILE);
}

static void over_tls_no_copy_of_a_secret_is_left(void **state)
{
    (void)state;
    leave_no_copy(true, PLACE_FILE);
}

static void of_keys_that_an_endpoint_handed_out_no_copy_is_left(void **state)
{
    (void)state;
    leave_no_copy(false, PLACE_CONTAINER);
}

static void nor_where_it_did_so_over_tls(void **state)
{
    (void)state;
    leave_no_copy(true, PLACE_CONTAINER);
}

static void of_keys_of_a_role_no_copy_is_left(void **state)
{
    (void)state;
    leave_no_copy(true, PLACE_ROLE);
}

/* The one session that is kept, and the folders it is in. */
static void remove_kept(void)
{
    static const char *const folders[] = {".aws/cli/cache", ".aws/cli", ".aws"};
    char path[64];
    glob_t found;
    snprintf(path, sizeof(path), "%s/%s/*", directory, folders[0]);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_int_equal(unlink(found.gl_pathv[0]), 0);
    globfree(&found);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, folders[i]);
        assert_int_equal(rmdir(path), 0);
    }
}

/* The first time it is put into a file, the second time it is read from there. */
static void of_a_session_that_is_kept_no_copy_is_left(void **state)
{
    (void)state;
    setenv("HOME", directory, 1);
    leave_no_copy(true, PLACE_SESSION);
    leave_no_copy(true, PLACE_SESSION);
    remove_kept();
}

static void of_keys_that_a_program_printed_no_copy_is_left(void **state)
{
    (void)state;
    leave_no_copy(true, PLACE_PROGRAM);
}

static int prepare(void **state)
{
    char path[64];
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/credentials", directory);
    write_credentials(path);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    authority_create(&authority);
    assert_int_equal(resolver_unknown(), 0);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    static const char *const names[] = {"credentials", "credentials.json", "config"};
    char path[64];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
    authority_destroy(&authority);
    return 0;
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(over_plain_http_no_copy_of_a_secret_is_left, prepare),
    cmocka_unit_test(over_tls_no_copy_of_a_secret_is_left),
    cmocka_unit_test(of_keys_that_an_endpoint_handed_out_no_copy_is_left),
    cmocka_unit_test(nor_where_it_did_so_over_tls),
    cmocka_unit_test(of_keys_of_a_role_no_copy_is_left),
    cmocka_unit_test(of_a_session_that_is_kept_no_copy_is_left),
    cmocka_unit_test_teardown(of_keys_that_a_program_printed_no_copy_is_left, clean_up),
};

/* Without LD_BIND_NOW the dynamic linker looks a function up at its first call, and spills the registers,
 * pieces of what was copied last among them, onto the stack. */
int main(int argc, char **argv)
{
    (void)argc;
    if (!getenv("LD_BIND_NOW")) {
        setenv("LD_BIND_NOW", "1", 1);
        execv("/proc/self/exe", argv);
    }
    crypto_start();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
