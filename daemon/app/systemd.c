/* The notification protocol of sd_notify(3): one datagram of assignments to a Unix socket. */
#include "app/systemd.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A datagram carries no final NUL, and neither does the length of an abstract address. */
static int address_of(const char *path, struct sockaddr_un *address, socklen_t *length, struct err *err)
{
    size_t size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || size < 2 || size >= sizeof address->sun_path) {
        return err_set(err, ERR_INVALID, "NOTIFY_SOCKET is neither an absolute path nor an abstract socket");
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, size);
    if (path[0] == '@') {
        address->sun_path[0] = '\0';
    }
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return 0;
}

static int send_text(const char *path, const char *text, size_t length, struct err *err)
{
    struct sockaddr_un address;
    socklen_t address_length = 0;
    if (address_of(path, &address, &address_length, err) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set(err, ERR_IO, "notify socket: %s", err_errno(errno));
    }
    ssize_t sent = sendto(fd, text, length, MSG_NOSIGNAL, (struct sockaddr *)&address, address_length);
    int number = errno;
    close(fd);
    if (sent == (ssize_t)length) {
        return 0;
    }
    bool full = number == EAGAIN || number == ENOBUFS || number == EINTR;
    return err_set(err, full ? ERR_UNAVAILABLE : ERR_IO, "notify socket: %s", err_errno(number));
}

int systemd_notify(struct err *err, const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0') {
        return 0;
    }
    char text[SYSTEMD_NOTIFY_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text) {
        return err_set(err, ERR_TOO_BIG, "notify socket: over %d bytes", SYSTEMD_NOTIFY_MAX);
    }
    return send_text(path, text, (size_t)length, err);
}

int64_t systemd_watchdog_ns(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    const char *usec = getenv("WATCHDOG_USEC");
    int64_t number;
    if (pid != NULL && (!text_int64(pid, 1, INT32_MAX, &number) || number != getpid())) {
        return 0;
    }
    if (usec == NULL || !text_int64(usec, 1, INT64_MAX / 1000, &number)) {
        return 0;
    }
    return number * 1000 / 2;
}
