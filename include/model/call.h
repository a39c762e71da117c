/* One call on the service: what is asked, and what came back. The same struct goes down from the engine
 * through a job service (the AWS client, or the simulator) and comes back answered.
 *
 * Life: call_init(), fill "asked", hand it to job_service.submit, get done() exactly once and never from
 * inside submit, read the answer, call_finish() or call_again(). The struct is embedded in its owner's and
 * must stay where it is from submit until done; done may free or submit it again. One thread. */
#ifndef MODEL_CALL_H
#define MODEL_CALL_H

#include "base/err.h"
#include "model/job.h"
#include "model/job_execution.h"
#include "model/operation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_MAX       250         /* maxResults of the Jobs and registry operations: 1..250 */
#define SEARCH_MAX     100         /* the same of SearchIndex: "cannot exceed 100" (API reference) */
#define NEXT_TOKEN_MAX (64 * 1024) /* our own bound: a longer token is a broken answer */
/* Our own bound on a document that is kept. The service's are smaller: statusDetails are ten entries of 1,152
 * bytes at most, a job's targets a hundred names (API reference, DescribeJobExecution and CreateJob). */
#define CALL_DOCUMENT_MAX (128 * 1024)

/* What an answer means. Errors are classified by the service's code before the HTTP status: AWS IoT throttles
 * with status 400. */
enum answer_class {
    ANSWER_DONE,      /* 2xx with complete headers, and for a read a body that could be read */
    ANSWER_NOT_SENT,  /* it never left: no name, no connection, no TLS, canceled early */
    ANSWER_THROTTLED, /* refused for its rate: not executed */
    ANSWER_EXPIRED,   /* refused, the credentials have ended or are unknown: not executed */
    ANSWER_SKEWED,    /* refused, our clock is wrong: not executed */
    ANSWER_DENIED,    /* refused, no permission or no usable credentials: not executed */
    ANSWER_INVALID,   /* refused, any other 3xx or 4xx: not executed */
    ANSWER_GONE,      /* ResourceNotFoundException */
    ANSWER_STATE,     /* InvalidStateTransitionException: not executed */
    ANSWER_AMBIGUOUS, /* it may have been executed: timeout, reset, unreadable or cut answer, any 5xx */
    ANSWER_CLASS_COUNT
};

struct answer {
    enum answer_class class;
    int http_status;   /* 0 when there was none */
    char code[96];     /* the service's error code, or our word for a transport failure; "" for ANSWER_DONE */
    char message[512]; /* for people; may hold anything the service sent: show it through text_visible() */
    char request_id[80];    /* x-amzn-RequestId, "" when there was none */
    int64_t retry_after_ms; /* what x-amz-retry-after or Retry-After asked for; 0 when nothing */
    int64_t server_date_ms; /* the Date header; 0 when there was none or it made no sense */
    int64_t received_ms;    /* our wall clock when the answer was complete */
};

#define PAGE_SKIPS_MAX 8 /* there are no more reasons */

/* A page of a list operation. Which array is filled follows from the operation. Rows that break a rule (a
 * name outside its pattern, no number, an unusable time) are left out and counted. */
struct page {
    struct job_execution *executions;
    struct job *jobs;
    char (*things)[THING_NAME_MAX + 1];
    size_t count;          /* of the array that is filled */
    size_t skipped;        /* rows left out */
    char skipped_why[128]; /* the first one's reason, for people */
    struct {
        const char *why; /* a literal */
        size_t count;
    } skips[PAGE_SKIPS_MAX]; /* the same rows by reason; what finds no room is left out here */
    char *next_token;        /* NULL on the last page */
};

struct call {
    /* asked */
    enum operation operation;
    char job_id[JOB_ID_MAX + 1];
    char thing_name[THING_NAME_MAX + 1];
    char group_name[THING_NAME_MAX + 1]; /* LIST_THINGS_IN_GROUP */
    bool recursive;                      /* LIST_THINGS_IN_GROUP */
    /* LIST_THINGS: only those of this type, with this attribute and value; NULL: any. The owner's. */
    const char *thing_type, *attribute_name, *attribute_value;
    const char *query;            /* SEARCH_INDEX; the owner's */
    enum operation quota_of;      /* GET_SERVICE_QUOTA: of which operation */
    int64_t number;               /* DESCRIBE_EXECUTION (0: the newest), DELETE_EXECUTION */
    bool force;                   /* DELETE_EXECUTION; see the design of deletion in ARCHITECTURE.md */
    enum execution_status status; /* list executions of this state only; EXECUTION_UNKNOWN: all */
    enum job_status job_status;   /* LIST_JOBS of this state only; JOB_UNKNOWN: all */
    int max_results;              /* list operations: 1..PAGE_MAX, or SEARCH_MAX */
    bool wants_document;          /* DESCRIBE_EXECUTION, DESCRIBE_JOB: see document */
    char *next_token;             /* list operations; NULL for the first page; owned by the call */
    int64_t signed_at_ms;         /* wall clock sample that becomes X-Amz-Date; set just before submit */
    int64_t leave_by_ns;          /* on the monotonic clock of env (CLOCK_BOOTTIME): what waited longer for a
                                     connection is not sent (ANSWER_NOT_SENT); 0: no such bound */

    /* answered; owned by the call */
    struct answer answer;
    struct page page;               /* list operations */
    struct job job;                 /* DESCRIBE_JOB; DESCRIBE_THING has no result: the thing exists */
    struct job_execution execution; /* DESCRIBE_EXECUTION */
    /* With wants_document and ANSWER_DONE: the body as it was sent, one JSON value on one line (line ends
     * between its tokens are spaces). NULL where it has more than CALL_DOCUMENT_MAX bytes. */
    char *document;
    size_t document_length;
    char account[ACCOUNT_LENGTH + 1]; /* GET_CALLER_IDENTITY */
    char arn[256];                    /* GET_CALLER_IDENTITY */
    int64_t quota_per_1000s;          /* GET_SERVICE_QUOTA: what the account has */

    /* plumbing */
    void (*done)(struct call *call);
    void *owner;   /* the submitter's */
    void *service; /* the job service's, while the call is with it */
};

/* What the engine knows of the service. */
struct job_service {
    void *ctx;
    /* Takes the call; done() follows exactly once, later. */
    void (*submit)(void *ctx, struct call *call);
    /* A wish: done() still comes, as ANSWER_NOT_SENT or ANSWER_AMBIGUOUS (code "Canceled"), or with the
     * answer. */
    void (*cancel)(void *ctx, struct call *call);
    /* The same for a call of which nothing has left yet: done() comes as ANSWER_NOT_SENT. Any other goes on.
     * NULL: whatever is submitted has left. */
    void (*recall)(void *ctx, struct call *call);
};

void call_init(struct call *call, enum operation operation);
/* Frees what the call owns; the struct may be initialised again. */
void call_finish(struct call *call);
/* Forgets the answer and keeps what is asked. */
void call_again(struct call *call);
/* Forgets the answer and asks for the page behind it: moves page.next_token to next_token. */
void call_next_page(struct call *call);

/* Whether it was never sent, because no credentials could be had. */
bool call_lacked_credentials(const struct call *call);
/* Says in err what was asked, of what, and how it was refused: "DescribeJob fw-1: AccessDeniedException:
 * ..."; or, where no credentials could be had, why not, with ERR_CREDENTIALS. For an answer that is not
 * ANSWER_DONE; always -1. */
int call_error(const struct call *call, struct err *err);

const char *answer_class_name(enum answer_class class); /* "DONE", "NOT_SENT", ... */

#endif
