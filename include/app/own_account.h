/* Whose account a target's credentials belong to, asked before anything else is done. */
#ifndef APP_OWN_ACCOUNT_H
#define APP_OWN_ACCOUNT_H

#include "base/err.h"
#include "model/names.h"
#include "policy/policy.h"

/* Runs a loop of its own until STS has answered. -1 with the errors of link_create() and call_error(). */
int own_account(const struct target *target, char account[ACCOUNT_LENGTH + 1], struct err *err);

#endif
