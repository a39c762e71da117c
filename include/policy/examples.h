/* Examples that policies are tested on: job executions, and what is expected to become of each. A file of
 * them is read by the same table as the configuration (policy/schema.h). */
#ifndef POLICY_EXAMPLES_H
#define POLICY_EXAMPLES_H

#include "model/job_execution.h"
#include "policy/diagnostics.h"
#include "policy/match.h"
#include "policy/policy.h"
#include "policy/values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXAMPLES_NOW_MS INT64_C(1893499200000) /* where a file has no `now`: noon of 2030-01-01, UTC */

struct example {
    struct place place, thing_place, job_place;
    char *thing, *job_id;
    int64_t number;
    enum execution_status status;
    int64_t age_ms, queued_ms, started_ms; /* 0: as age */
    int64_t selected_ms;                   /* 0: for long enough */
    enum job_status job_status;
    enum job_selection selection;
    char *namespace_id; /* NULL: none */
    bool delete;        /* what is expected */
    char *because;      /* NULL: whatever the reason is */

    struct job_execution execution; /* what comes of all that */
    struct verdict verdict;         /* of examples_run() */
};

struct example_test {
    struct place place, policy_place;
    char *name, *policy;
    struct example *given;
    size_t count;
};

struct examples {
    char *file;
    int64_t now_ms;
    struct example_test *tests;
    size_t count;
};

/* Reads a file, by the same rules as the configuration (policy/source.h): NULL when anything is wrong with
 * it, which is then in diagnostics; so is a policy that the configuration does not have, and an execution
 * that stands there twice. */
struct examples *examples_load(const char *path, const struct config *config,
                               struct diagnostics *diagnostics);
void examples_free(struct examples *examples); /* takes NULL */

/* The verdicts on what is given, as if it were all that there is: match, keep and protect; limits play no
 * part. */
void examples_run(const struct config *config, const struct examples *examples, struct example_test *test);
/* Is the verdict the one that is expected? */
bool example_met(const struct example *example);

extern const struct value_type value_tests; /* tests and count of struct examples */
extern const struct value_type value_given; /* given and count of struct example_test */

#endif
