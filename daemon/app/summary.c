/* See app/summary.h. */
#include "app/summary.h"

#include "app/link.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512
#define NUMBERS_WIDTH  40 /* behind the name */
#define NAME_MIN       16
#define SENTENCE_MAX   512

struct entry {
    const struct policy *policy;
    const struct target *target;
    const char *end;
    bool planned, failed;
    int64_t listed, selected, in_grace, remaining, skipped;
    int64_t outcomes[OUTCOME_COUNT];
    int64_t calls, deleting_calls, deleting_ms;
};

struct summary {
    struct entry *entries;
    size_t count, room;
};

struct summary *summary_create(void)
{
    return mem_zalloc(sizeof(struct summary));
}

void summary_destroy(struct summary *summary)
{
    if (summary != NULL) {
        free(summary->entries);
        free(summary);
    }
}

void summary_add(struct summary *summary, const struct policy *policy, const struct target *target,
                 const struct report *report, const struct plan_cost *cost)
{
    if (summary->count == summary->room) {
        summary->room = summary->room == 0 ? 16 : 2 * summary->room;
        summary->entries = mem_realloc(summary->entries, summary->room, sizeof summary->entries[0]);
    }
    struct entry *entry = &summary->entries[summary->count++];
    *entry = (struct entry){.policy = policy,
                            .target = target,
                            .end = report_end_name(report),
                            .planned = !report_without_plan(report),
                            .failed = report_failed(report),
                            .listed = report->listed,
                            .selected = report->selected,
                            .in_grace = report->in_grace,
                            .remaining = report->remaining,
                            .skipped = report->skipped,
                            .deleting_calls = cost != NULL ? cost->calls : 0,
                            .deleting_ms = cost != NULL ? cost->ms : 0};
    memcpy(entry->outcomes, report->outcomes, sizeof entry->outcomes);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        entry->calls += report->calls[i];
    }
}

/* --- the sum ------------------------------------------------------------------------------------------- */

uint32_t summary_site(struct names *sites, const struct target *target)
{
    char site[NAME_MAX_BYTES], region[64] = "";
    struct err ignored; /* the run has told */
    link_find_region(target, region, &ignored);
    snprintf(site, sizeof site, "%s %s", target->account[0] != '\0' ? target->account : target->name, region);
    return names_intern(sites, site);
}

/* Those of one site share its quotas. */
static void add_times(const struct summary *summary, struct summary_sum *sum)
{
    struct names *sites = names_create();
    int64_t *ms = mem_calloc(summary->count + 1, sizeof *ms);
    for (size_t i = 0; i < summary->count; i++) {
        const struct entry *entry = &summary->entries[i];
        uint32_t number = summary_site(sites, entry->target);
        ms[number] += entry->deleting_ms;
        if (ms[number] > sum->deleting_ms) {
            sum->deleting_ms = ms[number];
            sum->slowest = entry->target;
        }
    }
    free(ms);
    names_destroy(sites);
}

void summary_sum(const struct summary *summary, struct summary_sum *sum)
{
    *sum = (struct summary_sum){.runs = summary->count};
    for (size_t i = 0; i < summary->count; i++) {
        const struct entry *entry = &summary->entries[i];
        sum->planned += entry->planned;
        sum->failed += entry->failed;
        sum->listed += entry->listed;
        sum->selected += entry->selected;
        int64_t kept = entry->listed - entry->selected - entry->in_grace - entry->remaining;
        sum->kept += kept > 0 ? kept : 0; /* a run that is gone on with has listed nothing */
        sum->in_grace += entry->in_grace;
        sum->remaining += entry->remaining;
        sum->skipped += entry->skipped;
        sum->calls += entry->calls;
        sum->deleting_calls += entry->deleting_calls;
        for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
            sum->outcomes[outcome] += entry->outcomes[outcome];
        }
    }
    add_times(summary, sum);
}

/* --- the table ----------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct entry *a = *(const struct entry *const *)left, *b = *(const struct entry *const *)right;
    if (a->selected != b->selected) {
        return a->selected > b->selected ? -1 : 1;
    }
    int names = strcmp(a->policy->name, b->policy->name);
    return names != 0 ? names : strcmp(a->target->name, b->target->name);
}

static const struct entry **sorted(const struct summary *summary)
{
    const struct entry **entries = mem_calloc(summary->count + 1, sizeof *entries);
    for (size_t i = 0; i < summary->count; i++) {
        entries[i] = &summary->entries[i];
    }
    qsort(entries, summary->count, sizeof *entries, compare);
    return entries;
}

struct table {
    struct buf *out;
    const struct view_style *style;
    bool plan_only, narrow;
    int name; /* columns for it */
};

static void name_entry(const struct entry *entry, char name[NAME_MAX_BYTES])
{
    snprintf(name, NAME_MAX_BYTES, "%s in %s", entry->policy->name, entry->target->name);
}

/* In a narrow table the name has a line of its own. */
static void put_name(const struct table *table, const char *name)
{
    buf_text(table->out, "  ");
    if (table->narrow) {
        view_wrap(table->out, table->style, name, 2, 4);
        buf_text(table->out, "    ");
    } else {
        view_label(table->out, name, (size_t)table->name);
    }
}

/* selected below 0: there was no plan. */
static void put_numbers(const struct table *table, int64_t selected, int64_t other, const char *text)
{
    char number[32];
    buf_printf(table->out, " %10s", selected < 0 ? "-" : text_thousands(number, selected));
    buf_printf(table->out, " %10s  %s\n", text_thousands(number, other), text);
}

