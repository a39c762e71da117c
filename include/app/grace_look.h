/* What a plan, which records nothing, knows of graces: what the ledger of the configuration says, whoever has
 * it open. */
#ifndef APP_GRACE_LOOK_H
#define APP_GRACE_LOOK_H

#include "model/ledger.h"
#include "policy/policy.h"

struct grace_look;

/* NULL where no policy has a grace, or there is no ledger so far. One that cannot be read is told, and
 * answers that no run has selected anything. */
struct grace_look *grace_look_open(const struct config *config);
void grace_look_close(struct grace_look *look); /* takes NULL */
/* Answers a LEDGER_GRACES; ctx is the look. */
void grace_look_answer(void *ctx, struct ledger_request *request);

#endif
