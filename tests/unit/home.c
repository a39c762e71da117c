/* See home.h. */
#include "home.h"

#include "tap.h"

#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* Variables that begin with AWS_. */
static void clear_environment(void)
{
    char name[128];
    size_t at = 0;
    while (environ != NULL && environ[at] != NULL) {
        size_t length = strcspn(environ[at], "=");
        if (strncmp(environ[at], "AWS_", 4) == 0 && length < sizeof name) {
            memcpy(name, environ[at], length);
            name[length] = '\0';
            unsetenv(name); /* the next one moves here */
        } else {
            at++;
        }
    }
    unsetenv("REQUESTS_CA_BUNDLE");
}

int home_start(void **state)
{
    char path[128];
    char *home = mem_strdup("/tmp/jobsweep-home-XXXXXX");
    *state = home;
    clear_environment();
    if (mkdtemp(home) == NULL) {
        return -1;
    }
    setenv("HOME", home, 1);
    snprintf(path, sizeof path, "%s/.aws", home);
    return mkdir(path, 0700);
}

int home_stop(void **state)
{
    char path[512], folder[128];
    struct dirent *entry;
    snprintf(folder, sizeof folder, "%s/.aws", (char *)*state);
    DIR *files = opendir(folder);
    while (files != NULL && (entry = readdir(files)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(files);
    rmdir(folder);
    rmdir(*state);
    free(*state);
    return 0;
}

void home_write(void **state, const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.aws/%s", (char *)*state, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}
