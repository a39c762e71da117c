/* See engine/seen.h: open addressing, never more than three quarters full. */
#include "engine/seen.h"

#include "base/mem.h"

#include <stdlib.h>

#define ROOM_MIN 64

void seen_clear(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){0};
}

/* Where the hash stands, or the free slot where it belongs. */
static uint64_t *find_slot(const struct seen *seen, uint64_t hash)
{
    size_t at = hash & (seen->room - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != hash) {
        at = (at + 1) & (seen->room - 1);
    }
    return &seen->slots[at];
}

static void grow(struct seen *seen)
{
    struct seen old = *seen;
    seen->room = old.room == 0 ? ROOM_MIN : 2 * old.room;
    seen->slots = mem_calloc(seen->room, sizeof *seen->slots);
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i] != 0) {
            *find_slot(seen, old.slots[i]) = old.slots[i];
        }
    }
    free(old.slots);
}

bool seen_add(struct seen *seen, uint64_t hash)
{
    if (4 * seen->count >= 3 * seen->room) {
        grow(seen);
    }
    hash += hash == 0; /* 0 means free */
    uint64_t *slot = find_slot(seen, hash);
    if (*slot == hash) {
        return false;
    }
    *slot = hash;
    seen->count++;
    return true;
}

/* The finalizer of splitmix64: a slot is chosen by the low bits. */
static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* FNV-1a between two of them: without the first, a small number to begin with and the first byte could make
 * up for each other ('a' after 1, 'b' after 2). */
uint64_t seen_hash(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    hash = mix(hash ^ UINT64_C(0xcbf29ce484222325));
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return mix(hash);
}
