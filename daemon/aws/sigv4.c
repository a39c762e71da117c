/* See aws/sigv4.h. What AWS's own text leaves open is done as its test suite and botocore do it. */
#include "aws/sigv4.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX                128          /* headers, and query parameters */
#define CANONICAL_MAX_BYTES      (256 * 1024) /* more than any service takes */
#define DATE_LENGTH              8            /* the day in an X-Amz-Date */
#define STRING_TO_SIGN_MAX_BYTES 512

const char SIGV4_EMPTY_SHA256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";
static const char TERMINATOR[] = "aws4_request"; /* of a scope, and of the keys' derivation */
static const char WHITE_SPACE[] = " \t\n\v\f\r";

static void append_all(struct buf *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_text(out, texts[i]);
    }
}

/* --- percent-encoding ---------------------------------------------------------------------------------- */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode_byte(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
    buf_append(out, escape, sizeof escape);
}

static void encode(struct buf *out, const char *text, size_t length, bool keep_slash)
{
    size_t run = 0; /* bytes before text[i] that go as they are */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_unreserved(c) || (c == '/' && keep_slash)) {
            run++;
            continue;
        }
        buf_append(out, text + i - run, run);
        encode_byte(out, c);
        run = 0;
    }
    buf_append(out, text + length - run, run);
}

void sigv4_uri_encode(struct buf *out, const char *text, bool keep_slash)
{
    encode(out, text, strlen(text), keep_slash);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends what is percent-encoded in any manner in the canonical manner. A '+' is a plus sign. */
static void encode_again(struct buf *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%' && i + 2 < length && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            c = (unsigned char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        }
        if (is_unreserved(c)) {
            buf_char(out, (char)c);
        } else {
            encode_byte(out, c);
        }
    }
}

/* --- names and values, sorted -------------------------------------------------------------------------- */

/* Headers or query parameters in their canonical form. */
struct part {
    size_t name, value; /* where they begin in parts.text; each ends with a NUL */
};

struct parts {
    struct buf text;
    size_t count;
    struct part part[PARTS_MAX];
};

static const char *name_of(const struct parts *parts, size_t i)
{
    return parts->text.data + parts->part[i].name;
}

static const char *value_of(const struct parts *parts, size_t i)
{
    return parts->text.data + parts->part[i].value;
}

static void init_parts(struct parts *parts)
{
    buf_init_secret(&parts->text, CANONICAL_MAX_BYTES); /* a session token is among the headers */
    parts->count = 0;
}

static void finish_parts(struct parts *parts)
{
    buf_finish(&parts->text);
}

/* The part whose name is appended to parts.text next; NULL when there are too many. */
static struct part *next_part(struct parts *parts)
{
    if (parts->count == PARTS_MAX) {
        return NULL;
    }
    struct part *part = &parts->part[parts->count++];
    part->name = parts->text.length;
    return part;
}

static void end_text(struct parts *parts)
{
    buf_char(&parts->text, '\0');
}

static int by_name(const struct parts *parts, struct part a, struct part b)
{
    return strcmp(parts->text.data + a.name, parts->text.data + b.name);
}

static int by_name_and_value(const struct parts *parts, struct part a, struct part b)
{
    int order = by_name(parts, a, b);
    return order != 0 ? order : strcmp(parts->text.data + a.value, parts->text.data + b.value);
}

/* Insertion: stable, which repeated headers need, and quickest for the two to four parts that are usual. */
static void sort(struct parts *parts, int (*order)(const struct parts *, struct part, struct part))
{
    for (size_t i = 1; i < parts->count; i++) {
        struct part moving = parts->part[i];
        size_t at = i;
        for (; at > 0 && order(parts, parts->part[at - 1], moving) > 0; at--) {
            parts->part[at] = parts->part[at - 1];
        }
        parts->part[at] = moving;
    }
}

/* --- the canonical request ----------------------------------------------------------------------------- */

