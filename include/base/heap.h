/* Memory for libraries that hold secrets: ours (base/mem.h), but what is given back is wiped first. libcurl's
 * copies of a request have the session token and the signature, OpenSSL's buffers whatever was read and
 * written. May be called from any thread. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

void heap_free(void *memory);                  /* takes NULL */
void *heap_realloc(void *memory, size_t size); /* what is left behind is wiped */

#endif
