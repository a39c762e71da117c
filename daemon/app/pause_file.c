/* See app/pause_file.h. */
#include "app/pause_file.h"

#include "aws/json.h"
#include "base/time.h"
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 256

static int name_file(char path[PATH_MAX], const char *directory, const char *suffix, struct err *err)
{
    int length = snprintf(path, PATH_MAX, "%s/" PAUSE_FILE "%s", directory, suffix);
    return length > 0 && length < PATH_MAX ? 0 : err_set(err, ERR_IO, "the path is too long");
}

static int fail(const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", path, err_errno(errno));
}

static void parse(struct pause *pause, const char *text, size_t length)
{
    struct err ignored;
    struct json_doc *doc = json_parse(text, length, &ignored);
    if (doc == NULL) {
        return;
    }
    const char *since = json_string(json_get(json_root(doc), "paused_at"));
    if (since == NULL || time_parse_rfc3339(since, &pause->since_ms, &ignored) != 0) {
        pause->since_ms = 0;
    }
    if (!json_int64(json_get(json_root(doc), "user"), &pause->user)) {
        pause->user = -1;
    }
    json_free(doc);
}

void pause_load(const char *directory, struct pause *pause)
{
    char path[PATH_MAX], text[TEXT_MAX];
    struct err ignored;
    *pause = (struct pause){.user = -1};
    if (name_file(path, directory, "", &ignored) != 0) {
        return;
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    pause->paused = fd >= 0 || errno != ENOENT;
    if (fd < 0) {
        return;
    }
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    if (length > 0) {
        parse(pause, text, (size_t)length);
    }
}

static int sync_folder(const char *directory, struct err *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 && fsync(fd) == 0 ? 0 : fail(directory, err);
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static int write_text(const char *path, const char *text, struct err *err)
{
    int fd = file_open(path);
    ssize_t length = (ssize_t)strlen(text);
    if (fd < 0) {
        return fail(path, err);
    }
    bool written = ftruncate(fd, 0) == 0 && write(fd, text, (size_t)length) == length && fsync(fd) == 0;
    int result = written ? 0 : fail(path, err);
    close(fd);
    return result;
}

int pause_store(const char *directory, const struct pause *pause, struct err *err)
{
    char path[PATH_MAX], fresh[PATH_MAX], text[TEXT_MAX], since[21];
    time_rfc3339(pause->since_ms, since);
    snprintf(text, sizeof text, "{\"paused_at\":\"%s\",\"user\":%" PRId64 "}\n", since, pause->user);
    if (name_file(path, directory, "", err) != 0 || name_file(fresh, directory, ".new", err) != 0 ||
        write_text(fresh, text, err) != 0) {
        return -1;
    }
    return rename(fresh, path) == 0 ? sync_folder(directory, err) : fail(path, err);
}

int pause_remove(const char *directory, const struct pause *pause, struct err *err)
{
    char path[PATH_MAX];
    struct err ignored;
    if (name_file(path, directory, "", err) != 0) {
        return -1;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return fail(path, err);
    }
    if (sync_folder(directory, err) == 0) {
        return 0;
    }
    bool lost = pause->paused && pause_store(directory, pause, &ignored) != 0 && access(path, F_OK) != 0;
    return lost ? err_context(err, "the next start is not paused") : -1;
}

char *pause_text(const struct pause *pause, char out[80])
{
    char since[21] = "an unknown time";
    if (pause->since_ms != 0) {
        time_rfc3339(pause->since_ms, since);
    }
    if (pause->user == 0) {
        snprintf(out, 80, "since %s, by root", since);
    } else if (pause->user > 0) {
        snprintf(out, 80, "since %s, by user %" PRId64, since, pause->user);
    } else {
        snprintf(out, 80, "since %s", since);
    }
    return out;
}
