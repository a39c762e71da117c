/* Records of CSV as RFC 4180 has it: fields between commas, quoted where they hold a comma, a quote (written
 * twice) or a line break; lines end with LF or CRLF; empty lines are left out. UTF-8, without NUL. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/buf.h"
#include "base/input.h"

#include <stdint.h>

#define CSV_FIELDS_MAX 64
#define CSV_RECORD_MAX 65536 /* bytes */

struct csv_field {
    size_t offset; /* of its text, which ends with a NUL, in the record's */
    int64_t line, column;
};

struct csv {
    struct input *input;
    struct buf text;
    struct csv_field fields[CSV_FIELDS_MAX];
    size_t count;
    int64_t line; /* where the record begins */
    /* What is wrong with a record, after -1. */
    const char *problem;
    int64_t problem_line, problem_column;
};

void csv_init(struct csv *csv, struct input *input);
void csv_finish(struct csv *csv);

/* 1: a record; 0: the end, or the input's error; -1: a record that breaks a rule. The next call goes on with
 * the line after it. */
int csv_next(struct csv *csv);
const char *csv_text(const struct csv *csv, size_t field); /* of a record; valid until the next call */

#endif
