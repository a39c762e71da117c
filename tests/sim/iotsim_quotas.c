/* Service Quotas, GetServiceQuota alone: what the simulator counts by is what it tells (service model
 * `service-quotas` 2019-06-24, protocol json 1.1). An operation without a limit has no applied value. */
#include "sim/iotsim_route.h"

#include <string.h>

static int64_t rate_of(const struct iotsim_asked *asked, enum operation operation)
{
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        if (iotsim_routes[i].carry_out != NULL &&
            strcmp(iotsim_routes[i].name, operation_name(operation)) == 0) {
            return asked->place->quotas[i].rate;
        }
    }
    return fleet_quota(asked->place->fleet, operation);
}

static void find(struct iotsim_asked *asked, const char *service, const char *code)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        const char *of_service, *of_code = operation_quota_code((enum operation)i, &of_service);
        if (of_code != NULL && service != NULL && code != NULL && strcmp(of_code, code) == 0 &&
            strcmp(of_service, service) == 0) {
            asked->call.quota_of = (enum operation)i;
            asked->call.quota_per_1000s = rate_of(asked, (enum operation)i) * 1000;
            return;
        }
    }
}

void iotsim_get_quota(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    struct json_doc *body = iotsim_body(asked);
    find(asked, json_string(json_get(json_root(body), "ServiceCode")),
         json_string(json_get(json_root(body), "QuotaCode")));
    if (asked->call.quota_per_1000s == 0 && asked->call.answer.class == ANSWER_DONE) {
        iotsim_refuse_call(&asked->call, 400, "NoSuchResourceException",
                           "The request failed because the specified service or quota does not exist.");
    }
    json_free(body);
}

void iotsim_show_quota(const struct iotsim_asked *asked, struct buf *out)
{
    const struct call *call = &asked->call;
    const char *service, *code = operation_quota_code(call->quota_of, &service);
    buf_printf(
        out,
        "{\"Quota\":{\"ServiceCode\":\"%s\",\"QuotaCode\":\"%s\",\"QuotaName\":\"%s API throttle limit\","
        "\"Value\":%.1f,\"Unit\":\"None\",\"Adjustable\":true,\"GlobalQuota\":false}}",
        service, code, operation_name(call->quota_of), (double)call->quota_per_1000s / 1000);
}
