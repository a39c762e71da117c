/* How far a sweep is. */
#include "app/progress.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define REDRAW_NS   (TIME_NS_PER_SECOND / 8)
#define PLAIN_NS    (10 * TIME_NS_PER_SECOND)
#define RATE_WINDOW 64 /* samples that the rate is taken over: 8 s of a terminal's */
#define BAR_WIDTH   20
#define TEXT_MAX    512

struct sample {
    int64_t at_ns, done;
};

struct progress {
    const struct env *env;
    const struct runner *runner;
    FILE *stream;
    bool terminal, drawn, deleting;
    struct view_style style;
    struct env_timer timer;
    struct sample samples[RATE_WINDOW];
    size_t sampled; /* since the phase began */
};

/* --- the line ------------------------------------------------------------------------------------------ */

static void append_bar(struct buf *out, int64_t done, int64_t all, const struct view_style *style)
{
    int cells = all > 0 ? (int)((double)done / (double)all * BAR_WIDTH) : 0;
    buf_text(out, style->color ? "\033[36m" : "");
    for (int i = 0; i < BAR_WIDTH; i++) {
        if (style->utf8) {
            buf_text(out, i < cells ? "█" : "░");
        } else {
            buf_text(out, i < cells ? "#" : ".");
        }
    }
    buf_text(out, style->color ? "\033[0m " : " ");
}

static void append_rest(struct buf *out, const struct sweep_progress *now, int64_t rate_per_1000s)
{
    char number[32], about[32];
    if (rate_per_1000s > 0) {
        buf_printf(out, ", %" PRId64 ".%" PRId64 "/s", rate_per_1000s / 1000, rate_per_1000s / 100 % 10);
    }
    int64_t left_ms = now->remaining_ms > now->quarantined_ms || now->quarantined == 0 ? now->remaining_ms
                                                                                       : now->quarantined_ms;
    if (left_ms >= 0) {
        int64_t shown_ms = left_ms < TIME_MS_PER_SECOND ? TIME_MS_PER_SECOND : left_ms;
        buf_printf(out, ", about %s left", time_about(shown_ms, about));
    }
    if (now->quarantined > 0 && now->quarantined == now->selected - now->settled) {
        bool one = now->quarantined == 1;
        buf_printf(out, ": %s answer%s lost, %s must first expire", text_thousands(number, now->quarantined),
                   one ? " was" : "s were", one ? "its request" : "their requests");
    } else if (now->quarantined > 0) {
        buf_printf(out, ", %s waiting to be verified", text_thousands(number, now->quarantined));
    }
}

static void append_settled(struct buf *out, const struct sweep_progress *now)
{
    char done[32], all[32], listing[32];
    buf_printf(out, "settled %s of %s", text_thousands(done, now->settled),
               text_thousands(all, now->selected));
    if (now->runs_listing > 0) { /* then there will be more */
        buf_printf(out, " so far, %s still list%s", text_thousands(listing, now->runs_listing),
                   now->runs_listing == 1 ? "s" : "");
    }
}

static void append_listed(struct buf *out, const struct sweep_progress *now)
{
    char done[32], all[32], listed[32], pages[32];
    buf_printf(out, "listed %s", text_thousands(listed, now->listed));
    if (now->pages > 0) {
        buf_printf(out, " on %s page%s", text_thousands(pages, now->pages), now->pages == 1 ? "" : "s");
    }
    buf_printf(out, ", %s of %s lists done", text_thousands(done, now->jobs_listed),
               text_thousands(all, now->jobs));
}

