/* Any bytes as JSON: taken or refused, and every value of what was taken can be read. */
#include "aws/json.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(void *ctx, const char *key, const struct json_value *value)
{
    int64_t number;
    bool truth;
    (void)key;

    if (json_int64(value, &number) && json_number(value) == NULL) {
        abort();
    }
    json_string(value);
    json_number(value);
    json_truth(value, &truth);
    for (size_t i = 0; i < json_count(value); i++) {
        walk(ctx, "", json_at(value, i));
    }
    json_members(value, walk, ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {ERR_NONE, ""};
    struct json_doc *doc = json_parse((const char *)data, size, &err);

    if (doc != NULL) {
        walk(NULL, "", json_root(doc));
    } else if (err.code != ERR_SYNTAX && err.code != ERR_TOO_BIG) {
        abort();
    }
    json_free(doc);
    return 0;
}
