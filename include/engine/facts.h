/* What DescribeJob says of jobs, asked once for each and kept for the whole sweep. */
#ifndef ENGINE_FACTS_H
#define ENGINE_FACTS_H

#include "base/err.h"
#include "engine/dispatcher.h"

#include <stddef.h>

struct facts;

enum fact {
    FACT_NONE,  /* not asked for */
    FACT_ASKED, /* the answer is to come */
    FACT_KNOWN,
    FACT_GONE,   /* there is no such job (any more) */
    FACT_FAILED, /* no usable answer: see facts_failure() */
};

struct facts *facts_create(struct dispatcher *dispatcher);
/* Only when nothing is pending. Takes NULL. */
void facts_destroy(struct facts *facts);

/* learned() is called after each answer. One listener at a time; NULL for none. */
void facts_listen(struct facts *facts, void (*learned)(void *owner), void *owner);

/* Asks, unless it was asked before. */
void facts_want(struct facts *facts, const char *job_id);
/* *job is set for FACT_KNOWN only and stays valid until facts_destroy(); job may be NULL. */
enum fact facts_get(const struct facts *facts, const char *job_id, const struct job **job);

size_t facts_pending(const struct facts *facts);
/* A wish: what is pending still answers, mostly as FACT_FAILED. */
void facts_cancel(struct facts *facts);

/* The first failure; ERR_NONE when there was none. why may be NULL. */
const struct err *facts_failure(const struct facts *facts, enum answer_class *why);

#endif
