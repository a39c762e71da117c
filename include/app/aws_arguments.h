/* The command line of `jobsweep delete-job-execution`, read as `aws iot delete-job-execution` reads it: first
 * the global options wherever they stand, then the options of the operation. Pure but for what it allocates.
 */
#ifndef APP_AWS_ARGUMENTS_H
#define APP_AWS_ARGUMENTS_H

#include "app/argparse.h"
#include "app/aws_failure.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aws_request { AWS_REQUEST_DELETE, AWS_REQUEST_HELP, AWS_REQUEST_VERSION };
enum aws_switch { AWS_SWITCH_ABSENT, AWS_SWITCH_ON, AWS_SWITCH_OFF };

/* Strings are the words of the command line, NULL where they are not given. */
struct aws_arguments {
    enum aws_request request;
    /* global */
    bool globals_read; /* from here on errors have the format that is asked for */
    bool debug, no_verify_ssl, no_paginate, no_sign_request, no_cli_pager, cli_auto_prompt,
        no_cli_auto_prompt;
    const char *endpoint_url, *output, *query, *profile, *region, *color, *ca_bundle, *cli_read_timeout,
        *cli_connect_timeout, *cli_binary_format, *cli_error_format;
    int64_t connect_timeout_s, read_timeout_s; /* 0: without end; 60 where nothing is given */
    /* of the operation */
    const char *job_id, *thing_name, *execution_number, *namespace_id, *cli_input_json, *cli_input_yaml;
    enum aws_switch force;
    const char *skeleton; /* "input", "yaml-input", "output" */
};

/* Whether the words (argv without the program's name) are for this command: its name, alone or behind "iot",
 * behind nothing but options of the AWS CLI. */
bool aws_arguments_are_ours(int count, char *const *words);

/* Reads words for which that is true. False with failure. */
bool aws_arguments_read(struct aws_arguments *arguments, int count, char *const *words,
                        struct aws_failure *failure);

/* Appends what `help` prints. */
void aws_arguments_help(struct buf *out);

/* The options of the command, then those of the AWS CLI that it takes; NULL behind the last. */
const struct argparse_rule *aws_arguments_option(size_t index);

/* The names of output formats, then NULL. */
extern const char *const AWS_OUTPUTS[];

#endif
