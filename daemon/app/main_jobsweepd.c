/* jobsweepd: the daemon. */
#include "app/commands.h"
#include "app/daemon.h"
#include "app/logging.h"
#include "app/options.h"
#include "app/process.h"
#include "app/say.h"
#include "base/buf.h"
#include "base/version.h"

#include <stdio.h>

static enum exit_status help(void)
{
    struct buf out;
    buf_init(&out, 16384);
    options_help(COMMAND_DAEMON, &out);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
    return EXIT_FINE;
}

static enum exit_status run(const struct options *options)
{
    logging_set_up(options, NULL);
    if (options->help) {
        return help();
    }
    if (options->version) {
        printf("jobsweepd %s\n", JOBSWEEP_VERSION);
        return EXIT_FINE;
    }
    return options->check ? command_check(options) : daemon_run(options);
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err;
    process_protect();
    process_supply_memory();
    say_as("jobsweepd");
    if (options_parse(&options, PROGRAM_JOBSWEEPD, argc, argv, &err) != 0) {
        say("%s", err.msg);
        return EXIT_USAGE;
    }
    enum exit_status status = run(&options);
    return status == EXIT_FINE && !process_output_written() ? EXIT_FAILED : (int)status;
}