static void drop_last_segment(struct buf *out, size_t root)
{
    while (out->length > root && out->data[--out->length] != '/') {
    }
    if (out->data != NULL) {
        out->data[out->length] = '\0';
    }
}

/* Appends path without "." and ".." (RFC 3986 5.2.4) and with single slashes, encoded once more. */
static void append_normal_path(struct buf *out, const char *path)
{
    size_t root = out->length;
    const char *at = path + strspn(path, "/");
    while (*at != '\0') {
        size_t length = strcspn(at, "/");
        if (length == 2 && memcmp(at, "..", 2) == 0) {
            drop_last_segment(out, root);
        } else if (length != 1 || *at != '.') {
            buf_char(out, '/');
            encode(out, at, length, false);
        }
        at += length;
        at += strspn(at, "/");
    }
    if (out->length == root || (at > path && at[-1] == '/')) {
        buf_char(out, '/');
    }
}

static void append_path(struct buf *canonical, const struct sigv4_request *request)
{
    if (request->keep_path && request->path[0] != '\0') {
        sigv4_uri_encode(canonical, request->path, true);
    } else {
        append_normal_path(canonical, request->path);
    }
    buf_char(canonical, '\n');
}

static int take_query(struct parts *parts, const char *query, struct err *err)
{
    const char *at = query;
    while (true) {
        size_t length = strcspn(at, "&");
        size_t name_length = strcspn(at, "=&");
        size_t value_at = name_length < length ? name_length + 1 : length;
        struct part *part = next_part(parts);
        if (part == NULL) {
            return err_set(err, ERR_TOO_BIG, "the query to sign has more than %d parameters", PARTS_MAX);
        }
        encode_again(&parts->text, at, name_length);
        end_text(parts);
        part->value = parts->text.length;
        encode_again(&parts->text, at + value_at, length - value_at);
        end_text(parts);
        if (at[length] == '\0') {
            return 0;
        }
        at += length + 1;
    }
}

static int append_query(struct buf *canonical, const char *query, struct err *err)
{
    if (query == NULL || query[0] == '\0') {
        buf_char(canonical, '\n');
        return 0;
    }
    struct parts parts;
    init_parts(&parts);
    int result = take_query(&parts, query, err);
    if (result == 0) {
        sort(&parts, by_name_and_value);
        for (size_t i = 0; i < parts.count; i++) {
            buf_text(canonical, i > 0 ? "&" : "");
            buf_text(canonical, name_of(&parts, i));
            buf_char(canonical, '=');
            buf_text(canonical, value_of(&parts, i));
        }
        buf_char(canonical, '\n');
        canonical->overflow |= parts.text.overflow;
    }
    finish_parts(&parts);
    return result;
}

static void append_lower(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        buf_char(out, *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name);
    }
}

/* Trimmed, and with one space for every run of white space. */
static void append_value(struct buf *out, const char *value)
{
    value += strspn(value, WHITE_SPACE);
    while (*value != '\0') {
        size_t word = strcspn(value, WHITE_SPACE);
        buf_append(out, value, word);
        value += word;
        value += strspn(value, WHITE_SPACE);
        buf_text(out, *value != '\0' ? " " : "");
    }
}

static int take_headers(struct parts *parts, const struct sigv4_request *request, struct err *err)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct part *part = next_part(parts);
        if (part == NULL) {
            return err_set(err, ERR_TOO_BIG, "the request to sign has more than %d headers", PARTS_MAX);
        }
        append_lower(&parts->text, request->headers[i].name);
        end_text(parts);
        part->value = parts->text.length;
        append_value(&parts->text, request->headers[i].value);
        end_text(parts);
    }
    return 0;
}

static bool repeats(const struct parts *parts, size_t i)
{
    return i > 0 && strcmp(name_of(parts, i), name_of(parts, i - 1)) == 0;
}

