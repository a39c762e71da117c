/* See policy/check.h. */
#include "policy/check.h"

#include "base/text.h"
#include "base/time.h"
#include "model/status.h"
#include "policy/clauses.h"
#include "policy/endpoint.h"
#include "policy/pace.h"
#include "policy/timetable.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE_LIFE_MS (300 * TIME_MS_PER_SECOND) /* what AWS grants; see the design of deletion */

static const struct yaml_node *or_else(const struct yaml_node *node, const struct yaml_node *otherwise)
{
    return node != NULL ? node : otherwise;
}

/* "arn:PARTITION:iam::ACCOUNT:role/PATH": the account, or NULL when it is not that. */
static const char *role_account(const char *arn, char account[ACCOUNT_LENGTH + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-/";
    size_t partition = strncmp(arn, "arn:", 4) == 0 ? strspn(arn + 4, "abcdefghijklmnopqrstuvwxyz-") : 0;
    const char *rest = arn + 4 + partition;
    if (partition == 0 || strncmp(rest, ":iam::", 6) != 0) {
        return NULL;
    }
    snprintf(account, ACCOUNT_LENGTH + 1, "%s", rest + 6);
    if (!account_id_valid(account) || strncmp(rest + 6 + ACCOUNT_LENGTH, ":role/", 6) != 0) {
        return NULL;
    }
    rest += 6 + ACCOUNT_LENGTH + 6;
    return *rest != '\0' && rest[strspn(rest, letters)] == '\0' ? account : NULL;
}

static void check_role(const struct reader *reader, const struct yaml_node *node, const struct target *target)
{
    static const char *const parts[] = {"external_id", "session_name", "scoped_session"};
    char account[ACCOUNT_LENGTH + 1];
    for (size_t i = 0; target->role_arn == NULL && i < sizeof parts / sizeof parts[0]; i++) {
        const struct yaml_node *part = yaml_get(node, parts[i]);
        if (part != NULL && !yaml_is_null(part)) {
            reader_error(reader, part, "'%s' belongs to a role: 'role_arn' is missing", parts[i]);
        }
    }
    if (target->role_arn == NULL) {
        return;
    }
    if (role_account(target->role_arn, account) == NULL) {
        reader_error(reader, yaml_get(node, "role_arn"),
                     "'role_arn' must be like arn:aws:iam::123456789012:role/NAME, not '%.200s'",
                     target->role_arn);
    } else if (target->account[0] != '\0' && strcmp(account, target->account) != 0) {
        reader_error(reader, yaml_get(node, "role_arn"),
                     "'role_arn' is a role of account %s, but the target '%s' is account %s", account,
                     target->name, target->account);
    }
}

void check_target(const struct reader *reader, const struct yaml_node *node, const struct target *target)
{
    struct err err;
    bool loopback = false;
    if (target->endpoint_url != NULL && endpoint_check(target->endpoint_url, &loopback, &err) != 0) {
        reader_error(reader, yaml_get(node, "endpoint_url"), "'endpoint_url': %s", err.msg);
        return;
    }
    check_role(reader, node, target);
    if (target->signature_life_ms < SIGNATURE_LIFE_MS && !loopback) {
        reader_error(
            reader, or_else(yaml_get(node, "signature_life"), node),
            "'signature_life' under 300s is for loopback endpoints only: AWS may still carry out a request "
            "that long after it was signed");
    }
}

static void check_unique_policy(const struct reader *reader, const struct yaml_node *node,
                                const struct policy *policy)
{
    const struct policy *first =
        policy->name[0] != '\0' ? config_policy(reader->config, policy->name) : policy;
    if (first != policy) {
        reader_error(reader, or_else(yaml_get(node, "name"), node), "the policy '%s' is already at %s:%d",
                     policy->name, first->place.file, first->place.line);
    }
}

static void check_enforcing(const struct reader *reader, const struct yaml_node *at,
                            const struct target *target)
{
    if (target->account[0] == '\0' && !target->account_wrong) {
        reader_error(
            reader, at,
            "this policy enforces in the target '%s', which has no 'account' (%s:%d): it must say which "
            "account may lose something",
            target->name, target->place.file, target->place.line);
    }
    if (target->plan_only) {
        reader_warn(reader, at, "the target '%s' says 'allow: plan' (%s:%d): nothing will be deleted there",
                    target->name, target->place.file, target->place.line);
    }
}

static bool is_status(const struct yaml_node *node, enum execution_status status)
{
    return node->kind == NODE_VALUE && execution_status_parse(node->text) == status;
}

/* Where `match.status` names it, alone or in a list; NULL: nowhere. */
static const struct yaml_node *status_item(const struct yaml_node *match, enum execution_status status)
{
    const struct yaml_node *value =
        match != NULL && match->kind == NODE_MAP ? yaml_get(match, "status") : NULL;
    if (value == NULL || value->kind != NODE_LIST) {
        return value != NULL && is_status(value, status) ? value : NULL;
    }
    const struct yaml_node *item = value->first;
    while (item != NULL && !is_status(item, status)) {
        item = item->next;
    }
    return item;
}

/* Each of the two must be meant, so neither is taken without the other. */
static void check_force(const struct reader *reader, const struct yaml_node *node,
                        const struct policy *policy)
{
    const struct yaml_node *running = status_item(yaml_get(node, "match"), EXECUTION_IN_PROGRESS);
    const struct yaml_node *force = yaml_get(node, "force");
    if (running != NULL && !policy->force) {
        reader_error(
            reader, running,
            "IN_PROGRESS in 'match.status' is accepted only with 'force: true': such an execution is "
            "not finished, and the service deletes it only with force");
    } else if (policy->force && running == NULL) {
        reader_error(
            reader, force,
            "'force: true' is accepted only with IN_PROGRESS in 'match.status': nothing else is ever "
            "deleted with force");
    } else if (policy->force) {
        reader_warn(reader, force,
                    "the policy '%s' deletes executions that are IN_PROGRESS: the device may still be at "
                    "work, and can report its result no more",
                    policy->name);
    }
}

/* Without either everything that is finished would go at once, be it of this minute. */
static void check_spared(const struct reader *reader, const struct yaml_node *node,
                         const struct policy *policy)
{
    const struct yaml_node *match = yaml_get(node, "match");
    if (match == NULL || match_aged(&policy->match) || policy->keep_count > 0 ||
        yaml_get(node, "keep") != NULL) {
        return;
    }
    if (policy->match_all) {
        reader_error(reader, match, "'match: all' is accepted only together with 'keep' rules");
    } else if (match->kind == NODE_MAP && match->count > 0 && yaml_get(match, "age") == NULL &&
               !reader_misspelt(reader, SCHEMA_MATCH, "match.", match, "age") &&
               !reader_misspelt(reader, SCHEMA_POLICY, "", node, "keep")) {
        reader_error(
            reader, match,
            "neither 'match.age' nor 'keep' is there%s: everything that is finished would go at once",
            policy->match.any_of_count > 0 ? ", and not every block of 'any_of' has an 'age'" : "");
    }
}

/* `defaults` may stand in another file than the policy: then the complaint is about the policy. */
static void check_window(const struct reader *reader, const struct yaml_node *node,
                         const struct policy *policy)
{
    const struct window *window = &policy->window;
    if (!policy->scheduled || timetable_meets(policy)) {
        return;
    }
    const struct yaml_node *schedule = yaml_get(node, "schedule");
    const struct yaml_node *at = or_else(yaml_get(schedule, "window"), yaml_get(schedule, "cron"));
    reader_error(reader, or_else(at, node),
                 "the schedule never meets its window: '%.64s' has no time from %02d:%02d to %02d:%02d",
                 policy->cron_text, window->begin / 60, window->begin % 60, window->end / 60,
                 window->end % 60);
}

/* The run that selected it would not be in the record any more when it goes. */
static void check_grace(const struct reader *reader, const struct yaml_node *node,
                        const struct policy *policy)
{
    char grace[48], retain[48];
    int64_t retain_ms = reader->config->retain_ms;
    if (!reader->incomplete && policy->grace_ms > retain_ms) {
        reader_error(reader, or_else(yaml_get(node, "grace"), node),
                     "'grace: %s' is longer than the ledger keeps a run ('retain: %s')",
                     time_duration(policy->grace_ms, grace), time_duration(retain_ms, retain));
    }
}

/* The target in which a run takes longest. */
static const struct target *slowest(const struct config *config, const struct policy *policy, int64_t rows)
{
    const struct target *found = NULL;
    int64_t most_ms = -1;
    for (size_t i = 0; i < policy->target_count; i++) {
        const struct target *target = &config->targets[policy->targets[i]];
        int64_t ms = pace_deletion_ms(policy, target, rows);
        if (ms > most_ms) {
            most_ms = ms;
            found = target;
        }
    }
    return found;
}

/* What the limits allow a run and what its time allows should fit together. Only what no run can do is told:
 * the firing is taken that has the longest time, and no jitter. */
static void check_room(const struct reader *reader, const struct yaml_node *node, const struct policy *policy)
{
    char takes[32], has[32], fits[32], most[32];
    int64_t room_ms = timetable_room_ms(policy);
    bool by_duration = policy->max_duration_ms > 0 && (room_ms == 0 || policy->max_duration_ms < room_ms);
    bool by_limit = policy->per_run > 0 && policy->per_run <= policy->selected_over;
    int64_t allowed_ms = by_duration ? policy->max_duration_ms : room_ms;
    int64_t rows = by_limit ? policy->per_run : policy->selected_over;
    const struct target *target = slowest(reader->config, policy, rows);
    int64_t takes_ms = target != NULL ? pace_deletion_ms(policy, target, rows) : 0;
    if (allowed_ms == 0 || takes_ms <= allowed_ms) {
        return;
    }
    const struct yaml_node *at =
        yaml_get(yaml_get(node, "schedule"), by_duration ? "max_duration" : "window");
    reader_warn(
        reader, or_else(at, node),
        "%s is too short for what a run may delete: %s executions ('%s') take %s at the quota of '%s', and a "
        "run has %s: some %s of them fit, the rest waits for the next run",
        by_duration ? "'max_duration'" : "the window", text_thousands(most, rows),
        by_limit ? "limits.per_run" : "abort_if.selected_over", time_about(takes_ms, takes), target->name,
        time_about(allowed_ms, has),
        text_thousands(fits, (int64_t)((double)rows * (double)allowed_ms / (double)takes_ms)));
}

void check_policy(const struct reader *reader, const struct yaml_node *node, const struct yaml_node *defaults,
                  const struct policy *policy)
{
    check_unique_policy(reader, node, policy);
    if (!reader->incomplete && yaml_get(node, "targets") == NULL && yaml_get(defaults, "targets") == NULL &&
        !reader_misspelt(reader, SCHEMA_POLICY, "", node, "targets")) {
        reader_error(reader, node,
                     "'targets' is missing: a policy runs only where it says, or where 'defaults' says");
    }
    check_force(reader, node, policy);
    check_spared(reader, node, policy);
    check_window(reader, node, policy);
    check_grace(reader, node, policy);
    check_room(reader, node, policy);
    for (size_t i = 0; policy->enforce && i < policy->target_count; i++) {
        check_enforcing(reader, or_else(yaml_get(node, "mode"), node),
                        &reader->config->targets[policy->targets[i]]);
    }
}
