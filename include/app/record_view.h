/* Records of the ledger, for people and as JSON: what `jobsweep history` prints. */
#ifndef APP_RECORD_VIEW_H
#define APP_RECORD_VIEW_H

#include "app/view.h"
#include "base/buf.h"
#include "ledger/store.h"

/* Each appends one line, or more where the style's columns are too few. Whatever comes from the service is
 * made visible. */

/* When, what became of it, which execution, for which policy, and why it was selected. */
void record_view_settled(const struct store_record *record, const struct view_style *style, struct buf *out);
/* Any record with its place in the chain. */
void record_view_any(const struct store_record *record, const struct view_style *style, struct buf *out);
/* Any record with all that is known of its run and its row; never a secret: none is in the ledger. */
void record_view_json(const struct store_record *record, struct buf *out);

#endif
