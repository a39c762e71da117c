/* Any bytes as the answer to any call. The first byte chooses the operation ('a' and on), the second the
 * status
 * ('2', '4', '5'; anything else 302); the rest is the body. What comes out keeps the rules of names. */
#include "aws/iot.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right) {
        abort();
    }
}

static void check_page(const struct call *call)
{
    const struct page *page = &call->page;

    check(page->count + page->skipped <= PAGE_MAX);
    for (size_t i = 0; i < page->count; i++) {
        if (page->jobs != NULL) {
            check(job_id_valid(page->jobs[i].job_id));
        } else if (page->things != NULL) {
            check(thing_name_valid(page->things[i]));
        } else {
            const struct job_execution *row = &page->executions[i];
            check(job_id_valid(row->job_id) && thing_name_valid(row->thing_name) && row->number > 0);
        }
    }
}

static int status_of(uint8_t choice)
{
    switch (choice) {
    case '2':
        return 200;
    case '4':
        return 404;
    case '5':
        return 503;
    default:
        return 302;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request = {.sent = HTTP_MAYBE_SENT};
    struct call call;

    if (size < 2) {
        return 0;
    }
    call_init(&call, (enum operation)((uint8_t)(data[0] - 'a') % OPERATION_COUNT));
    text_copy(call.job_id, sizeof(call.job_id), "fw-1");
    text_copy(call.thing_name, sizeof(call.thing_name), "gw:1");
    request.status = status_of(data[1]);
    buf_init(&request.body_in, size);
    buf_append(&request.body_in, data + 2, size - 2);

    iot_decode(&call, &request);
    check(call.answer.class == ANSWER_DONE || call.answer.code[0] != '\0');
    check_page(&call);
    if (call.operation == OPERATION_DESCRIBE_EXECUTION && call.answer.class == ANSWER_DONE) {
        check(call.execution.number > 0);
    }
    call_finish(&call);
    buf_finish(&request.body_in);
    return 0;
}
