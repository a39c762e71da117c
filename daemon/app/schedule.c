/* jobsweep schedule: when policies run next: as the daemon that runs has it, and as the configuration says
 * what the daemon does not tell. */
#include "app/commands.h"
#include "app/control_events.h"
#include "app/foreseen.h"
#include "app/say.h"
#include "app/selection.h"
#include "base/mem.h"
#include "base/text.h"
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
    const char *target; /* NULL: all of the policy's */
    bool told;          /* by the daemon; else it is computed */
};

struct schedule {
    const struct policy **policies; /* those that are asked for; NULL-terminated */
    const struct foreseen *daemon;  /* NULL: it cannot be asked */
    int64_t now_ms;
    struct firing *firings;
    size_t count;
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

static void print_text(const struct schedule *schedule, const struct firing *firing, struct buf *out)
{
    const struct policy *policy = firing->policy;
    char at[21], about[32], jitter[48];
    time_rfc3339(firing->at_ms, at);
    buf_printf(out, "%s  in %-11s  %s  %s", at, time_about(firing->at_ms - schedule->now_ms, about),
               policy->name, policy->enforce ? "enforce" : "observe");
    if (firing->target != NULL) {
        buf_text(out, "  in ");
        text_visible(out, firing->target);
        buf_text(out, ", put off until then\n");
        return;
    }
    buf_printf(out, "  %zu target%s", policy->target_count, policy->target_count == 1 ? "" : "s");
    if (policy->jitter_ms > 0) {
        buf_printf(out, "  up to %s later", time_duration(policy->jitter_ms, jitter));
    }
    buf_text(out, schedule->daemon != NULL && !firing->told ? "  by the configuration\n" : "\n");
}

static void print_json(const struct firing *firing, struct buf *out)
{
    const struct policy *policy = firing->policy;
    control_event(out, "firing");
    member_time(out, "at", firing->at_ms);
    member_text(out, "policy", policy->name);
    member_text(out, "target", firing->target);
    member_text(out, "by", firing->told ? "daemon" : "configuration");
    member_text(out, "mode", policy->enforce ? "enforce" : "observe");
    member_text(out, "cron", policy->cron_text);
    member_text(out, "timezone", policy->timezone != NULL ? policy->timezone : "UTC");
    member_number(out, "jitter_ms", policy->jitter_ms);
    member_number(out, "targets", firing->target != NULL ? 1 : (int64_t)policy->target_count);
    buf_text(out, "}\n");
}

/* The first as the daemon has it; it may have another schedule than the file by now, or none. */
static void add_firings(struct schedule *schedule, const struct policy *policy, int64_t most)
{
    const struct foreseen_firing *next =
        schedule->daemon != NULL ? foreseen_next(schedule->daemon, policy->name) : NULL;
    int64_t at_ms = schedule->now_ms, added = 0;
    if (next != NULL && next->at_ms != 0) {
        at_ms = next->at_ms;
        schedule->firings[schedule->count++] =
            (struct firing){.at_ms = at_ms, .policy = policy, .told = true};
        added = 1;
    }
    while (policy->scheduled && added < most && (at_ms = timetable_next(policy, at_ms)) >= 0) {
        schedule->firings[schedule->count++] = (struct firing){.at_ms = at_ms, .policy = policy};
        added++;
    }
}

static const struct policy *find_policy(const struct schedule *schedule, const char *name)
{
    for (size_t i = 0; schedule->policies[i] != NULL; i++) {
        if (strcmp(schedule->policies[i]->name, name) == 0) {
            return schedule->policies[i];
        }
    }
    return NULL;
}

static void add_put_off(struct schedule *schedule)
{
    const struct foreseen *daemon = schedule->daemon;
    for (size_t i = 0; daemon != NULL && i < daemon->count; i++) {
        const struct foreseen_firing *told = &daemon->firings[i];
        const struct policy *policy = told->target != NULL ? find_policy(schedule, told->policy) : NULL;
        if (policy != NULL) {
            schedule->firings[schedule->count++] =
                (struct firing){.at_ms = told->at_ms, .policy = policy, .target = told->target, .told = true};
        }
    }
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

/* What does not fit into the daemon's answer is counted. */
static void note_left_out(const struct foreseen *daemon)
{
    int64_t left_out = daemon->put_off;
    for (size_t i = 0; i < daemon->count; i++) {
        left_out -= daemon->firings[i].target != NULL;
    }
    if (left_out > 0) {
        say("%lld more sweeps are put off", (long long)left_out);
    }
}

/* Where the times come from, and what the daemon will do that is not among them. */
static void note(const struct options *options, const struct schedule *schedule, const char *why_not)
{
    const struct foreseen *daemon = schedule->daemon;
    if (daemon == NULL) {
        say("computed from the configuration, because no daemon answers: %s", why_not);
    } else {
        say("as the daemon has it, process %lld%s", (long long)daemon->process,
            daemon->paused ? "; it is paused, and leaves out what is due" : "");
        note_left_out(daemon);
    }
    for (size_t i = 0; daemon != NULL && i < daemon->count && options->policy_count == 0; i++) {
        const struct foreseen_firing *told = &daemon->firings[i];
        char at[21];
        if (told->target == NULL && told->at_ms != 0 && find_policy(schedule, told->policy) == NULL) {
            time_rfc3339(told->at_ms, at);
            say("%s, at %s: the daemon still has it, the configuration has not (jobsweep reload)",
                told->policy, at);
        }
    }
    for (size_t i = 0; schedule->policies[i] != NULL; i++) {
        if (!schedule->policies[i]->scheduled) {
            say("%s has no schedule: it runs when it is asked for", schedule->policies[i]->name);
        }
    }
}

static void print(const struct options *options, struct schedule *schedule)
{
    struct buf out;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; schedule->policies[i] != NULL; i++) {
        add_firings(schedule, schedule->policies[i], options->next);
    }
    add_put_off(schedule);
    qsort(schedule->firings, schedule->count, sizeof schedule->firings[0], by_time);
    for (size_t i = 0; i < schedule->count; i++) {
        if (options->format == OUTPUT_JSON) {
            print_json(&schedule->firings[i], &out);
        } else {
            print_text(schedule, &schedule->firings[i], &out);
        }
    }
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
}

static void show(const struct options *options, const struct config *config, const struct policy **policies)
{
    struct control_way way;
    struct foreseen daemon = {0};
    struct err err;
    bool told =
        control_way_find(&way, NULL, options->config, &err) == 0 && foreseen_ask(&daemon, &way, &err) == 0;
    struct schedule schedule = {.policies = policies, .daemon = told ? &daemon : NULL, .now_ms = wall_ms()};
    schedule.firings = mem_calloc(config->policy_count * (size_t)options->next + daemon.count + 1,
                                  sizeof schedule.firings[0]);
    print(options, &schedule);
    if (options->format == OUTPUT_TEXT && !options->quiet) {
        note(options, &schedule, err.msg);
    }
    free(schedule.firings);
    foreseen_finish(&daemon);
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
        show(options, config, policies);
    } else {
        say("%s", err.msg);
        status = EXIT_USAGE;
    }
    free(policies);
    config_unref(config);
    return status;
}
