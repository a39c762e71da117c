/* For LD_PRELOAD: after main() has begun, the N-th system call on files below one directory, or the N-th
 * allocation of the process, fails once or is where the process is killed or stopped. Taken from the
 * environment:
 *
 * - FAULTS_DO: EIO, ENOSPC, EACCES or EMFILE: a system call fails with it. kill, kill-half, kill-after: the
 * process gets SIGKILL before it, after half of the bytes of a write, after it. stop: SIGSTOP before it.
 * nomem: malloc, calloc, realloc or reallocarray returns NULL.
 * - FAULTS_AT: N, from 1; 0: none, it is only counted.
 * - FAULTS_DIR: the directory, or one file; without a slash at its end, no symbolic link in it.
 * - FAULTS_CALLS: comma-separated names of the system calls that count; unset: all.
 * - FAULTS_REPORT: a file that gets a line "N CALL PATH" when it happens, and "end COUNT" when the process
 * ends by itself.
 *
 * Nothing here allocates. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum deed { NOTHING, FAIL, STOP_BEFORE, KILL_BEFORE, KILL_HALF, KILL_AFTER, NO_MEMORY };

static const struct {
    const char *name;
    enum deed deed;
    int error;
} deeds[] = {
    {"EIO", FAIL, EIO},          {"ENOSPC", FAIL, ENOSPC},      {"EACCES", FAIL, EACCES},
    {"EMFILE", FAIL, EMFILE},    {"stop", STOP_BEFORE, 0},      {"kill", KILL_BEFORE, 0},
    {"kill-half", KILL_HALF, 0}, {"kill-after", KILL_AFTER, 0}, {"nomem", NO_MEMORY, 0},
};

static struct {
    bool begun;
    enum deed deed;
    int error;
    long at;
    const char *directory, *calls, *report;
    long count; /* atomic */
} plan;

/* --- what is to be done, and what is told ----------------------------------------------------------------
 */

static void tell(const char *line, size_t length)
{
    if (!plan.report) {
        return;
    }
    long fd = syscall(SYS_openat, AT_FDCWD, plan.report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || syscall(SYS_write, fd, line, length) < 0) {
        abort(); /* the test would take a fault for none */
    }
    syscall(SYS_close, fd);
}

static void tell_call(long number, const char *call, const char *where)
{
    char line[4352];
    int length = snprintf(line, sizeof line, "%ld %s %.4096s\n", number, call, where);
    tell(line, (size_t)length);
}

static void on_exit_by_itself(void)
{
    char line[64];
    int length = snprintf(line, sizeof line, "end %ld\n", __atomic_load_n(&plan.count, __ATOMIC_RELAXED));
    tell(line, (size_t)length);
}

static void read_plan(void)
{
    const char *deed = getenv("FAULTS_DO"), *at = getenv("FAULTS_AT");
    plan.directory = getenv("FAULTS_DIR");
    plan.calls = getenv("FAULTS_CALLS");
    plan.report = getenv("FAULTS_REPORT");
    plan.at = at ? atol(at) : 0;
    for (size_t i = 0; deed && i < sizeof deeds / sizeof *deeds; i++) {
        if (strcmp(deeds[i].name, deed) == 0) {
            plan.deed = deeds[i].deed;
            plan.error = deeds[i].error;
        }
    }
    if (deed && (plan.deed == NOTHING || (plan.deed != NO_MEMORY && !plan.directory))) {
        abort();
    }
}

static bool wanted(const char *call)
{
    size_t length = strlen(call);
    const char *found = plan.calls;
    while (found && (found = strstr(found, call))) {
        if ((found == plan.calls || found[-1] == ',') && (found[length] == ',' || !found[length])) {
            return true;
        }
        found += length;
    }
    return !plan.calls;
}

