/* Any bytes as rows that a person gives, CSV or JSON: rows that name something that can exist, or errors. */
#include "app/row_reader.h"
#include "model/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size;
};

static ssize_t read_bytes(void *ctx, char *to, size_t room)
{
    struct bytes *bytes = ctx;
    size_t count = bytes->size < room ? bytes->size : room;
    memcpy(to, bytes->data, count);
    bytes->data += count;
    bytes->size -= count;
    return (ssize_t)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;
    struct bytes bytes = {data, size};
    struct diagnostics diagnostics;
    struct read_row row;
    size_t rows = 0;
    diagnostics_init(&diagnostics);
    const struct row_reader_config config = {.name = "fuzz",
                                             .job_id = size % 2 == 0 ? "job" : NULL,
                                             .account = size % 3 == 0 ? "123456789012" : NULL,
                                             .region = size % 5 == 0 ? NULL : "eu-west-1",
                                             .diagnostics = &diagnostics};
    input_init(&input, read_bytes, &bytes);
    struct row_reader *reader = row_reader_create(&config, &input);
    while (row_reader_next(reader, &row) > 0) {
        if (!job_id_valid(row.execution.job_id) || !thing_name_valid(row.execution.thing_name) ||
            row.execution.number < 0 || row.line < 1 || ++rows > size) {
            abort();
        }
    }
    row_reader_destroy(reader);
    diagnostics_finish(&diagnostics);
    return 0;
}
