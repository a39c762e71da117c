#include "engine/budget.h"

#include "base/time.h"

#define PROBE_MAX_NS (60 * TIME_NS_PER_SECOND)

static int64_t pause_ns(int probes)
{
    return probes < 6 ? TIME_NS_PER_SECOND << probes : PROBE_MAX_NS;
}

void budget_init(struct budget *budget)
{
    *budget = (struct budget){.tokens = BUDGET_TOKENS};
}

int64_t budget_next_ns(const struct budget *budget)
{
    return budget->tokens > 0 ? INT64_MIN : budget->probe_ns;
}

void budget_take(struct budget *budget, int64_t now_ns)
{
    if (budget->tokens > 0) {
        return;
    }
    budget->probes++;
    budget->probe_ns = now_ns + pause_ns(budget->probes);
}

void budget_charge(struct budget *budget, int cost, int64_t now_ns)
{
    if (budget->tokens == 0) {
        return;
    }
    budget->tokens = budget->tokens > cost ? budget->tokens - cost : 0;
    if (budget->tokens > 0) {
        return;
    }
    budget->probes = 0;
    budget->probe_ns = now_ns + pause_ns(0);
}

void budget_refund(struct budget *budget, int cost)
{
    int tokens = budget->tokens + cost;
    budget->tokens = tokens < BUDGET_TOKENS ? tokens : BUDGET_TOKENS;
}
