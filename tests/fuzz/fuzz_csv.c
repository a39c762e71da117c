/* Any bytes as CSV: records whose fields are UTF-8 and stand in order, or problems with a place; and it ends.
 */
#include "base/csv.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size;
};

/* In pieces whose size depends on what is in them. */
static ssize_t read_bytes(void *ctx, char *to, size_t room)
{
    struct bytes *bytes = ctx;
    size_t count = bytes->size > 0 ? 1 + bytes->data[0] % 7 : 0;
    count = count < bytes->size ? count : bytes->size;
    count = count < room ? count : room;
    memcpy(to, bytes->data, count);
    bytes->data += count;
    bytes->size -= count;
    return (ssize_t)count;
}

static void check_record(const struct csv *csv)
{
    if (csv->count == 0 || csv->count > CSV_FIELDS_MAX || csv->text.overflow) {
        abort();
    }
    for (size_t i = 0; i < csv->count; i++) {
        const char *text = csv_text(csv, i);
        if (!text_is_utf8(text, strlen(text)) || csv->fields[i].line < csv->line ||
            csv->fields[i].column < 1) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    static struct input input;
    struct csv csv;
    size_t records = 0;
    int result;
    input_init(&input, read_bytes, &bytes);
    csv_init(&csv, &input);
    while ((result = csv_next(&csv)) != 0) {
        if (result > 0) {
            check_record(&csv);
        } else if (csv.problem == NULL || csv.problem_line < csv.line) {
            abort();
        }
        if (++records > size + 1) {
            abort();
        }
    }
    csv_finish(&csv);
    return 0;
}
