/* How often each text comes. */
#ifndef APP_TALLY_H
#define APP_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally;

struct counted {
    const char *text; /* the tally's */
    int64_t count;
    uint32_t number; /* of the text, as tally_add() gave it */
};

/* max: so many different texts are told apart, any further one counts as "others"; 0: all. */
struct tally *tally_create(uint32_t max);
void tally_destroy(struct tally *tally); /* takes NULL */

/* Returns the text's number: 0, 1, ... in the order in which they came first. */
uint32_t tally_add(struct tally *tally, const char *text, int64_t count);
int64_t tally_total(const struct tally *tally);
/* The greatest counts first, then by text; *count: how many. The caller frees. */
struct counted *tally_sorted(const struct tally *tally, size_t *count);

#endif
