/* The command lines of both programs, read by one table that --help is made from as well. */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include "app/completion.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum program { PROGRAM_JOBSWEEP, PROGRAM_JOBSWEEPD };

enum command {
    COMMAND_PLAN,
    COMMAND_SWEEP,
    COMMAND_APPLY,
    COMMAND_DELETE_ROWS, /* delete-job-executions */
    COMMAND_CHECK,
    COMMAND_HISTORY,
    COMMAND_DELETE_ONE, /* delete-job-execution, whose words app/aws_arguments.h reads: named here for help */
    COMMAND_EXPLAIN,
    COMMAND_TEST,
    COMMAND_SCHEMA,
    COMMAND_WHOAMI,
    COMMAND_IAM_POLICY,
    COMMAND_STATUS, /* this one and the next four ask the daemon */
    COMMAND_RUN,
    COMMAND_PAUSE,
    COMMAND_RESUME,
    COMMAND_RELOAD,
    COMMAND_SCHEDULE,
    COMMAND_COMPLETION,
    COMMAND_HELP,
    COMMAND_DAEMON, /* jobsweepd, which has no commands */
    COMMAND_NONE    /* jobsweep with nothing but --help or --version */
};

#define SCHEDULE_NEXT_MAX 1000

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JUNIT };

/* Strings are argv's. */
struct options {
    enum command command;
    bool help;          /* --help: of command, or of the program for COMMAND_NONE */
    enum command topic; /* COMMAND_HELP: about this one; COMMAND_NONE for the program */
    bool version;
    const char *config; /* NULL: look for it */
    enum output_format format;
    bool detailed_exitcode;
    bool yes;
    const char *file;             /* apply; delete-job-executions: NULL for standard input */
    const char *output, *expires; /* plan -o; NULL when not given */
    bool force, dry_run;          /* delete-job-executions */
    bool quiet, verbose;
    const char *target; /* NULL: all */
    char **policies;    /* policy_count names; none: all */
    size_t policy_count;
    /* history, NULL: any; explain: both; delete-job-executions: of rows that name none */
    const char *thing, *job;
    const char *policy;          /* history, explain; NULL: any */
    const char *since, *outcome; /* history; NULL: any */
    int64_t execution_number;    /* explain; 0: all */
    char **files;                /* test: file_count of them */
    size_t file_count;
    enum shell shell;   /* completion */
    bool names;         /* completion policies */
    const char *socket; /* of the daemon; NULL: as the configuration says */
    bool watch;         /* status */
    bool no_wait;       /* run */
    int64_t next;       /* schedule: how many firings of each; 1 by default */
    bool verify;        /* history verify */
    bool check, once;   /* jobsweepd */
    bool online;        /* check */
    enum log_level log_level;
    enum log_format log_format;
    bool log_level_given, log_format_given;
};

/* -1 with ERR_INVALID for anything that the program does not take; the nearest known word is named. Moves the
 * operands of argv to its end, as getopt(3) does. */
int options_parse(struct options *options, enum program program, int argc, char **argv, struct err *err);

/* Appends what --help prints. COMMAND_NONE: the program's own. */
void options_help(enum command command, struct buf *out);

#endif
