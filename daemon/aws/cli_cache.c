/* See aws/cli_cache.h. */
#include "aws/cli_cache.h"

#include "aws/cred_check.h"
#include "aws/crypto.h"
#include "aws/environment.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static void find_path(const char *folder, const char *name, const char *end, char path[PATH_BYTES])
{
    const char *home = environment_get(NULL, "HOME");
    char hash[41];
    crypto_sha1_hex(name, strlen(name), hash);
    snprintf(path, PATH_BYTES, "%s/.aws/%s/%s.json%s", home != NULL ? home : "", folder, hash, end);
}

int cli_cache_read(const char *folder, const char *name, struct buf *text, struct err *err)
{
    char path[PATH_BYTES];
    find_path(folder, name, "", path);
    return credentials_read_file(path, true, text, err);
}

static bool is_ours(const char *folder)
{
    struct stat status;
    return stat(folder, &status) == 0 && status.st_uid == geteuid();
}

/* What is not there between the home and the file, but not in a folder of another: he could not use it then.
 * Where there is no home, nothing is made in the root. */
static void make_folders(char path[PATH_BYTES])
{
    const char *home = environment_get(NULL, "HOME");
    bool fits = home != NULL && strlen(home) + 1 < strlen(path);
    bool ours = fits && is_ours(home);
    char *at = fits ? strchr(path + strlen(home) + 1, '/') : NULL;
    for (; at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (ours) {
            mkdir(path, 0700); /* whether it could be made shows in a moment */
        }
        ours = is_ours(path);
        *at = '/';
    }
}

/* Root with the home of another (sudo, a container): the file is his, as it would be had he made it. */
static int give_to_owner(int fd, char path[PATH_BYTES])
{
    struct stat folder;
    char *name = strrchr(path, '/');
    *name = '\0';
    int result = stat(path, &folder);
    *name = '/';
    bool given = result == 0 && geteuid() == 0 && folder.st_uid != 0;
    return given ? fchown(fd, folder.st_uid, folder.st_gid) : result;
}

static int write_all(int fd, const struct buf *text)
{
    size_t written = 0;
    while (written < text->length) {
        ssize_t count = write(fd, text->data + written, text->length - written);
        if (count <= 0) {
            return -1;
        }
        written += (size_t)count;
    }
    return fsync(fd);
}

int cli_cache_write(const char *folder, const char *name, const struct buf *text, struct err *err)
{
    char path[PATH_BYTES], beside[PATH_BYTES];
    find_path(folder, name, "", path);
    find_path(folder, name, ".XXXXXX", beside);
    make_folders(path);
    int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", path, err_errno(errno));
    }
    bool failed = give_to_owner(fd, path) != 0 || write_all(fd, text) != 0;
    failed = close(fd) != 0 || failed || rename(beside, path) != 0;
    int number = errno;
    if (!failed) {
        return 0;
    }
    unlink(beside);
    return err_set(err, ERR_IO, "%s: %s", path, err_errno(number));
}

bool cli_cache_time(const char *text, int64_t *ms)
{
    char copy[48];
    struct err ignored;
    if (text == NULL || !text_copy(copy, sizeof copy, text)) {
        return false;
    }
    size_t length = strlen(copy);
    if (length > 3 && strcmp(copy + length - 3, "UTC") == 0) {
        text_copy(copy + length - 3, 2, "Z");
    }
    return time_parse_rfc3339(copy, ms, &ignored) == 0;
}

void cli_cache_member(struct buf *text, const char *key, const char *value)
{
    if (value != NULL) {
        buf_text(text, text->length > 0 && text->data[text->length - 1] != '{' ? ", " : "");
        text_json(text, key);
        buf_text(text, ": ");
        text_json(text, value);
    }
}