static bool below(const char *path)
{
    size_t length = strlen(plan.directory);
    return strncmp(path, plan.directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static void die(void)
{
    for (;;) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    }
}

/* What is to happen to this call on this path; FAIL sets errno. Kills before it at once. */
static enum deed judge(const char *call, const char *path)
{
    if (!plan.begun || plan.deed == NOTHING || plan.deed == NO_MEMORY || !below(path) || !wanted(call)) {
        return NOTHING;
    }
    long number = __atomic_add_fetch(&plan.count, 1, __ATOMIC_RELAXED);
    if (number != plan.at) {
        return NOTHING;
    }
    tell_call(number, call, path);
    if (plan.deed == KILL_BEFORE) {
        die();
    }
    if (plan.deed == STOP_BEFORE) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
        return NOTHING;
    }
    errno = plan.error;
    return plan.deed;
}

static enum deed judge_fd(const char *call, int fd)
{
    char link[64], path[4096];
    int error = errno;
    if (!plan.begun || plan.deed == NOTHING) {
        return NOTHING;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = error;
    if (length < 0) {
        return NOTHING;
    }
    path[length] = '\0';
    return judge(call, path);
}

/* A name in an open directory. */
static enum deed judge_at(const char *call, int at, const char *name)
{
    char link[64], path[4096];
    int error = errno;
    if (!plan.begun || plan.deed == NOTHING || at == AT_FDCWD || name[0] == '/') {
        return judge(call, name);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = error;
    if (length < 0) {
        return NOTHING;
    }
    snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
    return judge(call, path);
}

#define REAL(name)                                                                                           \
    static __typeof__(name) *real;                                                                           \
    if (!real) {                                                                                             \
        real = (__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name);                                       \
    }

/* The body of a call: it fails, or is made and its value given back, but for KILL_AFTER (and KILL_HALF, where
 * there are no halves). */
#define DO(name, judged, failed, ...)                                                                        \
    REAL(name)                                                                                               \
    enum deed deed = (judged);                                                                               \
    if (deed == FAIL) {                                                                                      \
        return (failed);                                                                                     \
    }                                                                                                        \
    __typeof__(real(__VA_ARGS__)) value = real(__VA_ARGS__);                                                 \
    if (deed != NOTHING) {                                                                                   \
        die();                                                                                               \
    }                                                                                                        \
    return value

#define FAULTY(type, name, parameters, judged, failed, ...)                                                  \
    type name parameters                                                                                     \
    {                                                                                                        \
        DO(name, judged, failed, __VA_ARGS__);                                                               \
    }

/* --- main -------------------------------------------------------------------------------------------------
 */

typedef int main_function(int argc, char **argv, char **env);
int __libc_start_main(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static main_function *real_main;

static int faulty_main(int argc, char **argv, char **env)
{
    read_plan();
    atexit(on_exit_by_itself);
    plan.begun = true;
    return real_main(argc, argv, env);
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end)
{
    REAL(__libc_start_main)
    real_main = main;
    return real(faulty_main, argc, argv, init, fini, loader_fini, stack_end);
}

/* --- allocations ------------------------------------------------------------------------------------------
 */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool no_memory(const char *call, const void *caller)
{
    Dl_info info;
    char where[512] = "?";
    if (!plan.begun || plan.deed != NO_MEMORY) {
        return false;
    }
    long number = __atomic_add_fetch(&plan.count, 1, __ATOMIC_RELAXED);
    if (number != plan.at) {
        return false;
    }
    if (dladdr(caller, &info) && info.dli_fname) {
        snprintf(where, sizeof where, "%.400s+0x%lx", info.dli_fname,
                 (unsigned long)((uintptr_t)caller - (uintptr_t)info.dli_fbase));
    }
    tell_call(number, call, where);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return no_memory("malloc", __builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory("calloc", __builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return no_memory("realloc", __builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return no_memory("reallocarray", __builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}

/* --- system calls by path ---------------------------------------------------------------------------------
 */

#define MODE_OF(flags)                                                                                       \
    va_list arguments;                                                                                       \
    va_start(arguments, flags);                                                                              \
    mode_t mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;                           \
    va_end(arguments)

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        MODE_OF(flags);                                                                                      \
        DO(name, judge("open", path), -1, path, flags, mode);                                                \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                         \
    int name(int at, const char *path, int flags, ...)                                                       \
    {                                                                                                        \
        MODE_OF(flags);                                                                                      \
        DO(name, judge_at("open", at, path), -1, at, path, flags, mode);                                     \
    }
OPENAT(openat)
OPENAT(openat64)

FAULTY(int, unlink, (const char *path), judge("unlink", path), -1, path)
FAULTY(int, mkdir, (const char *path, mode_t mode), judge("mkdir", path), -1, path, mode)

/* --- system calls by descriptor ---------------------------------------------------------------------------
 */

#define PART(length) (deed == KILL_HALF ? (length) / 2 : (length))

FAULTY(ssize_t, write, (int fd, const void *bytes, size_t length), judge_fd("write", fd), -1, fd, bytes,
       PART(length))
FAULTY(ssize_t, pwrite, (int fd, const void *bytes, size_t length, off_t offset), judge_fd("write", fd), -1,
       fd, bytes, PART(length), offset)
FAULTY(ssize_t, pwrite64, (int fd, const void *bytes, size_t length, off64_t offset), judge_fd("write", fd),
       -1, fd, bytes, PART(length), offset)
FAULTY(ssize_t, read, (int fd, void *bytes, size_t length), judge_fd("read", fd), -1, fd, bytes, length)
FAULTY(ssize_t, pread, (int fd, void *bytes, size_t length, off_t offset), judge_fd("read", fd), -1, fd,
       bytes, length, offset)
FAULTY(ssize_t, pread64, (int fd, void *bytes, size_t length, off64_t offset), judge_fd("read", fd), -1, fd,
       bytes, length, offset)
FAULTY(int, fsync, (int fd), judge_fd("sync", fd), -1, fd)
FAULTY(int, fdatasync, (int fd), judge_fd("sync", fd), -1, fd)
FAULTY(int, ftruncate, (int fd, off_t length), judge_fd("truncate", fd), -1, fd, length)
FAULTY(int, ftruncate64, (int fd, off64_t length), judge_fd("truncate", fd), -1, fd, length)
FAULTY(int, fallocate, (int fd, int mode, off_t offset, off_t length), judge_fd("allocate", fd), -1, fd, mode,
       offset, length)
FAULTY(int, fallocate64, (int fd, int mode, off64_t offset, off64_t length), judge_fd("allocate", fd), -1, fd,
       mode, offset, length)
FAULTY(int, posix_fallocate, (int fd, off_t offset, off_t length), judge_fd("allocate", fd), plan.error, fd,
       offset, length)
FAULTY(int, posix_fallocate64, (int fd, off64_t offset, off64_t length), judge_fd("allocate", fd), plan.error,
       fd, offset, length)
FAULTY(void *, mmap, (void *address, size_t length, int protection, int flags, int fd, off_t offset),
       fd >= 0 ? judge_fd("mmap", fd) : NOTHING, MAP_FAILED, address, length, protection, flags, fd, offset)
FAULTY(void *, mmap64, (void *address, size_t length, int protection, int flags, int fd, off64_t offset),
       fd >= 0 ? judge_fd("mmap", fd) : NOTHING, MAP_FAILED, address, length, protection, flags, fd, offset)
FAULTY(int, flock, (int fd, int operation), judge_fd("flock", fd), -1, fd, operation)
FAULTY(int, fchmod, (int fd, mode_t mode), judge_fd("chmod", fd), -1, fd, mode)

/* Only its locks count: they are the ones that a disk or a server can fail. */
#define FCNTL(name)                                                                                          \
    int name(int fd, int command, ...)                                                                       \
    {                                                                                                        \
        va_list arguments;                                                                                   \
        va_start(arguments, command);                                                                        \
        void *argument = va_arg(arguments, void *);                                                          \
        va_end(arguments);                                                                                   \
        bool lock = command == F_SETLK || command == F_SETLKW;                                               \
        DO(name, lock ? judge_fd("lock", fd) : NOTHING, -1, fd, command, argument);                          \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
