/* Queries of SearchIndex over the things of a fleet, as far as the registry goes: words, "phrases", * and ?,
 * FIELD:WORD, FIELD:(...), AND, OR, NOT, '-', parentheses, '\' before a special character. Two conditions
 * without a word between them are joined by AND; words are compared without regard to case, names of fields
 * with; twelve words at most, and one that begins with a wildcard (developer guide, "Query syntax", "Example
 * thing queries").
 *
 * Ranges and comparisons are refused, and so is a field that the registry does not have, so that no test
 * relies on what is not judged. */
#ifndef SIM_FLEET_SEARCH_H
#define SIM_FLEET_SEARCH_H

#include "base/err.h"
#include "sim/fleet_registry.h"

#include <stdbool.h>

struct search;

struct search *search_parse(const char *query, struct err *err); /* NULL with err: what is wrong with it */
void search_free(struct search *search);                         /* takes NULL */
bool search_matches(const struct search *search, const struct fleet_thing_about *thing);

#endif
