/* Prometheus' text format, version 0.0.4: families, samples, labels. Pure. */
#ifndef APP_EXPOSITION_H
#define APP_EXPOSITION_H

#include "base/buf.h"

#include <stdint.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_kind { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct exposition_label {
    const char *name, *value; /* any text; bytes that are no UTF-8 become U+FFFD */
};

/* Its HELP and TYPE lines; the samples of the family follow. name and help are plain words of ours. */
void exposition_family(struct buf *out, enum exposition_kind kind, const char *name, const char *help);
/* labels: up to the first without a name; NULL: none. */
void exposition_integer(struct buf *out, const char *name, const struct exposition_label *labels,
                        int64_t value);
/* A value in thousandths, such as milliseconds for a family in seconds. */
void exposition_thousandths(struct buf *out, const char *name, const struct exposition_label *labels,
                            int64_t value);

#endif
