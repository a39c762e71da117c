/* Any bytes as the shared files of the AWS CLI: credentials in front of the first line "---", config behind
 * it. What a profile's credentials come out as is fit to be signed with and to be sent in a header. */
#include "aws/credentials.h"
#include "aws/profile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* A file in memory that the variable names. */
static int make_file(const char *variable)
{
    char path[64];
    int fd = memfd_create(variable, MFD_CLOEXEC);
    require(fd >= 0 && fchmod(fd, 0600) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    setenv(variable, path, 1);
    return fd;
}

static void fill(int fd, const uint8_t *data, size_t size)
{
    require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

static bool printable(const char *text)
{
    while (*text > ' ' && *text < 0x7f) {
        text++;
    }
    return *text == '\0';
}

static void on_credentials(struct credentials_waiter *waiter)
{
    const struct credentials *found = waiter->credentials;
    *(bool *)waiter->owner = true;
    require((found != NULL) == (waiter->err.code == ERR_NONE));
    require((found != NULL) == (waiter->fault == CREDENTIALS_OK));
    require(found != NULL || waiter->err.msg[0] != '\0');
    if (found != NULL) {
        require(found->access_key[0] != '\0' && printable(found->access_key));
        require(found->secret_key[0] != '\0' && printable(found->secret_key));
        require(found->session_token == NULL || printable(found->session_token));
    }
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return INT64_C(1795490100000);
}

/* Without a loop and an HTTP client nothing is run and nobody is asked, whatever the profile says. */
static void fetch_profile(const char *profile)
{
    bool done = false;
    struct credentials_waiter waiter = {.done = on_credentials, .owner = &done};
    struct credentials_provider *provider =
        credentials_provider_create(&(struct credentials_config){.wall_ms = wall_ms, .profile = profile});
    credentials_get(provider, &waiter);
    require(done);
    credentials_provider_destroy(provider);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int credentials = -1, config;
    if (credentials < 0) {
        credentials = make_file("AWS_SHARED_CREDENTIALS_FILE");
        config = make_file("AWS_CONFIG_FILE");
        setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    }
    const uint8_t *cut = memmem(data, size, "\n---\n", 5);
    fill(credentials, data, cut != NULL ? (size_t)(cut - data) + 1 : size);
    fill(config, cut != NULL ? cut + 5 : data, cut != NULL ? size - (size_t)(cut - data) - 5 : 0);
    fetch_profile("default");
    fetch_profile("fleet");
    return 0;
}
