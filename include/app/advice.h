/* What a person should look at when a sweep went wrong. */
#ifndef APP_ADVICE_H
#define APP_ADVICE_H

#include "engine/report.h"

/* A sentence to follow the report's own error, NULL when that says it all. Valid for ever. */
const char *advice(const struct report *report);

#endif
