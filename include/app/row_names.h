/* What the columns of a CSV and the keys of JSON are called that say which job executions are meant. */
#ifndef APP_ROW_NAMES_H
#define APP_ROW_NAMES_H

#include <stdbool.h>

enum column {
    COLUMN_JOB,
    COLUMN_THING,
    COLUMN_NUMBER,
    COLUMN_VERDICT,
    COLUMN_TARGET,
    COLUMN_ACCOUNT,
    COLUMN_REGION,
    COLUMN_COUNT
};

/* COLUMN_COUNT where it is none of ours. */
enum column row_names_find(const char *name);

/* Of a name that was probably meant to be one of ours, that one, else NULL; then the row would say less than
 * its author thinks. */
const char *row_names_nearest(const char *name);

/* Whether the key is one of those that jobsweep or the service say besides, so that nobody has to be told
 * that it is not looked at. */
bool row_names_silent(const char *key);

#endif
