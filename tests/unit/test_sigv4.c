/* Signing: requests that botocore signed, and each stage on its own. */
#include "tap.h"

#include "aws/crypto.h"
#include "aws/sigv4.h"

#include <stdio.h>
#include <string.h>

#define ACCESS_KEY "AKIDEXAMPLE"
#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN      "FwoGZXIvYXdzEXAMPLE//////////wEaDK+/=="
#define TIME       "20261124T031500Z"

/* --- whole signatures --- */

/* Signed by SigV4Auth of botocore 1.29 with the keys and the time above. */
static const struct vector {
    const char *name, *method, *host, *region, *service, *path, *query, *content_type, *body, *token;
    const char *signature;
} vectors[] = {
    {"a plain deletion", "DELETE", "iot.eu-west-1.amazonaws.com", "eu-west-1", "iot",
     "/things/pump-7/jobs/fw-42/executionNumber/1", "", NULL, NULL, NULL,
     "41760058287e0f6e5489c082cdc14a5a4e2aebd90f012a0372827a632a017e31"},
    {"a colon in a thing name", "DELETE", "iot.eu-west-1.amazonaws.com", "eu-west-1", "iot",
     "/things/plant%3Apump%3A7/jobs/fw-42/executionNumber/1", "", NULL, NULL, NULL,
     "6f136a7ed4a1dad66b6bfc868a5aa743e3ef8b33f3c565377af6e8d8fc984ae6"},
    {"several parameters, not in order", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot",
     "/things/t/jobs", "status=FAILED&nextToken=abc%2F%2B%3D%3D&maxResults=250&jobId=j", NULL, NULL, NULL,
     "0a148c746da383d424e38d7cf92001692021921126b7275727db0aff757aac63"},
    {"a repeated parameter", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot", "/jobs",
     "a=2&a=1&a=10&A=3&a-b=0", NULL, NULL, NULL,
     "f23028d805ad45ec6414c057368b03ad4bf92de25c155214f2ea3c1fefe217ad"},
    {"a session token", "DELETE", "iot.us-west-2.amazonaws.com", "us-west-2", "iot",
     "/things/t/jobs/j/executionNumber/2", "namespaceId=ns_1", NULL, NULL, TOKEN,
     "658effea6ef2d9905dfbe049e607437b26da2a49995eda48ea5d32a57dce918c"},
    {"an empty value and an empty name", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot", "/jobs",
     "nextToken=&=x", NULL, NULL, NULL, "f22ae5eb0d80663fbc67affe64db25ee6d6b9477ee2e38652db6ad1ae549122d"},
    {"UTF-8 in path and query", "GET", "iot.cn-north-1.amazonaws.com.cn", "cn-north-1", "iot",
     "/thing-groups/gr%C3%B6%C3%9Fe%20%E1%88%B4/things", "q=%E6%97%A5%E6%9C%AC", NULL, NULL, NULL,
     "e29d8c64acedc9b001a22a8bb1b748a88ca87e75b0a6e5b12533b3c1bb7fa60a"},
    {"every odd byte in a query", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot", "/jobs/j/things",
     "nextToken=%01%02%03%04%05%06%07%08%09%0A%0B%0C%0D%0E%0F%10%11%12%13%14%15%16%17%18%19%1A%1B%1C%1D%1E%"
     "1F%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D%7F%FF",
     NULL, NULL, NULL, "bb1b2201bc5903607f297d1d00251939f8f85c60727cc5f3ee3bdf13dedc51ff"},
    {"odd characters in a path", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot",
     "/things/a%20b%2Bc%25d~e!%27()*/jobs", "", NULL, NULL, NULL,
     "a9bd1080abc506761f879660b66df82c85667d7d33cd63a6e936f2735dc4065a"},
    {"a POST with a form", "POST", "sts.us-east-1.amazonaws.com", "us-east-1", "sts", "/", "",
     "application/x-www-form-urlencoded; charset=utf-8", "Action=GetCallerIdentity&Version=2011-06-15", NULL,
     "2418e0a276e0b236804f7b87b8b4b4a0e02ae24bb816a64652dc46d11288baac"},
    {"a PUT with JSON and a port", "PUT", "127.0.0.1:8443", "us-east-1", "iot", "/things/t/jobs/j/cancel",
     "force=true", "application/json", "{\"expectedVersion\": 3}", TOKEN,
     "843aefb704596536d80cd21e7b17a570de2771029c8538e36adab3302d6653c3"},
    {"an empty path", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot", "", "", NULL, NULL, NULL,
     "1ac62af4378d160df9d772ea6f420bf4c5d5566ea7a207469cc4841cb761dc34"},
    {"white space in a header", "GET", "iot.us-east-1.amazonaws.com", "us-east-1", "iot", "/jobs", "",
     "  text/plain;   charset = utf-8\t x ", NULL, NULL,
     "39148d687509c7a0b4bfee1063c26393f59ffe852f396adce0c2611eba9517b0"},
};

