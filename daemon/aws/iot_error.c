/* See aws/iot_error.h and iot_classify() of aws/iot.h. */
#include "aws/iot_error.h"

#include "aws/iot.h"
#include "aws/json.h"
#include "base/text.h"

#include <string.h>

/* --- finding it --- */

bool iot_error_code_valid(const char *code)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return code[0] && strspn(code, allowed) == strlen(code);
}

/* "com.amazonaws.iot#ThrottlingException:http://internal/" is "ThrottlingException". */
static void set_code(struct answer *answer, const char *raw)
{
    char cut[sizeof(answer->code)];
    const size_t colon = strcspn(raw, ":");
    const char *start = memrchr(raw, '#', colon);
    start = start ? start + 1 : raw;
    const size_t length = (size_t)(raw + colon - start);

    if (length >= sizeof(cut)) {
        return;
    }
    memcpy(cut, start, length);
    cut[length] = '\0';
    if (iot_error_code_valid(cut)) {
        text_copy(answer->code, sizeof(answer->code), cut);
    }
}

static const char *either(const struct json_value *object, const char *key, const char *other_key)
{
    const char *text = json_string(json_get(object, key));
    return text ? text : json_string(json_get(object, other_key));
}

void iot_error_read(struct answer *answer, const struct http_request *request)
{
    struct err ignored; /* a body that is no JSON tells nothing, which is no error here */
    struct json_doc *doc = json_parse(buf_string(&request->body_in), request->body_in.length, &ignored);
    const struct json_value *body = doc ? json_root(doc) : NULL;
    const char *code = request->error_type[0] ? request->error_type : either(body, "code", "Code");
    const char *message = either(body, "message", "Message");

    answer->code[0] = '\0';
    answer->message[0] = '\0';
    if (!code) {
        code = json_string(json_get(body, "__type"));
    }
    if (code) {
        set_code(answer, code);
    }
    if (message) {
        text_copy(answer->message, sizeof(answer->message), message);
    }
    json_free(doc);
}

/* --- what it means --- */

/* The throttling codes are those of botocore's standard retry mode. The service model of `iot` names only the
 * codes of the operations themselves; those about credentials come from AWS's front end and from STS, under
 * several spellings. */
static const struct {
    const char *code;
    enum answer_class class;
} CODES[] = {
    {"BandwidthLimitExceeded", ANSWER_THROTTLED},
    {"EC2ThrottledException", ANSWER_THROTTLED},
    {"LimitExceededException", ANSWER_THROTTLED},
    {"PriorRequestNotComplete", ANSWER_THROTTLED},
    {"ProvisionedThroughputExceededException", ANSWER_THROTTLED},
    {"RequestLimitExceeded", ANSWER_THROTTLED},
    {"RequestThrottled", ANSWER_THROTTLED},
    {"RequestThrottledException", ANSWER_THROTTLED},
    {"SlowDown", ANSWER_THROTTLED},
    {"ThrottledException", ANSWER_THROTTLED},
    {"Throttling", ANSWER_THROTTLED},
    {"ThrottlingException", ANSWER_THROTTLED},
    {"TooManyRequestsException", ANSWER_THROTTLED},
    {"TransactionInProgressException", ANSWER_THROTTLED},

    {"InternalFailure", ANSWER_AMBIGUOUS},
    {"InternalFailureException", ANSWER_AMBIGUOUS},
    {"InternalServerError", ANSWER_AMBIGUOUS},
    {"InternalServerException", ANSWER_AMBIGUOUS},
    {"RequestTimeout", ANSWER_AMBIGUOUS},
    {"RequestTimeoutException", ANSWER_AMBIGUOUS},
    {"ServiceUnavailable", ANSWER_AMBIGUOUS},
    {"ServiceUnavailableException", ANSWER_AMBIGUOUS},

    {"ExpiredToken", ANSWER_EXPIRED},
    {"ExpiredTokenException", ANSWER_EXPIRED},
    {"InvalidClientTokenId", ANSWER_EXPIRED}, /* a key that was deleted, because there is a newer one */
    {"TokenRefreshRequired", ANSWER_EXPIRED},
    {"UnrecognizedClientException", ANSWER_EXPIRED}, /* the same, from the front end */

    {"RequestExpired", ANSWER_SKEWED},
    {"RequestInTheFuture", ANSWER_SKEWED},
    {"RequestTimeTooSkewed", ANSWER_SKEWED},

    {"AccessDenied", ANSWER_DENIED},
    {"AccessDeniedException", ANSWER_DENIED},
    {"AuthFailure", ANSWER_DENIED},
    {"ForbiddenException", ANSWER_DENIED},
    {"IncompleteSignature", ANSWER_DENIED},
    {"IncompleteSignatureException", ANSWER_DENIED},
    {"InvalidSignatureException", ANSWER_DENIED},
    {"MissingAuthenticationToken", ANSWER_DENIED},
    {"MissingAuthenticationTokenException", ANSWER_DENIED},
    {"NotAuthorized", ANSWER_DENIED},
    {"OptInRequired", ANSWER_DENIED},
    {"RegionDisabledException", ANSWER_DENIED},
    {"SignatureDoesNotMatch", ANSWER_DENIED},
    {"UnauthorizedException", ANSWER_DENIED},

    {"NoSuchResourceException", ANSWER_GONE}, /* of Service Quotas */
    {"ResourceNotFoundException", ANSWER_GONE},
    {"InvalidStateTransitionException", ANSWER_STATE},
};

static enum answer_class classify_status(int http_status)
{
    if (http_status == 429) {
        return ANSWER_THROTTLED;
    }
    if (http_status == 401 || http_status == 403) {
        return ANSWER_DENIED;
    }
    return ANSWER_INVALID;
}

enum answer_class iot_classify(const char *code, int http_status)
{
    enum answer_class class = classify_status(http_status);

    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (strcmp(code, CODES[i].code) == 0) {
            class = CODES[i].class;
        }
    }
    /* A fault of the service may come after the work was done, whatever its code says; only a refusal for the
     * rate is made before any work. */
    return http_status >= 500 && class != ANSWER_THROTTLED ? ANSWER_AMBIGUOUS : class;
}
