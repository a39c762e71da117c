/* Users, for people. */
#ifndef APP_USER_NAME_H
#define APP_USER_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define USER_NAME_SIZE 48

/* "root", "alice", or "user 1000" where the system knows no name. May ask the network: not for the daemon's
 * loop. Returns out. */
char *user_name(int64_t user, char out[USER_NAME_SIZE]);

/* Whether the number stands for one user. In a user namespace that does not have all of them, whoever is not
 * there has the same number: user_namespaces(7), "Unmapped user and
 * group IDs". */
bool user_is_one(uid_t user);

#endif