#define VECTORS (sizeof vectors / sizeof *vectors)

static size_t headers_of(const struct vector *vector, struct sigv4_header headers[4])
{
    size_t count = 0;
    headers[count++] = (struct sigv4_header){"X-Amz-Date", TIME};
    headers[count++] = (struct sigv4_header){"Host", vector->host};
    if (vector->token != NULL) {
        headers[count++] = (struct sigv4_header){"X-Amz-Security-Token", vector->token};
    }
    if (vector->content_type != NULL) {
        headers[count++] = (struct sigv4_header){"Content-Type", vector->content_type};
    }
    return count;
}

static void signs_as_botocore_does(void **state)
{
    const struct vector *vector = *state;
    char payload[65], expected[512];
    struct sigv4_header headers[4];
    struct sigv4_key key;
    struct buf authorization;
    struct err err = {0};
    const char *body = vector->body != NULL ? vector->body : "";
    crypto_sha256_hex(body, strlen(body), payload);
    struct sigv4_request request = {.method = vector->method,
                                    .path = vector->path,
                                    .query = vector->query,
                                    .headers = headers,
                                    .header_count = headers_of(vector, headers),
                                    .payload_sha256 = payload};
    assert_int_equal(
        sigv4_key_init(&key, ACCESS_KEY, SECRET_KEY, TIME, vector->region, vector->service, &err), 0);
    buf_init(&authorization, 1024);
    assert_int_equal(sigv4_authorization(&key, &request, TIME, &authorization, &err), 0);
    snprintf(expected, sizeof expected,
             "AWS4-HMAC-SHA256 Credential=" ACCESS_KEY "/20261124/%s/%s/aws4_request, "
             "SignedHeaders=%shost;x-amz-date%s, Signature=%s",
             vector->region, vector->service, vector->content_type != NULL ? "content-type;" : "",
             vector->token != NULL ? ";x-amz-security-token" : "", vector->signature);
    assert_string_equal(buf_string(&authorization), expected);
    buf_finish(&authorization);
}

/* --- the canonical request --- */

static struct sigv4_request plain(const char *path, const char *query)
{
    return (struct sigv4_request){
        .method = "GET", .path = path, .query = query, .payload_sha256 = SIGV4_EMPTY_SHA256};
}

/* The given line of the canonical request, counted from 0. */
static const char *line_of(const struct sigv4_request *request, int number, char line[512])
{
    struct buf canonical;
    struct err err = {0};
    buf_init(&canonical, 4096);
    assert_int_equal(sigv4_canonical_request(request, &canonical, NULL, &err), 0);
    const char *at = buf_string(&canonical);
    while (number-- > 0) {
        at = strchr(at, '\n');
        assert_non_null(at++);
    }
    snprintf(line, 512, "%.*s", (int)strcspn(at, "\n"), at);
    buf_finish(&canonical);
    return line;
}

