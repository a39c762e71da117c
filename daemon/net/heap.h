/* Memory for libcurl: ours (base/mem.h), but what is given back is wiped first, because libcurl's copies of a
 * request hold the session token and the signature. May be called from any thread. */
#ifndef NET_HEAP_H
#define NET_HEAP_H

#include <stddef.h>

void heap_free(void *memory);                  /* takes NULL */
void *heap_realloc(void *memory, size_t size); /* what is left behind is wiped */

#endif
