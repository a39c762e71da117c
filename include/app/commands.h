/* The commands of jobsweep. Each returns the process's exit status. */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#include "app/exit_status.h"
#include "app/options.h"
#include "policy/policy.h"

/* jobsweep plan, and jobsweep sweep: see app/session.h for what they share. */
enum exit_status command_plan(const struct options *options);
enum exit_status command_sweep(const struct options *options);

/* jobsweep apply. */
enum exit_status command_apply(const struct options *options);

/* jobsweep delete-job-executions. */
enum exit_status command_delete_rows(const struct options *options);
/* jobsweep whoami, and jobsweep iam-policy. */
enum exit_status command_whoami(const struct options *options);
enum exit_status command_iam_policy(const struct options *options);

/* What the daemon is asked over its control socket; EXIT_LOCKED when it cannot be reached. */
enum exit_status command_status(const struct options *options);
enum exit_status command_run(const struct options *options);
enum exit_status command_pause(const struct options *options);
enum exit_status command_resume(const struct options *options);
enum exit_status command_reload(const struct options *options);

enum exit_status command_schedule(const struct options *options);

/* jobsweep history, and jobsweep history verify. */
enum exit_status command_history(const struct options *options);

enum exit_status command_explain(const struct options *options);
enum exit_status command_test(const struct options *options);
enum exit_status command_schema(const struct options *options);
enum exit_status command_completion(const struct options *options);

/* jobsweep check, and jobsweepd --check. */
enum exit_status command_check(const struct options *options);

/* jobsweep delete-job-execution: the words behind the program's name, which aws_arguments_are_ours(). */
enum exit_status command_delete_job_execution(int count, char **words);

/* Reads the configuration that the options name; what is wrong with it goes to standard error, warnings only
 * unless --quiet. NULL when there is any error. */
struct config *command_config(const struct options *options);

/* What ends before anything is listed ends with a report too, where JSON is asked for. Returns status. */
enum exit_status command_end_early(const struct options *options, enum exit_status status);

#endif