static void a_path_loses_dots_and_double_slashes_and_is_encoded_again(void **state)
{
    static const char *const table[][2] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a//b", "/a/b"},
        {"//a///", "/a/"},
        {"/./a/./b/.", "/a/b"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/../..", "/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/..", "/a"},
        {"/a/b/../", "/a/"},
        {"/...", "/..."},
        {"/a%3Ab", "/a%253Ab"},
        {"/%2e%2e/a", "/%252e%252e/a"},
        {"/a b~", "/a%20b~"},
        {"/..a/.b", "/..a/.b"},
    };
    char line[512];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sigv4_request request = plain(table[i][0], NULL);
        assert_string_equal(line_of(&request, 1, line), table[i][1]);
    }
}

static void a_path_that_is_to_be_kept_is_only_encoded(void **state)
{
    char line[512];
    struct sigv4_request request = plain("/a/..//./b c", NULL);
    (void)state;
    request.keep_path = true;
    assert_string_equal(line_of(&request, 1, line), "/a/..//./b%20c");
    request.path = "";
    assert_string_equal(line_of(&request, 1, line), "/");
}

static void a_query_is_sorted_and_encoded_in_one_manner(void **state)
{
    static const char *const table[][2] = {
        {"", ""},
        {"a", "a="},
        {"a=", "a="},
        {"=a", "=a"},
        {"b=1&a=2", "a=2&b=1"},
        {"a=10&a=1&a=2", "a=1&a=10&a=2"},
        {"a-b=1&a=2&A=3", "A=3&a=2&a-b=1"},
        {"a=b=c", "a=b%3Dc"},
        {"a=%7e%41%2f", "a=~A%2F"},
        {"a=%3a&b=:", "a=%3A&b=%3A"},
        {"a=x+y z", "a=x%2By%20z"},
        {"a=%&b=%4&c=%zz&d=%4g", "a=%25&b=%254&c=%25zz&d=%254g"},
        {"a=%00b", "a=%00b"},
        {"a=1&&b=2", "=&a=1&b=2"},
        {"a=\xc3\xa9", "a=%C3%A9"},
    };
    char line[512];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sigv4_request request = plain("/", table[i][0]);
        assert_string_equal(line_of(&request, 2, line), table[i][1]);
    }
}

