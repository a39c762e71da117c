/* jobsweep status, run, pause, resume and reload: what the daemon is asked, and its answers for people.
 *
 * The happy path: the socket is found by what the configuration says of it, be the rest of it wrong -> the
 * request is sent -> its lines are shown as they come -> the last one has the exit status.
 *
 * The ways out: nobody listens, or the connection ends before the last line: EXIT_LOCKED. A signal while a
 * run is followed leaves it going. */
#include "app/commands.h"

#include "app/control_events.h"
#include "app/control_link.h"
#include "app/control_place.h"
#include "app/events.h"
#include "app/progress.h"
#include "app/report_view.h"
#include "app/say.h"
#include "app/status_view.h"
#include "app/view.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PRINTED_MAX    (64 * 1024 * 1024)
#define WATCH_EVERY_S  2
#define PROGRESS_EVERY 10 /* of those that come, where it is not drawn */
#define FAILURES_TOLD  20

struct conversation {
    const struct options *options;
    struct control_link link;
    bool json;
    void (*take)(struct conversation *conversation, const struct json_value *line);
    struct buf out;
    struct diagnostics diagnostics;
    struct status_view *view;
    struct view_style style;
    struct report total;
    char noted[POLICY_NAME_MAX +
               1]; /* the policy that something was said of last, as it is one for all targets */
    int progress_count;
    bool drawn; /* a progress line stands on the terminal */
    bool cut;   /* the connection ended before the answer did */
};

/* --- asking -------------------------------------------------------------------------------------------- */

static void end_progress(struct conversation *conversation)
{
    if (conversation->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    conversation->drawn = false;
}

static void print(struct conversation *conversation)
{
    end_progress(conversation);
    fwrite(buf_string(&conversation->out), 1, conversation->out.length, stdout);
    buf_reset(&conversation->out);
}

static void print_raw(struct conversation *conversation)
{
    buf_append(&conversation->out, conversation->link.line.data, conversation->link.line.length);
    buf_char(&conversation->out, '\n');
    print(conversation);
}

/* EXIT_LOCKED where the answer does not come to its end. */
static enum exit_status listen_to(struct conversation *conversation)
{
    const struct json_value *line;
    struct err err;
    while ((line = control_link_next(&conversation->link, &err)) != NULL) {
        const char *event = control_text(line, "event");
        if (strcmp(event, "end") == 0) {
            return (enum exit_status)control_number(line, "exit");
        }
        if (strcmp(event, "error") == 0) {
            end_progress(conversation);
            say("%s", control_text(line, "message"));
        } else {
            conversation->take(conversation, line);
        }
    }
    end_progress(conversation);
    if (err.code == ERR_CANCELED) {
        return EXIT_INTERRUPTED;
    }
    say("%s", err.msg);
    conversation->cut = true;
    return EXIT_LOCKED;
}

static enum exit_status ask(struct conversation *conversation, const struct control_request *request)
{
    struct err err;
    if (control_link_ask(&conversation->link, request, &err) == 0) {
        return listen_to(conversation);
    }
    say("%s", err.msg);
    return err.code == ERR_INVALID ? EXIT_USAGE : EXIT_LOCKED;
}

/* EXIT_FINE, or why nothing can be asked. */
static enum exit_status begin(struct conversation *conversation, const struct options *options,
                              void (*take)(struct conversation *conversation, const struct json_value *line))
{
    struct control_way way;
    struct err err;
    *conversation = (struct conversation){.options = options,
                                          .json = options->format == OUTPUT_JSON,
                                          .take = take,
                                          .style = view_style_of(STDOUT_FILENO)};
    buf_init(&conversation->out, PRINTED_MAX);
    diagnostics_init(&conversation->diagnostics);
    conversation->link.fd = -1;
    if (control_way_find(&way, options->socket, options->config, &err) != 0) {
        say("%s", err.msg);
        return EXIT_USAGE;
    }
    if (control_link_open(&conversation->link, &way, &err) == 0) {
        return EXIT_FINE;
    }
    say("the daemon cannot be reached: %s%s", err.msg,
        way.guessed                 ? " (the configuration cannot be read, so this is a guess: see --socket)"
        : err.code == ERR_NOT_FOUND ? " (is jobsweepd running?)"
                                    : "");
    return EXIT_LOCKED;
}

static enum exit_status finish(struct conversation *conversation, enum exit_status status)
{
    control_link_close(&conversation->link);
    diagnostics_finish(&conversation->diagnostics);
    buf_finish(&conversation->out);
    return status;
}

/* --- status -------------------------------------------------------------------------------------------- */

static void take_status(struct conversation *conversation, const struct json_value *line)
{
    if (conversation->json) {
        print_raw(conversation);
    } else {
        status_view_line(conversation->view, line);
    }
}

static enum exit_status show_status(struct conversation *conversation)
{
    const struct control_request request = {.command = CONTROL_STATUS, .all = conversation->options->verbose};
    conversation->view = status_view_create(request.all);
    enum exit_status status = ask(conversation, &request);
    if (status == EXIT_FINE && !conversation->json) {
        if (conversation->options->watch && isatty(STDOUT_FILENO)) {
            buf_text(&conversation->out, "\033[H\033[J");
        }
        status_view_print(conversation->view, &conversation->out);
        print(conversation);
    }
    status_view_destroy(conversation->view);
    return fflush(stdout) == 0 ? status : EXIT_FAILED;
}

enum exit_status command_status(const struct options *options)
{
    const struct timespec pause = {.tv_sec = WATCH_EVERY_S};
    struct conversation conversation;
    enum exit_status status = begin(&conversation, options, take_status);
    if (status == EXIT_FINE) {
        status = show_status(&conversation);
        while (options->watch && status == EXIT_FINE && nanosleep(&pause, NULL) == 0) {
            status = show_status(&conversation);
        }
    }
    return finish(&conversation, status);
}

/* --- run ----------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

/* Without SA_RESTART, so that the wait for the daemon's next line ends. */
static void watch_interrupt(struct control_link *link)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    link->interrupted = &interrupted;
}

