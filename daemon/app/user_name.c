/* See app/user_name.h. */
#include "app/user_name.h"

#include "base/text.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/types.h>

#define ENTRY_MAX 16384

char *user_name(int64_t user, char out[USER_NAME_SIZE])
{
    char entry[ENTRY_MAX];
    struct passwd password, *found = NULL;
    if (user >= 0 && user <= UINT32_MAX) {
        getpwuid_r((uid_t)user, &password, entry, sizeof entry, &found);
    }
    if (found == NULL || found->pw_name[0] == '\0' || !text_copy(out, USER_NAME_SIZE, found->pw_name)) {
        snprintf(out, USER_NAME_SIZE, "user %" PRId64, user);
    }
    return out;
}
