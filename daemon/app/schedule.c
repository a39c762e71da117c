/* jobsweep schedule: when policies run next, by the configuration alone. */
#include "app/commands.h"
#include "app/control_events.h"
#include "app/say.h"
#include "app/selection.h"
#include "base/mem.h"
#include "base/time.h"
#include "policy/timetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRINTED_MAX (256 * 1024 * 1024)

struct firing {
    int64_t at_ms;
    const struct policy *policy;
};

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIME_MS_PER_SECOND + now.tv_nsec / TIME_NS_PER_MS;
}

static int by_time(const void *left, const void *right)
{
    const struct firing *a = left, *b = right;
    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? -1 : 1) : strcmp(a->policy->name, b->policy->name);
}

static void print_text(const struct firing *firing, int64_t now_ms, struct buf *out)
{
    const struct policy *policy = firing->policy;
    char at[21], about[32], jitter[48];
    time_rfc3339(firing->at_ms, at);
    buf_printf(out, "%s  in %-11s  %s", at, time_about(firing->at_ms - now_ms, about), policy->name);
    buf_printf(out, "  %s  %zu target%s", policy->enforce ? "enforce" : "observe", policy->target_count,
               policy->target_count == 1 ? "" : "s");
    if (policy->jitter_ms > 0) {
        buf_printf(out, "  up to %s later", time_duration(policy->jitter_ms, jitter));
    }
    buf_char(out, '\n');
}

static void print_json(const struct firing *firing, struct buf *out)
{
    const struct policy *policy = firing->policy;
    control_event(out, "firing");
    member_time(out, "at", firing->at_ms);
    member_text(out, "policy", policy->name);
    member_text(out, "mode", policy->enforce ? "enforce" : "observe");
    member_text(out, "cron", policy->cron_text);
    member_text(out, "timezone", policy->timezone != NULL ? policy->timezone : "UTC");
    member_number(out, "jitter_ms", policy->jitter_ms);
    member_number(out, "targets", (int64_t)policy->target_count);
    buf_text(out, "}\n");
}

static size_t add_firings(const struct policy *policy, int64_t now_ms, int64_t most, struct firing *firings)
{
    int64_t at_ms = now_ms;
    size_t count = 0;
    while (policy->scheduled && count < (size_t)most && (at_ms = timetable_next(policy, at_ms)) >= 0) {
        firings[count++] = (struct firing){.at_ms = at_ms, .policy = policy};
    }
    return count;
}

/* NULL-terminated; -1 when a name is unknown. */
static int choose(const struct options *options, const struct config *config, const struct policy **policies,
                  struct err *err)
{
    struct selection selection;
    size_t count = 0;
    if (options->policy_count > 0) { /* for its message on unknown names */
        if (selection_make(&selection, config, options->policies, options->policy_count, NULL, false, err) !=
            0) {
            return -1;
        }
        selection_finish(&selection);
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        bool chosen = options->policy_count == 0;
        for (size_t j = 0; j < options->policy_count; j++) {
            chosen = chosen || strcmp(options->policies[j], config->policies[i].name) == 0;
        }
        if (chosen) {
            policies[count++] = &config->policies[i];
        }
    }
    policies[count] = NULL;
    return 0;
}

static void print(const struct options *options, const struct policy *const *policies, size_t most)
{
    int64_t now_ms = wall_ms();
    struct firing *firings = mem_calloc(most + 1, sizeof firings[0]);
    struct buf out;
    size_t count = 0;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; policies[i] != NULL; i++) {
        count += add_firings(policies[i], now_ms, options->next, firings + count);
    }
    qsort(firings, count, sizeof firings[0], by_time);
    for (size_t i = 0; i < count; i++) {
        if (options->format == OUTPUT_JSON) {
            print_json(&firings[i], &out);
        } else {
            print_text(&firings[i], now_ms, &out);
        }
    }
    fputs(buf_string(&out), stdout);
    for (size_t i = 0; policies[i] != NULL && options->format == OUTPUT_TEXT && !options->quiet; i++) {
        if (!policies[i]->scheduled) {
            say("%s has no schedule: it runs when it is asked for", policies[i]->name);
        }
    }
    buf_finish(&out);
    free(firings);
}

enum exit_status command_schedule(const struct options *options)
{
    struct err err;
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    const struct policy **policies = mem_calloc(config->policy_count + 1, sizeof policies[0]);
    enum exit_status status = EXIT_FINE;
    if (choose(options, config, policies, &err) == 0) {
        print(options, policies, config->policy_count * (size_t)options->next);
    } else {
        say("%s", err.msg);
        status = EXIT_USAGE;
    }
    free(policies);
    config_unref(config);
    return status;
}
