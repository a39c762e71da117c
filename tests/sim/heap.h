/* What is to come, the earliest first; of the same time, what was put in first. */
#ifndef SIM_HEAP_H
#define SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry { /* the first member of what is kept */
    int64_t at_ns;
    uint64_t seq; /* unique, and rising */
    size_t slot;  /* the heap's */
};

struct heap { /* all zero: empty */
    struct heap_entry **items;
    size_t count, room;
};

bool heap_earlier(const struct heap_entry *a, const struct heap_entry *b);
void heap_put(struct heap *heap, struct heap_entry *entry);    /* at_ns and seq are set, and stay */
void heap_remove(struct heap *heap, struct heap_entry *entry); /* one that is in it */
void *heap_first(const struct heap *heap);                     /* NULL: empty */
void heap_finish(struct heap *heap);                           /* its entries are the caller's */

#endif
