/* The objects of JSON that is too large for memory: one a line (JSON Lines), or the items of one document,
 * which is an array, or an object with an array "executionSummaries" (what the list commands of the AWS CLI
 * print). Each comes as its own text; what is in it is not looked at here. */
#ifndef APP_JSON_ITEMS_H
#define APP_JSON_ITEMS_H

#include "base/buf.h"
#include "base/input.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_ITEM_MAX 65536 /* bytes */

struct json_items {
    struct input *input;
    bool lines;           /* JSON Lines */
    bool named;           /* a document: the array stands in an object */
    bool inside;          /* its array has begun */
    bool ended, first;    /* the end is behind us; the next item is the array's first */
    struct buf text;      /* of the item */
    int64_t line, column; /* where it begins */
    const char *problem;  /* after -1, with the place in line and column */
};

/* Looks at the beginning of the input to tell the two apart. */
void json_items_init(struct json_items *items, struct input *input);
void json_items_finish(struct json_items *items);

/* 1: an item's text; 0: the end, or the input's error; -1: what cannot be read. Lines go on with the next one
 * after that, a document ends. */
int json_items_next(struct json_items *items);

#endif
