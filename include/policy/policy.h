/* The configuration as the rest of the program sees it: plain values, already checked. policy/load.h makes it
 * from files. Immutable once loaded; shared by reference count, so that a running sweep ends with the set
 * that it began with. One thread. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "model/names.h"
#include "model/operation.h"
#include "policy/cron.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NAME_MAX 64

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
    int concurrency;                          /* 1..1024; 64 by default */
    int64_t signature_life_ms;                /* 300,000; less only for loopback endpoints */
};

struct name_match {
    struct pattern_list include; /* empty: everything */
    struct pattern_list exclude;
};

enum age_field { AGE_LAST_UPDATED_AT, AGE_QUEUED_AT, AGE_STARTED_AT };

struct policy {
    char name[POLICY_NAME_MAX + 1];
    struct place place;
    char *description; /* "" when not given */
    char *canonical; /* this policy's values as one line of text, defaults filled in: its SHA-256 names it */
    struct pattern_list target_names; /* as they stand in the file */
    size_t *targets;                  /* indexes into config.targets, in the order of the names */
    size_t target_count;
    bool enforce;    /* mode: enforce; else observe */
    bool scheduled;  /* has schedule.cron */
    char *cron_text; /* schedule.cron as written; NULL when not scheduled */
    struct cron cron;
    unsigned status_bits; /* EXECUTION_BIT()s: terminal ones, and IN_PROGRESS with force */
    struct name_match job_id, thing;
    enum age_field age_field;
    int64_t older_than_ms; /* 0: no age clause */
    int64_t per_run;       /* limits.per_run; 0: no limit */
    int64_t selected_over; /* abort_if.selected_over: above this nothing is deleted */
    bool verify_risky;     /* verify: risky; else always */
    bool force;            /* IN_PROGRESS is deleted too, with force; never without it in status_bits */
};

struct config {
    int references;
    struct target *targets;
    size_t target_count;
    struct policy *policies;
    size_t policy_count;
    char *state_directory; /* NULL when not given */
    int64_t retain_ms;     /* how long a run stays in the ledger after its end; 400 d by default */
    char **files;          /* read, in order; struct place.file points here */
    size_t file_count;
};

/* Frees what these hold, not the structs. */
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
