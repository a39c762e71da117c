/* One operation's quota: how a service may count requests, see enum quota_kind. In thousandths of a request,
 * so that integers suffice. */
#ifndef SIM_FLEET_QUOTA_H
#define SIM_FLEET_QUOTA_H

#include "sim/fleet.h"

#include <stdbool.h>
#include <stdint.h>

struct quota {
    enum quota_kind kind;
    int64_t rate;  /* requests a second; 0: unlimited */
    int64_t level; /* thousandths */
    int64_t filled_ms;
    int64_t *log; /* QUOTA_SLIDING_LOG: when the latest `rate` requests were accepted, a ring */
    int64_t logged;
};

void quota_open(struct quota *quota, enum quota_kind kind, int rate, int64_t now_ms); /* rate -1: unlimited */
void quota_close(struct quota *quota);
bool quota_take(struct quota *quota, int64_t now_ms); /* false: throttled */

#endif
