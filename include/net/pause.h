/* Being called a while later. */
#ifndef NET_PAUSE_H
#define NET_PAUSE_H

#include <stdint.h>
#include <uv.h>

struct pause;

/* over(owner) comes once, from the loop; the pause is gone then. */
struct pause *pause_start(uv_loop_t *loop, int64_t ms, void (*over)(void *owner), void *owner);
/* over() does not come any more. Takes NULL. */
void pause_cancel(struct pause *pause);

#endif
