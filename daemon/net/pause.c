/* See net/pause.h. */
#include "net/pause.h"

#include "base/mem.h"

#include <stdlib.h>

struct pause {
    uv_timer_t timer;
    void (*over)(void *owner);
    void *owner;
};

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct pause *pause = timer->data;
    uv_close((uv_handle_t *)timer, on_closed);
    pause->over(pause->owner);
}

struct pause *pause_start(uv_loop_t *loop, int64_t ms, void (*over)(void *owner), void *owner)
{
    struct pause *pause = mem_zalloc(sizeof *pause);
    pause->over = over;
    pause->owner = owner;
    uv_timer_init(loop, &pause->timer);
    pause->timer.data = pause;
    uv_timer_start(&pause->timer, on_timer, (uint64_t)ms, 0);
    return pause;
}

void pause_cancel(struct pause *pause)
{
    if (pause != NULL) {
        uv_close((uv_handle_t *)&pause->timer, on_closed);
    }
}
