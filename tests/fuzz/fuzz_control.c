/* Any line as a request on the control socket: refused with a sentence, or it is one that prints as a line
 * which is read as the same again. */
#include "app/control_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void read_again(const struct control_request *request)
{
    struct control_request again;
    struct err err = {ERR_NONE, ""};
    struct buf first, second;
    buf_init(&first, 16 * CONTROL_LINE_MAX);
    buf_init(&second, 16 * CONTROL_LINE_MAX);
    control_request_print(request, &first);
    require(first.length > 0 && first.data[first.length - 1] == '\n');
    require(memchr(first.data, '\n', first.length - 1) == NULL);
    require(control_request_parse(&again, first.data, first.length - 1, &err) == 0);
    control_request_print(&again, &second);
    require(strcmp(buf_string(&first), buf_string(&second)) == 0);
    control_request_finish(&again);
    buf_finish(&first);
    buf_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request request;
    struct err err = {ERR_NONE, ""};
    if (control_request_parse(&request, (const char *)data, size, &err) == 0) {
        require((request.command == CONTROL_RUN) == (request.policy_count > 0));
        require(request.policy_count <= CONTROL_POLICIES_MAX);
        read_again(&request);
    } else {
        require(err.code != ERR_NONE && err.msg[0] != '\0');
    }
    control_request_finish(&request);
    return 0;
}
