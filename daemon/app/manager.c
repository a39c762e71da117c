/* See app/manager.h.
 *
 * The happy path: manager_tell() -> send().
 *
 * The ways out: where the socket is full, the text joins `waiting`, and on_retry() sends what waits, the
 * oldest first, until nothing does. A life sign waits once at most. Where too much waits the oldest is given
 * up: what the manager must know in the end is what came last. */
#include "app/manager.h"

#include "app/systemd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 16
#define RETRY_MS    100
#define HANDLES     2
#define LIFE_SIGN   "WATCHDOG=1"

struct manager {
    uv_timer_t watchdog, retry;
    int open_handles;
    char waiting[WAITING_MAX][SYSTEMD_NOTIFY_MAX];
    size_t count;
};

/* False: it has to wait. */
static bool send_now(const char *text, struct err *err)
{
    if (systemd_notify(err, "%s", text) == 0) {
        return true;
    }
    if (err->code == ERR_UNAVAILABLE) {
        return false;
    }
    log_event(LOG_WARNING, "service manager not told", "error=%s", err->msg);
    return true;
}

static void drop_first(struct manager *manager)
{
    manager->count--;
    memmove(manager->waiting[0], manager->waiting[1], manager->count * sizeof manager->waiting[0]);
}

static void on_retry(uv_timer_t *timer)
{
    struct manager *manager = timer->data;
    struct err err;
    while (manager->count > 0 && send_now(manager->waiting[0], &err)) {
        drop_first(manager);
    }
    if (manager->count == 0) {
        uv_timer_stop(timer);
        log_event(LOG_INFO, "service manager told", "note=%s", "it listens again");
    }
}

static bool has_life_sign(const struct manager *manager)
{
    bool has = false;
    for (size_t i = 0; i < manager->count; i++) {
        has = has || strcmp(manager->waiting[i], LIFE_SIGN) == 0;
    }
    return has;
}

static void tell(struct manager *manager, const char *text)
{
    struct err err;
    if (manager->count == 0) {
        if (send_now(text, &err)) {
            return;
        }
        log_event(LOG_WARNING, "service manager not told yet", "error=%s", err.msg);
        uv_timer_start(&manager->retry, on_retry, RETRY_MS, RETRY_MS);
    }
    if (manager->count == WAITING_MAX) {
        drop_first(manager);
    }
    snprintf(manager->waiting[manager->count++], SYSTEMD_NOTIFY_MAX, "%s", text);
}

void manager_tell(struct manager *manager, const char *format, ...)
{
    char text[SYSTEMD_NOTIFY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(manager, text);
}

static void on_watchdog(uv_timer_t *timer)
{
    struct manager *manager = timer->data;
    if (!has_life_sign(manager)) {
        tell(manager, LIFE_SIGN);
    }
}

struct manager *manager_create(uv_loop_t *loop)
{
    struct manager *manager = mem_zalloc(sizeof *manager);
    uint64_t every_ms = (uint64_t)(systemd_watchdog_ns() / TIME_NS_PER_MS);
    uv_timer_init(loop, &manager->watchdog);
    uv_timer_init(loop, &manager->retry);
    manager->watchdog.data = manager->retry.data = manager;
    manager->open_handles = HANDLES;
    if (every_ms > 0) {
        uv_timer_start(&manager->watchdog, on_watchdog, every_ms, every_ms);
    }
    return manager;
}

static void on_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;
    if (--manager->open_handles == 0) {
        free(manager);
    }
}

void manager_destroy(struct manager *manager)
{
    if (manager != NULL) {
        uv_close((uv_handle_t *)&manager->watchdog, on_closed);
        uv_close((uv_handle_t *)&manager->retry, on_closed);
    }
}
