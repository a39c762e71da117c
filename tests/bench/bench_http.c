/* Our HTTP client against a bare libcurl multi loop: the same deletions, the same server, in turns.
 *
 * usage: bench_http [requests a round] [rounds]
 *
 * Prints for each number of parallel requests the medians over the rounds and the ratio of both. The bare
 * loop is the one of the libcurl manual (curl_multi_perform, curl_multi_poll) with easy handles that are used
 * again and certificates that are read once; it has no guard, no limits and no cancel. */
#include "../unit/certificate.h"
#include "base/mem.h"
#include "net/http.h"
#include "tls_server.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARALLEL_MAX 64
#define ROUNDS_MAX   99
#define HEADERS      3

/* --- the request ---------------------------------------------------------------------------------------- */

/* What each client must make anew for each request. */
struct order {
    char target[128];
    char date[32];
    char authorization[320];
};

static void order_fill(struct order *order, int number)
{
    snprintf(order->target, sizeof(order->target), "/things/thing-%06d/jobs/job-%04d/executionNumber/%d",
             number, number % 1000, number % 7 + 1);
    snprintf(order->date, sizeof(order->date), "20261124T%06dZ", number % 240000);
    snprintf(order->authorization, sizeof(order->authorization),
             "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/eu-west-1/iot/aws4_request, "
             "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%064d",
             number);
}

static const char EMPTY_SHA256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* --- ours ----------------------------------------------------------------------------------------------- */

struct ours {
    uv_loop_t loop;
    struct http_client *client;
    struct http_origin *origin;
    struct http_request requests[PARALLEL_MAX];
    struct order orders[PARALLEL_MAX];
    int left;
};

static void ours_next(struct ours *ours, struct http_request *request)
{
    struct order *order = &ours->orders[request - ours->requests];
    order_fill(order, ours->left--);
    request->header_count = 0;
    http_request_header(request, "X-Amz-Date", order->date);
    http_request_header(request, "X-Amz-Content-Sha256", EMPTY_SHA256);
    http_request_header(request, "Authorization", order->authorization);
    http_submit(ours->client, request);
}

static void on_done(struct http_request *request)
{
    struct ours *ours = request->owner;
    if (request->err.code != ERR_NONE || request->status != 200) {
        fprintf(stderr, "bench_http: ours: %s\n", request->err.msg);
        exit(1);
    }
    if (ours->left > 0)
        ours_next(ours, request);
}

static void ours_open(struct ours *ours, const char *url, const char *ca_bundle)
{
    const struct http_limits limits = {.connections = PARALLEL_MAX};
    const struct http_origin_options options = {.ca_bundle = ca_bundle};
    struct err err;
    uv_loop_init(&ours->loop);
    ours->client = http_client_create(&ours->loop, &limits, &err);
    ours->origin = ours->client ? http_origin_create(ours->client, url, &options, &err) : NULL;
    if (!ours->origin) {
        fprintf(stderr, "bench_http: %s\n", err.msg);
        exit(1);
    }
    for (int i = 0; i < PARALLEL_MAX; i++) {
        struct http_request *request = &ours->requests[i];
        http_request_init(request);
        request->origin = ours->origin;
        request->method = "DELETE";
        request->target = ours->orders[i].target;
        request->once = true;
        request->done = on_done;
        request->owner = ours;
    }
}

static void ours_round(void *client, int count, int parallel)
{
    struct ours *ours = client;
    ours->left = count;
    for (int i = 0; i < parallel; i++)
        ours_next(ours, &ours->requests[i]);
    uv_run(&ours->loop, UV_RUN_DEFAULT);
}

static void ours_close(struct ours *ours)
{
    http_client_destroy(ours->client, NULL, NULL);
    uv_run(&ours->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ours->loop);
    for (int i = 0; i < PARALLEL_MAX; i++)
        http_request_finish(&ours->requests[i]);
}

/* --- bare ----------------------------------------------------------------------------------------------- */

struct slot {
    CURL *easy;
    struct curl_slist *headers;
    struct order order;
};

struct bare {
    CURLM *multi;
    const char *url;
    struct slot slots[PARALLEL_MAX];
    int left;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *unused)
{
    (void)bytes, (void)unused;
    return size * count;
}

static struct curl_slist *add(struct curl_slist *list, const char *name, const char *value)
{
    char line[512];
    snprintf(line, sizeof(line), "%s: %s", name, value);
    return curl_slist_append(list, line);
}

