/* How long a test waits where it is about no time: no machine stalls for so long, and tests/run ends what
 * hangs before. */
#ifndef TESTS_PATIENCE_H
#define TESTS_PATIENCE_H

#include "net/http.h"

#define PATIENCE_MS 600000

static const struct http_limits PATIENT = {
    .connect_ms = PATIENCE_MS, .request_ms = PATIENCE_MS, .slow_ms = PATIENCE_MS, .idle_ms = PATIENCE_MS};

#endif
