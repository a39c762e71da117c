/* Where a service listens: an address in digits and a port. Names are not taken, because what one means can
 * change, and be several addresses. */
#ifndef POLICY_LISTEN_H
#define POLICY_LISTEN_H

#include "base/err.h"
#include "policy/policy.h"
#include "policy/values.h"

#include <stdbool.h>

/* "127.0.0.1:9809" or "[::1]:9809"; the place is left as it is. -1 with ERR_INVALID: what is wrong. */
int listen_parse(const char *text, struct listen_address *address, struct err *err);
/* Only this machine reaches it. */
bool listen_is_loopback(const struct listen_address *address);

extern const struct value_type value_listen; /* struct listen_address */

#endif
