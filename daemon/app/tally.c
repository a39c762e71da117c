/* See app/tally.h. */
#include "app/tally.h"

#include "base/mem.h"
#include "base/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OTHERS "others"

struct tally {
    struct names *names;
    int64_t *counts, total;
    size_t room;
    uint32_t max;
};

struct tally *tally_create(uint32_t max)
{
    struct tally *tally = mem_zalloc(sizeof *tally);
    tally->names = names_create();
    tally->max = max;
    return tally;
}

void tally_destroy(struct tally *tally)
{
    if (tally == NULL) {
        return;
    }
    names_destroy(tally->names);
    free(tally->counts);
    free(tally);
}

uint32_t tally_add(struct tally *tally, const char *text, int64_t count)
{
    bool full = tally->max != 0 && names_count(tally->names) >= tally->max;
    uint32_t number = full ? names_find(tally->names, text) : names_intern(tally->names, text);
    if (number == UINT32_MAX) {
        number = names_intern(tally->names, OTHERS);
    }
    if (number >= tally->room) {
        size_t room = tally->room == 0 ? 64 : 2 * tally->room;
        tally->counts = mem_realloc(tally->counts, room, sizeof tally->counts[0]);
        memset(tally->counts + tally->room, 0, (room - tally->room) * sizeof tally->counts[0]);
        tally->room = room;
    }
    tally->counts[number] += count;
    tally->total += count;
    return number;
}

int64_t tally_total(const struct tally *tally)
{
    return tally->total;
}

static int compare(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    return strcmp(a->text, b->text);
}

struct counted *tally_sorted(const struct tally *tally, size_t *count)
{
    *count = names_count(tally->names);
    struct counted *all = mem_calloc(*count + 1, sizeof *all);
    for (uint32_t i = 0; i < *count; i++) {
        all[i] = (struct counted){names_text(tally->names, i), tally->counts[i], i};
    }
    qsort(all, *count, sizeof *all, compare);
    return all;
}
