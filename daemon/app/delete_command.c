/* jobsweep delete-job-execution: from the words to the exit status. See app/commands.h. */
#include "app/aws_arguments.h"
#include "app/aws_document.h"
#include "app/aws_failure.h"
#include "app/aws_parameters.h"
#include "app/commands.h"
#include "app/delete_call.h"
#include "aws/settings.h"
#include "base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PRINTED_MAX (4 * AWS_FAILURE_TEXT_MAX)

static void print(void (*make)(struct buf *out))
{
    struct buf out;
    buf_init(&out, PRINTED_MAX);
    make(&out);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
}

/* --- failures --------------------------------------------------------------------------------------------
 */

static const char *from_profile(const struct settings *settings, const char *key)
{
    return settings != NULL ? profiles_get(settings_profiles(settings), settings_profile(settings), key)
                            : NULL;
}

/* Until the global options are read, what they say of the format does not count. */
static enum aws_error_format find_format(const struct aws_arguments *arguments,
                                         const struct settings *settings)
{
    const char *name = arguments->globals_read ? arguments->cli_error_format : NULL;
    if (name == NULL) {
        name = environment_get(NULL, "AWS_CLI_ERROR_FORMAT");
    }
    return aws_error_format_named(name != NULL ? name : from_profile(settings, "cli_error_format"));
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void print_failure(const struct aws_failure *failure, const struct aws_arguments *arguments,
                          const struct settings *settings)
{
    const char *color = arguments->color != NULL ? arguments->color : "auto";
    const struct aws_failure_style style = {
        .format = find_format(arguments, settings),
        .columns = terminal_columns(),
        .colored = strcmp(color, "on") == 0 || (strcmp(color, "auto") == 0 && isatty(STDOUT_FILENO)),
    };
    struct buf out;
    buf_init(&out, PRINTED_MAX);
    aws_failure_render(failure, &style, &out);
    fputs(buf_string(&out), stderr);
    buf_finish(&out);
}

/* --- the command -----------------------------------------------------------------------------------------
 */

/* The operation answers with nothing; only --query makes something to print of it. */
static bool print_result(const struct aws_arguments *arguments, const struct settings *settings,
                         struct aws_failure *failure)
{
    const char *output =
        arguments->output != NULL ? arguments->output : environment_get(NULL, "AWS_DEFAULT_OUTPUT");
    size_t known = 0;
    if (output == NULL) {
        output = from_profile(settings, "output");
    }
    output = output != NULL ? output : "json";
    while (AWS_OUTPUTS[known] != NULL && strcmp(AWS_OUTPUTS[known], output) != 0) {
        known++;
    }
    if (AWS_OUTPUTS[known] == NULL) {
        return aws_failure_other(failure, "Unknown output type: %s", output);
    }
    if (arguments->query == NULL || strcmp(arguments->query, "@") == 0) {
        return true;
    }
    if (strcmp(output, "text") == 0) {
        puts("None");
    } else if (strcmp(output, "yaml-stream") == 0) {
        puts("- null");
    } else if (strcmp(output, "table") != 0 && strcmp(output, "off") != 0) {
        puts("null");
    }
    return true;
}

/* What botocore finds wrong before it looks at anything else. */
static bool check_environment(const struct aws_arguments *arguments, struct aws_failure *failure)
{
    bool profile = arguments->profile != NULL && arguments->profile[0] != '\0';
    if (profile || arguments->no_sign_request || environment_get(NULL, "AWS_ACCESS_KEY_ID") == NULL ||
        environment_get(NULL, "AWS_SECRET_ACCESS_KEY") != NULL) {
        return true;
    }
    return aws_failure_other(failure, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY");
}

static bool call(const struct aws_arguments *arguments, const struct py_value *parameters,
                 struct settings **settings, struct aws_failure *failure)
{
    const char *profile = arguments->profile;
    struct err err;
    *settings = settings_load(NULL, profile != NULL && profile[0] != '\0' ? profile : NULL, &err);
    if (*settings == NULL) {
        return aws_failure_other(failure, "%s", err.msg);
    }
    const struct delete_call_config config = {.arguments = arguments,
                                              .settings = *settings,
                                              .parameters = parameters,
                                              .only_validate = arguments->skeleton != NULL};
    return check_environment(arguments, failure) && delete_call_run(&config, failure) &&
           (config.only_validate || print_result(arguments, *settings, failure));
}

static bool delete_or_print(const struct aws_arguments *arguments, struct settings **settings,
                            struct aws_failure *failure)
{
    struct py_value *parameters = aws_parameters_collect(arguments, failure);
    bool good = parameters != NULL;
    if (good && arguments->skeleton != NULL && strcmp(arguments->skeleton, "output") != 0) {
        fputs(aws_document_skeleton(arguments->skeleton), stdout);
    } else if (good) {
        good = call(arguments, parameters, settings, failure);
    }
    py_free(parameters);
    return good;
}

/* A shared file that cannot be read is told before a mistake on the command line is. */
static bool check_files(struct aws_failure *failure)
{
    struct err err;
    struct profiles *profiles = profiles_load_settings(NULL, &err);
    bool good = profiles != NULL;
    if (!good) {
        profiles_reword(NULL, &err);
        aws_failure_other(failure, "%s", err.msg);
    }
    profiles_free(profiles);
    return good;
}

static bool run(int count, char **words, struct aws_arguments *arguments, struct settings **settings,
                struct aws_failure *failure)
{
    if (!check_files(failure) || !aws_arguments_read(arguments, count, words, failure)) {
        return false;
    }
    switch (arguments->request) {
    case AWS_REQUEST_VERSION:
        printf("jobsweep %s\n", JOBSWEEP_VERSION);
        return true;
    case AWS_REQUEST_HELP:
        print(aws_arguments_help);
        return true;
    default:
        return delete_or_print(arguments, settings, failure);
    }
}

enum exit_status command_delete_job_execution(int count, char **words)
{
    struct aws_arguments arguments = {0};
    struct settings *settings = NULL;
    struct aws_failure failure;
    aws_failure_init(&failure);
    if (!run(count, words, &arguments, &settings, &failure)) {
        fflush(stdout);
        print_failure(&failure, &arguments, settings);
    }
    enum exit_status status = failure.exit;
    settings_free(settings);
    aws_failure_finish(&failure);
    return status;
}
