/* See policy/schema.h. */
#include "policy/schema.h"

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "model/archive.h"
#include "policy/blocks.h"
#include "policy/examples.h"
#include "policy/listen.h"
#include "policy/values.h"

#include <stdio.h>
#include <string.h>

#define SECOND TIME_MS_PER_SECOND
#define YEAR   (INT64_C(365) * TIME_MS_PER_DAY)

static const char *const MODES[] = {"observe", "enforce", NULL};
static const char *const YES_NO[] = {"true", "false", NULL};
static const char *const ALLOWED[] = {"apply", "plan", NULL};
static const char *const VERIFY[] = {"always", "risky", NULL};
static const char *const NO_YES[] = {"false", "true", NULL};
static const char *const AGE_FIELDS[] = {[AGE_LAST_UPDATED_AT] = "last_updated_at",
                                         [AGE_QUEUED_AT] = "queued_at",
                                         [AGE_STARTED_AT] = "started_at",
                                         NULL};

static const char *const SELECTIONS[] = {
    [SELECTION_ANY] = "ANY", [SELECTION_SNAPSHOT] = "SNAPSHOT", [SELECTION_CONTINUOUS] = "CONTINUOUS", NULL};
static const char *const ORDERS[] = {[ORDER_LISTED] = "as_listed",
                                     [ORDER_OLDEST_FIRST] = "oldest_first",
                                     [ORDER_NEWEST_FIRST] = "newest_first",
                                     NULL};

static const char *const CATCH_UPS[] = {
    [CATCH_UP_ASLEEP] = "asleep", [CATCH_UP_ONCE] = "once", [CATCH_UP_NEVER] = "never", NULL};
static const char *const EXPECTATIONS[] = {"keep", "delete", NULL};
/* By the values of enum execution_status and enum job_status. */
static const char *const STATUSES[] = {"UNKNOWN",   "QUEUED",   "IN_PROGRESS", "SUCCEEDED", "FAILED",
                                       "TIMED_OUT", "REJECTED", "REMOVED",     "CANCELED",  NULL};
static const char *const JOB_STATUSES[] = {
    "UNKNOWN", "IN_PROGRESS", "CANCELED", "COMPLETED", "DELETION_IN_PROGRESS", "SCHEDULED", NULL};

#define AT(field_owner, field) .offset = offsetof(struct field_owner, field)
#define CLAUSE(name)           .place = offsetof(struct match, places[CLAUSE_##name])
#define LATER(where, key)                                                                                    \
    {                                                                                                        \
        .scope = where, .path = key, .type = &value_later, .description = ""                                 \
    }

