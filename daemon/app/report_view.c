/* See app/report_view.h. */
#include "app/report_view.h"

#include "app/archive_report.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_SHOWN 72
#define CALLS_MAX      1024
#define CALLS_INDENT   11
#define REASON_INDENT  6

/* A row that the end of its sweep came before: its outcome says that, and why is said once, of the sweep. */
static bool is_of_the_end(enum outcome outcome, const struct answer *answer)
{
    return outcome == OUTCOME_NOT_ATTEMPTED &&
           (strcmp(answer->code, "Canceled") == 0 || strcmp(answer->code, "Withheld") == 0);
}

void report_reason(enum outcome outcome, const struct answer *answer, struct buf *out)
{
    bool said = answer != NULL && answer->code[0] != '\0';
    bool ours = said && answer->class == ANSWER_NOT_SENT && answer->message[0] != '\0';
    bool says_all =
        outcome == OUTCOME_DELETED || outcome == OUTCOME_DELETED_PRESUMED || outcome == OUTCOME_GONE;
    if (says_all || !said || is_of_the_end(outcome, answer)) {
        return;
    }
    buf_printf(out, "%s: ", outcome_name(outcome));
    buf_text(out, ours ? answer->message : answer->code);
}

static void print_ending(const struct report *report, const struct view_style *style, int used,
                         struct buf *out)
{
    static const char *const endings[] = {
        [SWEEP_FINISHED] = "finished",
        [SWEEP_PLANNED] = "only planned",
        [SWEEP_GUARDED] = "stopped by a guard, nothing was deleted",
        [SWEEP_LIMITED] = "stopped by a limit, more remains",
        [SWEEP_STOPPED] = "stopped before its end",
        [SWEEP_CANCELED] = "canceled",
        [SWEEP_FAILED] = "failed, nothing was deleted",
    };
    static const char *const limits[] = {[LIMIT_WINDOW] = "window", [LIMIT_DURATION] = "max_duration"};
    char left[32];
    struct buf text;
    buf_init(&text, sizeof report->err.msg + 256);
    buf_char(&text, ' ');
    if (report->end == SWEEP_LIMITED && report->limit != LIMIT_ROWS) {
        bool any = report_left(report) > 0; /* that is known of */
        buf_printf(&text, "stopped by the %s%s%s%s", limits[report->limit], any ? ", " : "",
                   any ? text_thousands(left, report_left(report)) : "", any ? " remain" : "");
    } else {
        buf_text(&text, endings[report->end]);
    }
    if (report->err.code != ERR_NONE) {
        buf_printf(&text, ": %s", report->err.msg);
    }
    view_wrap(out, style, buf_string(&text), used, 2);
    buf_finish(&text);
}

static void print_calls(const struct report *report, const struct view_style *style, struct buf *out)
{
    char number[32];
    struct buf text;
    buf_init(&text, CALLS_MAX);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (report->calls[i] > 0) {
            buf_printf(&text, "%s%s %s", text.length > 0 ? ", " : "", operation_name((enum operation)i),
                       text_thousands(number, report->calls[i]));
        }
    }
    if (text.length > 0) {
        buf_text(out, "  calls    ");
        view_wrap(out, style, buf_string(&text), CALLS_INDENT, CALLS_INDENT);
    }
    buf_finish(&text);
}

/* Of one outcome: "      12 legal hold 42, by jobsweep.yaml:9:5". */
static void print_reasons(const struct counted *reasons, size_t size, enum outcome outcome,
                          const struct view_style *style, struct buf *out)
{
    const char *name = outcome_name(outcome);
    size_t length = strlen(name);
    for (size_t i = 0; i < size; i++) {
        const char *text = reasons[i].text;
        char number[32];
        if (strncmp(text, name, length) != 0 || text[length] != ':') {
            continue;
        }
        int before = (int)out->length;
        buf_printf(out, "%*s%s ", REASON_INDENT, "", text_thousands(number, reasons[i].count));
        int used = (int)out->length - before;
        view_wrap(out, style, text + length + 2, used, used);
    }
}

static void print_outcomes(const struct report *report, const struct tally *tally,
                           const struct view_style *style, struct buf *out)
{
    static const struct view_style plain = {0};
    char number[32];
    size_t size = 0;
    struct counted *reasons = tally != NULL ? tally_sorted(tally, &size) : NULL;
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        if (report->outcomes[outcome] == 0) {
            continue;
        }
        bool bad = outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN;
        const struct view_style *shown = bad || outcome == OUTCOME_DELETED ? style : &plain;
        view_color(out, shown, bad ? "31" : "32");
        buf_printf(out, "    %-16s %10s", outcome_name((enum outcome)outcome),
                   text_thousands(number, report->outcomes[outcome]));
        view_color(out, shown, "0");
        buf_char(out, '\n');
        print_reasons(reasons, size, (enum outcome)outcome, style, out);
    }
    free(reasons);
}

void report_view(const char *policy, const char *target, const struct report *report,
                 const struct tally *reasons, const struct view_style *style, struct buf *out)
{
    char number[32], about[32];
    print_ending(report, style, view_heading(out, style, policy, target), out);
    bool planned = !report_without_plan(report);
    if (planned || report->listed > 0) {
        buf_printf(out, "  %-18s %10s\n", "listed", text_thousands(number, report->listed));
    }
    if (planned) {
        buf_printf(out, "  %-18s %10s\n", "selected", text_thousands(number, report->selected));
    }
    print_outcomes(report, reasons, style, out);
    if (report->newest > 0) {
        buf_printf(out, "  %-18s %10s  (the newest of each was meant)\n", "without a number",
                   text_thousands(number, report->newest));
    }
    if (report->remaining > 0) {
        buf_printf(out, "  %-18s %10s\n", "left for later", text_thousands(number, report->remaining));
    }
    if (report->in_grace > 0) {
        buf_printf(out, "  %-18s %10s\n", "in their grace", text_thousands(number, report->in_grace));
    }
    if (report->skipped > 0) {
        buf_printf(out, "  %-18s %10s\n", "skipped", text_thousands(number, report->skipped));
    }
    archive_report_text(report, out);
    print_calls(report, style, out);
    bool begun = report->started_ms != 0;
    buf_printf(out, "  took     %s\n\n",
               begun ? time_about(report->ended_ms - report->started_ms, about) : "nothing: not begun");
}

static void append_beginning(struct buf *out, const char *sentence)
{
    char beginning[SENTENCE_SHOWN + 1];
    size_t length = strlen(sentence);
    bool whole = length <= SENTENCE_SHOWN;
    length = whole ? length : SENTENCE_SHOWN;
    while (!whole && ((unsigned char)sentence[length] & 0xc0) == 0x80) { /* not inside of a character */
        length--;
    }
    memcpy(beginning, sentence, length);
    beginning[length] = '\0';
    buf_text(out, ": ");
    text_visible(out, beginning);
    buf_text(out, whole ? "" : "...");
}

void report_view_failure(const char *policy, const char *target, const struct report *report, struct buf *out)
{
    buf_printf(out, "  %s in %s: %s", policy, target, report_end_name(report));
    if (report->err.code != ERR_NONE) {
        append_beginning(out, report->err.msg);
    }
    buf_char(out, '\n');
}
