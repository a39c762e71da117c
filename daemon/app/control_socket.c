/* See app/control_socket.h. */
#include "app/control_socket.h"

#include "app/user_name.h"
#include "base/text.h"
#include "policy/source.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *path, struct err *err)
{
    enum err_code code = errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_IO;
    return err_set(err, code, "control socket '%s': %s", path, err_errno(errno));
}

static int fill(struct sockaddr_un *address, const char *path, struct err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!text_copy(address->sun_path, sizeof address->sun_path, path)) {
        return err_set(err, ERR_TOO_BIG, "control socket '%s': the path is too long", path);
    }
    return 0;
}

/* Who can write there can put his own socket in the place of ours. */
static int check_folder(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(path, '/');
    text_copy(folder, sizeof folder, path);
    folder[slash == path ? 1 : slash - path] = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return fail(path, err);
    }
    if (stat(folder, &status) != 0) {
        return fail(path, err);
    }
    return source_check_owner(&status, err) == 0 ? 0
                                                 : err_context(err, "control socket: folder '%s'", folder);
}

/* Removes a socket that an earlier process left. */
static int make_room(const char *path, const struct sockaddr_un *address, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : fail(path, err);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return err_set(err, ERR_INVALID, "control socket '%s': what is there is no socket", path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail(path, err);
    }
    bool stale = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale) {
        return err_set(err, ERR_LOCKED, "control socket '%s': another process listens there", path);
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : fail(path, err);
}

int control_socket_listen(const char *path, struct err *err)
{
    struct sockaddr_un address;
    if (fill(&address, path, err) != 0 || check_folder(path, err) != 0 ||
        make_room(path, &address, err) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail(path, err);
    }
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0600) != 0) {
        fail(path, err);
        close(fd);
        return -1;
    }
    return fd;
}

void control_socket_identify(const char *path, struct control_socket_id *id)
{
    struct stat status;
    bool found = lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
    *id = found ? (struct control_socket_id){.device = status.st_dev, .inode = status.st_ino}
                : (struct control_socket_id){0};
}

bool control_socket_has_name(const struct control_socket_id *id, const char *path)
{
    struct control_socket_id found;
    control_socket_identify(path, &found);
    return found.inode != 0 && found.inode == id->inode && found.device == id->device;
}

int control_socket_connect(const char *path, int timeout_s, struct err *err)
{
    struct sockaddr_un address;
    const struct timeval timeout = {.tv_sec = timeout_s};
    if (fill(&address, path, err) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(path, err);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        return fd;
    }
    bool nobody = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR;
    fail(path, err);
    err->code = nobody ? ERR_NOT_FOUND : err->code;
    close(fd);
    return -1;
}

bool control_socket_peer(int fd, uid_t *user)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    *user = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) {
        return false;
    }
    *user = peer.uid;
    return peer.uid == 0 || (peer.uid == geteuid() && user_is_one(peer.uid));
}