static void bare_next(struct bare *bare, struct slot *slot)
{
    char url[256];
    order_fill(&slot->order, bare->left--);
    snprintf(url, sizeof(url), "%s%s", bare->url, slot->order.target);
    curl_slist_free_all(slot->headers);
    slot->headers = add(NULL, "X-Amz-Date", slot->order.date);
    slot->headers = add(slot->headers, "X-Amz-Content-Sha256", EMPTY_SHA256);
    slot->headers = add(slot->headers, "Authorization", slot->order.authorization);
    slot->headers = curl_slist_append(slot->headers, "Accept:");
    slot->headers = curl_slist_append(slot->headers, "Content-Length: 0");
    curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_multi_add_handle(bare->multi, slot->easy);
}

static void bare_open(struct bare *bare, const char *url, const char *ca_bundle)
{
    bare->multi = curl_multi_init();
    bare->url = url;
    curl_multi_setopt(bare->multi, CURLMOPT_MAXCONNECTS, (long)PARALLEL_MAX);
    for (int i = 0; i < PARALLEL_MAX; i++) {
        CURL *easy = bare->slots[i].easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_bundle);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &bare->slots[i]);
    }
}

static void bare_take(struct bare *bare, const CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    struct slot *slot;
    long status;
    if (message->data.result != CURLE_OK) {
        fprintf(stderr, "bench_http: bare: %s\n", curl_easy_strerror(message->data.result));
        exit(1);
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
    if (status != 200)
        exit(1);
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
    for (int i = 0; i < PARALLEL_MAX; i++) {
        curl_easy_cleanup(bare->slots[i].easy);
        curl_slist_free_all(bare->slots[i].headers);
    }
    curl_multi_cleanup(bare->multi);
}

/* --- measuring ------------------------------------------------------------------------------------------ */

struct sample {
    double per_second[ROUNDS_MAX];
    double cpu_us[ROUNDS_MAX]; /* of this process, per request */
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(struct sample *sample, int round, void (*run)(void *, int, int), void *client, int count,
                    int parallel)
{
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    run(client, count, parallel);
    sample->per_second[round] = count / (seconds(CLOCK_MONOTONIC) - wall);
    sample->cpu_us[round] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return values[count / 2];
}

static void compare_at(struct ours *ours, struct bare *bare, int parallel, int count, int rounds)
{
    static struct sample a, b;
    ours_round(ours, parallel * 20, parallel);
    bare_round(bare, parallel * 20, parallel);
    for (int i = 0; i < rounds; i++) {
        measure(&a, i, ours_round, ours, count, parallel);
        measure(&b, i, bare_round, bare, count, parallel);
    }
    double mine = median(a.per_second, rounds), theirs = median(b.per_second, rounds);
    double my_cpu = median(a.cpu_us, rounds), their_cpu = median(b.cpu_us, rounds);
    printf("bench http: parallel=%d ours=%.0f/s bare=%.0f/s ratio=%.2f\n", parallel, mine, theirs,
           mine / theirs);
    printf("bench http cpu: parallel=%d ours=%.1fus bare=%.1fus ratio=%.2f\n", parallel, my_cpu, their_cpu,
           my_cpu / their_cpu);
}

static int argument(int argc, char **argv, int index, int otherwise, int max)
{
    int value = argc > index ? atoi(argv[index]) : otherwise;
    return value < 1 ? 1 : value > max ? max : value;
}

int main(int argc, char **argv)
{
    int count = argument(argc, argv, 1, 2000, 1000000), rounds = argument(argc, argv, 2, 9, ROUNDS_MAX);
    static struct ours ours;
    static struct bare bare;
    struct authority authority;
    struct tls_server server;
    char url[64];
    signal(SIGPIPE, SIG_IGN);
    authority_create(&authority);
    SSL_CTX *context = authority_server(&authority, "127.0.0.1", 3600);
    tls_server_start(&server, context);
    bench_pin(0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", server.port);
    ours_open(&ours, url, authority.path);
    bare_open(&bare, url, authority.path);
    compare_at(&ours, &bare, 1, count, rounds);
    compare_at(&ours, &bare, 8, count, rounds);
    compare_at(&ours, &bare, 32, count, rounds);
    compare_at(&ours, &bare, PARALLEL_MAX, count, rounds);
    bare_close(&bare);
    ours_close(&ours);
    tls_server_stop(&server);
    SSL_CTX_free(context);
    authority_destroy(&authority);
    return 0;
}
