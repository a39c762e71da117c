/* See base/names.h. Texts lie one behind the other in blocks that never move, so that pointers to them stay
 * good; the hash table, never more than three quarters full, knows them by their numbers. That is some 15
 * bytes for each text besides its own: tables of ten million names are wanted. */
#include "base/names.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define ROOM_MIN    16

struct block {
    struct block *next;
    size_t used, room;
    char bytes[];
};

struct names {
    struct block *blocks; /* the newest first */
    const char **texts;   /* by number */
    uint32_t *slots;      /* numbers + 1; 0: free */
    uint32_t count;
    size_t text_room, slot_room; /* slot_room: a power of two */
};

struct names *names_create(void)
{
    return mem_zalloc(sizeof(struct names));
}

void names_destroy(struct names *names)
{
    if (names == NULL) {
        return;
    }
    while (names->blocks != NULL) {
        struct block *next = names->blocks->next;
        free(names->blocks);
        names->blocks = next;
    }
    free(names->texts);
    free(names->slots);
    free(names);
}

/* FNV-1a, then the finalizer of splitmix64, since a slot is chosen by the low bits. */
static size_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(hash ^ (hash >> 31));
}

/* Where the text stands, or the free slot where it belongs. */
static uint32_t *find_slot(const struct names *names, const char *text)
{
    size_t at = hash_of(text) & (names->slot_room - 1);
    while (names->slots[at] != 0 && strcmp(names->texts[names->slots[at] - 1], text) != 0) {
        at = (at + 1) & (names->slot_room - 1);
    }
    return &names->slots[at];
}

uint32_t names_find(const struct names *names, const char *text)
{
    return names->count > 0 ? *find_slot(names, text) - 1 : UINT32_MAX; /* 0 - 1 is UINT32_MAX */
}

static void grow_slots(struct names *names)
{
    names->slot_room = names->slot_room == 0 ? ROOM_MIN : 2 * names->slot_room;
    free(names->slots);
    names->slots = mem_calloc(names->slot_room, sizeof *names->slots);
    for (uint32_t i = 0; i < names->count; i++) {
        *find_slot(names, names->texts[i]) = i + 1;
    }
}

static const char *keep(struct names *names, const char *text)
{
    size_t size = strlen(text) + 1;
    struct block *block = names->blocks;
    if (block == NULL || block->room - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        room = names->count < ROOM_MIN && size < BLOCK_BYTES / 64 ? BLOCK_BYTES / 64 : room;
        block = mem_alloc(sizeof *block + room);
        *block = (struct block){.next = names->blocks, .room = room};
        names->blocks = block;
    }
    char *kept = &block->bytes[block->used];
    memcpy(kept, text, size);
    block->used += size;
    return kept;
}

uint32_t names_intern(struct names *names, const char *text)
{
    uint32_t number = names_find(names, text);
    if (number != UINT32_MAX) {
        return number;
    }
    if (names->count == names->text_room) {
        names->text_room = names->text_room == 0 ? ROOM_MIN : 2 * names->text_room;
        names->texts = mem_realloc(names->texts, names->text_room, sizeof *names->texts);
    }
    number = names->count;
    names->texts[number] = keep(names, text);
    names->count++;
    if (4 * (size_t)names->count > 3 * names->slot_room) {
        grow_slots(names);
    } else {
        *find_slot(names, text) = number + 1;
    }
    return number;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return names->texts[number];
}

uint32_t names_count(const struct names *names)
{
    return names->count;
}