static void append_header_lines(struct buf *canonical, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (repeats(parts, i)) {
            buf_char(canonical, ',');
        } else {
            buf_text(canonical, i > 0 ? "\n" : "");
            buf_text(canonical, name_of(parts, i));
            buf_char(canonical, ':');
        }
        buf_text(canonical, value_of(parts, i));
    }
    buf_text(canonical, "\n\n");
}

static void append_header_names(struct buf *out, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (!repeats(parts, i)) {
            buf_text(out, i > 0 ? ";" : "");
            buf_text(out, name_of(parts, i));
        }
    }
}

static int append_headers(struct buf *canonical, struct buf *signed_headers,
                          const struct sigv4_request *request, struct err *err)
{
    struct parts parts;
    init_parts(&parts);
    int result = take_headers(&parts, request, err);
    if (result == 0) {
        sort(&parts, by_name);
        append_header_lines(canonical, &parts);
        append_header_names(canonical, &parts);
        buf_char(canonical, '\n');
        if (signed_headers != NULL) {
            append_header_names(signed_headers, &parts);
        }
        canonical->overflow |= parts.text.overflow;
    }
    finish_parts(&parts);
    return result;
}

int sigv4_canonical_request(const struct sigv4_request *request, struct buf *canonical,
                            struct buf *signed_headers, struct err *err)
{
    buf_text(canonical, request->method);
    buf_char(canonical, '\n');
    append_path(canonical, request);
    if (append_query(canonical, request->query, err) != 0 ||
        append_headers(canonical, signed_headers, request, err) != 0) {
        return -1;
    }
    buf_text(canonical, request->payload_sha256);
    if (canonical->overflow || (signed_headers != NULL && signed_headers->overflow)) {
        return err_set(err, ERR_TOO_BIG, "the request to sign is longer than %zu bytes", canonical->max);
    }
    return 0;
}

/* --- the signing key ----------------------------------------------------------------------------------- */

static bool write_scope(char scope[SIGV4_SCOPE_MAX], const char amz_date[17], const char *region,
                        const char *service)
{
    int length =
        snprintf(scope, SIGV4_SCOPE_MAX, "%.*s/%s/%s/aws4_request", DATE_LENGTH, amz_date, region, service);
    return length > 0 && length < SIGV4_SCOPE_MAX;
}

static bool is_amz_date(const char amz_date[17])
{
    return strlen(amz_date) == 16 && strspn(amz_date, "0123456789") == DATE_LENGTH &&
           amz_date[DATE_LENGTH] == 'T' && strspn(amz_date + DATE_LENGTH + 1, "0123456789") == 6 &&
           amz_date[15] == 'Z';
}

static void derive(struct sigv4_key *key, const char *amz_date, const char *region, const char *service)
{
    char first[4 + SIGV4_SECRET_KEY_MAX + 1];
    int length = snprintf(first, sizeof first, "AWS4%s", key->secret_key);
    crypto_hmac_sha256(first, (size_t)length, amz_date, DATE_LENGTH, key->key);
    mem_wipe(first, sizeof first);
    crypto_hmac_sha256(key->key, sizeof key->key, region, strlen(region), key->key);
    crypto_hmac_sha256(key->key, sizeof key->key, service, strlen(service), key->key);
    crypto_hmac_sha256(key->key, sizeof key->key, TERMINATOR, sizeof TERMINATOR - 1, key->key);
}

int sigv4_key_init(struct sigv4_key *key, const char *access_key, const char *secret_key,
                   const char amz_date[17], const char *region, const char *service, struct err *err)
{
    if (!is_amz_date(amz_date)) {
        return err_set(err, ERR_INVALID, "the time to sign with is not of the form 20261124T031500Z");
    }
    if (!write_scope(key->scope, amz_date, region, service)) {
        return err_set(err, ERR_TOO_BIG, "region and service are too long to sign with");
    }
    if (!text_copy(key->access_key, sizeof key->access_key, access_key) ||
        !text_copy(key->secret_key, sizeof key->secret_key, secret_key)) {
        sigv4_key_wipe(key);
        return err_set(err, ERR_TOO_BIG,
                       "the access key has more than %d bytes, or the secret key more than %d",
                       SIGV4_ACCESS_KEY_MAX, SIGV4_SECRET_KEY_MAX);
    }
    derive(key, amz_date, region, service);
    return 0;
}

