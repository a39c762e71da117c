/* jobsweep's client with its signing (aws/client on net/http) against a bare libcurl multi loop that sends
 * the same deletions, ready-made signatures in them, to the same server: in turns, one request at a time on
 * each of so many connections.
 *
 * usage: bench_http [requests a round] [rounds]
 *
 * Prints for each number of connections the medians over the rounds. The bare loop is the one of the libcurl
 * manual (curl_multi_perform, curl_multi_poll) with easy handles that are used again and certificates that
 * are read once; it signs nothing, decodes nothing, and has no guard, no limits and no cancel. The server
 * counts requests, bytes and connections: a round whose counts differ from what they must be ends the
 * program. */
#include "../unit/certificate.h"
#include "aws/client.h"
#include "base/version.h"
#include "measure.h"
#include "tls_server.h"

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL_MAX 64
#define ROUNDS_LEAST 9
#define SECONDS_EACH 15 /* no further round after this */

static const int PARALLEL[] = {8, 16, 32, 64};

static void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_http: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    exit(1);
}

/* --- ours ----------------------------------------------------------------------------------------------- */

struct ours {
    uv_loop_t loop;
    struct http_client *http;
    struct credentials_provider *credentials;
    struct aws_client *client;
    struct call calls[PARALLEL_MAX];
    int left;
};

static int64_t wall_ms(void *unused)
{
    struct timespec now;
    (void)unused;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void ours_next(struct ours *ours, struct call *call)
{
    struct job_service *service = aws_client_service(ours->client);
    int number = ours->left--;
    snprintf(call->thing_name, sizeof(call->thing_name), "thing-%06d", number);
    snprintf(call->job_id, sizeof(call->job_id), "job-%04d", number % 1000);
    call->number = number % 7 + 1;
    call->signed_at_ms = wall_ms(NULL);
    service->submit(service->ctx, call);
}

static void on_done(struct call *call)
{
    struct ours *ours = call->owner;
    if (call->answer.class != ANSWER_DONE)
        give_up("ours: %s: %s", call->answer.code, call->answer.message);
    call_again(call);
    if (ours->left > 0)
        ours_next(ours, call);
}

static void ours_open(struct ours *ours, const char *url, const char *ca_bundle, int parallel)
{
    const struct http_limits limits = {.connections = parallel};
    struct err err;
    memset(ours, 0, sizeof(*ours));
    uv_loop_init(&ours->loop);
    ours->credentials = credentials_provider_create(&(struct credentials_config){.wall_ms = wall_ms});
    ours->http = http_client_create(&ours->loop, &limits, &err);
    const struct aws_client_config config = {.http = ours->http,
                                             .credentials = ours->credentials,
                                             .wall_ms = wall_ms,
                                             .region = "eu-west-1",
                                             .endpoint_url = url,
                                             .sts_endpoint_url = url,
                                             .ca_bundle = ca_bundle};
    ours->client = ours->http ? aws_client_create(&config, &err) : NULL;
    if (!ours->client)
        give_up("ours: %s", err.msg);
    for (int i = 0; i < parallel; i++) {
        call_init(&ours->calls[i], OPERATION_DELETE_EXECUTION);
        ours->calls[i].done = on_done;
        ours->calls[i].owner = ours;
    }
}

static void ours_round(void *client, int count, int parallel)
{
    struct ours *ours = client;
    ours->left = count;
    for (int i = 0; i < parallel; i++)
        ours_next(ours, &ours->calls[i]);
    uv_run(&ours->loop, UV_RUN_DEFAULT);
}

static void ours_close(struct ours *ours)
{
    aws_client_destroy(ours->client); /* its endpoints are the HTTP client's */
    credentials_provider_destroy(ours->credentials);
    http_client_destroy(ours->http, NULL, NULL);
    uv_run(&ours->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ours->loop);
}

/* --- bare ----------------------------------------------------------------------------------------------- */

struct slot {
    CURL *easy;
    struct curl_slist *headers;
};

struct bare {
    CURLM *multi;
    const char *url;
    struct slot slots[PARALLEL_MAX];
    int parallel, left;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *unused)
{
    (void)bytes, (void)unused;
    return size * count;
}

static struct curl_slist *add(struct curl_slist *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static struct curl_slist *add(struct curl_slist *list, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return curl_slist_append(list, line);
}

static void bare_next(struct bare *bare, struct slot *slot)
{
    char url[256];
    int number = bare->left--;
    snprintf(url, sizeof(url), "%s/things/thing-%06d/jobs/job-%04d/executionNumber/%d", bare->url, number,
             number % 1000, number % 7 + 1);
    curl_slist_free_all(slot->headers);
    slot->headers = add(NULL, "X-Amz-Date: 20261124T%06dZ", number % 240000);
    slot->headers =
        add(slot->headers,
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/eu-west-1/iot/"
            "aws4_request, SignedHeaders=host;x-amz-date, Signature=%064d",
            number);
    slot->headers = add(slot->headers, "User-Agent: jobsweep/" JOBSWEEP_VERSION);
    slot->headers = add(slot->headers, "Accept:");
    slot->headers = add(slot->headers, "Content-Length: 0");
    curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_multi_add_handle(bare->multi, slot->easy);
}

static void bare_open(struct bare *bare, const char *url, const char *ca_bundle, int parallel)
{
    memset(bare, 0, sizeof(*bare));
    bare->multi = curl_multi_init();
    bare->url = url;
    bare->parallel = parallel;
    curl_multi_setopt(bare->multi, CURLMOPT_MAXCONNECTS, (long)parallel);
    for (int i = 0; i < parallel; i++) {
        CURL *easy = bare->slots[i].easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_bundle);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &bare->slots[i]);
    }
}

