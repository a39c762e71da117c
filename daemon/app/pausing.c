/* Pausing, resuming, and what of it the next start finds: see app/daemon_private.h. */
#include "app/config_file.h"
#include "app/daemon_private.h"
#include "app/state_directory.h"
#include "base/log.h"
#include "policy/load.h"

#include <limits.h>
#include <string.h>

static void tell_paused(const struct daemon *daemon)
{
    char text[80];
    manager_tell(daemon->manager, "STATUS=paused %s", pause_text(&daemon->pause, text));
}

int daemon_pause(struct daemon *daemon, int64_t user, struct err *err)
{
    if (!daemon->pause.paused) {
        daemon->pause = (struct pause){.paused = true, .since_ms = daemon_wall_ms(daemon), .user = user};
        runner_pause(daemon->runner, true);
        log_event(LOG_WARNING, "paused", "user=%lld sweeps=%lu", (long long)user,
                  (unsigned long)daemon->task_count);
        tell_paused(daemon);
    }
    /* Again, should it have failed before. */
    return pause_store(daemon->state_directory, &daemon->pause, err);
}

int daemon_resume(struct daemon *daemon, struct err *err)
{
    if (pause_remove(daemon->state_directory, &daemon->pause, err) != 0) {
        return -1;
    }
    if (daemon->pause.paused) {
        daemon->pause = (struct pause){0};
        log_event(LOG_WARNING, "no longer paused", "sweeps=%lu", (unsigned long)daemon->task_count);
        manager_tell(daemon->manager, "STATUS=");
        runner_pause(daemon->runner, false);
        if (daemon->resumed != NULL) { /* else it is done once they are known */
            firings_catch_up(daemon);
        }
    }
    return 0;
}

/* A configuration that was changed and not loaded may have the next start look elsewhere. */
void daemon_end_paused(const struct daemon *daemon)
{
    char file[PATH_MAX], next[PATH_MAX];
    bool readable;
    struct err ignored;
    if (!daemon->pause.paused ||
        config_file_find(daemon->options->config, true, file, sizeof file, &ignored) != 0) {
        return;
    }
    struct config *config = config_peek(file, &readable);
    if (readable && state_directory_find(config, next, sizeof next, &ignored) == 0 &&
        strcmp(next, daemon->state_directory) != 0) {
        log_event(LOG_WARNING, "the pause stays behind", "state_directory=%s next=%s",
                  daemon->state_directory, next);
    }
    config_unref(config);
}

void daemon_begin_paused(struct daemon *daemon)
{
    char text[80];
    if (daemon->pause.paused) {
        log_event(LOG_WARNING, "paused", "text=%s", pause_text(&daemon->pause, text));
        runner_pause(daemon->runner, true);
        tell_paused(daemon);
    }
}
