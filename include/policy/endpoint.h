/* The one place of the configuration that says where requests go: an endpoint URL. */
#ifndef POLICY_ENDPOINT_H
#define POLICY_ENDPOINT_H

#include "base/err.h"

#include <stdbool.h>

/* "https://host[:port][/base]"; "http:" for loopback addresses only (127.0.0.0/8, [::1], localhost); no user,
 * query or fragment. Returns -1 with ERR_INVALID: what is wrong, without the URL, which may hold a
 * password. */
int endpoint_check(const char *url, bool *loopback, struct err *err);

#endif