static void bare_take(struct bare *bare, const CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    struct slot *slot;
    long status;
    if (message->data.result != CURLE_OK)
        give_up("bare: %s", curl_easy_strerror(message->data.result));
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
    if (status != 200)
        give_up("bare: status %ld", status);
    curl_multi_remove_handle(bare->multi, easy);
    if (bare->left > 0)
        bare_next(bare, slot);
}

static void bare_round(void *client, int count, int parallel)
{
    struct bare *bare = client;
    int running = 1, queued;
    const CURLMsg *message;
    bare->left = count;
    for (int i = 0; i < parallel; i++)
        bare_next(bare, &bare->slots[i]);
    while (running) {
        bool taken = false;
        curl_multi_perform(bare->multi, &running);
        while ((message = curl_multi_info_read(bare->multi, &queued))) {
            bare_take(bare, message);
            taken = true;
        }
        if (taken)
            running = 1; /* what was added now is sent before the wait */
        else if (running)
            curl_multi_poll(bare->multi, NULL, 0, 1000, NULL);
    }
}

static void bare_close(struct bare *bare)
{
    for (int i = 0; i < bare->parallel; i++) {
        curl_easy_cleanup(bare->slots[i].easy);
        curl_slist_free_all(bare->slots[i].headers);
    }
    curl_multi_cleanup(bare->multi);
}

/* --- measuring ------------------------------------------------------------------------------------------ */

struct sample {
    double per_second[ROUNDS_MAX];
    double cpu_us[ROUNDS_MAX];   /* of this process, per request */
    double bytes;                /* of requests */
    int64_t connections;         /* opened */
    const struct tls_server *at; /* which counts */
};

