/* The types of values that the schema's rows have: how each is read into its field and printed again. */
#ifndef POLICY_VALUES_H
#define POLICY_VALUES_H

#include "base/buf.h"
#include "policy/policy.h"
#include "policy/reader.h"
#include "policy/schema.h"
#include "policy/yaml.h"

#include <stdbool.h>

struct value_type {
    const char *wanted;  /* for messages: "a duration such as 30d" */
    enum node_kind kind; /* of the node */
    bool nested;         /* a map whose keys have rows of their own */
    const char *word;    /* a single value that is taken too; NULL: none */
    /* Sets the field from a node of this kind, or complains. NULL: a part that load.c reads itself, or
     * nested. */
    void (*read)(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                 void *object);
    /* Appends the field as JSON. NULL: nothing to print. */
    void (*print)(const struct config *config, const struct schema_row *row, const void *object,
                  struct buf *out);
};

extern const struct value_type value_map;                                     /* nested */
extern const struct value_type value_defaults, value_targets, value_policies; /* read by load.c */
extern const struct value_type
    value_later; /* a key of later versions: refused, so that nobody relies on it */

extern const struct value_type value_version;
extern const struct value_type value_text;     /* char *, of row->min..max bytes */
extern const struct value_type value_path;     /* char *, absolute */
extern const struct value_type value_folder;   /* char *, absolute, of at most row->max bytes */
extern const struct value_type value_socket;   /* char *, a path of up to row->max bytes, or SOCKET_NONE */
extern const struct value_type value_endpoint; /* char *, a URL */
extern const struct value_type value_name;     /* char[POLICY_NAME_MAX + 1] */
extern const struct value_type value_account;  /* char[ACCOUNT_LENGTH + 1] */
extern const struct value_type value_region;   /* char[64] */
extern const struct value_type value_integer;  /* int64_t, row->min..max */
extern const struct value_type value_int;      /* int, row->min..max */
extern const struct value_type value_share;    /* int, permille */
extern const struct value_type value_duration; /* int64_t ms, row->min..max */
extern const struct value_type value_word;     /* an enum, row->words by value */
extern const struct value_type value_flag;     /* bool, row->words[0] false, [1] true */
extern const struct value_type value_cron;     /* scheduled, cron_text and cron of struct policy */
extern const struct value_type value_window;   /* struct window */
extern const struct value_type value_timezone; /* timezone and zone of struct policy */
extern const struct value_type value_moment;   /* int64_t ms, RFC 3339 */

extern const struct value_type value_quotas;       /* int64_t[OPERATION_COUNT], per 1,000 s */
extern const struct value_type value_statuses;     /* unsigned, bits of all statuses but QUEUED */
extern const struct value_type value_target_names; /* target_names, targets, target_count of struct policy */
extern const struct value_type value_accounts;     /* struct pattern_list of accounts */
extern const struct value_type value_regions;
extern const struct value_type value_role;         /* char *, the ARN of a role, with placeholders */
extern const struct value_type value_external_id;  /* char *, as STS takes it */
extern const struct value_type value_session_name; /* char *, as STS takes it */
extern const struct value_type value_job_patterns; /* struct pattern_list of globs of job ids */
extern const struct value_type value_thing_patterns;
extern const struct value_type value_command; /* struct pattern_list: a program by its path, and arguments */
extern const struct value_type value_results; /* unsigned, 1 << enum run_result */
extern const struct value_type value_names;   /* struct pattern_list of whole names of groups or types */

/* Where the row's field is in the object: to set, and to read. */
void *value_field(const struct schema_row *row, void *object);
const void *value_seen(const struct schema_row *row, const void *object);

/* Is the item of a list a single value? Complains if not. */
bool value_item_fits(const struct reader *reader, const struct schema_row *row, const struct yaml_node *item);
/* Prints a char *, or null. */
void value_print_text(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out);

/* Prints a name that is kept as an array of characters, or null. */
void value_print_name(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out);

bool value_name_valid(const char *text); /* of a policy or a target */

/* A decimal number of up to three places, times 1,000; false for anything else, and above 1,000,000. */
bool value_thousandths(const char *text, int64_t *thousandths);

#endif