static void show_progress(struct conversation *conversation, const struct json_value *line)
{
    struct sweep_progress progress;
    int64_t rate_per_1000s;
    struct buf text;
    bool terminal = isatty(STDERR_FILENO);
    if (conversation->options->quiet || (!terminal && ++conversation->progress_count % PROGRESS_EVERY != 0)) {
        return;
    }
    control_read_progress(line, &progress, &rate_per_1000s);
    const struct view_style style = view_style_of(STDERR_FILENO);
    buf_init(&text, 4096);
    progress_line(&progress, rate_per_1000s, view_columns(STDERR_FILENO), &style, &text);
    fprintf(stderr, terminal ? "\r\033[K%s" : "jobsweep: %s\n", buf_string(&text));
    fflush(stderr);
    conversation->drawn = terminal;
    buf_finish(&text);
}

static void add_report(struct report *total, const struct report *one)
{
    total->listed += one->listed;
    total->selected += one->selected;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        total->outcomes[i] += one->outcomes[i];
    }
}

static void show_result(struct conversation *conversation, const struct json_value *line)
{
    struct report report;
    enum exit_status status;
    const char *policy = control_text(line, "policy"), *target = control_text(line, "target");
    control_read_result(line, &report, &status);
    add_report(&conversation->total, &report);
    if (conversation->json) {
        events_target(&conversation->out, policy, target, &report, NULL, status);
    } else {
        report_view(policy, target, &report, NULL, &conversation->style, &conversation->out);
    }
    print(conversation);
    fflush(stdout);
}

static void tell(struct conversation *conversation, const struct json_value *line, const char *key)
{
    const char *text = control_text(line, key);
    if (*text == '\0' || conversation->options->quiet) {
        return;
    }
    end_progress(conversation);
    say("%s in %s: %s", control_text(line, "policy"), control_text(line, "target"), text);
}

