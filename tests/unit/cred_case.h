/* A table of one source's ways: what is set, what the server answers, what comes of it. */
#ifndef TESTS_CRED_CASE_H
#define TESTS_CRED_CASE_H

#include "cred_world.h"

#define ERROR_FROM(provider) "Error when retrieving credentials from " provider ": "

struct cred_case {
    const char *variables; /* "NAME=value NAME=value" */
    const char *config, *credentials;
    const char *file, *content; /* one more file */
    const char *answers[8];
    const char *profile;
    const char *found;        /* or, with a fault, the sentence */
    const char *requested[3]; /* each in what the server was asked */
    int expected_requests;
    enum credentials_fault fault;
    int mode; /* of the file; 0: 0600 */
};

/* Runs each in a world of its own; fails with the number of the first that comes out differently. */
void cred_cases_run(const struct cred_case *cases, size_t count);

#endif
