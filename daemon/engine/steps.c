/* See engine/steps.h. */
#include "engine/steps.h"

#include "base/time.h"
#include "engine/guard.h"
#include "engine/retry.h"

#include <string.h>

/* Less is the drift of a slewed clock between two calls, and rounding. */
#define STEP_TOLERANCE_MS 1000
#define ACTIVE_MIN        8
/* A Date header is up to a second old, and the clock may have been off by the tolerance above. */
#define QUARANTINE_MARGIN_MS 2000

static struct step settle(enum outcome outcome)
{
    return (struct step){.kind = STEP_SETTLE, .outcome = outcome};
}

static struct step refuse(void)
{
    return (struct step){.kind = STEP_SETTLE, .outcome = OUTCOME_FAILED, .refused = true};
}

static struct step go(enum step_kind kind)
{
    return (struct step){.kind = kind};
}

bool step_describes(const struct call *call, const struct job_execution *asked)
{
    const struct job_execution *found = &call->execution;
    return call->answer.class == ANSWER_DONE && strcmp(found->job_id, asked->job_id) == 0 &&
           strcmp(found->thing_name, asked->thing_name) == 0 &&
           (asked->number == 0 ? found->number > 0 : found->number == asked->number);
}

enum found step_found(const struct call *call, const struct job_execution *planned)
{
    const struct job_execution *found = &call->execution;
    if (call->answer.class == ANSWER_GONE) {
        return FOUND_NONE;
    }
    if (call->answer.class != ANSWER_DONE) {
        return FOUND_NO_ANSWER;
    }
    if (!step_describes(call, planned)) {
        return FOUND_NO_ANSWER;
    }
    if (fingerprint_difference(&found->fingerprint, &planned->fingerprint) == NULL) {
        return FOUND_SAME;
    }
    bool running = planned->fingerprint.status == EXECUTION_IN_PROGRESS;
    bool same_birth = timestamp_equal(&found->fingerprint.queued_at, &planned->fingerprint.queued_at);
    return running && same_birth ? FOUND_MOVED : FOUND_OTHER;
}

enum sending step_sending(const struct plan_row *plan, bool policy_forces)
{
    enum execution_status status = plan->execution.fingerprint.status;
    if (execution_status_terminal(status)) {
        return SENDING_PLAIN;
    }
    bool forced = status == EXECUTION_IN_PROGRESS && plan->force && policy_forces;
    return forced ? SENDING_FORCED : SENDING_NEVER;
}

enum outcome step_unsendable(const struct plan_row *plan, const char **word)
{
    const struct fingerprint *fingerprint = &plan->execution.fingerprint;
    if (fingerprint->status == EXECUTION_UNKNOWN && !timestamp_present(&fingerprint->queued_at) &&
        !timestamp_present(&fingerprint->last_updated_at)) {
        *word = "NotFound";
        return OUTCOME_GONE;
    }
    *word = "NotFinished";
    return plan->force ? OUTCOME_FAILED : OUTCOME_STATE_CHANGED;
}

struct step step_after_check(enum found found, const struct history *history)
{
    switch (found) {
    case FOUND_SAME:
        return go(STEP_SEND);
    case FOUND_OTHER:
        return settle(history->lost > 0 ? OUTCOME_DELETED_PRESUMED : OUTCOME_REPLACED);
    case FOUND_MOVED:
        return settle(OUTCOME_STATE_CHANGED);
    case FOUND_NONE:
        return settle(history->lost > 0 ? OUTCOME_DELETED_PRESUMED : OUTCOME_GONE);
    case FOUND_NO_ANSWER:
        break;
    }
    return refuse();
}

static struct step after_unsent(struct history *history)
{
    history->unsent++;
    return history->unsent < DELETER_UNSENT_MAX ? go(STEP_AGAIN) : refuse();
}

/* The credentials or the clock are put right below the engine. */
static struct step after_refresh(enum answer_class class, struct history *history)
{
    bool again = retry_refreshes(class, history->refreshed);
    history->refreshed++;
    return again ? go(STEP_AGAIN) : refuse();
}

