/* A set of 64-bit hashes: what was met before, at eleven to twenty-two bytes each. Two different things with
 * one hash (one chance in 2^64 a pair) count as met: for a row that means left alone this time. */
#ifndef ENGINE_SEEN_H
#define ENGINE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
    uint64_t *slots; /* 0: free */
    size_t room, count;
};

/* Zeroed memory is an empty set. */
void seen_clear(struct seen *seen); /* empties it and frees its memory */

/* Adds it; false when it was there already. */
bool seen_add(struct seen *seen, uint64_t hash);

/* Mixes bytes into a hash; begin with any number. */
uint64_t seen_hash(uint64_t hash, const void *bytes, size_t length);

#endif
