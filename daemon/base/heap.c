/* See base/heap.h. */
#include "base/heap.h"

#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void heap_free(void *memory)
{
    if (memory != NULL) {
        mem_wipe(memory, malloc_usable_size(memory));
    }
    free(memory);
}

void *heap_realloc(void *memory, size_t size)
{
    size_t had = memory != NULL ? malloc_usable_size(memory) : 0;
    if (memory != NULL && size <= had) {
        return memory;
    }
    void *grown = mem_alloc(size);
    if (memory != NULL) {
        memcpy(grown, memory, had);
        heap_free(memory);
    }
    return grown;
}
