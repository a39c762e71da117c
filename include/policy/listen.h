/* Where a service listens: an address in digits and a port. Names are not taken, because what one means can
 * change, and be several addresses. */
#ifndef POLICY_LISTEN_H
#define POLICY_LISTEN_H

#include "policy/values.h"

/* struct listen_address, from "127.0.0.1:9809" or "[::1]:9809" */
extern const struct value_type value_listen;

#endif
