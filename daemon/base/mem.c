/* See base/mem.h. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_OUT_OF_MEMORY 70 /* EX_SOFTWARE of sysexits.h */

/* write() and _exit(): nothing here may need memory, nor run handlers that do. */
void mem_exhausted(void)
{
    static const char message[] = "jobsweep: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(EXIT_OUT_OF_MEMORY);
}

static void *checked(void *memory)
{
    if (memory == NULL) {
        mem_exhausted();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size > 0 ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return checked(calloc(1, size > 0 ? size : 1));
}

void *mem_calloc(size_t count, size_t size)
{
    return checked(count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1));
}

void *mem_realloc(void *old, size_t count, size_t size)
{
    return checked(count > 0 && size > 0 ? reallocarray(old, count, size) : realloc(old, 1));
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t length)
{
    length = strnlen(text, length);
    char *copy = mem_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* Every library of the process finds this one instead of libc's: json-c uses the copy of a key without a look
 * at whether there is one. */
char *strdup(const char *text)
{
    return mem_strdup(text);
}

void mem_wipe(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}
