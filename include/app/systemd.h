/* Talking to the service manager, by the protocol of sd_notify(3), without its library. Outside of systemd
 * (no NOTIFY_SOCKET) everything here does nothing. */
#ifndef APP_SYSTEMD_H
#define APP_SYSTEMD_H

#include "base/err.h"

#include <stdint.h>

#define SYSTEMD_NOTIFY_MAX 512 /* bytes, with a final NUL that is not sent */

/* Sends assignments ("READY=1", "STATUS=...", separated by newlines) as one datagram to $NOTIFY_SOCKET, a
 * path or, with '@' in front, an abstract socket. 0 when sent or when there is nobody to tell; -1 with err
 * otherwise: ERR_UNAVAILABLE where there is no room at the moment, ERR_INVALID, ERR_TOO_BIG or ERR_IO. Never
 * waits. */
int systemd_notify(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How often WATCHDOG=1 is due, in nanoseconds: half of WATCHDOG_USEC. 0 when no watchdog waits for this
 * process. */
int64_t systemd_watchdog_ns(void);

#endif
