/* A table of texts stored once, each known by a small number: for rows that repeat job ids and thing names by
 * the million. Numbers count up from 0 in the order of first appearance. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names;

struct names *names_create(void);
void names_destroy(struct names *names); /* takes NULL */

uint32_t names_intern(struct names *names, const char *text);
/* The number of a text that was interned before; UINT32_MAX if it was not. */
uint32_t names_find(const struct names *names, const char *text);
const char *names_text(const struct names *names, uint32_t number); /* valid until names_destroy() */
uint32_t names_count(const struct names *names);

#endif
