/* One pace for all calls on STS, and on IAM Identity Center, of a process, whoever makes them, so that a
 * thousand targets that begin at once ask one after the other. STS counts calls by the account of the caller,
 * which can be the same for all of them. */
#ifndef APP_STS_PACE_H
#define APP_STS_PACE_H

#include "aws/credentials.h"
#include "engine/env.h"

#define STS_PACE_PER_SECOND 20 /* at most; STS bears 600 a second of one account and region */

struct sts_pace;

struct sts_pace *sts_pace_create(const struct env *env); /* env outlives it */
void sts_pace_destroy(struct sts_pace *pace);            /* takes NULL; no turn may be waiting */

enum sts_order {
    STS_FIRST, /* for a target that has begun: its role */
    STS_LAST,  /* to begin with a target; waits for all of the others */
    STS_ORDER_COUNT
};

/* granted() comes from inside of acquire() when nobody waits and the last turn is long enough ago. A turn
 * that was granted may be released at any time: turns are spaced, not counted. */
const struct credentials_pace *sts_pace_face(struct sts_pace *pace, enum sts_order order);

#endif
