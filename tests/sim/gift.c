/* See sim/gift.h. */
#include "sim/gift.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX    60
#define ORIGIN_PLAN "a plan until "
#define ORIGIN_ROWS "rows of a person"

static uint64_t below(struct random *random, uint64_t bound)
{
    return random_below(random, bound);
}

static int next_row(void *ctx, struct plan_row *row, struct err *err)
{
    struct gift *gift = ctx;
    (void)err;
    if (gift->next == gift->count) {
        return 0;
    }
    *row = gift->rows[gift->next++];
    return 1;
}

/* The files are read so that nothing is in them twice; 0 stands for the newest number, whichever that is. */
static bool has(const struct gift *gift, const struct job_execution *execution)
{
    for (size_t i = 0; i < gift->count; i++) {
        const struct job_execution *other = &gift->rows[i].execution;
        bool numbers = other->number == execution->number || other->number == 0 || execution->number == 0;
        if (numbers && strcmp(other->job_id, execution->job_id) == 0 &&
            strcmp(other->thing_name, execution->thing_name) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct gift *gift, const struct job_execution *execution, bool force)
{
    if (!has(gift, execution)) {
        struct plan_row *row = &gift->rows[gift->count++];
        *row = (struct plan_row){.execution = *execution, .force = force};
        snprintf(row->reason, sizeof row->reason, "given");
    }
}

/* As it was listed, if the policy took it. */
static void add_planned(struct gift *gift, const struct site *site, const struct policy *policy,
                        const struct fleet_execution *found)
{
    struct job_execution execution = found->execution;
    struct job job;
    bool known = fleet_know_job(site->fleet, execution.job_id, &job);
    execution.fingerprint.version_number = 0; /* lists do not tell it */
    if (found->deleted_ms == 0 && known && !rules_keep(policy, &job, &execution, sim_service_ms(site->sim))) {
        add(gift, &execution, execution.fingerprint.status == EXECUTION_IN_PROGRESS);
    }
}

/* One that is there, was there, or never was. */
static void add_named(struct gift *gift, struct random *random, const struct fleet_execution *found)
{
    struct job_execution execution = found->execution;
    uint64_t drawn = below(random, 20);
    execution.fingerprint = (struct fingerprint){.status = EXECUTION_UNKNOWN};
    if (drawn == 0) {
        execution.number += 1000000;
    } else if (drawn < 4) {
        execution.number = 0;
    }
    add(gift, &execution, false);
}

struct policy gift_nobody(const char *name)
{
    static char nothing[] = "";
    struct policy policy = {.canonical = nothing, .description = nothing};
    text_copy(policy.name, sizeof policy.name, name);
    return policy;
}

static void name_policy(struct gift *gift, bool force)
{
    gift->named = gift_nobody("delete-job-executions");
    gift->named.enforce = true;
    gift->named.selected_over = INT64_MAX;
    gift->named.force = force;
}

struct gift *gift_draw(const struct site *site, struct random *random, const struct policy *policy)
{
    struct gift *gift = mem_zalloc(sizeof *gift);
    uint64_t wanted = 1 + below(random, ROWS_MAX), identities = fleet_identities(site->fleet);
    if (policy && policy->per_run > 0 && (uint64_t)policy->per_run < wanted) { /* no plan has more */
        wanted = (uint64_t)policy->per_run;
    }
    gift->rows = mem_calloc(ROWS_MAX, sizeof *gift->rows);
    name_policy(gift, below(random, 4) == 0);
    snprintf(gift->origin, sizeof gift->origin, ORIGIN_ROWS);
    if (policy) {
        int64_t seconds = (int64_t)(below(random, 2) == 0 ? below(random, 60) : below(random, 7200));
        gift->until_ms = sim_wall_ms(site->sim) + 1000 + seconds * TIME_MS_PER_SECOND;
        snprintf(gift->origin, sizeof gift->origin, ORIGIN_PLAN "%" PRId64, gift->until_ms);
    }
    for (uint64_t i = 0; i < wanted && identities > 0; i++) {
        struct fleet_execution found;
        fleet_identity(site->fleet, 1 + below(random, identities), &found);
        if (policy) {
            add_planned(gift, site, policy, &found);
        } else {
            add_named(gift, random, &found);
        }
    }
    gift->source = (struct row_source){.ctx = gift,
                                       .next = next_row,
                                       .count = (int64_t)gift->count,
                                       .force = policy ? policy->force : gift->named.force};
    return gift;
}

void gifts_destroy(struct gift *latest)
{
    while (latest) {
        struct gift *older = latest->older;
        free(latest->rows);
        free(latest);
        latest = older;
    }
}

bool gift_is_origin(const char *origin)
{
    return origin[0] != '\0';
}

int64_t gift_until_ms(const char *origin)
{
    size_t length = strlen(ORIGIN_PLAN);
    return strncmp(origin, ORIGIN_PLAN, length) == 0 ? strtoll(origin + length, NULL, 10) : 0;
}
