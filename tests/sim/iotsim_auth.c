/* The service's side of AWS Signature Version 4: takes the Authorization header apart, makes the signature of
 * what came in and compares. Codes and wording as AWS's front ends use them; STS has older codes. */
#include "sim/iotsim.h"

#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_EARLY_MS     (5 * TIME_MS_PER_MINUTE)
#define CANONICAL_MAX    (256 * 1024)
#define SIGNED_NAMES_MAX 2048
#define ALGORITHM        "AWS4-HMAC-SHA256 "

enum failure { MISSING, INCOMPLETE, UNKNOWN_KEY, BAD_SIGNATURE, EXPIRED };

static const struct {
    int status;
    const char *iot, *sts;
} codes[] = {
    [MISSING] = {403, "MissingAuthenticationTokenException", "MissingAuthenticationToken"},
    [INCOMPLETE] = {403, "IncompleteSignatureException", "IncompleteSignature"},
    [UNKNOWN_KEY] = {403, "UnrecognizedClientException", "InvalidClientTokenId"},
    [BAD_SIGNATURE] = {403, "InvalidSignatureException", "SignatureDoesNotMatch"},
    [EXPIRED] = {403, "ExpiredTokenException", "ExpiredToken"},
};

/* What the header says: "AWS4-HMAC-SHA256 Credential=AK/DAY/REGION/SERVICE/aws4_request, SignedHeaders=a;b,
 * Signature=HEX". */
struct authorization {
    char access_key[SIGV4_ACCESS_KEY_MAX + 1];
    char scope[SIGV4_SCOPE_MAX];
    char day[9], region[64], service[64], last[32];
    char signed_names[SIGNED_NAMES_MAX];
    char signature[65];
};

struct check {
    struct iotsim *sim;
    const struct iotsim_request *request;
    struct iotsim_reply *reply;
    bool sts;
    struct authorization authorization;
    struct iotsim_key *key;
    struct iotsim_place *place;
    char amz_date[17];
};

static bool fail(const struct check *check, enum failure failure, const char *message)
{
    check->sim->signature_failures += failure != EXPIRED;
    iotsim_refuse(check->reply, codes[failure].status, check->sts ? codes[failure].sts : codes[failure].iot,
                  "%s", message);
    return false;
}

/* --- taking it apart --- */

/* The text behind `name` up to a comma or the end. */
static bool take(const char *header, const char *name, char *out, size_t size)
{
    const char *found = strstr(header, name);
    if (!found) {
        return false;
    }
    found += strlen(name);
    size_t length = strcspn(found, ", ");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(out, found, length);
    out[length] = '\0';
    return true;
}

static bool take_apart(const char *header, struct authorization *authorization)
{
    char credential[SIGV4_ACCESS_KEY_MAX + SIGV4_SCOPE_MAX];
    if (strncmp(header, ALGORITHM, strlen(ALGORITHM)) != 0 ||
        !take(header, "Credential=", credential, sizeof credential) ||
        !take(header, "SignedHeaders=", authorization->signed_names, sizeof authorization->signed_names) ||
        !take(header, "Signature=", authorization->signature, sizeof authorization->signature)) {
        return false;
    }
    char *slash = strchr(credential, '/');
    if (!slash) {
        return false;
    }
    *slash = '\0';
    return text_copy(authorization->access_key, sizeof authorization->access_key, credential) &&
           text_copy(authorization->scope, sizeof authorization->scope, slash + 1) &&
           sscanf(slash + 1, "%8[0-9]/%63[^/]/%63[^/]/%31s", authorization->day, authorization->region,
                  authorization->service, authorization->last) == 4;
}

/* "20261124T031500Z" */
static bool read_date(const char *text, int64_t *ms)
{
    struct time_civil civil = {0};
    char rest[2] = "";
    if (!text || strlen(text) != 16 ||
        sscanf(text, "%4d%2d%2dT%2d%2d%2d%1[Z]", &civil.year, &civil.month, &civil.day, &civil.hour,
               &civil.minute, &civil.second, rest) != 7) {
        return false;
    }
    *ms = time_from_civil(&civil);
    return true;
}