/* Whether text begins with word and goes on with '/'; moves text behind that. */
static bool take_part(const char **text, const char *word, size_t length)
{
    if (strncmp(*text, word, length) != 0 || (*text)[length] != '/') {
        return false;
    }
    *text += length + 1;
    return true;
}

/* Of every request: compares in place, because writing the scope anew costs a quarter of a signature. */
bool sigv4_key_fits(const struct sigv4_key *key, const char *access_key, const char *secret_key,
                    const char amz_date[17], const char *region, const char *service)
{
    const char *rest = key->scope;
    return strcmp(key->access_key, access_key) == 0 && strcmp(key->secret_key, secret_key) == 0 &&
           take_part(&rest, amz_date, DATE_LENGTH) && take_part(&rest, region, strlen(region)) &&
           take_part(&rest, service, strlen(service)) && strcmp(rest, TERMINATOR) == 0;
}

void sigv4_key_wipe(struct sigv4_key *key)
{
    mem_wipe(key, sizeof *key);
    crypto_forget();
}

/* --- the signature ------------------------------------------------------------------------------------- */

void sigv4_string_to_sign(const char amz_date[17], const char *scope, const char *canonical, size_t length,
                          struct buf *out)
{
    char hash[2 * CRYPTO_SHA256_BYTES + 1];
    crypto_sha256_hex(canonical, length, hash);
    const char *lines[] = {ALGORITHM, "\n", amz_date, "\n", scope, "\n", hash};
    append_all(out, lines, sizeof lines / sizeof *lines);
}

void sigv4_signature(const struct sigv4_key *key, const char *string_to_sign, size_t length, char hex[65])
{
    uint8_t signature[CRYPTO_SHA256_BYTES];
    crypto_hmac_sha256(key->key, sizeof key->key, string_to_sign, length, signature);
    crypto_hex(signature, sizeof signature, hex);
}

static bool is_dated(const struct sigv4_request *request, const char amz_date[17])
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "x-amz-date") == 0) {
            return strcmp(request->headers[i].value, amz_date) == 0;
        }
    }
    return false;
}

int sigv4_authorization(const struct sigv4_key *key, const struct sigv4_request *request,
                        const char amz_date[17], struct buf *authorization, struct err *err)
{
    if (!is_dated(request, amz_date) || strncmp(key->scope, amz_date, DATE_LENGTH) != 0) {
        return err_set(err, ERR_INTERNAL, "x-amz-date, the signing key and the time to sign with differ");
    }
    struct buf canonical, names, text;
    buf_init_secret(&canonical, CANONICAL_MAX_BYTES);
    buf_init(&names, CANONICAL_MAX_BYTES);
    buf_init(&text, STRING_TO_SIGN_MAX_BYTES);
    int result = sigv4_canonical_request(request, &canonical, &names, err);
    if (result == 0) {
        char signature[2 * CRYPTO_SHA256_BYTES + 1];
        sigv4_string_to_sign(amz_date, key->scope, canonical.data, canonical.length, &text);
        sigv4_signature(key, text.data, text.length, signature);
        const char *value[] = {ALGORITHM,          " Credential=",     key->access_key, "/",      key->scope,
                               ", SignedHeaders=", buf_string(&names), ", Signature=",  signature};
        append_all(authorization, value, sizeof value / sizeof *value);
    }
    if (result == 0 && authorization->overflow) {
        result = err_set(err, ERR_TOO_BIG, "the Authorization header is longer than %zu bytes",
                         authorization->max);
    }
    buf_finish(&canonical);
    buf_finish(&names);
    buf_finish(&text);
    return result;
}
