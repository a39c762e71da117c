/* Any bytes as an answer of STS, good or bad. */
#include "aws/sts.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct call call;

    call_init(&call, OPERATION_GET_CALLER_IDENTITY);
    if (!sts_identity_read(&call, (const char *)data, size, &err) && !account_id_valid(call.account)) {
        abort();
    }
    sts_error_read(&call.answer, (const char *)data, size);
    call_finish(&call);
    return 0;
}
