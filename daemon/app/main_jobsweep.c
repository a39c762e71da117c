/* jobsweep: the command line. */
#include "app/aws_arguments.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/process.h"
#include "app/say.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/version.h"

#include <locale.h>
#include <stdio.h>

static enum exit_status help(enum command command)
{
    struct buf out;
    buf_init(&out, 16384);
    options_help(command, &out);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
    return EXIT_FINE;
}

static enum exit_status run(const struct options *options)
{
    if (options->version) {
        printf("jobsweep %s\n", JOBSWEEP_VERSION);
        return EXIT_FINE;
    }
    if (options->help || options->command == COMMAND_HELP) {
        return help(options->command == COMMAND_HELP && !options->help ? options->topic : options->command);
    }
    switch (options->command) {
    case COMMAND_PLAN:
        return command_plan(options);
    case COMMAND_SWEEP:
        return command_sweep(options);
    case COMMAND_APPLY:
        return command_apply(options);
    case COMMAND_DELETE_ROWS:
        return command_delete_rows(options);
    case COMMAND_HISTORY:
        return command_history(options);
    case COMMAND_EXPLAIN:
        return command_explain(options);
    case COMMAND_TEST:
        return command_test(options);
    case COMMAND_SCHEMA:
        return command_schema(options);
    case COMMAND_WHOAMI:
        return command_whoami(options);
    case COMMAND_IAM_POLICY:
        return command_iam_policy(options);
    case COMMAND_STATUS:
        return command_status(options);
    case COMMAND_RUN:
        return command_run(options);
    case COMMAND_PAUSE:
        return command_pause(options);
    case COMMAND_RESUME:
        return command_resume(options);
    case COMMAND_RELOAD:
        return command_reload(options);
    case COMMAND_COMPLETION:
        return command_completion(options);
    case COMMAND_SCHEDULE:
        return command_schedule(options);
    default:
        return command_check(options);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err;
    process_protect();
    process_supply_memory();
    setlocale(LC_CTYPE, "");
    log_setup(LOG_WARNING, LOG_TEXT);
    if (aws_arguments_are_ours(argc - 1, argv + 1)) {
        enum exit_status status = command_delete_job_execution(argc - 1, argv + 1);
        return status == EXIT_FINE && !process_output_written() ? EXIT_AWS_OTHER : (int)status;
    }
    if (options_parse(&options, PROGRAM_JOBSWEEP, argc, argv, &err) != 0) {
        say("%s", err.msg);
        return EXIT_USAGE;
    }
    enum exit_status status = run(&options);
    return status == EXIT_FINE && !process_output_written() ? EXIT_FAILED : (int)status;
}
