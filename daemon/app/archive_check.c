/* See app/archive_check.h. */
#include "app/archive_check.h"

#include "app/state_directory.h"
#include "app/user_name.h"
#include "ledger/archive_disk.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool came_before(const struct config *config, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const char *other = config->policies[i].archive_directory;
        if (other != NULL && strcmp(other, config->policies[index].archive_directory) == 0) {
            return true;
        }
    }
    return false;
}

static bool lies_in(const char *directory, const char *state)
{
    size_t length = strlen(state);
    return length > 0 && strncmp(directory, state, length) == 0 && directory[length] == '/';
}

/* Root can write anywhere; the daemon that has the state directory may be somebody else. */
static void compare_owners(const char *directory, const char *state, const struct place *place,
                           struct diagnostics *diagnostics)
{
    struct stat archive, other;
    char one[USER_NAME_SIZE], two[USER_NAME_SIZE];
    if (geteuid() == 0 && stat(directory, &archive) == 0 && stat(state, &other) == 0 &&
        archive.st_uid != other.st_uid) {
        diagnostics_add(diagnostics, place, true, NULL,
                        "archive directory '%.300s' belongs to %s, and the state directory to %s", directory,
                        user_name(archive.st_uid, one), user_name(other.st_uid, two));
    }
}

static void check_one(const struct policy *policy, const char *state, struct diagnostics *diagnostics)
{
    const char *directory = policy->archive_directory;
    struct err err;
    if (archive_disk_look(directory, &err) == 0) {
        compare_owners(directory, state, &policy->place, diagnostics);
    } else if (err.code != ERR_NOT_FOUND || !lies_in(directory, state)) {
        diagnostics_add(diagnostics, &policy->place, true, NULL, "%s", err.msg);
    }
}

void archive_check(const struct config *config, struct diagnostics *diagnostics)
{
    char state[PATH_MAX];
    struct err ignored;
    if (state_directory_find(config, state, sizeof state, &ignored) != 0) {
        state[0] = '\0';
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        if (config->policies[i].archive_directory != NULL && !came_before(config, i)) {
            check_one(&config->policies[i], state, diagnostics);
        }
    }
}
