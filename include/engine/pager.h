/* One listing: a list operation whose pages are fetched one behind the other.
 *
 * The service's word for "more" is not trusted without end: a token that came before in this listing, too
 * many pages, or too many empty ones in a row end it as ERR_BROKEN. */
#ifndef ENGINE_PAGER_H
#define ENGINE_PAGER_H

#include "base/err.h"
#include "engine/dispatcher.h"
#include "engine/seen.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGER_PAGES_MAX 100000 /* 25 million rows */
#define PAGER_EMPTY_MAX 1000   /* empty pages in a row: a filter may drop whatever the service looks at */

struct pager {
    /* Comes once for each page asked for. err.code ERR_NONE: the page is in dispatch.call.page until the next
     * pager_next(), pager_begin() or pager_finish(), which may be called from here. Else the listing is over;
     * dispatch.call.answer says why, unless it is ANSWER_DONE. */
    void (*answered)(struct pager *pager);
    void *owner;
    struct err err;
    struct dispatch dispatch;
    struct dispatcher *dispatcher;
    struct seen tokens;
    int64_t pages;
    int empty; /* in a row */
    bool busy; /* a page is being fetched */
};

/* Zeroed memory may be begun. Forgets the listing before; then the caller fills dispatch.call with what is
 * asked and calls pager_next(). */
void pager_begin(struct pager *pager, struct dispatcher *dispatcher, enum operation operation);
/* Asks for the first page, or for the one behind that which is there. */
void pager_next(struct pager *pager);
/* Whether there is a page behind the one that is there. */
bool pager_more(const struct pager *pager);
/* A wish: answered() still comes, with ERR_CANCELED or with the page. Does nothing when not busy. */
void pager_cancel(struct pager *pager);
/* Frees what it holds; not while busy. */
void pager_finish(struct pager *pager);

#endif