/* clang-format off */
static const struct schema_row ROWS[] = {
    {.scope = SCHEMA_FILE, .path = "version", .type = &value_version, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = 1,
     .description = "The version of this format",
     .why = "every file begins with 'version: 1'"},
    {.scope = SCHEMA_FILE, .path = "state_directory", .type = &value_path,
     .flags = SCHEMA_MAIN_ONLY, AT(config, state_directory),
     .description = "Where the ledger is kept"},
    {.scope = SCHEMA_FILE, .path = "retain", .type = &value_duration, .flags = SCHEMA_MAIN_ONLY,
     .fallback = "400d", .min = TIME_MS_PER_DAY, .max = 100 * YEAR, AT(config, retain_ms),
     .description = "How long a run stays in the ledger after its end"},
    {.scope = SCHEMA_FILE, .path = "defaults", .type = &value_defaults, .flags = SCHEMA_MAIN_ONLY,
     .description = "What every policy inherits that does not say otherwise"},
    {.scope = SCHEMA_FILE, .path = "targets", .type = &value_targets,
     .description = "Accounts and regions by name"},
    {.scope = SCHEMA_FILE, .path = "policies", .type = &value_policies,
     .description = "The policies"},
    {.scope = SCHEMA_FILE, .path = "control", .type = &value_map, .flags = SCHEMA_MAIN_ONLY,
     .description = "How the daemon is spoken to while it runs"},
    {.scope = SCHEMA_FILE, .path = "control.socket", .type = &value_socket, .flags = SCHEMA_MAIN_ONLY,
     .max = SOCKET_PATH_MAX, AT(config, control_socket),
     .description = "The socket of jobsweep status, run, pause, resume and reload; none: no such socket"},
    {.scope = SCHEMA_FILE, .path = "metrics", .type = &value_map, .flags = SCHEMA_MAIN_ONLY,
     .description = "Numbers for Prometheus, which the daemon tells over HTTP"},
    {.scope = SCHEMA_FILE, .path = "metrics.listen", .type = &value_listen,
     .flags = SCHEMA_REQUIRED | SCHEMA_TERSE, AT(config, metrics),
     .description = "The address and the port that it listens at, GET /metrics",
     .why = "without it nothing is told"},
    {.scope = SCHEMA_FILE, .path = "log", .type = &value_map, .flags = SCHEMA_MAIN_ONLY,
     .description = "What the daemon logs; its options win"},
    {.scope = SCHEMA_FILE, .path = "log.level", .type = &value_word, .flags = SCHEMA_TERSE, .fallback = "info",
     .words = log_level_words, AT(config, log_level),
     .description = "The least that is logged"},
    {.scope = SCHEMA_FILE, .path = "log.format", .type = &value_word, .flags = SCHEMA_TERSE, .fallback = "auto",
     .words = log_format_words, AT(config, log_format),
     .description = "How: auto is journal where standard error leads to the journal, else text"},
    {.scope = SCHEMA_FILE, .path = "protect", .type = &value_protect, .min = 1,
     .description = "What no policy deletes; the rules of all files count"},

    {.scope = SCHEMA_TARGET, .path = "account", .type = &value_account, AT(target, account),
     .description = "The AWS account, checked before anything is listed; needed where a policy enforces"},
    {.scope = SCHEMA_TARGET, .path = "region", .type = &value_region, AT(target, region),
     .description = "The AWS region; else as the AWS CLI finds it"},
    {.scope = SCHEMA_TARGET, .path = "accounts", .type = &value_accounts, .min = 1, AT(target, accounts),
     .description = "Many accounts instead of one: a target for each, NAME/ACCOUNT"},
    {.scope = SCHEMA_TARGET, .path = "regions", .type = &value_regions, .min = 1, AT(target, regions),
     .description = "Many regions instead of one: a target for each, NAME/REGION or NAME/ACCOUNT/REGION"},
    {.scope = SCHEMA_TARGET, .path = "profile", .type = &value_text, .flags = SCHEMA_NULLABLE, .min = 1,
     .max = 128, AT(target, profile),
     .description = "The profile of the shared AWS files; else the standard order of credentials"},
    {.scope = SCHEMA_TARGET, .path = "role_arn", .type = &value_role, .flags = SCHEMA_NULLABLE, .min = 20,
     .max = 2048, AT(target, role_arn),
     .description = "The role to assume with these credentials; {account} and {region} stand for the target's"},
    {.scope = SCHEMA_TARGET, .path = "external_id", .type = &value_external_id, .flags = SCHEMA_NULLABLE,
     .min = 2, .max = 1224, AT(target, external_id),
     .description = "What the role's trust policy asks for as sts:ExternalId"},
    {.scope = SCHEMA_TARGET, .path = "session_name", .type = &value_session_name, .flags = SCHEMA_NULLABLE,
     .min = 2, .max = 64, AT(target, session_name),
     .description = "The name of the role's sessions, as CloudTrail shows it; else jobsweep- and the time"},
    {.scope = SCHEMA_TARGET, .path = "scoped_session", .type = &value_flag, .fallback = "true",
     .words = YES_NO, AT(target, unscoped),
     .description = "Whether a session of the role may do no more than the policy that it is for needs"},
    {.scope = SCHEMA_TARGET, .path = "endpoint_url", .type = &value_endpoint, .flags = SCHEMA_NULLABLE,
     .min = 1, .max = 1024, AT(target, endpoint_url),
     .description = "Another endpoint than the region's: for VPC endpoints and tests"},
    {.scope = SCHEMA_TARGET, .path = "ca_bundle", .type = &value_path,
     .flags = SCHEMA_NULLABLE, AT(target, ca_bundle),
     .description = "Certificates to trust; else AWS_CA_BUNDLE, else the system's"},
    {.scope = SCHEMA_TARGET, .path = "allow", .type = &value_flag, .fallback = "apply",
     .words = ALLOWED, AT(target, plan_only),
     .description = "What may be done here: apply deletes, plan only looks"},
    {.scope = SCHEMA_TARGET, .path = "quotas", .type = &value_quotas, AT(target, quota_per_1000s),
     .description = "Requests a second by operation; auto is the service's default quota"},
    {.scope = SCHEMA_TARGET, .path = "share", .type = &value_share, .fallback = "neighbour", .min = 10,
     .max = 1000, AT(target, share_permille),
     .description = "The part of each quota that is used at most; neighbour is 0.995, exclusive the same "
     "where nobody else uses it"},
    {.scope = SCHEMA_TARGET, .path = "concurrency", .type = &value_int, .fallback = "64", .min = 1,
     .max = 1024, AT(target, concurrency),
     .description = "Requests in flight at most"},
    {.scope = SCHEMA_TARGET, .path = "signature_life", .type = &value_duration, .fallback = "300s",
     .min = SECOND, .max = 900 * SECOND, AT(target, signature_life_ms),
     .description = "How long a signed request may still take effect; under 300s only for loopback "
     "endpoints"},

    {.scope = SCHEMA_POLICY, .path = "name", .type = &value_name, .flags = SCHEMA_REQUIRED, AT(policy, name),
     .description = "The policy's name, unique in all files"},
    {.scope = SCHEMA_POLICY, .path = "description", .type = &value_text, .min = 1,
     .max = 1000, AT(policy, description),
     .description = "For people"},
    {.scope = SCHEMA_POLICY, .path = "targets", .type = &value_target_names, .flags = SCHEMA_INHERITED,
     .description = "The targets that it runs in"},
    {.scope = SCHEMA_POLICY, .path = "mode", .type = &value_flag, .flags = SCHEMA_INHERITED,
     .fallback = "observe", .words = MODES, AT(policy, enforce),
     .description = "observe plans and reports, enforce deletes"},
    {.scope = SCHEMA_POLICY, .path = "schedule", .type = &value_map, .flags = SCHEMA_INHERITED,
     .description = "When the daemon runs it; without a schedule only on request"},
    {.scope = SCHEMA_POLICY, .path = "schedule.cron", .type = &value_cron,
     .flags = SCHEMA_INHERITED | SCHEMA_REQUIRED,
     .description = "Five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly; in timezone"},
    {.scope = SCHEMA_POLICY, .path = "schedule.window", .type = &value_window,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, AT(policy, window),
     .description = "Two times of day in timezone: it fires, and deletes, only from the first to the second"},
    {.scope = SCHEMA_POLICY, .path = "schedule.jitter", .type = &value_duration,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = SECOND, .max = TIME_MS_PER_DAY,
     AT(policy, jitter_ms),
     .description = "Each target's turn comes later by a time of up to this, drawn anew for each firing"},
    {.scope = SCHEMA_POLICY, .path = "schedule.max_duration", .type = &value_duration,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = TIME_MS_PER_MINUTE, .max = 365 * TIME_MS_PER_DAY,
     AT(policy, max_duration_ms),
     .description = "How long a run that deletes may take; what it does not get to is left for the next time"},
    {.scope = SCHEMA_POLICY, .path = "schedule.catch_up", .type = &value_word,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .fallback = "asleep", .words = CATCH_UPS, AT(policy, catch_up),
     .description = "Which missed firings are made up for: what the machine slept over, also what came while "
     "the daemon was down, or none"},
    {.scope = SCHEMA_POLICY, .path = "timezone", .type = &value_timezone,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE | SCHEMA_SELECTS, .fallback = "UTC", AT(policy, timezone),
     .description = "The schedule's times, and the days, weeks and months of keep rules, are of this time zone"},
    {.scope = SCHEMA_POLICY, .path = "match", .type = &value_match,
     .flags = SCHEMA_REQUIRED | SCHEMA_SELECTS,
     .description = "What may go; all of its keys must hold. The word all, with keep rules, is everything "
     "that is finished",
     .why = "what may go must be said"},
    {.scope = SCHEMA_POLICY, .path = "limits", .type = &value_map, .flags = SCHEMA_INHERITED,
     .description = "How much goes now; the rest goes next time"},
    {.scope = SCHEMA_POLICY, .path = "limits.per_run", .type = &value_integer, .flags = SCHEMA_INHERITED,
     .min = 1, .max = 1000000000, AT(policy, per_run),
     .description = "Deletions of one run at most"},
    {.scope = SCHEMA_POLICY, .path = "limits.per_thing", .type = &value_integer,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = 1, .max = 1000000000, AT(policy, per_thing),
     .description = "Deletions of one run at most for each thing"},
    {.scope = SCHEMA_POLICY, .path = "abort_if", .type = &value_map, .flags = SCHEMA_INHERITED,
     .description = "When nothing is deleted at all, because the plan looks wrong"},
    {.scope = SCHEMA_POLICY, .path = "abort_if.selected_over", .type = &value_integer,
     .flags = SCHEMA_INHERITED, .fallback = "10000", .min = 1, .max = 1000000000, AT(policy, selected_over),
     .description = "More executions selected than this"},
    {.scope = SCHEMA_POLICY, .path = "abort_if.selected_over_percent", .type = &value_integer,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = 1, .max = 100, AT(policy, selected_over_percent),
     .description = "More of the executions in scope selected than this, in percent"},
    {.scope = SCHEMA_POLICY, .path = "abort_if.failed_over_percent", .type = &value_integer,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = 1, .max = 100, AT(policy, failed_over_percent),
     .description = "More of the deletions so far failed than this, in percent: then no more are sent"},
    {.scope = SCHEMA_POLICY, .path = "verify", .type = &value_flag, .flags = SCHEMA_INHERITED,
     .fallback = "always", .words = VERIFY, AT(policy, verify_risky),
     .description = "always reads each execution again before it is deleted; risky leaves that out "
     "where its job can make no new execution"},
    {.scope = SCHEMA_POLICY, .path = "force", .type = &value_flag, .flags = SCHEMA_SELECTS, .fallback = "false", .words = NO_YES,
     AT(policy, force),
     .description = "true deletes IN_PROGRESS executions too, with force; only together with IN_PROGRESS in "
     "match.status"},
    {.scope = SCHEMA_POLICY, .path = "keep", .type = &value_keep,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE | SCHEMA_SELECTS,
     .min = 1,
     .description = "Rules of what stays although it matches; any rule that holds keeps the execution"},
    {.scope = SCHEMA_POLICY, .path = "order", .type = &value_word,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .fallback = "as_listed", .words = ORDERS, AT(policy, order),
     .description = "Which go first, where limits leave some for the next time"},
    LATER(SCHEMA_POLICY, "protect"),
    {.scope = SCHEMA_POLICY, .path = "grace", .type = &value_duration,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = SECOND, .max = 100 * YEAR, AT(policy, grace_ms),
     .place = offsetof(struct policy, grace_place),
     .description = "How long ago the first of the runs that all selected it must have been, before it goes"},
    {.scope = SCHEMA_POLICY, .path = "archive", .type = &value_map, .flags = SCHEMA_INHERITED,
     .description = "What is deleted is kept: what the service said of it is on the disk before"},
    {.scope = SCHEMA_POLICY, .path = "archive.directory", .type = &value_folder,
     .flags = SCHEMA_INHERITED | SCHEMA_REQUIRED | SCHEMA_TERSE, .min = 2, .max = ARCHIVE_DIRECTORY_MAX,
     AT(policy, archive_directory),
     .description = "The directory, which nobody else can write; made where it is missing",
     .why = "an archive lies somewhere"},
    {.scope = SCHEMA_POLICY, .path = "archive.required", .type = &value_flag,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .fallback = "true", .words = YES_NO,
     AT(policy, archive_optional),
     .description = "Whether what cannot be archived is left alone; false deletes it all the same, and says so"},
    {.scope = SCHEMA_POLICY, .path = "on_finish", .type = &value_map, .flags = SCHEMA_INHERITED,
     .description = "A program that the daemon starts after each of its runs in a target"},
    {.scope = SCHEMA_POLICY, .path = "on_finish.exec", .type = &value_command,
     .flags = SCHEMA_INHERITED | SCHEMA_REQUIRED | SCHEMA_TERSE, .min = 1, .max = 64, AT(policy, finish_exec),
     .description = "Its path and its arguments, without a shell",
     .why = "on_finish starts a program"},
    {.scope = SCHEMA_POLICY, .path = "on_finish.when", .type = &value_results,
     .flags = SCHEMA_INHERITED | SCHEMA_TERSE, .min = 1, AT(policy, finish_when),
     .description = "Only after runs that ended so: success, failure, aborted, limited; else after each"},

    {.scope = SCHEMA_MATCH, .path = "match.status", .type = &value_statuses,
     .flags = SCHEMA_SINGLE, .fallback = "TERMINAL", AT(match, status_bits), CLAUSE(STATUS),
     .description = "Statuses, any of them; TERMINAL is all that are finished; IN_PROGRESS only with force"},
    {.scope = SCHEMA_MATCH, .path = "match.age", .type = &value_map, CLAUSE(AGE),
     .description = "How old it must be"},
    {.scope = SCHEMA_MATCH, .path = "match.age.field", .type = &value_word, .fallback = "last_updated_at",
     .words = AGE_FIELDS, AT(match, age_field),
     .description = "The time that counts"},
    {.scope = SCHEMA_MATCH, .path = "match.age.older_than", .type = &value_duration,
     .flags = SCHEMA_REQUIRED, .min = SECOND, .max = 100 * YEAR, AT(match, older_than_ms),
     .description = "Longer ago than this, on the service's clock"},
    {.scope = SCHEMA_MATCH, .path = "match.job_id", .type = &value_map,
     .description = "Which jobs, by id"},
    {.scope = SCHEMA_MATCH, .path = "match.job_id.include",
     .type = &value_job_patterns, .min = 1, AT(match, job_id.include), CLAUSE(JOB_INCLUDE),
     .description = "Patterns, any of them; '*' is any run, '?' any one character"},
    {.scope = SCHEMA_MATCH, .path = "match.job_id.exclude",
     .type = &value_job_patterns, AT(match, job_id.exclude), CLAUSE(JOB_EXCLUDE),
     .description = "Patterns of what stays; beats include"},
    {.scope = SCHEMA_MATCH, .path = "match.thing", .type = &value_map,
     .description = "Which things"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.include",
     .type = &value_thing_patterns, .min = 1, AT(match, thing.include), CLAUSE(THING_INCLUDE),
     .description = "Patterns of names, any of them; '*' is any run, '?' any one character"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.exclude",
     .type = &value_thing_patterns, AT(match, thing.exclude), CLAUSE(THING_EXCLUDE),
     .description = "Patterns of what stays; beats include"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.group", .type = &value_names,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE, .min = 1, AT(match, groups), CLAUSE(GROUP),
     .description = "Thing groups, any of them, with the groups below them"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.type", .type = &value_names,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE, .min = 1, AT(match, types), CLAUSE(TYPE),
     .description = "Thing types, any of them"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.attribute", .type = &value_attributes,
     .flags = SCHEMA_TERSE, AT(match, attributes), CLAUSE(ATTRIBUTE),
     .description = "Attributes and their values, all of them"},
    {.scope = SCHEMA_MATCH, .path = "match.thing.query", .type = &value_text,
     .flags = SCHEMA_TERSE, .min = 1, .max = 1000, AT(match, query), CLAUSE(QUERY),
     .description = "A query of the fleet index"},
    {.scope = SCHEMA_MATCH, .path = "match.job", .type = &value_map,
     .description = "Which jobs, by what they are"},
    {.scope = SCHEMA_MATCH, .path = "match.job.status", .type = &value_job_statuses,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE,
     .min = 1, AT(match, job_status_bits), CLAUSE(JOB_STATUS),
     .description = "Statuses of the job, any of them"},
    {.scope = SCHEMA_MATCH, .path = "match.job.target_selection", .type = &value_word, .flags = SCHEMA_TERSE,
     .fallback = "ANY", .words = SELECTIONS, AT(match, job_selection), CLAUSE(JOB_SELECTION),
     .description = "SNAPSHOT jobs reach the things of their beginning, CONTINUOUS ones also those that come "
     "later"},
    {.scope = SCHEMA_MATCH, .path = "match.namespace_id", .type = &value_namespace,
     .flags = SCHEMA_NULLABLE | SCHEMA_TERSE, AT(match, namespace_id), CLAUSE(NAMESPACE),
     .description = "Only jobs of this namespace, which are left out otherwise"},
    {.scope = SCHEMA_MATCH, .path = "match.any_of", .type = &value_any_of, .flags = SCHEMA_TERSE,
     AT(match, any_of), CLAUSE(ANY_OF),
     .description = "Blocks like match, at least one of which must hold"},
    {.scope = SCHEMA_MATCH, .path = "match.none_of", .type = &value_none_of, .flags = SCHEMA_TERSE,
     AT(match, none_of), CLAUSE(NONE_OF),
     .description = "Blocks like match, none of which may hold"},

    {.scope = SCHEMA_KEEP, .path = "keep.last", .type = &value_integer, .flags = SCHEMA_TERSE, .min = 1,
     .max = 1000000, AT(keep_rule, last),
     .description = "The newest so many of each group"},
    {.scope = SCHEMA_KEEP, .path = "keep.within", .type = &value_duration, .flags = SCHEMA_TERSE,
     .min = SECOND, .max = 100 * YEAR, AT(keep_rule, within_ms),
     .description = "Everything that is no older than this"},
    {.scope = SCHEMA_KEEP, .path = "keep.daily", .type = &value_integer, .flags = SCHEMA_TERSE, .min = 1,
     .max = 36500, AT(keep_rule, daily),
     .description = "The newest of each of the newest so many days that have any"},
    {.scope = SCHEMA_KEEP, .path = "keep.weekly", .type = &value_integer, .flags = SCHEMA_TERSE, .min = 1,
     .max = 5200, AT(keep_rule, weekly),
     .description = "The same of weeks, which begin on Monday"},
    {.scope = SCHEMA_KEEP, .path = "keep.monthly", .type = &value_integer, .flags = SCHEMA_TERSE, .min = 1,
     .max = 1200, AT(keep_rule, monthly),
     .description = "The same of months"},
    {.scope = SCHEMA_KEEP, .path = "keep.per", .type = &value_per, .flags = SCHEMA_SINGLE | SCHEMA_TERSE, AT(keep_rule, per),
     .description = "What makes a group: thing, job, [thing, job] or target"},

    {.scope = SCHEMA_PROTECT, .path = "protect.job_id", .type = &value_job_patterns,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE, .min = 1, AT(protect_rule, job_ids),
     .description = "Patterns of job ids, any of them"},
    {.scope = SCHEMA_PROTECT, .path = "protect.thing", .type = &value_thing_patterns,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE, .min = 1, AT(protect_rule, things),
     .description = "Patterns of thing names, any of them"},
    {.scope = SCHEMA_PROTECT, .path = "protect.thing_group", .type = &value_names,
     .flags = SCHEMA_SINGLE | SCHEMA_TERSE, .min = 1, AT(protect_rule, groups),
     .description = "Thing groups, any of them, with the groups below them"},
    {.scope = SCHEMA_PROTECT, .path = "protect.until", .type = &value_moment, .flags = SCHEMA_TERSE,
     AT(protect_rule, until_ms),
     .description = "When the protection ends; without it never"},
    {.scope = SCHEMA_PROTECT, .path = "protect.reason", .type = &value_text, .flags = SCHEMA_TERSE, .min = 1,
     .max = 80, AT(protect_rule, reason),
     .description = "Why, for people"},

    {.scope = SCHEMA_EXAMPLES, .path = "version", .type = &value_version, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = 1,
     .description = "The version of this format",
     .why = "every file begins with 'version: 1'"},
    {.scope = SCHEMA_EXAMPLES, .path = "now", .type = &value_moment, AT(examples, now_ms),
     .description = "The moment of the tests"},
    {.scope = SCHEMA_EXAMPLES, .path = "tests", .type = &value_tests, .flags = SCHEMA_REQUIRED, .min = 1,
     .description = "The tests"},

    {.scope = SCHEMA_TEST, .path = "name", .type = &value_text, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = 200, AT(example_test, name),
     .description = "What is tested, as a sentence"},
    {.scope = SCHEMA_TEST, .path = "policy", .type = &value_text, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = POLICY_NAME_MAX, AT(example_test, policy),
     .description = "The name of the policy"},
    {.scope = SCHEMA_TEST, .path = "given", .type = &value_given, .flags = SCHEMA_REQUIRED, .min = 1,
     .description = "Job executions, all that there are, and what is expected of each"},

    {.scope = SCHEMA_GIVEN, .path = "thing", .type = &value_text, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = THING_NAME_MAX, AT(example, thing),
     .description = "The thing's name"},
    {.scope = SCHEMA_GIVEN, .path = "job", .type = &value_text, .flags = SCHEMA_REQUIRED, .min = 1,
     .max = JOB_ID_MAX, AT(example, job_id),
     .description = "The job's id"},
    {.scope = SCHEMA_GIVEN, .path = "number", .type = &value_integer, .min = 1, .max = INT64_MAX,
     AT(example, number),
     .description = "The execution number; else its place in the list"},
    {.scope = SCHEMA_GIVEN, .path = "status", .type = &value_word, .fallback = "SUCCEEDED",
     .words = STATUSES, AT(example, status),
     .description = "The execution's status"},
    {.scope = SCHEMA_GIVEN, .path = "age", .type = &value_duration, .flags = SCHEMA_REQUIRED, .min = 0,
     .max = 100 * YEAR, AT(example, age_ms),
     .description = "How long ago it was updated last, and queued and started where these do not say otherwise"},
    {.scope = SCHEMA_GIVEN, .path = "queued", .type = &value_duration, .min = 0, .max = 100 * YEAR,
     AT(example, queued_ms),
     .description = "How long ago it was queued"},
    {.scope = SCHEMA_GIVEN, .path = "started", .type = &value_duration, .min = 0, .max = 100 * YEAR,
     AT(example, started_ms),
     .description = "How long ago it was started"},
    {.scope = SCHEMA_GIVEN, .path = "selected", .type = &value_duration, .min = SECOND, .max = 100 * YEAR,
     AT(example, selected_ms),
     .description = "How long ago a run selected it first; without it any grace is over"},
    {.scope = SCHEMA_GIVEN, .path = "job_status", .type = &value_word, .fallback = "COMPLETED",
     .words = JOB_STATUSES, AT(example, job_status),
     .description = "The job's status"},
    {.scope = SCHEMA_GIVEN, .path = "target_selection", .type = &value_word, .fallback = "SNAPSHOT",
     .words = SELECTIONS, AT(example, selection),
     .description = "The job's target selection"},
    {.scope = SCHEMA_GIVEN, .path = "namespace_id", .type = &value_namespace, AT(example, namespace_id),
     .description = "The job's namespace; without it none"},
    {.scope = SCHEMA_GIVEN, .path = "expect", .type = &value_flag, .flags = SCHEMA_REQUIRED,
     .words = EXPECTATIONS, AT(example, delete),
     .description = "What the policy must make of it",
     .why = "a test says what must come out"},
    {.scope = SCHEMA_GIVEN, .path = "because", .type = &value_text, .min = 1, .max = 100,
     AT(example, because),
     .description = "A part of the reason that must be given"},
};
/* clang-format on */

