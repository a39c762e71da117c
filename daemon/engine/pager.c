/* See engine/pager.h.
 *
 * The happy path: pager_next() hands the call to the dispatcher; on_answer() gives the page to answered(),
 * and the owner asks for the next one until pager_more() is false. The ways out: an answer that is not DONE,
 * a listing that does not end (check_token()), pager_cancel(). */
#include "engine/pager.h"

#include <string.h>

static uint64_t page_rows(const struct page *page)
{
    return page->count + page->skipped;
}

/* A token seen before would lead round in a circle, whether it is the last one or one of an A-B-A cycle. */
static int check_token(struct pager *pager)
{
    const struct call *call = &pager->dispatch.call;
    const char *token = call->page.next_token;
    const char *name = operation_name(call->operation);
    pager->pages++;
    pager->empty = page_rows(&call->page) == 0 ? pager->empty + 1 : 0;
    if (token == NULL) {
        return 0;
    }
    if (!seen_add(&pager->tokens, seen_hash(0, token, strlen(token)))) {
        return err_set(&pager->err, ERR_BROKEN, "%s: a page token came twice, the listing would not end",
                       name);
    }
    if (pager->empty > PAGER_EMPTY_MAX) {
        return err_set(&pager->err, ERR_BROKEN, "%s: more than %d empty pages in a row", name,
                       PAGER_EMPTY_MAX);
    }
    if (pager->pages >= PAGER_PAGES_MAX) {
        return err_set(&pager->err, ERR_BROKEN, "%s: more than %d pages", name, PAGER_PAGES_MAX);
    }
    return 0;
}

static void on_answer(struct dispatch *dispatch)
{
    struct pager *pager = dispatch->owner;
    const struct call *call = &dispatch->call;
    pager->busy = false;
    if (call->answer.class == ANSWER_DONE) {
        check_token(pager);
    } else {
        call_error(call, &pager->err);
    }
    if (call->answer.class != ANSWER_DONE && strcmp(call->answer.code, "Canceled") == 0) {
        pager->err.code = ERR_CANCELED;
    }
    pager->answered(pager);
}

void pager_begin(struct pager *pager, struct dispatcher *dispatcher, enum operation operation)
{
    pager_finish(pager);
    pager->dispatcher = dispatcher;
    pager->dispatch = (struct dispatch){.done = on_answer, .owner = pager};
    call_init(&pager->dispatch.call, operation);
}

void pager_next(struct pager *pager)
{
    call_next_page(&pager->dispatch.call);
    pager->busy = true;
    dispatcher_submit(pager->dispatcher, &pager->dispatch);
}

bool pager_more(const struct pager *pager)
{
    return pager->dispatch.call.page.next_token != NULL;
}

void pager_cancel(struct pager *pager)
{
    if (pager->busy) {
        dispatcher_cancel(pager->dispatcher, &pager->dispatch);
    }
}

void pager_finish(struct pager *pager)
{
    call_finish(&pager->dispatch.call);
    seen_clear(&pager->tokens);
    pager->err = (struct err){0};
    pager->pages = 0;
    pager->empty = 0;
}
