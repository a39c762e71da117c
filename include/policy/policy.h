/* The configuration as the rest of the program sees it: plain values, already checked. policy/load.h makes it
 * from files. Immutable once loaded; shared by reference count, so that a running sweep ends with the set
 * that it began with. One thread. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/log.h"
#include "model/names.h"
#include "model/operation.h"
#include "policy/cron.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NAME_MAX 64
#define SOCKET_PATH_MAX 107 /* bytes: what unix(7) takes, without its NUL */
#define SOCKET_NONE     "none"

struct zone; /* policy/zone.h */

struct place { /* where something stands in a file; for messages */
    const char *file;
    int line, column; /* from 1 */
};

struct pattern_list { /* globs: '*' any run, '?' any one character, all else itself; whole-string */
    char **patterns;
    size_t count;
};

/* One account in one region. An entry of the file that lists several makes as many of these. */
struct target {
    char name[TARGET_NAME_MAX + 1];   /* "ENTRY", "ENTRY/ACCOUNT", "ENTRY/REGION" or "ENTRY/ACCOUNT/REGION" */
    char entry[POLICY_NAME_MAX + 1];  /* as it is called in the file */
    struct place place;               /* of the entry */
    char account[ACCOUNT_LENGTH + 1]; /* "" when not given */
    bool account_wrong;               /* it is "" because what stands there is wrong, which was told */
    char region[REGION_MAX + 1];      /* "" when not given: the usual sources of the AWS CLI */
    struct pattern_list accounts, regions;    /* of an entry that is being read; empty here */
    char *profile;                            /* NULL when not given */
    char *role_arn;                           /* NULL: the credentials are used as they are */
    char *external_id, *session_name;         /* for the role; NULL when not given */
    bool unscoped;                            /* scoped_session: false */
    char *endpoint_url;                       /* NULL when not given */
    char *ca_bundle;                          /* NULL when not given */
    bool plan_only;                           /* allow: plan */
    int64_t quota_per_1000s[OPERATION_COUNT]; /* requests per 1,000 s; 0: auto */
    int share_permille;                       /* 1..1000; 995 by default */
    bool exclusive;                           /* share: exclusive; share_permille is 995 then */
    int concurrency;                          /* 1..1024; 64 by default */
    int64_t signature_life_ms;                /* 300,000; less only for loopback endpoints */
};

struct name_match {
    struct pattern_list include; /* empty: everything */
    struct pattern_list exclude;
};

struct attribute {
    char *name, *value;
};

struct attribute_list {
    struct attribute *items;
    size_t count;
};

enum age_field { AGE_LAST_UPDATED_AT, AGE_QUEUED_AT, AGE_STARTED_AT };
enum job_selection { SELECTION_ANY, SELECTION_SNAPSHOT, SELECTION_CONTINUOUS };

/* What a block of `match` can ask, in the order in which it is asked. */
enum match_clause {
    CLAUSE_STATUS,
    CLAUSE_JOB_EXCLUDE,
    CLAUSE_JOB_INCLUDE,
    CLAUSE_THING_EXCLUDE,
    CLAUSE_THING_INCLUDE,
    CLAUSE_JOB_STATUS,
    CLAUSE_JOB_SELECTION,
    CLAUSE_NAMESPACE,
    CLAUSE_GROUP,
    CLAUSE_TYPE,
    CLAUSE_ATTRIBUTE,
    CLAUSE_QUERY,
    CLAUSE_ANY_OF,
    CLAUSE_NONE_OF,
    CLAUSE_AGE,
    CLAUSE_COUNT
};

/* `match` itself, or a block within any_of or none_of. All that is given must hold; what is not given
 * (zeroed) always does. */
struct match {
    struct place place;                /* of the block */
    struct place places[CLAUSE_COUNT]; /* of what was given; line 0: it was not */
    unsigned status_bits;              /* EXECUTION_BIT()s; of a policy: terminal ones, and IN_PROGRESS with
                                          force. 0: not given */
    struct name_match job_id, thing;
    unsigned job_status_bits; /* 1 << enum job_status; 0: not given */
    enum job_selection job_selection;
    char *namespace_id;                /* NULL: not given */
    struct pattern_list groups, types; /* whole names, any of them */
    struct attribute_list attributes;  /* all of them */
    char *query;                       /* of the fleet index; NULL: not given */
    struct match *any_of, *none_of;    /* blocks */
    size_t any_of_count, none_of_count;
    enum age_field age_field;
    int64_t older_than_ms; /* 0: no age clause */
};

/* What the executions are put together by, for a rule that counts. */
enum keep_per { PER_NOTHING, PER_TARGET, PER_THING, PER_JOB, PER_JOB_AND_THING, PER_COUNT };
enum keep_kind { KEEP_LAST, KEEP_WITHIN, KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY, KEEP_KIND_COUNT };
#define KEEP_RULES_MAX 16