static void headers_are_trimmed_joined_and_sorted(void **state)
{
    static const struct sigv4_header headers[] = {{"X-B", "  2  3 "},   {"host", "h"},   {"x-b", "1"},
                                                  {"X-A", "a\r\n \tb"}, {"X-Empty", ""}, {"x-b", "2"}};
    struct sigv4_request request = plain("/", NULL);
    struct buf canonical, names;
    struct err err = {0};
    (void)state;
    request.headers = headers;
    request.header_count = sizeof headers / sizeof *headers;
    buf_init(&canonical, 4096);
    buf_init(&names, 4096);
    assert_int_equal(sigv4_canonical_request(&request, &canonical, &names, &err), 0);
    assert_string_equal(buf_string(&names), "host;x-a;x-b;x-empty");
    assert_string_equal(buf_string(&canonical),
                        "GET\n/\n\nhost:h\nx-a:a b\nx-b:2 3,1,2\nx-empty:\n\nhost;x-a;x-b;x-empty\n"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    buf_finish(&canonical);
    buf_finish(&names);
}

/* --- limits --- */

static enum err_code canonical_code(const struct sigv4_request *request, size_t max)
{
    struct buf canonical;
    struct err err = {0};
    buf_init(&canonical, max);
    int result = sigv4_canonical_request(request, &canonical, NULL, &err);
    assert_int_equal(result, err.code != ERR_NONE ? -1 : 0);
    buf_finish(&canonical);
    return err.code;
}

static void too_many_parts_are_refused(void **state)
{
    struct sigv4_header headers[129];
    char query[2 * 129 + 1] = "";
    (void)state;
    for (size_t i = 0; i < 129; i++) {
        headers[i] = (struct sigv4_header){"a", "b"};
        memcpy(query + 2 * i, "a&", 3);
    }
    struct sigv4_request request = plain("/", NULL);
    request.headers = headers;
    request.header_count = 128;
    assert_int_equal(canonical_code(&request, 8192), ERR_NONE);
    request.header_count = 129;
    assert_int_equal(canonical_code(&request, 8192), ERR_TOO_BIG);
    request.header_count = 0;
    request.query = query;
    assert_int_equal(canonical_code(&request, 8192), ERR_TOO_BIG);
    query[2 * 128 - 1] = '\0';
    assert_int_equal(canonical_code(&request, 8192), ERR_NONE);
}

static void what_passes_a_buffer_is_refused_at_every_length(void **state)
{
    static const struct sigv4_header headers[] = {{"host", "example.com"}, {"x-amz-date", TIME}};
    struct sigv4_request request = plain("/a%3Ab", "c=d&a=b");
    struct buf whole;
    struct err err = {0};
    (void)state;
    request.headers = headers;
    request.header_count = 2;
    buf_init(&whole, 4096);
    assert_int_equal(sigv4_canonical_request(&request, &whole, NULL, &err), 0);
    for (size_t max = 0; max < whole.length; max++) {
        assert_int_equal(canonical_code(&request, max), ERR_TOO_BIG);
    }
    assert_int_equal(canonical_code(&request, whole.length), ERR_NONE);
    buf_finish(&whole);
}

static void a_huge_token_is_refused(void **state)
{
    char *huge = malloc(300 * 1024);
    struct sigv4_request request = plain("/", huge);
    (void)state;
    memset(huge, 'a', 300 * 1024);
    huge[300 * 1024 - 1] = '\0';
    assert_int_equal(canonical_code(&request, 1024 * 1024), ERR_TOO_BIG);
    free(huge);
}

/* --- the key --- */

static void a_key_fits_its_day_region_service_and_credentials_only(void **state)
{
    struct sigv4_key key;
    struct err err = {0};
    (void)state;
    assert_int_equal(sigv4_key_init(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "iot", &err), 0);
    assert_string_equal(key.scope, "20261124/eu-west-1/iot/aws4_request");
    assert_true(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, "20261124T235959Z", "eu-west-1", "iot"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, "20261125T000000Z", "eu-west-1", "iot"));
    assert_false(sigv4_key_fits(&key, "AKIDEXAMPLF", SECRET_KEY, TIME, "eu-west-1", "iot"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY "x", TIME, "eu-west-1", "iot"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-2", "iot"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "sts"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west", "iot"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "io"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "iots"));
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1/iot", "aws4_request"));
    sigv4_key_wipe(&key);
    assert_false(sigv4_key_fits(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "iot"));
    static const struct sigv4_key nothing;
    assert_memory_equal(&key, &nothing, sizeof key);
}

