/* What came back for a DeleteJobExecution call, read as botocore reads it. Pure. */
#ifndef APP_DELETE_ANSWER_H
#define APP_DELETE_ANSWER_H

#include "app/delete_retry.h"
#include "base/buf.h"
#include "net/http.h"

struct delete_answer {
    struct delete_attempt attempt; /* its code points into code */
    char code[96];
    struct buf message;
};

void delete_answer_init(struct delete_answer *answer);
void delete_answer_finish(struct delete_answer *answer);

/* Of a request that is done. An answer without x-amzn-ErrorType has the code of its body, else its status. */
void delete_answer_read(struct delete_answer *answer, const struct http_request *request);

/* Appends the AWS CLI's sentence for a request to url that was not answered. */
void delete_answer_explain(const struct http_request *request, const char *url, struct buf *out);

#endif
