/* See iotsim_journal.h. */
#include "sim/iotsim_journal.h"

#include "base/text.h"
#include "sim/iotsim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384

int iotsim_journal_open(struct iotsim *sim, struct err *err)
{
    const char *path = sim->options->journal;
    sim->journal_fd = -1;
    if (!path) {
        return 0;
    }
    sim->journal_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    return sim->journal_fd >= 0 ? 0 : err_set(err, ERR_IO, "journal '%s': %s", path, err_errno(errno));
}

void iotsim_journal_close(struct iotsim *sim)
{
    if (sim->journal_fd >= 0) {
        close(sim->journal_fd);
    }
    sim->journal_fd = -1;
}

static bool begin(const struct iotsim *sim, struct buf *line, int64_t deletion, const char *event,
                  int64_t now_ms)
{
    if (sim->journal_fd < 0 || deletion == 0) {
        return false;
    }
    buf_init(line, LINE_MAX_BYTES);
    buf_printf(line, "{\"n\":%" PRId64 ",\"event\":\"%s\",\"ms\":%" PRId64, deletion, event, now_ms);
    return true;
}

/* One write a line: readers see whole lines only. */
static void end(const struct iotsim *sim, struct buf *line)
{
    buf_text(line, "}\n");
    if (line->overflow || write(sim->journal_fd, line->data, line->length) != (ssize_t)line->length) {
        fprintf(stderr, "iotsim: the journal is incomplete\n");
    }
    buf_finish(line);
}

static void add_text(struct buf *line, const char *name, const char *value)
{
    buf_printf(line, ",\"%s\":", name);
    text_json(line, value ? value : "");
}

static void add_execution(struct buf *line, const struct fleet_execution *execution)
{
    buf_printf(line, ",\"identity\":%" PRIu64 ",\"number\":%" PRId64, execution->identity,
               execution->execution.number);
    add_text(line, "job", execution->execution.job_id);
    add_text(line, "thing", execution->execution.thing_name);
}

void iotsim_journal_received(struct iotsim *sim, struct iotsim_request *request, int64_t now_ms)
{
    struct buf line;
    const char *authorization = iotsim_header(request, "authorization");
    const char *signature = authorization ? strstr(authorization, "Signature=") : NULL;
    request->deletion = ++sim->deletions;
    if (!begin(sim, &line, request->deletion, "received", now_ms)) {
        return;
    }
    add_text(&line, "target", request->target);
    add_text(&line, "date", iotsim_header(request, "x-amz-date"));
    add_text(&line, "signature", signature ? signature + strlen("Signature=") : NULL);
    end(sim, &line);
}

void iotsim_journal_executed(struct iotsim *sim, const struct iotsim_request *request,
                             const struct call *call, const struct fleet_execution *execution, int64_t now_ms)
{
    struct buf line;
    const struct fingerprint *fingerprint = &execution->execution.fingerprint;
    bool done = call->answer.class == ANSWER_DONE;
    if (!begin(sim, &line, request->deletion, done ? "executed" : "refused", now_ms)) {
        return;
    }
    if (done) {
        add_execution(&line, execution);
        add_text(&line, "status", execution_status_name(fingerprint->status));
        add_text(&line, "queued_at", fingerprint->queued_at.text);
        add_text(&line, "started_at", fingerprint->started_at.text);
        add_text(&line, "last_updated_at", fingerprint->last_updated_at.text);
        buf_printf(&line, ",\"version\":%" PRId64, fingerprint->version_number);
    } else {
        buf_printf(&line, ",\"status\":%d", call->answer.http_status);
        add_text(&line, "code", call->answer.code);
    }
    end(sim, &line);
}

void iotsim_journal_reborn(struct iotsim *sim, const struct iotsim_request *request,
                           const struct fleet_execution *execution, int64_t now_ms)
{
    struct buf line;
    if (!begin(sim, &line, request->deletion, "reborn", now_ms)) {
        return;
    }
    add_execution(&line, execution);
    end(sim, &line);
}

void iotsim_journal_answered(struct iotsim *sim, const struct iotsim_request *request,
                             const struct iotsim_reply *reply, int fault, int64_t now_ms)
{
    struct buf line;
    bool whole = fault == FAULT_NONE;
    if (!begin(sim, &line, request->deletion, whole ? "answered" : "lost", now_ms)) {
        return;
    }
    if (whole) {
        buf_printf(&line, ",\"status\":%d", reply->status);
    } else {
        add_text(&line, "fault", fault_name((enum fault)fault));
    }
    end(sim, &line);
}

void iotsim_journal_closed(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms)
{
    struct buf line;
    if (begin(sim, &line, request->deletion, "closed", now_ms)) {
        end(sim, &line);
    }
}
