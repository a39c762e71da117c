/* What the commands that plan or delete do with a selection: run it, show how far it is, print what came
 * of it, and make one exit status of all. Interrupted once it settles what was sent; twice, it hurries. */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include "app/exit_status.h"
#include "app/options.h"
#include "app/plan_file.h"
#include "app/selection.h"
#include "policy/policy.h"

struct session_config {
    const struct options *options;
    const char *program;               /* who holds the state directory, for others */
    struct config *config;             /* the caller keeps it and selection */
    const struct selection *selection; /* every pair is run; one that does not delete is only planned */
    bool plan_only;                    /* no pair deletes */
    bool asks;  /* shows the plans of all pairs that delete, asks once (question_possible() was true), and
                   deletes what was shown; what an earlier process left is only settled */
    bool named; /* the rows are what a person named: one that still stands is a failure */
    struct plan_file *save; /* planned rows are added to it, a plan for each pair; NULL: they are not kept */
    int64_t until_ms;       /* of its runs, see struct sweep_config; then it ends with EXIT_STALE; 0: never */
};

/* What is saved is whole only with EXIT_FINE and EXIT_HAS_ROWS. */
enum exit_status session_run(const struct session_config *config);

#endif
