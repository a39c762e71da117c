/* See sim/heap.h. */
#include "sim/heap.h"

#include "base/mem.h"

#include <stdlib.h>

bool heap_earlier(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void put(struct heap *heap, size_t slot, struct heap_entry *entry)
{
    heap->items[slot] = entry;
    entry->slot = slot;
}

static void sift_up(struct heap *heap, struct heap_entry *entry)
{
    size_t slot = entry->slot;
    while (slot > 0 && heap_earlier(entry, heap->items[(slot - 1) / 2])) {
        put(heap, slot, heap->items[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    put(heap, slot, entry);
}

static void sift_down(struct heap *heap, struct heap_entry *entry)
{
    size_t slot = entry->slot;
    for (;;) {
        size_t child = 2 * slot + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && heap_earlier(heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!heap_earlier(heap->items[child], entry)) {
            break;
        }
        put(heap, slot, heap->items[child]);
        slot = child;
    }
    put(heap, slot, entry);
}

void heap_put(struct heap *heap, struct heap_entry *entry)
{
    if (heap->count == heap->room) {
        heap->room = heap->room ? 2 * heap->room : 64;
        heap->items = mem_realloc(heap->items, heap->room, sizeof heap->items[0]);
    }
    put(heap, heap->count++, entry);
    sift_up(heap, entry);
}

void heap_remove(struct heap *heap, struct heap_entry *entry)
{
    struct heap_entry *last = heap->items[--heap->count];
    if (last == entry) {
        return;
    }
    put(heap, entry->slot, last);
    sift_up(heap, last);
    sift_down(heap, last);
}

void *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

void heap_finish(struct heap *heap)
{
    free(heap->items);
    *heap = (struct heap){0};
}
