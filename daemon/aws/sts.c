/* See aws/sts.h. */
#include "aws/sts.h"

#include "aws/iot_error.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/text.h"

#define TEXT_MAX 4096 /* an ARN has at most 2048 */

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