static void put_entry(const struct table *table, const struct entry *entry)
{
    char name[NAME_MAX_BYTES], about[32];
    int64_t deleted = entry->outcomes[OUTCOME_DELETED] + entry->outcomes[OUTCOME_DELETED_PRESUMED];
    bool planned = strcmp(entry->end, sweep_end_name(SWEEP_PLANNED)) == 0;
    name_entry(entry, name);
    put_name(table, name);
    put_numbers(table, entry->planned ? entry->selected : -1, table->plan_only ? entry->listed : deleted,
                table->plan_only && planned ? time_about(entry->deleting_ms, about) : entry->end);
}

static void put_titles(const struct table *table)
{
    if (!table->narrow) {
        buf_printf(table->out, "  %-*s", table->name, "");
    } else {
        buf_text(table->out, "    ");
    }
    buf_printf(table->out, " %10s %10s  %s\n", "SELECTED", table->plan_only ? "LISTED" : "DELETED",
               table->plan_only ? "AT THE QUOTA" : "END");
}

static struct table lay_out(const struct entry *const *entries, size_t shown, int columns)
{
    struct table table = {.name = NAME_MIN};
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < shown; i++) {
        name_entry(entries[i], name);
        int length = (int)strlen(name);
        table.name = length > table.name ? length : table.name;
    }
    if (columns > 0 && table.name + NUMBERS_WIDTH > columns) {
        table.name = columns - NUMBERS_WIDTH;
        table.narrow = table.name < NAME_MIN;
    }
    return table;
}

/* --- the words ----------------------------------------------------------------------------------------- */

static void put_rest(const struct table *table, const struct entry *const *entries, size_t count)
{
    struct entry rest = {0};
    char name[64];
    for (size_t i = SUMMARY_SHOWN; i < count; i++) {
        rest.selected += entries[i]->selected;
        rest.listed += entries[i]->listed;
        rest.outcomes[OUTCOME_DELETED] +=
            entries[i]->outcomes[OUTCOME_DELETED] + entries[i]->outcomes[OUTCOME_DELETED_PRESUMED];
    }
    snprintf(name, sizeof name, "%zu more", count - SUMMARY_SHOWN);
    put_name(table, name);
    put_numbers(table, rest.selected, table->plan_only ? rest.listed : rest.outcomes[OUTCOME_DELETED], "");
}

/* Of runs that delete: "137 protected, 2 failed". */
static void put_outcomes(const struct table *table, const struct summary_sum *sum)
{
    char number[32];
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    for (int outcome = OUTCOME_DELETED_PRESUMED; outcome < OUTCOME_COUNT; outcome++) {
        if (sum->outcomes[outcome] > 0) {
            buf_printf(&text, "%s%s %s", text.length > 0 ? ", " : "",
                       text_thousands(number, sum->outcomes[outcome]), outcome_name((enum outcome)outcome));
        }
    }
    if (text.length > 0) {
        buf_text(table->out, "  ");
        view_wrap(table->out, table->style, buf_string(&text), 2, 2);
    }
    buf_finish(&text);
}

static void put_sum(const struct table *table, const struct summary_sum *sum)
{
    char text[SENTENCE_MAX], about[32], made[32], more[32], kept[32], later[32], grace[32];
    int64_t deleted = sum->outcomes[OUTCOME_DELETED] + sum->outcomes[OUTCOME_DELETED_PRESUMED];
    put_name(table, "all");
    put_numbers(table, sum->selected, table->plan_only ? sum->listed : deleted,
                table->plan_only ? time_about(sum->deleting_ms, about) : "");
    if (!table->plan_only) {
        put_outcomes(table, sum);
    }
    bool waiting = sum->in_grace > 0;
    snprintf(text, sizeof text, "%s kept%s%s%s, %s left for later by limits", text_thousands(kept, sum->kept),
             waiting ? ", " : "", waiting ? text_thousands(grace, sum->in_grace) : "",
             waiting ? " in their grace" : "", text_thousands(later, sum->remaining));
    buf_text(table->out, "  ");
    view_wrap(table->out, table->style, text, 2, 2);
    snprintf(text, sizeof text, "%s calls made%s%s", text_thousands(made, sum->calls),
             table->plan_only ? "; deleting takes " : "",
             table->plan_only ? text_thousands(more, sum->deleting_calls) : "");
    buf_text(table->out, "  ");
    view_wrap(table->out, table->style, text, 2, 2);
    if (table->plan_only && sum->slowest != NULL) {
        snprintf(text, sizeof text, "targets go on side by side; the slowest is %s, with %s",
                 sum->slowest->name, time_about(sum->deleting_ms, about));
        buf_text(table->out, "  ");
        view_wrap(table->out, table->style, text, 2, 2);
    }
}

void summary_print(const struct summary *summary, bool plan_only, const struct view_style *style,
                   struct buf *out)
{
    struct summary_sum sum;
    const struct entry **entries = sorted(summary);
    size_t shown = summary->count < SUMMARY_SHOWN ? summary->count : SUMMARY_SHOWN;
    struct table table = lay_out(entries, shown, style->columns);
    char failed[64] = "";
    table.out = out;
    table.style = style;
    table.plan_only = plan_only;
    summary_sum(summary, &sum);
    if (sum.failed > 0) {
        snprintf(failed, sizeof failed, ", %zu did not end well", sum.failed);
    }
    view_color(out, style, "1");
    buf_printf(out, "%zu %s%s", sum.runs, plan_only ? "plans" : "runs", failed);
    view_color(out, style, "0");
    buf_char(out, '\n');
    put_titles(&table);
    for (size_t i = 0; i < shown; i++) {
        put_entry(&table, entries[i]);
    }
    if (summary->count > shown) {
        put_rest(&table, entries, summary->count);
    }
    put_sum(&table, &sum);
    buf_char(out, '\n');
    free(entries);
}