const struct schema_row *schema_rows(size_t *count)
{
    *count = sizeof ROWS / sizeof ROWS[0];
    return ROWS;
}

const char *schema_name(const struct schema_row *row)
{
    const char *dot = strrchr(row->path, '.');
    return dot != NULL ? dot + 1 : row->path;
}

bool schema_belongs(const struct schema_row *row, enum schema_scope scope, const char *prefix)
{
    size_t length = strlen(prefix);
    return row->scope == scope && strncmp(row->path, prefix, length) == 0 &&
           strchr(row->path + length, '.') == NULL;
}

const struct schema_row *schema_find(enum schema_scope scope, const char *prefix, const char *key)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (schema_belongs(&ROWS[i], scope, prefix) && strcmp(schema_name(&ROWS[i]), key) == 0) {
            return &ROWS[i];
        }
    }
    return NULL;
}

bool schema_later(const struct schema_row *row)
{
    return row->type == &value_later;
}

/* Is this what is printed where nothing was given? */
static bool blank(const struct schema_row *row, const char *value)
{
    static const char *const nothing[] = {"null", "[]", "{}", "0", "\"0s\""};
    size_t length = row->fallback != NULL ? strlen(row->fallback) : 0;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        if (strcmp(value, nothing[i]) == 0) {
            return true;
        }
    }
    return length > 0 && strncmp(value + (*value == '"'), row->fallback, length) == 0 &&
           strcspn(value + (*value == '"') + length, "\"") == 0;
}

