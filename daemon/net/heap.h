/* Memory for libcurl: malloc()'s, but what is given back is wiped first, because libcurl's copies of a
 * request hold the session token and the signature. May be called from any thread. */
#ifndef NET_HEAP_H
#define NET_HEAP_H

#include <stddef.h>

void heap_free(void *memory); /* takes NULL */
/* As realloc(), and what is left behind is wiped. NULL, and the old memory stays, when there is no other. */
void *heap_realloc(void *memory, size_t size);

#endif
