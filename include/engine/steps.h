/* The decisions about one row (engine/row.h): what each answer means for it, and when a clock can be trusted.
 * Pure. */
#ifndef ENGINE_STEPS_H
#define ENGINE_STEPS_H

#include "model/call.h"
#include "model/ledger.h"
#include "model/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELETER_CHECK_LIFE_MS  60000   /* with a check older than this nothing leaves */
#define DELETER_ATTEMPTS_MAX   3       /* transmissions whose answer was lost */
#define DELETER_UNSENT_MAX     8       /* attempts in a row that could not be sent */
#define DELETER_VERIFY_LIFE_MS 3600000 /* without an answer for so long after the quarantine: unknown */

enum step_kind {
    STEP_SETTLE,     /* the row is done, with this outcome */
    STEP_SEND,       /* it may be sent: a new intent */
    STEP_AGAIN,      /* it was not executed: check if need be, then a new intent */
    STEP_QUARANTINE, /* it may be executed until its signature is too old: wait, then look */
    STEP_LOOK_AGAIN  /* the look gave no answer */
};

struct step {
    enum step_kind kind;
    enum outcome outcome; /* STEP_SETTLE */
    bool refused;         /* counts towards a run of refusals */
};

/* What a row has been through. */
struct history {
    int lost;      /* transmissions without an answer */
    int unsent;    /* attempts in a row that did not leave */
    int refreshed; /* times that it was refused for old credentials or a wrong clock */
};

/* What DescribeJobExecution found under a row's number. */
enum found {
    FOUND_SAME,  /* the fingerprint of the plan */
    FOUND_OTHER, /* another incarnation, or another state */
    FOUND_MOVED, /* the planned one was IN_PROGRESS and has moved on since: its device has reported */
    FOUND_NONE,  /* nothing: ResourceNotFoundException */
    FOUND_NO_ANSWER
};

/* Reads the answer to DescribeJobExecution; an answer to another question is none. */
enum found step_found(const struct call *call, const struct job_execution *planned);

/* Whether the answer to DescribeJobExecution describes what was asked for: this very execution, or with
 * number 0 the newest of its (job, thing). */
bool step_describes(const struct call *call, const struct job_execution *asked);

/* How a planned row may be sent. */
enum sending {
    SENDING_NEVER,
    SENDING_PLAIN, /* it is finished */
    SENDING_FORCED /* it is IN_PROGRESS, and both plan and policy say force */
};
enum sending step_sending(const struct plan_row *plan, bool policy_forces);

/* What becomes of a row that was given and is SENDING_NEVER, and word says why: one that did not exist is
 * gone; one in a state in which nothing is deleted is state_changed; one that was to be forced and no longer
 * may be has failed. */
enum outcome step_unsendable(const struct plan_row *plan, const char **word);

/* After the check before an intent. */
struct step step_after_check(enum found found, const struct history *history);
/* After a deletion; counts it in history. withheld: the gate did not let it go, or it was taken back. */
struct step step_after_send(enum answer_class class, bool withheld, struct history *history);
/* After the look that ends a quarantine. */
struct step step_after_look(enum found found, const struct history *history);

/* Whether an answer that is a refusal says nothing of the row, because there are no credentials to be had, or
 * none that the service takes: then it goes for all rows. */
bool step_is_for_all(const struct call *call);

/* verify: risky. A job in which nothing new can appear under an old number: described, a snapshot, at its
 * end, without retries. */
bool step_check_needless(const struct job *job);

/* How many more rows may be taken up: what the lane sends in ten seconds, so that a check is still fresh when
 * its row's turn comes, and a few in the slowest lane, for the latency of checks and intents. active: those
 * on their way; held: those and the quarantined ones, held_max at most. */
size_t step_room(int64_t rate_per_1000s, size_t active, size_t held, size_t held_max);

/* Both clocks at one moment. */
struct clock_sample {
    int64_t mono_ns, wall_ms;
};

/* Whether the wall clock was set between the two: then neither an age nor the estimate of the skew holds. */
bool clock_stepped(const struct clock_sample *then, const struct clock_sample *now);

/* How long after its sending a request must be thought able to run, on the monotonic clock, so that setting
 * the wall clock cannot shorten it. */
int64_t quarantine_ns(int64_t signature_life_ms, int64_t skew_ms);
/* The same for a request of which is known only that it was sent before now, by a process that let nothing
 * pass its gate with a skew of more than GUARD_SKEW_MAX_MS. */
int64_t quarantine_longest_ns(int64_t signature_life_ms);
/* How long until a request signed at signed_at_ms (its X-Amz-Date) by an earlier run can no longer run, when
 * the service's clock shows service_ms (0: not known). This machine's wall clock plays no part, so that
 * setting it neither shortens nor stretches the wait; quarantine_longest_ns() at most. signed_at_ms 0: none
 * was lost, and the answer is 0. */
int64_t quarantine_left_ns(int64_t signed_at_ms, int64_t service_ms, int64_t signature_life_ms);

#endif
