/* Sorting through a temporary file that has no name: nothing of it is left behind, however the process ends.
 * Memory stays at what is given, whatever is sorted, up to some gigabytes. */
#ifndef LEDGER_SORTER_H
#define LEDGER_SORTER_H

#include "model/scratch.h"

#define SORTER_MEMORY_BYTES (8u * 1024 * 1024)

struct sorter_place {
    const char *folder;  /* outlives the sorters; must be on a disk that has the room */
    size_t memory_bytes; /* of each sorter, at least 16 KiB; SORTER_MEMORY_BYTES */
};

/* Fills the table. The file is made with the first record that memory does not hold. */
void sorter_scratch(struct scratch *scratch, struct sorter_place *place);

#endif
