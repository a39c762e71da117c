/* Users, for people. */
#ifndef APP_USER_NAME_H
#define APP_USER_NAME_H

#include <stdint.h>

#define USER_NAME_SIZE 48

/* "root", "alice", or "user 1000" where the system knows no name. May ask the network: not for the daemon's
 * loop. Returns out. */
char *user_name(int64_t user, char out[USER_NAME_SIZE]);

#endif
