/* The face of scratch space: sorting more records than memory should hold. The engine sorts through it and
 * never sees where the records are meanwhile; ledger/sorter.h has the implementation. */
#ifndef MODEL_SCRATCH_H
#define MODEL_SCRATCH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SCRATCH_RECORD_MAX 1024 /* bytes of key and value together */

struct scratch_record {
    const void *key, *value;
    size_t key_length, value_length;
};

struct sorter;

struct scratch {
    void *ctx;
    /* NULL with an error when there is no room to begin with. */
    struct sorter *(*open)(void *ctx, struct err *err);
    /* Copies the record. -1 when it cannot be kept: then nothing that comes back may be relied on. */
    int (*add)(struct sorter *sorter, const struct scratch_record *record, struct err *err);
    /* After the last add: the next record in the order of the keys' bytes (a key that another begins with
     * comes first; equal keys in any order), valid until the next call. 1, or 0 behind the last, or -1. */
    int (*next)(struct sorter *sorter, struct scratch_record *record, struct err *err);
    void (*close)(struct sorter *sorter); /* takes NULL */
};

#endif
