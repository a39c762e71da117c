/* Job executions that a person gives: CSV with a header, JSON Lines, or the JSON of the AWS CLI's list
 * commands. What is wrong with them goes to diagnostics, each with its place; reading goes on, so that all of
 * it is told at once. */
#ifndef APP_ROW_READER_H
#define APP_ROW_READER_H

#include "base/input.h"
#include "model/job_execution.h"
#include "policy/diagnostics.h"

#include <stdint.h>

struct row_reader;

struct row_reader_config {
    const char *name;                /* of the input, for messages */
    const char *job_id, *thing_name; /* of rows that name none; NULL: every row must */
    const char *target;              /* rows that name another one are wrong; NULL: it has no name, and rows
                                        may only name one that ends with "/ACCOUNT/REGION" */
    const char *account, *region; /* rows that name others, as such or in thingArn, are wrong; NULL or "": not
                                     known, whatever they name. The region is a real one */
    struct diagnostics *diagnostics;
};

struct read_row {
    struct job_execution execution; /* number 0: none was given, the newest is meant */
    int64_t line;
};

/* input stays the caller's and outlives it. */
struct row_reader *row_reader_create(const struct row_reader_config *config, struct input *input);
void row_reader_destroy(struct row_reader *reader); /* takes NULL */

/* 1: a row; 0: the end. Rows that are wrong were left out and told. */
int row_reader_next(struct row_reader *reader, struct read_row *row);
/* Rows whose verdict is "keep": those of a plan that are not to go. They are left out. */
int64_t row_reader_kept(const struct row_reader *reader);

#endif
