/* See app/foreseen.h. */
#include "app/foreseen.h"

#include "app/control_events.h"
#include "app/control_link.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_S  5    /* what it does not tell in that time can be computed */
#define FIRINGS_MAX 2000 /* more than a configuration has policies, and a reply sweeps that were put off */

static void add(struct foreseen *foreseen, const struct json_value *line, const char *key, bool put_off)
{
    if (foreseen->count < FIRINGS_MAX) {
        foreseen->firings[foreseen->count++] =
            (struct foreseen_firing){.policy = mem_strdup(control_text(line, "policy")),
                                     .target = put_off ? mem_strdup(control_text(line, "target")) : NULL,
                                     .at_ms = control_time(line, key)};
    }
}

/* False at the end. */
static bool take(struct foreseen *foreseen, const struct json_value *line)
{
    const char *event = control_text(line, "event");
    if (strcmp(event, "daemon") == 0) {
        foreseen->process = control_number(line, "pid");
        foreseen->paused = control_truth(line, "paused");
        foreseen->put_off = control_number(line, "postponed");
    } else if (strcmp(event, "policy") == 0) {
        add(foreseen, line, "next_at", false);
    } else if (strcmp(event, "postponed") == 0) {
        add(foreseen, line, "at", true);
    }
    return strcmp(event, "end") != 0;
}

int foreseen_ask(struct foreseen *foreseen, const struct control_way *way, struct err *err)
{
    const struct control_request request = {.command = CONTROL_STATUS};
    struct control_link link;
    *foreseen = (struct foreseen){.firings = mem_calloc(FIRINGS_MAX, sizeof foreseen->firings[0])};
    int result = control_link_open(&link, way, err);
    if (result == 0) {
        control_link_set_patience(&link, PATIENCE_S);
        result = control_link_ask(&link, &request, err);
    }
    while (result == 0) {
        const struct json_value *line = control_link_next(&link, err);
        if (line == NULL) {
            result = -1;
        } else if (!take(foreseen, line)) {
            break;
        }
    }
    control_link_close(&link);
    return result;
}

void foreseen_finish(struct foreseen *foreseen)
{
    for (size_t i = 0; i < foreseen->count; i++) {
        free(foreseen->firings[i].policy);
        free(foreseen->firings[i].target);
    }
    free(foreseen->firings);
    *foreseen = (struct foreseen){0};
}

const struct foreseen_firing *foreseen_next(const struct foreseen *foreseen, const char *policy)
{
    for (size_t i = 0; i < foreseen->count; i++) {
        const struct foreseen_firing *firing = &foreseen->firings[i];
        if (firing->target == NULL && strcmp(firing->policy, policy) == 0) {
            return firing;
        }
    }
    return NULL;
}
