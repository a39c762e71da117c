/* What the daemon says of itself, for people. */
#ifndef APP_STATUS_VIEW_H
#define APP_STATUS_VIEW_H

#include "aws/json.h"
#include "base/buf.h"

#include <stdbool.h>

/* The lines of one reply on status, as they come. */
struct status_view;

/* all: each pair of policy and target was asked for. */
struct status_view *status_view_create(bool all);
void status_view_destroy(struct status_view *view); /* takes NULL */

/* Takes the line in. Nothing of it is kept but copies. */
void status_view_line(struct status_view *view, const struct json_value *line);
/* Appends all of it, control characters made visible. */
void status_view_print(const struct status_view *view, struct buf *out);

#endif
