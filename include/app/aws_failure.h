/* What `jobsweep delete-job-execution` says when it fails: the AWS CLI's sentences in the AWS CLI's formats
 * (2.36), and its exit statuses. */
#ifndef APP_AWS_FAILURE_H
#define APP_AWS_FAILURE_H

#include "app/exit_status.h"
#include "base/buf.h"

#include <stdbool.h>

#define AWS_FAILURE_TEXT_MAX ((size_t)512 * 1024)

/* Follows the sentence on what is wrong with a command line. */
extern const char AWS_FAILURE_USAGE[];

enum aws_failure_kind {
    AWS_PLAIN,           /* a sentence and nothing else, whatever the format */
    AWS_CODED,           /* with a code of the AWS CLI's own: ParamValidation, NoRegion, NoCredentials */
    AWS_UNKNOWN_OPTIONS, /* behind the usage, whatever the format */
    AWS_SERVICE          /* what the service answered */
};

struct aws_failure {
    enum aws_failure_kind kind;
    enum exit_status exit;
    char code[96];
    struct buf message;  /* the sentence */
    struct buf original; /* AWS_SERVICE: the service's own message */
    bool modelled;       /* AWS_SERVICE: an error that the operation declares, so that it has a `message` */
    const char *note;    /* NULL, or what follows on a line of its own: what this means for the deletion */
};

void aws_failure_init(struct aws_failure *failure);
void aws_failure_finish(struct aws_failure *failure);

/* Each sets kind, exit status and code, and appends to the message; always false, so that
 * `return aws_failure_...()` reads well. */
bool aws_failure_parameters(struct aws_failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* ParamValidation, 252 */
bool aws_failure_other(struct aws_failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* 255 */
bool aws_failure_no_region(struct aws_failure *failure);
bool aws_failure_no_credentials(struct aws_failure *failure);
/* retries: how often it was tried again before the tries were used up; -1 when they were not. */
bool aws_failure_service(struct aws_failure *failure, const char *code, const char *message, int retries);

enum aws_error_format {
    AWS_ERROR_ENHANCED,
    AWS_ERROR_LEGACY,
    AWS_ERROR_JSON,
    AWS_ERROR_YAML,
    AWS_ERROR_TEXT,
    AWS_ERROR_TABLE
};

extern const char *const AWS_ERROR_FORMATS[]; /* as they are written, in AWS's order, then NULL */
/* The format of this name in any case; enhanced for any other word, and for NULL. */
enum aws_error_format aws_error_format_named(const char *name);

struct aws_failure_style {
    enum aws_error_format format;
    int columns; /* of the terminal: a wider table is turned */
    bool colored;
};

/* Appends all that goes to standard error. Control characters from the service are made visible. */
void aws_failure_render(const struct aws_failure *failure, const struct aws_failure_style *style,
                        struct buf *out);

#endif
