/* See model/call.h. */
#include "model/call.h"

#include <stdlib.h>
#include <string.h>

void call_init(struct call *call, enum operation operation)
{
    *call = (struct call){.operation = operation,
                          .max_results = operation == OPERATION_SEARCH_INDEX ? SEARCH_MAX : PAGE_MAX};
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
    free(call->document);
    call->document = NULL;
    call->document_length = 0;
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

static enum err_code answer_err_code(enum answer_class class)
{
    static const enum err_code codes[ANSWER_CLASS_COUNT] = {
        [ANSWER_DONE] = ERR_INTERNAL,      [ANSWER_NOT_SENT] = ERR_CONNECT,
        [ANSWER_THROTTLED] = ERR_TIMEOUT,  [ANSWER_EXPIRED] = ERR_CREDENTIALS,
        [ANSWER_SKEWED] = ERR_CREDENTIALS, [ANSWER_DENIED] = ERR_PERMISSION,
        [ANSWER_INVALID] = ERR_INVALID,    [ANSWER_GONE] = ERR_NOT_FOUND,
        [ANSWER_STATE] = ERR_INVALID,      [ANSWER_AMBIGUOUS] = ERR_BROKEN,
    };
    return codes[class];
}

/* A call that got no answer at all says so in our own words (aws/iot.h). */
static enum err_code transport_err_code(const char *code, enum err_code otherwise)
{
    static const struct {
        const char *word;
        enum err_code code;
    } words[] = {{"NameResolution", ERR_RESOLVE},
                 {"Tls", ERR_TLS},
                 {"Timeout", ERR_TIMEOUT},
                 {"CredentialsUnavailable", ERR_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(code, words[i].word) == 0) {
            return words[i].code;
        }
    }
    return otherwise;
}

bool call_lacked_credentials(const struct call *call)
{
    return call->answer.http_status == 0 && strcmp(call->answer.code, "NoCredentials") == 0;
}

int call_error(const struct call *call, struct err *err)
{
    if (call_lacked_credentials(call) && call->answer.message[0] != '\0') {
        return err_set(err, ERR_CREDENTIALS, "%s", call->answer.message);
    }
    const char *job_id = call->job_id;
    const char *thing_name = call->operation == OPERATION_LIST_THINGS_IN_GROUP ? call->group_name
                             : call->operation == OPERATION_SEARCH_INDEX && call->query != NULL
                                 ? call->query
                                 : call->thing_name;
    const struct answer *answer = &call->answer;
    enum err_code code = answer_err_code(answer->class);
    if (answer->http_status == 0) {
        code = transport_err_code(answer->code, code);
    }
    return err_set(err, code, "%s%s%s%s%s: %s%s%s", operation_name(call->operation),
                   job_id[0] != '\0' ? " " : "", job_id, thing_name[0] != '\0' ? " " : "", thing_name,
                   answer->code[0] != '\0' ? answer->code : answer_class_name(answer->class),
                   answer->message[0] != '\0' ? ": " : "", answer->message);
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
