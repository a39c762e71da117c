/* iotsim: the fleet model behind HTTP, as AWS IoT and STS would answer, for any number of accounts and
 * regions.
 *
 * One thread. iotsim_http.c takes requests from libmicrohttpd and gives the answers' bytes, late or broken
 * where a fault says so; everything between a request and its answer is iotsim_answer(), which touches no
 * socket and no clock. */
#ifndef SIM_IOTSIM_H
#define SIM_IOTSIM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "sim/iotsim_fault.h"
#include "sim/iotsim_journal.h"
#include "sim/iotsim_metadata.h"
#include "sim/iotsim_world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOTSIM_HEADERS_MAX 64

struct iotsim_options {
    struct fleet_config fleet;                           /* now_ms is set at the start */
    int port;                                            /* 0: any */
    bool plain;                                          /* http instead of https */
    int metadata_port;                                   /* one more without TLS; 0: any, -1: none */
    const char *ca_file;                                 /* gets the CA's certificate; NULL with plain */
    const char *access_key, *secret_key, *session_token; /* session_token: NULL for none */
    int latency_min_ms, latency_max_ms;                  /* half before the execution, half after */
    int64_t skew_ms;                                     /* of the service's clock, Date and quotas */
    int64_t signature_life_s;                            /* how old a signature may be */
    const char *journal;                                 /* of deletions; NULL: none */
    const char *world;                                   /* file for iotsim_setup(); NULL: none */
    int quotas[IOTSIM_ROUTES_MAX];                       /* as in struct iotsim_world */
    int rebirth;                                         /* of 1,000,000: what was deleted is made anew */
    struct fault_plan faults;
};
/* Reads argv into options. -1 with err; 1 when only --help was wanted (and has been printed). Strings are
 * argv's. */
int iotsim_options(struct iotsim_options *options, int argc, char **argv, struct err *err);

struct iotsim {
    struct iotsim_options *options; /* the caller's */
    struct iotsim_world world;
    struct iotsim_metadata metadata;
    int64_t received[IOTSIM_ROUTES_MAX]; /* by route, whoever asked */
    int64_t signature_failures;
    int64_t double_deletes; /* DeleteJobExecution of what had been deleted already */
    int64_t connections;
    int64_t deletions; /* DeleteJobExecution received */
    int journal_fd;    /* -1: none */
    struct random rebirths;
    bool quit;
};

struct iotsim_request {
    const char *method;
    const char *target; /* path and query as they came on the wire */
    struct {
        const char *name, *value;
    } headers[IOTSIM_HEADERS_MAX];
    size_t header_count;
    struct buf body;
    int64_t deletion; /* its number in the journal; 0: it is no DeleteJobExecution */
};
/* The first header of this name, any case; NULL when there is none. */
const char *iotsim_header(const struct iotsim_request *request, const char *name);

struct iotsim_reply {
    int status;
    char error[96]; /* x-amzn-ErrorType; "" for none */
    char message[1024];
    char request_id[80]; /* "" for none */
    const char *content_type;
    const char *header_name; /* one more header; NULL for none */
    char header_value[32];
    bool hang; /* no answer is to be given */
    struct buf body;
};
/* Makes the reply a refusal; the body is written by iotsim_answer(). */
void iotsim_refuse(struct iotsim_reply *reply, int status, const char *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The name of the operation that a request is for, counted as received; NULL when there is none. */
const char *iotsim_received(struct iotsim *sim, const struct iotsim_request *request);

/* Checks, carries out and answers a request at this moment. A fault that refuses (throttle, 500, ...) is the
 * answer instead; FAULT_500_EXECUTED replaces a success. The reply's body must be initialised. */
void iotsim_answer(struct iotsim *sim, const struct iotsim_request *request, enum fault fault, int64_t now_ms,
                   struct iotsim_reply *reply);

/* Under /_iotsim/: see iotsim_control.c. False when the target is none of these. */
bool iotsim_control(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                    struct iotsim_reply *reply);
void iotsim_print_counts(const struct iotsim *sim, struct buf *out); /* one JSON object */

/* Sets the quota of what the fleets do not count, of every place; -1: it is not one of these. */
int iotsim_quota_set(struct iotsim *sim, const char *operation, int rate);

/* iotsim_auth.c: true when the signature is good (AWS Signature Version 4), with whose it is and where it is
 * for; else the reply is the refusal. */
bool iotsim_authentic(struct iotsim *sim, const struct iotsim_request *request, bool sts, int64_t now_ms,
                      struct iotsim_key **caller, struct iotsim_place **place, struct iotsim_reply *reply);

/* iotsim_cert.c: a CA of its own and a server certificate for localhost, 127.0.0.1 and ::1, all in PEM. */
struct iotsim_certificate {
    struct buf ca, certificate, key;
};
int iotsim_certificate_make(struct iotsim_certificate *certificate, struct err *err);
void iotsim_certificate_finish(struct iotsim_certificate *certificate);

/* iotsim_http.c: listens on 127.0.0.1, prints the ready line, serves until SIGTERM, SIGINT or quit. */
int iotsim_serve(struct iotsim *sim, struct err *err);

#endif
