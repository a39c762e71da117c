/* See model/call.h. */
#include "model/call.h"

#include <stdlib.h>

void call_init(struct call *call, enum operation operation)
{
    *call = (struct call){.operation = operation, .max_results = PAGE_MAX};
}

static void free_page(struct page *page)
{
    free(page->executions);
    free(page->jobs);
    free(page->things);
    free(page->next_token);
    *page = (struct page){0};
}

void call_again(struct call *call)
{
    free_page(&call->page);
    call->answer = (struct answer){0};
    call->job = (struct job){0};
    call->execution = (struct job_execution){0};
    call->account[0] = '\0';
    call->arn[0] = '\0';
}

void call_finish(struct call *call)
{
    call_again(call);
    free(call->next_token);
    call->next_token = NULL;
}

void call_next_page(struct call *call)
{
    free(call->next_token);
    call->next_token = call->page.next_token;
    call->page.next_token = NULL;
    call_again(call);
}

const char *answer_class_name(enum answer_class class)
{
    static const char *const names[ANSWER_CLASS_COUNT] = {
        [ANSWER_DONE] = "DONE",           [ANSWER_NOT_SENT] = "NOT_SENT", [ANSWER_THROTTLED] = "THROTTLED",
        [ANSWER_EXPIRED] = "EXPIRED",     [ANSWER_SKEWED] = "SKEWED",     [ANSWER_DENIED] = "DENIED",
        [ANSWER_INVALID] = "INVALID",     [ANSWER_GONE] = "GONE",         [ANSWER_STATE] = "STATE",
        [ANSWER_AMBIGUOUS] = "AMBIGUOUS",
    };
    return names[class];
}
