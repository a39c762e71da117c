/* What both programs do to their process before anything else. */
#include "app/process.h"

#include "app/say.h"
#include "aws/crypto.h"
#include "base/mem.h"
#include "base/time.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is the one that is closed. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            abort();
        }
    }
}

void process_protect(void)
{
    open_standard_descriptors();
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) /* its leak check reads the memory of this process from another one */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a ledger over the limit is a write that fails, and is handled as one */
}

static bool nobody_reads(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

/* What failed earlier left the stream's buffer, so that flushing it may succeed. */
bool process_output_written(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return true;
    }
    if (!nobody_reads()) {
        say("standard output could not be written");
    }
    return false;
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*s %ld", &pages) != 1) {
        pages = 0;
    }
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_fds(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count - 1; /* without the folder's own */
}

static int64_t milliseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * TIME_MS_PER_SECOND + time.tv_usec / 1000;
}

void process_look(struct process_usage *usage)
{
    struct rusage times = {0};
    struct rlimit files = {0, 0};
    getrusage(RUSAGE_SELF, &times);
    getrlimit(RLIMIT_NOFILE, &files);
    *usage = (struct process_usage){.cpu_ms = milliseconds(times.ru_utime) + milliseconds(times.ru_stime),
                                    .resident_bytes = resident_bytes(),
                                    .open_fds = open_fds(),
                                    .max_fds = (int64_t)files.rlim_cur};
}

static void *reallocate(void *old, size_t size)
{
    return mem_realloc(old, size, 1);
}

void process_supply_memory(void)
{
    uv_replace_allocator(mem_alloc, reallocate, mem_calloc, free);
    crypto_start();
}
