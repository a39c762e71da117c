/* Since when complete runs select what, kept apart from the ledger: nothing is deleted that a run which is on
 * record had not selected at least its policy's grace ago. After a crash nobody knows whether the last word
 * of a run came to the disk: then both are allowed. See sim/oracle.h. */
#include "base/mem.h"
#include "base/time.h"
#include "sim/oracle_model.h"

#include <stdio.h>
#include <stdlib.h>

/* How far the process may be mistaken about the service's clock while it believes it: by what its guard
 * lets pass, and by how late an answer can be. */
#define MISTAKEN_MS (60000 + SIM_TIMEOUT_NS / TIME_NS_PER_MS + 2000)

struct known {        /* an execution, for one version of a policy */
    int64_t since_ms; /* 0: the latest complete run did not select it */
    uint32_t version;
    int64_t run; /* of this process's doing, the latest that selected it; counted here */
};

struct oracle_graces {
    struct names *names, *versions;
    struct known *known;
    uint32_t room;
    int64_t run;
};

struct oracle_graces *oracle_graces_create(void)
{
    struct oracle_graces *graces = mem_zalloc(sizeof *graces);
    graces->names = names_create();
    graces->versions = names_create();
    return graces;
}

void oracle_graces_destroy(struct oracle_graces *graces)
{
    names_destroy(graces->names);
    names_destroy(graces->versions);
    free(graces->known);
    free(graces);
}

static struct known *find(struct oracle_graces *graces, const struct policy *policy, const char *slot,
                          const struct fingerprint *print)
{
    char key[512];
    snprintf(key, sizeof key, "%s %s %d %s %s %s", policy->selection, slot, print->status,
             print->queued_at.text, print->started_at.text, print->last_updated_at.text);
    uint32_t index = names_intern(graces->names, key), before = graces->room;
    if (index >= before) {
        graces->room = index * 2 + 64;
        graces->known = mem_realloc(graces->known, graces->room, sizeof *graces->known);
        for (uint32_t i = before; i < graces->room; i++) {
            graces->known[i] = (struct known){0};
        }
    }
    graces->known[index].version = names_intern(graces->versions, policy->selection);
    return &graces->known[index];
}

void oracle_grace_begins(struct oracle *oracle)
{
    oracle->graces->run++;
}

void oracle_grace_selects(struct oracle *oracle, const struct job_execution *execution)
{
    char slot[256];
    snprintf(slot, sizeof slot, "%s/%s/%lld", execution->job_id, execution->thing_name,
             (long long)execution->number);
    find(oracle->graces, oracle->policy, slot, &execution->fingerprint)->run = oracle->graces->run;
}

void oracle_grace_asked(struct oracle *oracle)
{
    struct oracle_graces *graces = oracle->graces;
    const struct shadow_run *run = oracle_shadow(oracle, oracle->run);
    int64_t now_ms = sim_service_ms(oracle->sim);
    if (!oracle->planned || oracle->canceled || !run || run->matched > oracle->policy->selected_over) {
        sim_break(oracle->sim, "graces: a run counts whose plan does not stand");
    }
    for (uint32_t i = 0; i < names_count(graces->names); i++) {
        struct known *known = &graces->known[i];
        if (known->run == graces->run && known->since_ms == 0) {
            known->since_ms = now_ms;
        }
    }
}

void oracle_grace_recorded(struct oracle *oracle)
{
    struct oracle_graces *graces = oracle->graces;
    uint32_t version = names_intern(graces->versions, oracle->policy->selection);
    for (uint32_t i = 0; i < names_count(graces->names); i++) {
        struct known *known = &graces->known[i];
        if (known->version == version && known->run != graces->run) {
            known->since_ms = 0;
        }
    }
}

void oracle_grace_check(struct oracle *oracle, const struct policy *policy, const struct shadow_row *row)
{
    const char *slot = names_text(oracle->slot_names, row->slot);
    if (policy->grace_ms == 0) {
        return;
    }
    int64_t since_ms = find(oracle->graces, policy, slot, &row->print)->since_ms;
    if (since_ms == 0 || sim_service_ms(oracle->sim) - since_ms < policy->grace_ms - MISTAKEN_MS) {
        sim_break(oracle->sim, "graces: %s is sent, selected for %lld of %lld ms", slot,
                  (long long)(since_ms == 0 ? 0 : sim_service_ms(oracle->sim) - since_ms),
                  (long long)policy->grace_ms);
    }
    oracle->sim->totals.graced++;
}