struct keep_rule {
    struct place place;
    enum keep_kind kind;
    enum keep_per per;                               /* PER_NOTHING for KEEP_WITHIN alone */
    int64_t last, within_ms, daily, weekly, monthly; /* the one that belongs to kind is above 0 */
};

/* Beats every policy. What is given must hold; at least one of the patterns is. */
struct protect_rule {
    struct place place;
    struct pattern_list job_ids, things; /* empty: any */
    struct pattern_list groups;          /* whole names, any of them; empty: not given */
    int64_t until_ms;                    /* protects before this moment; 0: for ever */
    char *reason;                        /* NULL: not given */
};

struct protect_list {
    struct protect_rule *rules;
    size_t count;
};

struct listen_address {
    struct place place;
    char text[64]; /* as it stands in the file */
    bool ipv6;
    uint8_t bytes[16]; /* IPv4: the first four; as on the wire */
    uint16_t port;     /* 0: not given */
};

/* Minutes of the local day; one that begins after its end goes over midnight. Both the same: no window. */
struct window {
    int begin, end;
};

/* What is made up for, once, of firings that were missed. */
enum catch_up_rule {
    CATCH_UP_ASLEEP, /* what the machine slept over, or its clock jumped over */
    CATCH_UP_ONCE,   /* that, and what came while the daemon was down */
    CATCH_UP_NEVER
};

/* How a run ended, for on_finish.when. */
enum run_result { RESULT_SUCCESS, RESULT_FAILURE, RESULT_ABORTED, RESULT_LIMITED, RESULT_COUNT };

enum sweep_order { ORDER_LISTED, ORDER_OLDEST_FIRST, ORDER_NEWEST_FIRST };

struct policy {
    char name[POLICY_NAME_MAX + 1];
    struct place place;
    char *description; /* "" when not given */
    char *canonical; /* this policy's values as one line of text, defaults filled in: its SHA-256 names it */
    size_t canonical_own; /* so many bytes of it are the policy's; behind them is what `protect` spares */
    char *selection; /* the values that decide what is selected, likewise: its SHA-256 names a selection */
    struct pattern_list target_names; /* as they stand in the file */
    size_t *targets;                  /* indexes into config.targets, in the order of the names */
    size_t target_count;
    bool enforce;    /* mode: enforce; else observe */
    bool scheduled;  /* has schedule.cron */
    char *cron_text; /* schedule.cron as written; NULL when not scheduled */
    struct cron cron;
    struct window window; /* it fires and deletes only then */
    enum catch_up_rule catch_up;
    int64_t jitter_ms;       /* a firing is late by up to it, by chance; 0: not given */
    int64_t max_duration_ms; /* a run that deletes ends after it; 0: not given */
    char *timezone;          /* NULL when not given: UTC */
    struct zone *zone;       /* NULL: UTC */
    struct match match;
    bool match_all; /* match: all */
    struct keep_rule *keep;
    size_t keep_count;
    const struct protect_list *protect; /* the configuration's; NULL: none */
    int64_t per_run;                    /* limits.per_run; 0: no limit */
    int64_t per_thing;                  /* limits.per_thing; 0: no limit */
    int64_t selected_over;              /* abort_if.selected_over: above this nothing is deleted */
    int64_t selected_over_percent;      /* of the executions in scope; 0: not given */
    int64_t failed_over_percent;        /* of the deletions so far; 0: not given */
    enum sweep_order order;
    int64_t grace_ms; /* so long before it goes a run must have selected it; 0: not given */
    struct place grace_place;
    struct pattern_list finish_exec; /* on_finish.exec: a program and its arguments; empty: none */
    unsigned finish_when;            /* 1 << enum run_result; 0: after each run */
    char *archive_directory;         /* where what is deleted is kept; NULL: nowhere */
    bool archive_optional;           /* archive.required: false */
    bool verify_risky;               /* verify: risky; else always */
    bool force; /* IN_PROGRESS is deleted too, with force; never without it in match.status_bits */
};

struct config {
    int references;
    struct target *targets;
    size_t target_count;
    struct policy *policies;
    size_t policy_count;
    struct protect_list protect;
    char *state_directory;         /* NULL when not given */
    char *control_socket;          /* NULL when not given; SOCKET_NONE where none is wanted */
    int64_t retain_ms;             /* how long a run stays in the ledger after its end; 400 d by default */
    struct listen_address metrics; /* port 0: no metrics */
    enum log_level log_level;
    enum log_format log_format;
    char **files; /* read, in order; struct place.file points here */
    size_t file_count;
};

const char *run_result_name(enum run_result result); /* "success", ... */

/* Frees what each holds, not the struct. */
void match_finish(struct match *match);
void policy_finish(struct policy *policy);
void target_finish(struct target *target);
void pattern_list_finish(struct pattern_list *list);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* takes NULL; frees with the last reference */

const struct policy *config_policy(const struct config *config,
                                   const char *name); /* NULL when there is none */
const struct target *config_target(const struct config *config, const char *name);
/* Whether a target is meant: by its name, by its entry, or by a glob over names. */
bool target_is_called(const struct target *target, const char *name);

#endif
