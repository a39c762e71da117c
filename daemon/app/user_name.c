/* See app/user_name.h. */
#include "app/user_name.h"

#include "base/text.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

#define ENTRY_MAX 16384
#define NOBODY    65534 /* of /proc/sys/kernel/overflowuid */

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

static bool has_everybody(void)
{
    uint32_t inside, outside, count = 0;
    FILE *file = fopen("/proc/self/uid_map", "re");
    if (file == NULL) {
        return false;
    }
    int read = fscanf(file, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &count);
    fclose(file);
    return read == 3 && count == UINT32_MAX;
}

bool user_is_one(uid_t user)
{
    return user != NOBODY || has_everybody();
}
