/* Lines of replies on the control socket that both sides have to know: the daemon writes them, `jobsweep`
 * reads them. */
#ifndef APP_CONTROL_EVENTS_H
#define APP_CONTROL_EVENTS_H

#include "app/exit_status.h"
#include "aws/json.h"
#include "base/buf.h"
#include "engine/report.h"
#include "engine/sweep.h"
#include "policy/diagnostics.h"

#include <stdint.h>

/* Members: ,"KEY":"TEXT" or null for NULL; a time, null for 0; a number, null below 0. */
void member_text(struct buf *out, const char *key, const char *text);
void member_time(struct buf *out, const char *key, int64_t ms);
void member_number(struct buf *out, const char *key, int64_t number);
void member_truth(struct buf *out, const char *key, bool truth);

/* {"event":"EVENT": the line's beginning; the rest is the caller's. */
void control_event(struct buf *out, const char *event);
void control_event_error(struct buf *out, const char *message);
void control_event_end(struct buf *out, enum exit_status status);

/* How a run ended: what of a report is of use to others. */
void control_event_result(struct buf *out, const char *policy, const char *target,
                          const struct report *report, enum exit_status status);
/* The same of a run that an earlier process ended: its end, its times and what it selected. */
void control_event_recalled(struct buf *out, const char *policy, const char *target,
                            const struct report *report);
void control_event_progress(struct buf *out, const struct sweep_progress *progress, int64_t rate_per_1000s);
void control_event_diagnostic(struct buf *out, const struct diagnostic *diagnostic);

/* What the functions above have written; what is missing is 0 or empty. */
void control_read_result(const struct json_value *line, struct report *report, enum exit_status *status);
/* report_end_name()'s word; SWEEP_FAILED where it is none. */
void control_read_end(const char *word, struct report *report);
void control_read_progress(const struct json_value *line, struct sweep_progress *progress,
                           int64_t *rate_per_1000s);
void control_read_diagnostic(const struct json_value *line, struct diagnostics *diagnostics);

/* A member; "" or 0 where there is none, or one of another kind. */
const char *control_text(const struct json_value *line, const char *key);
int64_t control_number(const struct json_value *line, const char *key);
bool control_truth(const struct json_value *line, const char *key);
int64_t control_time(const struct json_value *line, const char *key);

#endif
