/* Whether a DeleteJobExecution call is sent again, and when: botocore's standard retry mode, but that what
 * may have been carried out is never sent again. Pure. */
#ifndef APP_DELETE_RETRY_H
#define APP_DELETE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct delete_retry {
    bool force;
    int max_attempts; /* the first one included; at least 1 */
    int attempts;     /* that have come to an end */
    int tokens;       /* of botocore's retry quota */
};

void delete_retry_init(struct delete_retry *retry, int max_attempts, bool force);

/* How an attempt ended. */
struct delete_attempt {
    int status;         /* of a complete answer; 0: there is none */
    const char *code;   /* the service's, of an answer that is no success; "" for none */
    bool maybe_sent;    /* without an answer: some of the request may have left */
    bool connect_timed; /* without an answer: no connection in time, which costs botocore's quota more */
    bool unreadable;    /* a success that the service cannot have sent */
};

enum delete_verdict {
    DELETE_DONE,
    DELETE_AGAIN,  /* after delete_retry_pause_ms() */
    DELETE_FAILED, /* for good, and surely not carried out unless the service says otherwise */
    DELETE_UNKNOWN /* it may have been carried out, or may yet be; not to be sent again */
};

/* Counts the attempt. */
enum delete_verdict delete_retry_decide(struct delete_retry *retry, const struct delete_attempt *attempt);

/* chance: 0 to 1. */
int64_t delete_retry_pause_ms(const struct delete_retry *retry, double chance);

/* What the AWS CLI tells as "reached max retries", -1 where it does not: it tells so of every answer to the
 * last attempt, whatever the answer is. */
int delete_retry_reached(const struct delete_retry *retry);

#endif
