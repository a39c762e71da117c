/* Feeds a fuzz target with the files of its corpus, without libFuzzer: one TAP line a file. The program's
 * name says which corpus it is: replay_json reads tests/fuzz/corpus/json; another directory may be given
 * instead. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The target gets a buffer of just that size, so that the address sanitizer sees a read behind it. */
static int feed(const char *directory, const char *name)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(FILE_MAX_BYTES);
    if (file == NULL || data == NULL) {
        return -1;
    }
    size_t size = fread(data, 1, FILE_MAX_BYTES, file);
    fclose(file);
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        return -1;
    }
    memcpy(exact, data, size);
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay(const char *directory)
{
    struct dirent **entries;
    int failed = 0;
    int count = scandir(directory, &entries, is_visible, alphasort);
    if (count < 0) {
        printf("1..1\nnot ok 1 - %s cannot be read\n", directory);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        int result = feed(directory, entries[i]->d_name);
        printf("%s %d - %s\n", result == 0 ? "ok" : "not ok", i + 1, entries[i]->d_name);
        failed |= result;
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    char corpus[4096];
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(corpus, sizeof corpus, "tests/fuzz/corpus/%s",
             program_invocation_short_name + strlen("replay_"));
    return replay(argc > 1 ? argv[1] : corpus) != 0;
}
