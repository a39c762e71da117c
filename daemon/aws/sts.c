/* See aws/sts.h. */
#include "aws/sts.h"

#include "aws/iot_error.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>

#define TEXT_MAX  4096 /* an ARN has at most 2048 */
#define TOKEN_MAX ((size_t)64 * 1024)

const char STS_GET_CALLER_IDENTITY[] = "Action=GetCallerIdentity&Version=2011-06-15";

int sts_identity_read(struct call *call, const char *xml, size_t length, struct err *err)
{
    struct buf account, arn;
    int result = -1;

    buf_init(&account, TEXT_MAX);
    buf_init(&arn, TEXT_MAX);
    if (xml_text(xml, length, "GetCallerIdentityResponse/GetCallerIdentityResult/Account", &account, err) ||
        xml_text(xml, length, "GetCallerIdentityResponse/GetCallerIdentityResult/Arn", &arn, err)) {
        goto out;
    }
    if (!account_id_valid(buf_string(&account))) {
        err_set(err, ERR_SYNTAX, "the account that STS names is not twelve digits");
        goto out;
    }
    text_copy(call->account, sizeof(call->account), buf_string(&account));
    text_copy(call->arn, sizeof(call->arn), buf_string(&arn));
    result = 0;
out:
    buf_finish(&account);
    buf_finish(&arn);
    return result;
}

void sts_error_read(struct answer *answer, const char *xml, size_t length)
{
    struct buf text;
    struct err ignored; /* an answer that is no such XML tells nothing, which is no error here */

    answer->code[0] = '\0';
    answer->message[0] = '\0';
    buf_init(&text, TEXT_MAX);
    if (!xml_text(xml, length, "ErrorResponse/Error/Code", &text, &ignored) &&
        text.length < sizeof(answer->code) && iot_error_code_valid(buf_string(&text))) {
        text_copy(answer->code, sizeof(answer->code), buf_string(&text));
    }
    buf_reset(&text);
    if (!xml_text(xml, length, "ErrorResponse/Error/Message", &text, &ignored)) {
        text_copy(answer->message, sizeof(answer->message), buf_string(&text));
    }
    buf_finish(&text);
}

static void add_parameter(struct buf *form, const char *name, const char *value)
{
    if (value != NULL) {
        buf_printf(form, "&%s=", name);
        sigv4_uri_encode(form, value, false);
    }
}

void sts_role_form(const struct sts_role *role, struct buf *form)
{
    const bool web_identity = role->web_identity_token != NULL;
    char duration[24];
    buf_text(form, web_identity ? "Action=AssumeRoleWithWebIdentity" : "Action=AssumeRole");
    buf_text(form, "&Version=2011-06-15");
    add_parameter(form, "RoleArn", role->role_arn);
    add_parameter(form, "RoleSessionName", role->session_name);
    add_parameter(form, "ExternalId", web_identity ? NULL : role->external_id);
    add_parameter(form, "SerialNumber", web_identity ? NULL : role->mfa_serial);
    add_parameter(form, "TokenCode", web_identity ? NULL : role->token_code);
    add_parameter(form, "Policy", role->policy);
    if (role->duration_s > 0) {
        snprintf(duration, sizeof(duration), "%lld", (long long)role->duration_s);
        add_parameter(form, "DurationSeconds", duration);
    }
    add_parameter(form, "WebIdentityToken", role->web_identity_token);
}

int sts_role_read(struct sts_role_answer *answer, bool web_identity, const char *xml, size_t length,
                  struct err *err)
{
    static const char *const names[4] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
    const char *action = web_identity ? "AssumeRoleWithWebIdentity" : "AssumeRole";
    char path[160];
    int result = 0;
    for (int i = 0; i < 4; i++) {
        buf_init_secret(&answer->texts[i], TOKEN_MAX);
        snprintf(path, sizeof(path), "%sResponse/%sResult/Credentials/%s", action, action, names[i]);
        if (result == 0) {
            result = xml_text(xml, length, path, &answer->texts[i], err);
        }
    }
    return result;
}

void sts_role_answer_finish(struct sts_role_answer *answer)
{
    for (int i = 0; i < 4; i++) {
        buf_finish(&answer->texts[i]);
    }
}
