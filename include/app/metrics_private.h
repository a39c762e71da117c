/* What the files of app/metrics share. */
#ifndef APP_METRICS_PRIVATE_H
#define APP_METRICS_PRIVATE_H

#include "app/metrics.h"

#include <uthash.h>

#define PAIR_NAME_MAX (POLICY_NAME_MAX + 1 + TARGET_NAME_MAX)

enum metrics_level { LEVEL_TARGET, LEVEL_ENTRY, LEVEL_ALL };

struct metrics_pair { /* a policy in what `target` stands for */
    char name[PAIR_NAME_MAX + 1];
    char policy[POLICY_NAME_MAX + 1];
    char target[TARGET_NAME_MAX + 1];
    bool configured;
    bool ended; /* a run did */
    int64_t runs[RESULT_COUNT], executions[OUTCOME_COUNT];
    int64_t success_ms; /* when the latest good run ended; 0: there was none */
    int64_t listed, selected;
    int64_t archived_executions, archived_jobs, archive_missing;
    UT_hash_handle hh;
};

struct metrics_lane {
    bool seen;
    int64_t rate_per_1000s, waiting, wait_ms, episodes;
};

struct metrics_calls {
    int64_t answers[OPERATION_COUNT][ANSWER_CLASS_COUNT], repeated[OPERATION_COUNT];
    struct metrics_lane lanes[OPERATION_COUNT];
};

struct metrics_place { /* what `target` stands for */
    char target[TARGET_NAME_MAX + 1];
    bool configured;
    struct metrics_calls *calls; /* NULL before the first */
    int64_t end_ms;              /* of credentials, the earliest; 0: none ends */
    UT_hash_handle hh;
};

struct metrics {
    enum metrics_level level;
    struct metrics_pair *pairs;
    struct metrics_place *places;
    int64_t started_ms, loaded_ms;
    bool refused; /* the latest reload */
};

#endif
