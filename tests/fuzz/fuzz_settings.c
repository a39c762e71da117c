/* Any bytes as the config file of the AWS CLI, and behind the first line "---" the credentials file: settings
 * are refused with a sentence, or lead to regions that are labels of host names and to addresses. */
#include "aws/settings.h"

#include "model/names.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static struct {
    int fd;
    char path[64];
} config, credentials;

/* A file in memory. */
static void make_file(const char *name, int *fd, char path[64])
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    require(*fd >= 0);
    snprintf(path, 64, "/proc/self/fd/%d", *fd);
}

static void fill(int fd, const uint8_t *data, size_t size)
{
    require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

static const char *get(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "AWS_CONFIG_FILE") == 0               ? config.path
           : strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0 ? credentials.path
                                                              : NULL;
}

static void check_endpoints(const struct settings *settings)
{
    static const char *const services[] = {"iot", "sts", "sso", "sso-oidc"};
    struct settings_region region = {.name = "eu-west-1"};
    struct settings_endpoint endpoint;
    struct err err = {0};
    if (settings_region(settings, NULL, &region, &err) == 0) {
        require(region_valid(region.name));
    } else {
        require(err.msg[0] != '\0' && (err.code == ERR_NOT_FOUND || err.code == ERR_INVALID));
        region = (struct settings_region){.name = "eu-west-1"};
    }
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        err = (struct err){0};
        if (settings_endpoint(settings, services[i], &region, NULL, &endpoint, &err) == 0) {
            require(endpoint.url[0] != '\0');
            require(endpoint.where != NULL || strstr(endpoint.url, region.name) != NULL);
        } else {
            require(err.msg[0] != '\0');
        }
    }
}

static void check_profile(const struct environment *env, const char *profile)
{
    struct settings_retries retries;
    struct err err = {0};
    struct settings *settings = settings_load(env, profile, &err);
    if (settings == NULL) {
        require(err.msg[0] != '\0');
        profiles_reword(env, &err);
        require(err.code != ERR_SYNTAX || strncmp(err.msg, "Unable to parse config file: /proc/", 35) == 0);
        return;
    }
    check_endpoints(settings);
    require(settings_retries(settings, &retries, &err) != 0 || retries.max_attempts > 0);
    settings_free(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct environment env = {.get = get};
    if (config.path[0] == '\0') {
        make_file("config", &config.fd, config.path);
        make_file("credentials", &credentials.fd, credentials.path);
    }
    const uint8_t *cut = memmem(data, size, "\n---\n", 5);
    fill(config.fd, data, cut != NULL ? (size_t)(cut - data) + 1 : size);
    fill(credentials.fd, cut != NULL ? cut + 5 : data, cut != NULL ? size - (size_t)(cut - data) - 5 : 0);
    check_profile(&env, NULL);
    check_profile(&env, "a b");
    return 0;
}
