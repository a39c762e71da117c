/* See app/exposition.h. */
#include "app/exposition.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const KINDS[] = {
    [EXPOSITION_COUNTER] = "counter", [EXPOSITION_GAUGE] = "gauge", [EXPOSITION_HISTOGRAM] = "histogram"};

void exposition_family(struct buf *out, enum exposition_kind kind, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, KINDS[kind]);
}

static void put_value(struct buf *out, const char *value)
{
    size_t left = strlen(value);
    while (left > 0) {
        uint32_t code;
        size_t size = text_utf8_next(value, left, &code);
        if (size == 0) {
            buf_text(out, "\xef\xbf\xbd");
            size = 1;
        } else if (code == '\n') {
            buf_text(out, "\\n");
        } else {
            buf_text(out, code == '"' || code == '\\' ? "\\" : "");
            buf_append(out, value, size);
        }
        value += size;
        left -= size;
    }
}

static void put_name(struct buf *out, const char *name, const struct exposition_label *labels)
{
    buf_text(out, name);
    bool some = labels != NULL && labels->name != NULL;
    for (size_t i = 0; some && labels[i].name != NULL; i++) {
        buf_printf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
        put_value(out, labels[i].value);
        buf_char(out, '"');
    }
    buf_text(out, some ? "} " : " ");
}

void exposition_integer(struct buf *out, const char *name, const struct exposition_label *labels,
                        int64_t value)
{
    put_name(out, name, labels);
    buf_printf(out, "%" PRId64 "\n", value);
}

void exposition_thousandths(struct buf *out, const char *name, const struct exposition_label *labels,
                            int64_t value)
{
    put_name(out, name, labels);
    buf_printf(out, "%s%lld.%03lld\n", value < 0 ? "-" : "", llabs(value / 1000), llabs(value % 1000));
}