static void note_once(struct conversation *conversation, const struct json_value *line)
{
    const char *policy = control_text(line, "policy");
    if (strcmp(policy, conversation->noted) != 0) {
        text_copy(conversation->noted, sizeof conversation->noted, policy);
        tell(conversation, line, "note");
    }
}

static void take_run(struct conversation *conversation, const struct json_value *line)
{
    const char *event = control_text(line, "event");
    if (strcmp(event, "progress") == 0) {
        show_progress(conversation, line);
    } else if (strcmp(event, "result") == 0) {
        show_result(conversation, line);
    } else if (strcmp(event, "warning") == 0) {
        tell(conversation, line, "message");
    } else if (strcmp(event, "begun") == 0) {
        note_once(conversation, line);
    }
}

enum exit_status command_run(const struct options *options)
{
    struct conversation conversation;
    const struct control_request request = {.command = CONTROL_RUN,
                                            .policies = options->policies,
                                            .policy_count = options->policy_count,
                                            .target = (char *)options->target,
                                            .no_wait = options->no_wait};
    enum exit_status status = begin(&conversation, options, take_run);
    if (status != EXIT_FINE) {
        return finish(&conversation, command_end_early(options, status));
    }
    watch_interrupt(&conversation.link);
    status = ask(&conversation, &request);
    if (status == EXIT_INTERRUPTED) {
        say("the run goes on in the daemon; jobsweep status shows how far it is");
    } else if (conversation.cut) {
        say("interrupted: what came of the other runs is in the daemon's log and jobsweep history");
    }
    if (conversation.json) {
        events_report(&conversation.out, conversation.total.selected, conversation.total.outcomes, status);
        print(&conversation);
    }
    return finish(&conversation, status);
}

/* --- pause, resume, reload ----------------------------------------------------------------------------- */

static void take_word(struct conversation *conversation, const struct json_value *line)
{
    const char *event = control_text(line, "event");
    bool already = control_truth(line, "already");
    if (conversation->json) {
        print_raw(conversation);
    } else if (conversation->options->quiet) {
        return;
    } else if (strcmp(event, "paused") == 0) {
        say("paused %s%s: nothing is deleted until jobsweep resume", already ? "already, since " : "since ",
            control_text(line, "paused_at"));
    } else if (strcmp(event, "resumed") == 0) {
        say("%s", already ? "the daemon was not paused: nothing waited" : "resumed: what waited goes on");
    }
}

static enum exit_status say_word(const struct options *options, enum control_command command)
{
    const struct control_request request = {.command = command};
    struct conversation conversation;
    enum exit_status status = begin(&conversation, options, take_word);
    return finish(&conversation, status == EXIT_FINE ? ask(&conversation, &request) : status);
}

enum exit_status command_pause(const struct options *options)
{
    return say_word(options, CONTROL_PAUSE);
}

enum exit_status command_resume(const struct options *options)
{
    return say_word(options, CONTROL_RESUME);
}

static void take_reload(struct conversation *conversation, const struct json_value *line)
{
    const char *event = control_text(line, "event");
    if (conversation->json) {
        print_raw(conversation);
    } else if (strcmp(event, "diagnostic") == 0) {
        control_read_diagnostic(line, &conversation->diagnostics);
    } else if (strcmp(event, "refused") == 0) {
        say("the reload was refused: what was in force stays in force");
    } else if (strcmp(event, "reloaded") == 0 && !conversation->options->quiet) {
        int64_t policies = control_number(line, "policies"), targets = control_number(line, "targets");
        say("reloaded: %lld polic%s, %lld target%s", (long long)policies, policies == 1 ? "y" : "ies",
            (long long)targets, targets == 1 ? "" : "s");
    }
}

enum exit_status command_reload(const struct options *options)
{
    const struct control_request request = {.command = CONTROL_RELOAD};
    struct conversation conversation;
    enum exit_status status = begin(&conversation, options, take_reload);
    if (status == EXIT_FINE) {
        status = ask(&conversation, &request);
        diagnostics_print(&conversation.diagnostics, &conversation.out);
        fputs(buf_string(&conversation.out), stderr);
    }
    return finish(&conversation, status);
}
