/* How far a sweep is, on standard error: one line that is redrawn on a terminal, else a plain line every ten
 * seconds. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include "app/runner.h"
#include "app/view.h"
#include "base/buf.h"
#include "engine/env.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress;

/* Draws until it is destroyed. env, runner and stream stay the caller's. */
struct progress *progress_create(const struct env *env, const struct runner *runner, FILE *stream);
void progress_destroy(struct progress *progress); /* clears the line; takes NULL */

/* Takes the line away before something else is printed; it comes back by itself. Takes NULL. */
void progress_clear(struct progress *progress);

/* Appends the line's text without a line feed: with a bar if there is room, and never as wide as `columns`;
 * columns 0: of any width, without a bar. rate_per_1000s: settled, or listed, executions per 1,000 s. Pure.
 */
void progress_line(const struct sweep_progress *now, int64_t rate_per_1000s, int columns,
                   const struct view_style *style, struct buf *out);

#endif