struct step step_after_send(enum answer_class class, bool withheld, struct history *history)
{
    if (withheld && class == ANSWER_NOT_SENT) {
        return go(STEP_AGAIN);
    }
    if (class == ANSWER_NOT_SENT) {
        return after_unsent(history);
    }
    history->unsent = 0;
    switch (class) {
    case ANSWER_DONE:
        return settle(OUTCOME_DELETED);
    case ANSWER_GONE: /* after a lost answer: most likely our own doing */
        return settle(history->lost > 0 ? OUTCOME_DELETED_PRESUMED : OUTCOME_GONE);
    case ANSWER_STATE:
        return settle(OUTCOME_STATE_CHANGED);
    case ANSWER_THROTTLED:
        return go(STEP_AGAIN);
    case ANSWER_EXPIRED:
    case ANSWER_SKEWED:
        return after_refresh(class, history);
    case ANSWER_DENIED:
    case ANSWER_INVALID:
        return refuse();
    default: /* AMBIGUOUS, and whatever is not known */
        break;
    }
    history->lost++;
    return go(STEP_QUARANTINE);
}

struct step step_after_look(enum found found, const struct history *history)
{
    switch (found) {
    case FOUND_SAME:
        return history->lost < DELETER_ATTEMPTS_MAX ? go(STEP_SEND) : settle(OUTCOME_FAILED);
    case FOUND_OTHER: /* the newcomer is left alone until a later plan selects it */
    case FOUND_NONE:
        return settle(OUTCOME_DELETED_PRESUMED);
    case FOUND_MOVED:
        return settle(OUTCOME_STATE_CHANGED);
    case FOUND_NO_ANSWER:
        break;
    }
    return go(STEP_LOOK_AGAIN);
}

bool step_is_for_all(const struct call *call)
{
    return call->answer.class == ANSWER_EXPIRED || call_lacked_credentials(call);
}

bool step_check_needless(const struct job *job)
{
    return job->described && !job->continuous && !job->retries &&
           (job->status == JOB_COMPLETED || job->status == JOB_CANCELED);
}

size_t step_room(int64_t rate_per_1000s, size_t active, size_t held, size_t held_max)
{
    size_t ten_seconds = (size_t)(rate_per_1000s / 100);
    size_t most = ten_seconds > ACTIVE_MIN ? ten_seconds : ACTIVE_MIN;
    size_t room = active < most ? most - active : 0;
    size_t space = held < held_max ? held_max - held : 0;
    return room < space ? room : space;
}

static int64_t distance(int64_t value)
{
    return value < 0 ? -value : value;
}

bool clock_stepped(const struct clock_sample *then, const struct clock_sample *now)
{
    int64_t mono_ms = (now->mono_ns - then->mono_ns) / TIME_NS_PER_MS;
    int64_t wall_ms = now->wall_ms - then->wall_ms;
    return distance(wall_ms - mono_ms) > STEP_TOLERANCE_MS;
}

int64_t quarantine_ns(int64_t signature_life_ms, int64_t skew_ms)
{
    return (signature_life_ms + distance(skew_ms) + QUARANTINE_MARGIN_MS) * TIME_NS_PER_MS;
}

/* A request whose date lies further ahead than its signature lives is refused as well. */
int64_t quarantine_longest_ns(int64_t signature_life_ms)
{
    bool short_lived = signature_life_ms < GUARD_SKEW_MAX_MS;
    return quarantine_ns(signature_life_ms, short_lived ? signature_life_ms : GUARD_SKEW_MAX_MS);
}

int64_t quarantine_left_ns(int64_t signed_at_ms, int64_t service_ms, int64_t signature_life_ms)
{
    int64_t longest_ns = quarantine_longest_ns(signature_life_ms);
    if (signed_at_ms == 0) {
        return 0;
    }
    bool believable = signed_at_ms > 0 && signed_at_ms - GUARD_SKEW_MAX_MS <= service_ms;
    if (service_ms == 0 || !believable) {
        return longest_ns;
    }
    int64_t life_ms = quarantine_ns(signature_life_ms, 0) / TIME_NS_PER_MS;
    int64_t age_ms = service_ms - signed_at_ms;
    return age_ms < life_ms ? (life_ms - age_ms) * TIME_NS_PER_MS : 0;
}
