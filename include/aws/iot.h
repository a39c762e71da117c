/* The operations of AWS IoT Jobs and of the registry, STS GetCallerIdentity and Service Quotas
 * GetServiceQuota, as pure functions between struct call and HTTP (service model `iot` 2015-05-28, protocol
 * rest-json; STS 2011-06-15, query protocol; `service-quotas` 2019-06-24, protocol json 1.1).
 */
#ifndef AWS_IOT_H
#define AWS_IOT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/call.h"
#include "net/http.h"

/* Appends path and query of the call, percent-encoded, and its body, if it has one: a form for STS, else
 * JSON. ERR_INVALID when a name or number breaks its rule: such a call must not be sent. method is a
 * constant. */
int iot_encode(const struct call *call, const char **method, struct buf *target, struct buf *body,
               struct err *err);

/* Fills answer and result of the call from a finished request. Never fails: what cannot be read becomes an
 * answer (ANSWER_AMBIGUOUS with the code "UnreadableAnswer"). Sets everything but received_ms. */
void iot_decode(struct call *call, const struct http_request *request);

/* The class of a service error, by code first and status second (pure; for tests). code may be "". */
enum answer_class iot_classify(const char *code, int http_status);

#endif
