/* Signing against AWS's test suite and against requests of IoT and STS, where these lie beside the project.
 * The suite signs "header" cases as its C harness does: paths are encoded twice, and the body counts only
 * where sign_body says so. */
#include "tap.h"

#include "aws/sigv4.h"
#include "base/time.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define SUITE       "../shared/data/sigv4/aws-suite"
#define IOT_VECTORS "../shared/data/sigv4/iot-vectors.json"
#define CASES_MAX   256
#define HEADERS_MAX 16

/* One request as it is written down, and what signing it must give. */
struct sample {
    char *text; /* the memory of what is cut out of it */
    struct sigv4_header headers[HEADERS_MAX];
    struct sigv4_request request;
    char amz_date[17], payload_sha256[65];
    const char *access_key, *secret_key, *region, *service;
    const char *canonical, *string_to_sign, *authorization; /* a part of it will do */
};

static void add_header(struct sample *sample, const char *name, const char *value)
{
    assert_true(sample->request.header_count < HEADERS_MAX);
    sample->headers[sample->request.header_count++] = (struct sigv4_header){name, value};
}

static void check(const struct sample *sample)
{
    struct sigv4_key key;
    struct err err = {0};
    struct buf canonical, names, text, authorization;
    buf_init(&canonical, 16384);
    buf_init(&names, 16384);
    buf_init(&text, 16384);
    buf_init(&authorization, 16384);
    assert_int_equal(sigv4_key_init(&key, sample->access_key, sample->secret_key, sample->amz_date,
                                    sample->region, sample->service, &err),
                     0);
    assert_int_equal(sigv4_canonical_request(&sample->request, &canonical, &names, &err), 0);
    assert_string_equal(buf_string(&canonical), sample->canonical);
    sigv4_string_to_sign(sample->amz_date, key.scope, canonical.data, canonical.length, &text);
    assert_string_equal(buf_string(&text), sample->string_to_sign);
    assert_int_equal(sigv4_authorization(&key, &sample->request, sample->amz_date, &authorization, &err), 0);
    assert_non_null(strstr(sample->authorization, buf_string(&authorization)));
    assert_non_null(strstr(buf_string(&authorization), buf_string(&names)));
    buf_finish(&canonical);
    buf_finish(&names);
    buf_finish(&text);
    buf_finish(&authorization);
}

static const char *string_in(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name));
}

/* --- the suite --- */