/* --- the checks, in the order in which they happen --- */

static bool present(struct check *check)
{
    const char *header = iotsim_header(check->request, "authorization");
    if (!header) {
        return fail(check, MISSING, "Missing Authentication Token");
    }
    if (!take_apart(header, &check->authorization)) {
        return fail(check, INCOMPLETE, "Authorization header is not a complete AWS4-HMAC-SHA256 signature.");
    }
    return true;
}

static bool known(struct check *check)
{
    const char *token = iotsim_header(check->request, "x-amz-security-token");
    check->key = iotsim_key_find(&check->sim->world, check->authorization.access_key);
    if (!check->key || strcmp(token ? token : "", check->key->token) != 0) {
        return fail(check, UNKNOWN_KEY, "The security token included in the request is invalid.");
    }
    return true;
}

static bool scoped(struct check *check, int64_t now_ms)
{
    const struct authorization *authorization = &check->authorization;
    const char *services = check->sts                            ? "sts"
                           : iotsim_route_quotas(check->request) ? "servicequotas"
                                                                 : "iot,execute-api";
    if (!fault_listed(services, authorization->service) || strcmp(authorization->last, "aws4_request") != 0) {
        return fail(check, BAD_SIGNATURE, "Credential should be scoped to correct service.");
    }
    check->place = iotsim_place_find(&check->sim->world, check->key->account, authorization->region, now_ms);
    if (!check->place) {
        return fail(check, BAD_SIGNATURE, "Credential should be scoped to a valid region.");
    }
    return true;
}

static bool timely(struct check *check, int64_t now_ms)
{
    char now[17], message[160];
    int64_t signed_ms;
    const char *date = iotsim_header(check->request, "x-amz-date");
    if (!read_date(date, &signed_ms) || strncmp(date, check->authorization.day, 8) != 0) {
        return fail(check, INCOMPLETE, "Date in Credential scope does not match X-Amz-Date.");
    }
    int64_t life_ms = check->sim->options->signature_life_s * TIME_MS_PER_SECOND;
    text_copy(check->amz_date, sizeof check->amz_date, date);
    time_amz(now_ms, now);
    if (signed_ms >= now_ms - life_ms && signed_ms <= now_ms + MAX_EARLY_MS) {
        return true;
    }
    bool early = signed_ms > now_ms;
    char limit[48] = "5 min.";
    if (!early && life_ms != MAX_EARLY_MS) {
        time_duration(life_ms, limit);
    }
    snprintf(message, sizeof message,
             early ? "Signature not yet current: %s is still later than %s (+ %s)"
                   : "Signature expired: %s is now earlier than %s (- %s)",
             date, now, limit);
    return fail(check, BAD_SIGNATURE, message);
}

/* host and x-amz-date must be signed, and a token too. */
static bool covered(struct check *check)
{
    char names[SIGNED_NAMES_MAX + 2];
    snprintf(names, sizeof names, "%s", check->authorization.signed_names);
    for (char *c = names; *c; c++) {
        if (*c == ';') {
            *c = ',';
        }
    }
    if (fault_listed(names, "host") && fault_listed(names, "x-amz-date") &&
        (!check->key->token[0] || fault_listed(names, "x-amz-security-token"))) {
        return true;
    }
    return fail(check, BAD_SIGNATURE, "'Host', 'X-Amz-Date' and a token must be signed headers.");
}

/* --- the signature --- */

