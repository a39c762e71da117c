/* What both programs do to their process before anything else. */
#include "app/process.h"

#include "aws/crypto.h"
#include "base/mem.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

bool process_output_unread(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
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
