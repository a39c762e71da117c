/* Memory that is always there: each function returns valid memory or ends the process with one message
 * ("out of memory") and exit status 70. Freed with free().
 *
 * The libraries get their memory here too, where they can be told to: some of them crash without it, and what
 * others report as failed (a connection, a page) would be told as something that it is not. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                /* not cleared */
void *mem_zalloc(size_t size);               /* cleared */
void *mem_calloc(size_t count, size_t size); /* cleared; an overflow of the product counts as out of memory */
void *mem_realloc(void *old, size_t count, size_t size); /* for count elements of size bytes */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t length);

/* For a library that allocates by itself and says that it could not: ends the process in the same way. */
_Noreturn void mem_exhausted(void);

/* Overwrites memory in a way that the compiler does not remove: for secrets. */
void mem_wipe(void *memory, size_t size);

#endif