void progress_line(const struct sweep_progress *now, int64_t rate_per_1000s, int columns,
                   const struct view_style *style, struct buf *out)
{
    char done[32], all[32], number[32];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (now->runs > 1) {
        buf_printf(&text, "%s of %s runs done, ", text_thousands(done, now->runs_done),
                   text_thousands(all, now->runs));
    }
    if (now->waiting_ms > 0) {
        buf_printf(&text, "waits about %s for a lost request of an earlier run",
                   time_about(now->waiting_ms, done));
    } else if (now->deleting) {
        append_settled(&text, now);
    } else if (now->jobs > 0) {
        append_listed(&text, now);
    } else if (now->listed > 0) {
        buf_printf(&text, "listed %s", text_thousands(number, now->listed));
    } else if (now->calls > 0) { /* paced, so that nobody may think that the service is slow */
        buf_printf(&text, "looks up jobs and things, %s call%s made", text_thousands(number, now->calls),
                   now->calls == 1 ? "" : "s");
    } else if (now->waits_turn) {
        buf_text(&text, "waits for another sweep in the same account and region to end");
    } else {
        buf_text(&text, "waits for the service to answer");
    }
    if (now->waiting_ms <= 0) {
        append_rest(&text, now, rate_per_1000s);
    }
    if ((int)text.length + BAR_WIDTH + 2 < columns) {
        append_bar(out, now->deleting ? now->settled : now->jobs_listed,
                   now->deleting ? now->selected : now->jobs, style);
    }
    if (columns > 0 && (int)text.length >= columns) {
        buf_append(out, text.data, (size_t)columns - 1); /* ASCII only: a cut splits no character */
    } else {
        buf_text(out, buf_string(&text));
    }
    buf_finish(&text);
}

/* --- drawing ------------------------------------------------------------------------------------------- */

static int64_t sample_rate(struct progress *progress, const struct sweep_progress *now)
{
    if (now->deleting != progress->deleting) {
        progress->sampled = 0;
    }
    progress->deleting = now->deleting;
    struct sample newest = {.at_ns = progress->env->mono_ns(progress->env->ctx),
                            .done = now->deleting ? now->settled : now->listed};
    size_t oldest = progress->sampled < RATE_WINDOW ? 0 : progress->sampled % RATE_WINDOW;
    struct sample first = progress->sampled == 0 ? newest : progress->samples[oldest];
    progress->samples[progress->sampled++ % RATE_WINDOW] = newest;
    int64_t passed_ms = (newest.at_ns - first.at_ns) / TIME_NS_PER_MS;
    return passed_ms > 0 ? (newest.done - first.done) * 1000 * TIME_MS_PER_SECOND / passed_ms : 0;
}

static void draw(struct progress *progress)
{
    struct sweep_progress now;
    struct buf line;
    runner_progress(progress->runner, &now);
    int64_t rate = sample_rate(progress, &now);
    buf_init(&line, TEXT_MAX);
    progress_line(&now, rate, view_columns(fileno(progress->stream)), &progress->style, &line);
    if (progress->terminal) {
        fprintf(progress->stream, "\r\033[K%s", buf_string(&line));
    } else {
        fprintf(progress->stream, "jobsweep: %s\n", buf_string(&line));
    }
    fflush(progress->stream);
    progress->drawn = progress->terminal;
    buf_finish(&line);
}

static void arm(struct progress *progress)
{
    const struct env *env = progress->env;
    env->start(env->ctx, &progress->timer,
               env->mono_ns(env->ctx) + (progress->terminal ? REDRAW_NS : PLAIN_NS));
}

static void on_tick(struct env_timer *timer)
{
    struct progress *progress = timer->owner;
    draw(progress);
    arm(progress);
}

struct progress *progress_create(const struct env *env, const struct runner *runner, FILE *stream)
{
    struct progress *progress = mem_zalloc(sizeof *progress);
    progress->env = env;
    progress->runner = runner;
    progress->stream = stream;
    progress->terminal = isatty(fileno(stream));
    progress->style = view_style_of(fileno(stream));
    progress->timer.fire = on_tick;
    progress->timer.owner = progress;
    arm(progress);
    return progress;
}

void progress_clear(struct progress *progress)
{
    if (progress == NULL || !progress->drawn) {
        return;
    }
    fputs("\r\033[K", progress->stream);
    fflush(progress->stream);
    progress->drawn = false;
}

void progress_destroy(struct progress *progress)
{
    if (progress == NULL) {
        return;
    }
    progress_clear(progress);
    progress->env->stop(progress->env->ctx, &progress->timer);
    free(progress);
}
