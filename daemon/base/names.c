/* See base/names.h. Texts lie one behind the other in blocks that never move, so that pointers to them stay
 * good; the hash table knows them by their numbers. */
#include "base/names.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

#define ENTRIES_PER_BLOCK 256

struct entry {
    char *text;
    uint32_t number;
    UT_hash_handle hh;
};

struct names {
    struct entry *table;
    struct entry **blocks; /* of ENTRIES_PER_BLOCK entries each */
    uint32_t count;
};

struct names *names_create(void)
{
    return mem_zalloc(sizeof(struct names));
}

static struct entry *entry_at(const struct names *names, uint32_t number)
{
    return &names->blocks[number / ENTRIES_PER_BLOCK][number % ENTRIES_PER_BLOCK];
}

void names_destroy(struct names *names)
{
    if (names == NULL) {
        return;
    }
    HASH_CLEAR(hh, names->table);
    for (uint32_t i = 0; i < names->count; i++) {
        free(entry_at(names, i)->text);
    }
    for (uint32_t i = 0; i < names->count; i += ENTRIES_PER_BLOCK) {
        free(names->blocks[i / ENTRIES_PER_BLOCK]);
    }
    free(names->blocks);
    free(names);
}

uint32_t names_find(const struct names *names, const char *text)
{
    struct entry *entry;
    HASH_FIND_STR(names->table, text, entry);
    return entry != NULL ? entry->number : UINT32_MAX;
}

uint32_t names_intern(struct names *names, const char *text)
{
    uint32_t number = names_find(names, text);
    if (number != UINT32_MAX) {
        return number;
    }
    number = names->count++;
    if (number % ENTRIES_PER_BLOCK == 0) {
        size_t blocks = number / ENTRIES_PER_BLOCK + 1;
        names->blocks = mem_realloc(names->blocks, blocks, sizeof *names->blocks);
        names->blocks[blocks - 1] = mem_calloc(ENTRIES_PER_BLOCK, sizeof **names->blocks);
    }
    struct entry *entry = entry_at(names, number);
    entry->text = mem_strdup(text);
    entry->number = number;
    HASH_ADD_KEYPTR(hh, names->table, entry->text, strlen(entry->text), entry);
    return number;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return entry_at(names, number)->text;
}

uint32_t names_count(const struct names *names)
{
    return names->count;
}
