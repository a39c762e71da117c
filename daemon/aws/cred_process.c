/* A program that prints credentials: see aws/cred_source.h. What it writes to its standard output is shown to
 * nobody; of its standard error the beginning is, made visible, but not in a log. */
#include "aws/cred_check.h"
#include "aws/shell_words.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "net/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER   "custom-process"
#define TIMEOUT_MS TIME_MS_PER_MINUTE
#define OUTPUT_MAX ((size_t)64 * 1024)
#define ERRORS_MAX 300

struct process_source {
    struct credentials_source face;
    const struct credentials_config *config;
    const struct cred_step *step;
    struct credentials_fetch *fetch;
    const char **words;
    struct program_run run;
};

static void end(struct process_source *source)
{
    source->fetch->done(source->fetch);
}

static void fail_by_errors(struct process_source *source)
{
    const struct program_run *run = &source->run;
    const char *errors = buf_string(&run->errors);
    size_t length = run->errors.length;
    char *text = mem_strndup(errors, length);
    struct buf visible;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' ')) {
        text[--length] = '\0';
    }
    buf_init(&visible, 4 * ERRORS_MAX + 1);
    text_visible(&visible, text);
    if (run->exit_signal != 0) {
        credentials_fail(source->fetch, PROVIDER, "it was ended by signal %d", run->exit_signal);
    } else if (source->config->logged) {
        credentials_fail(
            source->fetch, PROVIDER,
            "it ended with status %d; what it said is left out of logs: jobsweep whoami shows it",
            run->exit_status);
    } else if (visible.length == 0) {
        credentials_fail(source->fetch, PROVIDER, "it ended with status %d and said nothing",
                         run->exit_status);
    } else {
        credentials_fail(source->fetch, PROVIDER, "%s", buf_string(&visible));
    }
    buf_finish(&visible);
    free(text);
}

static bool check_version(struct process_source *source, const struct json_value *root)
{
    const struct json_value *version = json_get(root, "Version");
    const char *text = json_number(version);
    int64_t number;
    if (json_int64(version, &number) && number == 1) {
        return true;
    }
    text = text != NULL ? text : json_string(version);
    credentials_fail(source->fetch, PROVIDER,
                     "Unsupported version '%.30s' for credential process provider, supported versions: 1",
                     version == NULL ? "<Version key not provided>"
                     : text != NULL  ? text
                                     : "?");
    return false;
}

static void take_output(struct process_source *source)
{
    char name[64];
    struct err err;
    struct cred_found found = {.source = name,
                               .provider = PROVIDER,
                               .names = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}};
    const struct buf *output = &source->run.output;
    struct json_doc *doc = json_parse_secret(buf_string(output), output->length, &err);
    snprintf(name, sizeof name, "credential_process of '%.30s'", source->step->profile);
    if (doc == NULL) {
        credentials_fail(source->fetch, PROVIDER, "its output cannot be read: %s", err.msg);
    } else if (!json_is_object(json_root(doc))) {
        credentials_fail(source->fetch, PROVIDER, "its output is no JSON object");
    } else if (check_version(source, json_root(doc))) {
        credentials_accept_json(source->fetch, &found, json_root(doc), NULL);
    }
    json_free(doc);
}

static void on_run(struct program_run *run)
{
    struct process_source *source = run->owner;
    if (run->err.code != ERR_NONE) {
        credentials_fail(source->fetch, PROVIDER, "%.100s: %s", source->words[0], run->err.msg);
    } else if (run->exit_status != 0 || run->exit_signal != 0) {
        fail_by_errors(source);
    } else {
        take_output(source);
    }
    end(source);
}

static void fetch_process(struct credentials_source *face, struct credentials_fetch *fetch)
{
    struct process_source *source = (struct process_source *)face;
    struct err err;
    source->fetch = fetch;
    source->words = shell_words(source->step->command, &err);
    if (source->words == NULL) {
        credentials_fail(fetch, PROVIDER, "credential_process cannot be split into words: %s", err.msg);
    } else if (source->words[0] == NULL) {
        credentials_fail(fetch, PROVIDER, "credential_process is empty");
    } else if (source->config->loop == NULL) {
        credentials_fail(fetch, PROVIDER, "a program cannot be run from here");
    } else {
        source->run = (struct program_run){.arguments = source->words,
                                           .foreground = source->config->foreground,
                                           .timeout_ms = TIMEOUT_MS,
                                           .output_max = OUTPUT_MAX,
                                           .errors_max = ERRORS_MAX,
                                           .done = on_run,
                                           .owner = source};
        program_start(source->config->loop, &source->run);
        return;
    }
    end(source);
}

static void cancel(struct credentials_source *face)
{
    program_cancel(&((struct process_source *)face)->run);
}

static void destroy(struct credentials_source *face)
{
    struct process_source *source = (struct process_source *)face;
    program_finish(&source->run);
    free(source->words);
    free(source);
}

struct credentials_source *cred_process(const struct credentials_config *config, const struct cred_step *step)
{
    struct process_source *source = mem_zalloc(sizeof *source);
    source->face = (struct credentials_source){fetch_process, cancel, destroy};
    source->config = config;
    source->step = step;
    return &source->face;
}