static char *read_file(const char *directory, const char *name)
{
    char path[512];
    char *text = calloc(1, 65536);
    snprintf(path, sizeof path, SUITE "/%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

/* The headers of the text; a line that begins with white space belongs to the value before it. Returns the
 * body. */
static char *cut_headers(struct sample *sample, char *at)
{
    while (*at != '\0' && *at != '\n') {
        char *value = strchr(at, ':');
        char *end = strchr(value, '\n');
        while (end != NULL && (end[1] == ' ' || end[1] == '\t')) {
            end = strchr(end + 1, '\n');
        }
        assert_non_null(end);
        *value++ = '\0';
        *end = '\0';
        add_header(sample, at, value);
        at = end + 1;
    }
    return *at == '\n' ? at + 1 : at;
}

/* "GET /a path?b=c HTTP/1.1": the path may hold spaces. Returns the body. */
static char *cut_request(struct sample *sample, char *text)
{
    char *line_end = strchr(text, '\n');
    char *path = strchr(text, ' ');
    *line_end = '\0';
    char *version = strrchr(path, ' ');
    *version = '\0';
    *path++ = '\0';
    char *query = strchr(path, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    sample->request.method = text;
    sample->request.path = path;
    sample->request.query = query;
    return cut_headers(sample, line_end + 1);
}

static void take_context(struct sample *sample, struct json_object *context, const char *body)
{
    struct json_object *credentials = json_object_object_get(context, "credentials");
    const char *token = string_in(credentials, "token");
    int64_t ms;
    struct err err;
    assert_int_equal(time_parse_rfc3339(string_in(context, "timestamp"), &ms, &err), 0);
    time_amz(ms, sample->amz_date);
    sample->access_key = string_in(credentials, "access_key_id");
    sample->secret_key = string_in(credentials, "secret_access_key");
    sample->region = string_in(context, "region");
    sample->service = string_in(context, "service");
    sample->request.keep_path = !json_object_get_boolean(json_object_object_get(context, "normalize"));
    strcpy(sample->payload_sha256, SIGV4_EMPTY_SHA256);
    add_header(sample, "X-Amz-Date", sample->amz_date);
    if (token != NULL && !json_object_get_boolean(json_object_object_get(context, "omit_session_token"))) {
        add_header(sample, "X-Amz-Security-Token", token);
    }
    if (json_object_get_boolean(json_object_object_get(context, "sign_body"))) {
        crypto_sha256_hex(body, strlen(body), sample->payload_sha256);
        add_header(sample, "x-amz-content-sha256", sample->payload_sha256);
    }
}

static void a_case_of_the_suite(void **state)
{
    const char *name = *state;
    struct sample sample = {.text = read_file(name, "request.txt")};
    sample.request.headers = sample.headers;
    sample.request.payload_sha256 = sample.payload_sha256;
    char *body = cut_request(&sample, sample.text);
    char *context_text = read_file(name, "context.json");
    struct json_object *context = json_tokener_parse(context_text);
    take_context(&sample, context, body);
    char *canonical = read_file(name, "header-canonical-request.txt");
    char *string_to_sign = read_file(name, "header-string-to-sign.txt");
    char *signed_request = read_file(name, "header-signed-request.txt");
    char *signature = read_file(name, "header-signature.txt");
    sample.canonical = canonical;
    sample.string_to_sign = string_to_sign;
    sample.authorization = signed_request;
    check(&sample);
    assert_non_null(strstr(signed_request, signature));
    free(canonical);
    free(string_to_sign);
    free(signed_request);
    free(signature);
    free(context_text);
    free(sample.text);
    json_object_put(context);
}

/* --- IoT and STS --- */

/* "https://host:443/path?query"; a port that the scheme implies is no part of the Host header. */
static void cut_url(struct sample *sample, char *url)
{
    char *host = strstr(url, "://") + 3;
    char *path = strchr(host, '/');
    char *query = strchr(path, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    sample->request.path = strdup(path);
    sample->request.query = query;
    *path = '\0';
    char *port = strstr(host, ":443");
    if (port != NULL && port[4] == '\0') {
        *port = '\0';
    }
    add_header(sample, "Host", host);
}

static void a_request_of_botocore(void **state)
{
    struct json_object *vector = *state;
    const char *body = string_in(vector, "body");
    const char *type = string_in(json_object_object_get(vector, "headers"), "Content-Type");
    struct sample sample = {.text = strdup(string_in(vector, "url")),
                            .access_key = string_in(vector, "access_key"),
                            .secret_key = string_in(vector, "secret_key"),
                            .region = string_in(vector, "region"),
                            .service = string_in(vector, "signing_name"),
                            .canonical = string_in(vector, "canonical_request"),
                            .string_to_sign = string_in(vector, "string_to_sign"),
                            .authorization = string_in(vector, "authorization")};
    sample.request.method = string_in(vector, "method");
    sample.request.headers = sample.headers;
    sample.request.payload_sha256 = sample.payload_sha256;
    snprintf(sample.amz_date, sizeof sample.amz_date, "%s", string_in(vector, "timestamp"));
    crypto_sha256_hex(body, body != NULL ? strlen(body) : 0, sample.payload_sha256);
    cut_url(&sample, sample.text);
    add_header(&sample, "X-Amz-Date", sample.amz_date);
    if (string_in(vector, "session_token") != NULL) {
        add_header(&sample, "X-Amz-Security-Token", string_in(vector, "session_token"));
    }
    if (type != NULL) {
        add_header(&sample, "Content-Type", type);
    }
    check(&sample);
    free((void *)(uintptr_t)sample.request.path);
    free(sample.text);
}

/* --- the list of tests --- */

static void the_files_are_not_here(void **state)
{
    (void)state;
    skip();
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t add_suite(struct CMUnitTest *tests, struct dirent ***entries)
{
    int count = scandir(SUITE, entries, is_visible, alphasort);
    if (count <= 0) {
        tests[0] = (struct CMUnitTest){.name = SUITE, .test_func = the_files_are_not_here};
        *entries = NULL;
        return 1;
    }
    for (int i = 0; i < count && i < CASES_MAX; i++) {
        tests[i] = (struct CMUnitTest){.name = (*entries)[i]->d_name,
                                       .test_func = a_case_of_the_suite,
                                       .initial_state = (*entries)[i]->d_name};
    }
    return (size_t)count < CASES_MAX ? (size_t)count : CASES_MAX;
}

static size_t add_iot(struct CMUnitTest *tests, struct json_object *vectors)
{
    size_t count = vectors != NULL ? json_object_array_length(vectors) : 0;
    if (count == 0) {
        tests[0] = (struct CMUnitTest){.name = IOT_VECTORS, .test_func = the_files_are_not_here};
        return 1;
    }
    for (size_t i = 0; i < count && i < CASES_MAX; i++) {
        struct json_object *vector = json_object_array_get_idx(vectors, i);
        tests[i] = (struct CMUnitTest){
            .name = string_in(vector, "name"), .test_func = a_request_of_botocore, .initial_state = vector};
    }
    return count < CASES_MAX ? count : CASES_MAX;
}

int main(void)
{
    static struct CMUnitTest tests[2 * CASES_MAX];
    struct dirent **entries;
    struct json_object *vectors = json_object_from_file(IOT_VECTORS);
    size_t suite = add_suite(tests, &entries);
    size_t count = suite + add_iot(tests + suite, vectors);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests("sigv4 suite", tests, count, NULL, NULL);
    for (size_t i = 0; entries != NULL && i < suite; i++) {
        free(entries[i]);
    }
    free(entries);
    json_object_put(vectors);
    return failed;
}
