/* jobsweep history and jobsweep history verify: reading the ledger, whoever writes it meanwhile. */
#include "app/commands.h"
#include "app/process.h"
#include "app/record_view.h"
#include "app/say.h"
#include "app/state_directory.h"
#include "aws/crypto.h"
#include "base/text.h"
#include "base/time.h"
#include "ledger/store.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

static int64_t now_ms(void *ctx)
{
    struct timespec now;
    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIME_MS_PER_SECOND + now.tv_nsec / TIME_NS_PER_MS;
}

/* --- what is asked ---------------------------------------------------------------------------------------
 */

/* A duration back from now, a day in UTC, or a time. */
static int read_since(const char *text, int64_t *ms, struct err *err)
{
    char day[32];
    int64_t back_ms;
    if (time_parse_duration(text, &back_ms, err) == 0) {
        *ms = now_ms(NULL) - back_ms;
        return 0;
    }
    snprintf(day, sizeof day, "%.10sT00:00:00Z", text);
    if (time_parse_rfc3339(strlen(text) == 10 ? day : text, ms, err) == 0) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "--since takes a duration such as 12h or 7d, a day such as 2026-11-24, or a time such as "
                   "2026-11-24T03:15:00Z, not \"%s\"",
                   text);
}

static int read_outcome(const char *text, int *outcome, struct err *err)
{
    const char *names[OUTCOME_COUNT] = {NULL};
    for (int i = OUTCOME_DELETED; i < OUTCOME_COUNT; i++) {
        names[i - 1] = outcome_name((enum outcome)i);
        if (strcmp(text, names[i - 1]) == 0) {
            *outcome = i;
            return 0;
        }
    }
    const char *nearest = text_nearest(text, names);
    return err_set(err, ERR_INVALID, "--outcome: no outcome is called \"%s\"%s%s%s", text,
                   nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "?" : "; man jobsweep has them under OUTCOMES");
}

static int read_filter(const struct options *options, struct store_filter *filter, struct err *err)
{
    *filter = (struct store_filter){.thing_name = options->thing,
                                    .job_id = options->job,
                                    .policy = options->policy,
                                    .outcome = -1,
                                    .settled_only = !options->verbose};
    if (options->since != NULL && read_since(options->since, &filter->since_ms, err) != 0) {
        return -1;
    }
    return options->outcome != NULL ? read_outcome(options->outcome, &filter->outcome, err) : 0;
}

/* --- printing --------------------------------------------------------------------------------------------
 */

struct listing {
    const struct options *options;
    struct view_style style;
    struct buf line;
    int64_t records;
};

static void on_record(void *ctx, const struct store_record *record)
{
    struct listing *listing = ctx;
    buf_reset(&listing->line);
    if (listing->options->format == OUTPUT_JSON) {
        record_view_json(record, &listing->line);
    } else if (listing->options->verbose) {
        record_view_any(record, &listing->style, &listing->line);
    } else {
        record_view_settled(record, &listing->style, &listing->line);
    }
    fwrite(buf_string(&listing->line), 1, listing->line.length, stdout);
    listing->records++;
}

static enum exit_status list(const struct options *options, struct store *store,
                             const struct store_filter *filter)
{
    struct listing listing = {.options = options, .style = view_style_of(STDOUT_FILENO)};
    struct err err;
    buf_init(&listing.line, LINE_MAX_BYTES);
    int result = store_history(store, filter, on_record, &listing, &err);
    buf_finish(&listing.line);
    if (result != 0) {
        say("%s", err.msg);
    } else if (listing.records == 0 && !options->quiet) {
        say("no record of the ledger fits");
    }
    return result == 0 ? EXIT_FINE : EXIT_FAILED;
}

static void print_verdict(const struct options *options, int64_t records, const struct err *err)
{
    char number[32];
    if (options->format == OUTPUT_JSON) {
        struct buf line;
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "{\"event\":\"verify\",\"records\":%" PRId64 ",\"whole\":%s,\"message\":", records,
                   err == NULL ? "true" : "false");
        text_json(&line, err == NULL ? "" : err->msg);
        printf("%s}\n", buf_string(&line));
        buf_finish(&line);
    } else if (err == NULL) {
        printf("%s record%s, all as they were written\n", text_thousands(number, records),
               records == 1 ? "" : "s");
    } else {
        say("%s", err->msg);
    }
}

static enum exit_status verify(const struct options *options, struct store *store)
{
    struct err err;
    int64_t records;
    int result = store_verify(store, &records, &err);
    print_verdict(options, records, result == 0 ? NULL : &err);
    return result == 0 ? EXIT_FINE : EXIT_FAILED;
}

/* --- the command -----------------------------------------------------------------------------------------
 */

static struct store *open_ledger(const struct config *config, struct err *err)
{
    char path[PATH_MAX];
    if (state_directory_find(config, path, sizeof path - sizeof "/ledger.db", err) != 0) {
        return NULL;
    }
    strcat(path, "/ledger.db");
    const struct store_config store = {
        .path = path, .read_only = true, .wall_ms = now_ms, .sha256 = crypto_sha256};
    return store_open(&store, err);
}

static enum exit_status answer(const struct options *options, const struct config *config,
                               const struct store_filter *filter)
{
    struct err err;
    struct store *store = open_ledger(config, &err);
    if (store == NULL) {
        say("%s", err.msg);
        return EXIT_FAILED;
    }
    enum exit_status status = options->verify ? verify(options, store) : list(options, store, filter);
    store_close(store);
    return process_output_written() ? status : exit_status_worse(status, EXIT_FAILED);
}

enum exit_status command_history(const struct options *options)
{
    struct err err;
    struct store_filter filter;
    signal(SIGPIPE, SIG_DFL); /* whoever stops reading has seen enough; nothing is under way here */
    if (read_filter(options, &filter, &err) != 0) {
        say("%s", err.msg);
        return EXIT_USAGE;
    }
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    enum exit_status status = answer(options, config, &filter);
    config_unref(config);
    return status;
}