static void print_row(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out, const char **separator)
{
    struct buf value;
    buf_init(&value, out->max);
    row->type->print(config, row, object, &value);
    if ((row->flags & SCHEMA_TERSE) == 0 || !blank(row, buf_string(&value))) {
        buf_printf(out, "%s\"%s\":", *separator, row->path);
        buf_append(out, buf_string(&value), value.length);
        *separator = ",";
    }
    buf_finish(&value);
}

/* Rows that have all of the flags. */
static void print_scope(const struct config *config, enum schema_scope scope, const void *object,
                        unsigned flags, struct buf *out, const char **separator)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (ROWS[i].scope != scope || (ROWS[i].flags & flags) != flags) {
            continue;
        }
        if (ROWS[i].type == &value_match) {
            print_scope(config, SCHEMA_MATCH, &((const struct policy *)object)->match, 0, out, separator);
        } else if (ROWS[i].type->print != NULL) {
            print_row(config, &ROWS[i], object, out, separator);
        }
    }
}

static void print_object(const struct config *config, enum schema_scope scope, const void *object,
                         unsigned flags, struct buf *out)
{
    const char *separator = "";
    buf_char(out, '{');
    print_scope(config, scope, object, flags, out, &separator);
    buf_char(out, '}');
}

void schema_print(const struct config *config, enum schema_scope scope, const void *object, struct buf *out)
{
    print_object(config, scope, object, 0, out);
}

void schema_print_selection(const struct config *config, const struct policy *policy, struct buf *out)
{
    print_object(config, SCHEMA_POLICY, policy, SCHEMA_SELECTS, out);
}

void schema_print_row(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out)
{
    row->type->print(config, row, object, out);
}
