/* A block of `match` and what its clauses say of one execution, with three answers: what is not known is
 * neither yes nor no. A block holds when all of its clauses do. */
#ifndef POLICY_CLAUSES_H
#define POLICY_CLAUSES_H

#include "policy/match.h"

/* What a block is asked about. What is not known is NULL. */
struct subject {
    const char *job_id;
    const struct job *job;
    const char *thing_name;
    const struct fingerprint *fingerprint;
    const struct match_facts *facts;
    int64_t now_ms;
    bool ageless; /* every clause about age is taken as the policy's reach is widest */
    bool negated; /* inside of none_of */
};

/* The clause that decided. */
struct finding {
    char *reason; /* PLAN_REASON_MAX + 1; NULL: nobody asks */
    const struct place *place;
    enum verdict_cause cause;
};

/* Puts the reason down, if anybody asks. */
void finding_set(struct finding *finding, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the block holds; a clause that does not decides, else the first whose answer is not known. finding
 * is set for any answer but TRUTH_YES. */
enum truth match_holds(const struct match *match, const struct subject *subject, struct finding *finding);

/* Hands over each clause that the block has itself, in the order of the manual: how many. */
size_t match_each_clause(const struct match *match,
                         void (*each)(void *owner, const char *clause, const struct place *place),
                         void *owner);

/* Whether the block can hold only for what is old enough: it asks for an age, or each block of any_of does.
 */
bool match_aged(const struct match *match);

/* Whether the thing is in any of these groups. */
enum truth match_groups(const struct subject *subject, const struct pattern_list *groups);

/* "last_updated_at", and the time itself. */
const char *age_field_name(enum age_field field);
const struct timestamp *age_field_time(enum age_field field, const struct fingerprint *fingerprint);

#endif