static void a_key_from_what_cannot_be_is_refused(void **state)
{
    char longest[300];
    struct sigv4_key key;
    struct err err = {0};
    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(sigv4_key_init(&key, longest, SECRET_KEY, TIME, "eu-west-1", "iot", &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    assert_int_equal(sigv4_key_init(&key, ACCESS_KEY, longest, TIME, "eu-west-1", "iot", &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    assert_null(strstr(err.msg, "aaa"));
    assert_int_equal(sigv4_key_init(&key, ACCESS_KEY, SECRET_KEY, TIME, longest, "iot", &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    static const char *const times[] = {"", "20261124", "20261124 031500Z", "20261124T03150Z0",
                                        "2026-11-24T03:15Z"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char time[32] = "";
        strcpy(time, times[i]);
        assert_int_equal(sigv4_key_init(&key, ACCESS_KEY, SECRET_KEY, time, "eu-west-1", "iot", &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void the_time_must_be_that_of_the_header_and_of_the_key(void **state)
{
    struct sigv4_header headers[] = {{"host", "h"}, {"x-amz-date", TIME}};
    struct sigv4_request request = plain("/", NULL);
    struct sigv4_key key;
    struct buf authorization;
    struct err err = {0};
    (void)state;
    request.headers = headers;
    request.header_count = 2;
    buf_init(&authorization, 1024);
    assert_int_equal(sigv4_key_init(&key, ACCESS_KEY, SECRET_KEY, TIME, "eu-west-1", "iot", &err), 0);
    assert_int_equal(sigv4_authorization(&key, &request, TIME, &authorization, &err), 0);
    assert_int_equal(sigv4_authorization(&key, &request, "20261124T031501Z", &authorization, &err), -1);
    headers[1].value = "20261125T031500Z";
    assert_int_equal(sigv4_authorization(&key, &request, "20261125T031500Z", &authorization, &err), -1);
    request.header_count = 1;
    assert_int_equal(sigv4_authorization(&key, &request, TIME, &authorization, &err), -1);
    buf_finish(&authorization);
}

/* --- digests --- */

static void assert_hmac(const char *key, size_t key_length, const char *text, const char *expected)
{
    uint8_t mac[CRYPTO_SHA256_BYTES];
    char hex[2 * sizeof mac + 1];
    crypto_hmac_sha256(key, key_length, text, strlen(text), mac);
    crypto_hex(mac, sizeof mac, hex);
    assert_string_equal(hex, expected);
}

static void hmac_is_that_of_rfc_4231_whatever_key_came_before(void **state)
{
    char key[131];
    (void)state;
    memset(key, 0xaa, sizeof key);
    for (int i = 0; i < 3; i++) {
        assert_hmac("Jefe", 4, "what do ya want for nothing?",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        assert_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        assert_hmac("Jefe", 4, "what do ya want for nothing?",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        crypto_forget();
    }
    assert_hmac("", 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void sha256_is_that_of_fips_180(void **state)
{
    char hex[65];
    (void)state;
    crypto_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256_hex("", 0, hex);
    assert_string_equal(hex, SIGV4_EMPTY_SHA256);
    assert_true(crypto_equal("abc", "abd", 2));
    assert_false(crypto_equal("abc", "abd", 3));
}

static const struct CMUnitTest stages[] = {
    cmocka_unit_test(a_path_loses_dots_and_double_slashes_and_is_encoded_again),
    cmocka_unit_test(a_path_that_is_to_be_kept_is_only_encoded),
    cmocka_unit_test(a_query_is_sorted_and_encoded_in_one_manner),
    cmocka_unit_test(headers_are_trimmed_joined_and_sorted),
    cmocka_unit_test(too_many_parts_are_refused),
    cmocka_unit_test(what_passes_a_buffer_is_refused_at_every_length),
    cmocka_unit_test(a_huge_token_is_refused),
    cmocka_unit_test(a_key_fits_its_day_region_service_and_credentials_only),
    cmocka_unit_test(a_key_from_what_cannot_be_is_refused),
    cmocka_unit_test(the_time_must_be_that_of_the_header_and_of_the_key),
    cmocka_unit_test(hmac_is_that_of_rfc_4231_whatever_key_came_before),
    cmocka_unit_test(sha256_is_that_of_fips_180),
};
#define STAGES (sizeof stages / sizeof *stages)

int main(void)
{
    struct CMUnitTest tests[VECTORS + STAGES] = {0};
    for (size_t i = 0; i < VECTORS; i++) {
        tests[i] = (struct CMUnitTest){.name = vectors[i].name,
                                       .test_func = signs_as_botocore_does,
                                       .initial_state = (void *)(uintptr_t)&vectors[i]};
    }
    memcpy(tests + VECTORS, stages, sizeof stages);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
