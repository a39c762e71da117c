/* What the model knows and the service would not tell: for oracles and for the hands of others. */
#include "sim/fleet_admin.h"
#include "sim/fleet_model.h"
#include "sim/rules.h"

#include <string.h>

uint64_t fleet_identities(const struct fleet *fleet)
{
    return fleet->record_count;
}

/* Goes through everything that ever had the number, newest first. */
static uint64_t each_of_number(const struct fleet *fleet, uint64_t after, uint32_t job, uint32_t thing,
                               int64_t number)
{
    uint64_t at = after ? fleet_record(fleet, after)->pair_next : fleet_pair_head(fleet, job, thing);
    for (; at; at = fleet_record(fleet, at)->pair_next) {
        const struct record *record = fleet_record(fleet, at);
        if (record->job == job && record->thing == thing && record->number == number) {
            break;
        }
    }
    return at;
}

static bool names_known(const struct fleet *fleet, const char *job_id, const char *thing_name, uint32_t *job,
                        uint32_t *thing)
{
    *job = names_find(fleet->job_names, job_id);
    *thing = names_find(fleet->thing_names, thing_name);
    return *job != UINT32_MAX && *thing != UINT32_MAX;
}

uint64_t fleet_latest(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number)
{
    uint32_t job, thing;
    if (!names_known(fleet, job_id, thing_name, &job, &thing)) {
        return 0;
    }
    return each_of_number(fleet, 0, job, thing, number);
}

static bool is_it(const struct job_execution *shown, const struct job_execution *wanted,
                  bool may_have_gone_on)
{
    const struct fingerprint *print = &shown->fingerprint;
    return may_have_gone_on ? strcmp(print->queued_at.text, wanted->fingerprint.queued_at.text) == 0
                            : rules_same(print, &wanted->fingerprint);
}

uint64_t fleet_find_print(const struct fleet *fleet, const struct job_execution *execution)
{
    uint32_t job, thing;
    uint64_t at = 0;
    if (!names_known(fleet, execution->job_id, execution->thing_name, &job, &thing)) {
        return 0;
    }
    bool finished = rules_terminal(execution->fingerprint.status);
    for (int pass = 0; at == 0 && pass < (finished ? 1 : 2); pass++) {
        while ((at = each_of_number(fleet, at, job, thing, execution->number)) != 0) {
            struct job_execution shown;
            fleet_show(fleet, at, &shown);
            if (is_it(&shown, execution, pass > 0)) {
                break;
            }
        }
    }
    return at;
}

bool fleet_was_deleted(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number)
{
    uint32_t job, thing;
    uint64_t at = 0;
    if (!names_known(fleet, job_id, thing_name, &job, &thing)) {
        return false;
    }
    while ((at = each_of_number(fleet, at, job, thing, number)) != 0) {
        if (fleet_record(fleet, at)->deleted_ms) {
            return true;
        }
    }
    return false;
}

static enum execution_status another(enum execution_status status)
{
    return status == EXECUTION_FAILED ? EXECUTION_SUCCEEDED : EXECUTION_FAILED;
}

static bool looks_like_another(const struct fleet *fleet, uint64_t identity)
{
    const struct record *record = fleet_record(fleet, identity);
    struct job_execution own, other;
    uint64_t at = 0;
    fleet_show(fleet, identity, &own);
    while ((at = each_of_number(fleet, at, record->job, record->thing, record->number)) != 0) {
        fleet_show(fleet, at, &other);
        if (at != identity && rules_same(&own.fingerprint, &other.fingerprint)) {
            return true;
        }
    }
    return false;
}

uint64_t fleet_reincarnate(struct fleet *fleet, uint64_t identity, unsigned differences, int64_t now_ms)
{
    struct record old = *fleet_record(fleet, identity);
    uint64_t latest = each_of_number(fleet, 0, old.job, old.thing, old.number);
    if (!fleet_record(fleet, latest)->deleted_ms || !fleet->jobs[old.job].exists) {
        return 0;
    }
    uint64_t newcomer = fleet_put_execution(fleet, old.job, old.thing, old.queued_ms);
    bool other = (differences & FLEET_OTHER_STATUS) != 0;
    enum execution_status status = (enum execution_status)old.status;
    fleet_restate(fleet, newcomer, other ? another(status) : status);
    struct record *record = fleet_record(fleet, newcomer);
    record->number = old.number;
    fleet_past(fleet, record)->born_ms = now_ms;
    record->queued_ms = old.queued_ms + ((differences & FLEET_OTHER_QUEUED) != 0);
    record->started_ms = old.started_ms + ((differences & FLEET_OTHER_STARTED) != 0);
    record->updated_ms = old.updated_ms + ((differences & FLEET_OTHER_UPDATED) != 0);
    record->version = old.version + ((differences & FLEET_OTHER_VERSION) != 0);
    while (looks_like_another(fleet, newcomer)) { /* of an earlier incarnation */
        record->updated_ms++;
    }
    return newcomer;
}