static void measure(struct sample *sample, int round, void (*run)(void *, int, int), void *client, int count,
                    int parallel)
{
    struct tls_counts before = *sample->at->counts;
    double wall = measure_seconds(CLOCK_MONOTONIC), cpu = measure_seconds(CLOCK_PROCESS_CPUTIME_ID);
    run(client, count, parallel);
    sample->per_second[round] = count / (measure_seconds(CLOCK_MONOTONIC) - wall);
    sample->cpu_us[round] = (measure_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / count;
    sample->bytes += (double)(sample->at->counts->bytes - before.bytes);
    sample->connections += sample->at->counts->connections - before.connections;
    if (sample->at->counts->requests - before.requests != count)
        give_up("the server has seen %d requests, not %d",
                (int)(sample->at->counts->requests - before.requests), count);
}

static void check_equal(const struct sample *a, const struct sample *b, int parallel)
{
    if (a->connections != parallel || b->connections != parallel)
        give_up("%d connections are %d and %d", parallel, (int)a->connections, (int)b->connections);
    if (a->bytes / b->bytes < 0.99 || a->bytes / b->bytes > 1.01)
        give_up("the requests have %.0f and %.0f bytes in all", a->bytes, b->bytes);
}

static void compare_at(const struct tls_server *server, const char *url, const char *ca_bundle, int parallel,
                       int count, int rounds)
{
    static struct sample a, b;
    static struct ours ours;
    static struct bare bare;
    a.at = b.at = server;
    a.bytes = b.bytes = 0;
    a.connections = b.connections = 0;
    ours_open(&ours, url, ca_bundle, parallel);
    bare_open(&bare, url, ca_bundle, parallel);
    measure(&a, 0, ours_round, &ours, parallel * 20, parallel); /* connects */
    measure(&b, 0, bare_round, &bare, parallel * 20, parallel);
    double end = measure_seconds(CLOCK_MONOTONIC) + SECONDS_EACH;
    for (int i = 0; i < rounds; i++) {
        measure(&a, i, ours_round, &ours, count, parallel);
        measure(&b, i, bare_round, &bare, count, parallel);
        if (i + 1 >= ROUNDS_LEAST && measure_seconds(CLOCK_MONOTONIC) > end)
            rounds = i + 1;
    }
    check_equal(&a, &b, parallel);
    ours_close(&ours);
    bare_close(&bare);
    double ratio = measure_ratio(a.per_second, b.per_second, rounds);
    double cpu_ratio = measure_ratio(a.cpu_us, b.cpu_us, rounds);
    double speed = measure_median(a.per_second, rounds), bare_speed = measure_median(b.per_second, rounds);
    printf("  %11d %9.0f %9.0f %6.2f %12.1f %8.1f %6.2f\n", parallel, speed, bare_speed, ratio,
           measure_median(a.cpu_us, rounds), measure_median(b.cpu_us, rounds), cpu_ratio);
    fflush(stdout);
}

static int argument(int argc, char **argv, int index, int otherwise, int max)
{
    int value = argc > index ? atoi(argv[index]) : otherwise;
    return value < 1 ? 1 : value > max ? max : value;
}

/* libcurl frees 16 KiB with each transfer. Where these happen to lie at the heap's edge, glibc gives them
 * back to the kernel and takes them again, once in six requests: up to a sixth of all that is measured, and
 * by chance more with one client than with the other. */
static void hold_heap(void)
{
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    mallopt(M_TOP_PAD, 4 * 1024 * 1024);
}

static void set_credentials(void)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 1);
    unsetenv("AWS_SESSION_TOKEN");
    unsetenv("AWS_PROFILE");
}

int main(int argc, char **argv)
{
    int count = argument(argc, argv, 1, 1000, 1000000), rounds = argument(argc, argv, 2, 99, ROUNDS_MAX);
    struct authority authority;
    struct tls_server server;
    char url[64];
    signal(SIGPIPE, SIG_IGN);
    hold_heap();
    set_credentials();
    authority_create(&authority);
    SSL_CTX *context = authority_server(&authority, "127.0.0.1", 3600);
    tls_server_start(&server, context);
    bench_pin(0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", server.port);
    printf("http: signed deletions over TLS; ours: aws/client, bare: a libcurl multi loop without signing\n"
           "      up to %d rounds of %d requests each in turns; medians\n"
           "  connections    ours/s    bare/s  ratio  ours us CPU  bare us  ratio\n",
           rounds, count);
    for (size_t i = 0; i < sizeof(PARALLEL) / sizeof(PARALLEL[0]); i++)
        compare_at(&server, url, authority.path, PARALLEL[i], count, rounds);
    tls_server_stop(&server);
    SSL_CTX_free(context);
    authority_destroy(&authority);
    return 0;
}