/* All headers of the names that were signed, in the order of arrival. False when one of them did not come. */
static bool gather(const struct check *check, struct sigv4_header *headers, size_t *count)
{
    const struct iotsim_request *request = check->request;
    char names[SIGNED_NAMES_MAX], *rest = names;
    text_copy(names, sizeof names, check->authorization.signed_names);
    *count = 0;
    for (char *name = strtok_r(names, ";", &rest); name; name = strtok_r(NULL, ";", &rest)) {
        size_t before = *count;
        for (size_t i = 0; i < request->header_count && *count < IOTSIM_HEADERS_MAX; i++) {
            if (strcasecmp(request->headers[i].name, name) == 0) {
                headers[(*count)++] =
                    (struct sigv4_header){request->headers[i].name, request->headers[i].value};
            }
        }
        if (*count == before) {
            return false;
        }
    }
    return true;
}

static bool sign(const struct check *check, const struct sigv4_request *request, char signature[65])
{
    struct err err;
    struct buf canonical, signed_names, string;
    struct sigv4_key *key = &check->key->signing;
    const struct authorization *authorization = &check->authorization;
    bool done = false;
    buf_init(&canonical, CANONICAL_MAX);
    buf_init(&signed_names, SIGNED_NAMES_MAX);
    buf_init(&string, CANONICAL_MAX);
    if (!sigv4_key_fits(key, authorization->access_key, check->key->secret_key, check->amz_date,
                        authorization->region, authorization->service) &&
        sigv4_key_init(key, authorization->access_key, check->key->secret_key, check->amz_date,
                       authorization->region, authorization->service, &err) < 0) {
        goto out;
    }
    if (sigv4_canonical_request(request, &canonical, &signed_names, &err) < 0 ||
        strcmp(buf_string(&signed_names), authorization->signed_names) != 0) {
        goto out;
    }
    sigv4_string_to_sign(check->amz_date, authorization->scope, canonical.data, canonical.length, &string);
    sigv4_signature(key, string.data, string.length, signature);
    done = true;
out:
    buf_finish(&canonical);
    buf_finish(&signed_names);
    buf_finish(&string);
    return done;
}

static bool matching(struct check *check)
{
    static const char mismatch[] =
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret "
        "Access Key and signing method. Consult the service documentation for details.";
    const struct iotsim_request *request = check->request;
    struct sigv4_header headers[IOTSIM_HEADERS_MAX];
    char payload[65], path[8192], signature[65];
    struct sigv4_request canonical = {
        .method = request->method, .headers = headers, .payload_sha256 = payload};
    const char *claimed = iotsim_header(request, "x-amz-content-sha256");
    size_t path_length = strcspn(request->target, "?");
    if (path_length >= sizeof path || !gather(check, headers, &canonical.header_count)) {
        return fail(check, BAD_SIGNATURE, mismatch);
    }
    memcpy(path, request->target, path_length);
    path[path_length] = '\0';
    canonical.path = path;
    canonical.query = request->target[path_length] ? request->target + path_length + 1 : NULL;
    crypto_sha256_hex(buf_string(&request->body), request->body.length, payload);
    if ((claimed && strcmp(claimed, payload) != 0) || !sign(check, &canonical, signature) ||
        strlen(check->authorization.signature) != 64 ||
        !crypto_equal(signature, check->authorization.signature, 64)) {
        return fail(check, BAD_SIGNATURE, mismatch);
    }
    return true;
}

/* Last, because only who has the key learns that it has ended. */
static bool alive(struct check *check, int64_t now_ms)
{
    if (check->key->expires_ms == 0 || now_ms < check->key->expires_ms) {
        return true;
    }
    return fail(check, EXPIRED, "The security token included in the request is expired");
}

bool iotsim_authentic(struct iotsim *sim, const struct iotsim_request *request, bool sts, int64_t now_ms,
                      struct iotsim_key **caller, struct iotsim_place **place, struct iotsim_reply *reply)
{
    struct check check = {.sim = sim, .request = request, .reply = reply, .sts = sts};
    bool authentic = present(&check) && known(&check) && scoped(&check, now_ms) && timely(&check, now_ms) &&
                     covered(&check) && matching(&check) && alive(&check, now_ms);
    *caller = check.key;
    *place = check.place;
    return authentic;
}
