/* See ledger/archive_disk.h. */
#include "ledger/archive_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int refuse(const char *directory, const char *why, struct err *err)
{
    return err_set(err, ERR_ARCHIVE, "archive directory '%.300s' %s", directory, why);
}

/* --- the directory --- */

/* As its parent's owner has it, where we are root. Its name in the parent is durable. */
static int settle_in_parent(int fd, int parent)
{
    struct stat status;
    if (geteuid() == 0 && (fstat(parent, &status) != 0 || fchown(fd, status.st_uid, status.st_gid) != 0)) {
        return -1;
    }
    return fsync(parent);
}

static int open_parent(const char *directory)
{
    char parent[4096] = "/";
    const char *slash = strrchr(directory, '/');
    size_t length = slash != NULL ? (size_t)(slash - directory) : 0;
    if (length >= sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (length > 0) {
        memcpy(parent, directory, length);
        parent[length] = '\0';
    }
    return open(parent, FOLDER);
}

static int make_folder(const char *directory)
{
    int parent = open_parent(directory), fd = -1;
    if (parent < 0) {
        return -1;
    }
    if (mkdir(directory, 0700) == 0) {
        fd = open(directory, FOLDER | O_NOFOLLOW);
    }
    if (fd >= 0 && settle_in_parent(fd, parent) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        fd = -1;
    }
    int why = errno;
    close(parent);
    errno = why;
    return fd;
}

static bool is_link(const char *directory)
{
    struct stat status;
    return lstat(directory, &status) == 0 && S_ISLNK(status.st_mode);
}

/* Whoever can write there can take away what is the only trace of something deleted. */
static int judge_folder(int fd, const char *directory, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return refuse(directory, err_errno(errno), err);
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        bool all = (status.st_mode & S_IWOTH) != 0;
        return refuse(directory,
                      all ? "can be written by everybody (chmod go-w)"
                          : "can be written by its group (chmod g-w)",
                      err);
    }
    if (status.st_uid != geteuid() && geteuid() != 0) {
        return refuse(directory, "belongs to another user", err);
    }
    return 0;
}

/* fd: -1 with errno, or the folder that was opened; it is closed unless it is fine. */
static int judge(int fd, const char *directory, struct err *err)
{
    if (fd < 0) {
        int why = errno;
        return is_link(directory)
                   ? refuse(directory, "is a symbolic link", err)
                   : err_set(err, ERR_ARCHIVE, "archive directory '%.300s': %s", directory, err_errno(why));
    }
    if (judge_folder(fd, directory, err) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_folder(const char *directory, struct err *err)
{
    int fd = open(directory, FOLDER | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        fd = make_folder(directory);
    }
    return judge(fd, directory, err);
}

int archive_disk_look(const char *directory, struct err *err)
{
    int fd = open(directory, FOLDER | O_NOFOLLOW);
    bool missing = fd < 0 && errno == ENOENT;
    fd = missing ? open_parent(directory) : judge(fd, directory, err);
    if (fd < 0) {
        return missing ? err_set(err, ERR_NOT_FOUND,
                                 "archive directory '%.300s': what it is in does not exist", directory)
                       : -1;
    }
    bool writable = faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
    int why = errno;
    close(fd);
    return writable ? 0
                    : err_set(err, ERR_ARCHIVE, "archive directory '%.300s' cannot be %s: %s", directory,
                              missing ? "made" : "written", err_errno(why));
}

/* --- files --- */

static int create_in(int folder, const char *name)
{
    struct stat status;
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -1;
    }
    bool given =
        geteuid() != 0 || (fstat(folder, &status) == 0 && fchown(fd, status.st_uid, status.st_gid) == 0);
    if (given && fsync(folder) == 0) {
        return fd;
    }
    int why = errno;
    unlinkat(folder, name, 0);
    close(fd);
    errno = why;
    return -1;
}

static int create(void *ctx, const char *directory, const char *name, struct err *err)
{
    (void)ctx;
    int folder = open_folder(directory, err);
    if (folder < 0) {
        return -1;
    }
    int fd = create_in(folder, name), why = errno;
    close(folder);
    if (fd >= 0) {
        return fd;
    }
    return err_set(err, why == EEXIST ? ERR_LOCKED : ERR_ARCHIVE, "archive '%.300s/%s': %s", directory, name,
                   err_errno(why));
}

static ssize_t write_end(void *ctx, int file, const void *bytes, size_t length)
{
    (void)ctx;
    return write(file, bytes, length);
}

static int sync_file(void *ctx, int file)
{
    (void)ctx;
    return fdatasync(file);
}

static int cut(void *ctx, int file, int64_t length)
{
    (void)ctx;
    return ftruncate(file, length);
}

static void close_file(void *ctx, int file)
{
    (void)ctx;
    close(file);
}

const struct archive_disk *archive_disk_system(void)
{
    static const struct archive_disk disk = {
        .create = create, .write = write_end, .sync = sync_file, .cut = cut, .close = close_file};
    return &disk;
}
