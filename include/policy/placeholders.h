/* {account} and {region} in the texts of a target that stands for many. */
#ifndef POLICY_PLACEHOLDERS_H
#define POLICY_PLACEHOLDERS_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/policy.h"

#include <stdbool.h>

bool placeholders_in(const char *text); /* is there any? */

/* Appends the text with the target's own values. -1 with ERR_INVALID where the target has no such value. */
int placeholders_fill(const char *text, const struct target *target, struct buf *out, struct err *err);

#endif
