/* Any bytes as a configuration: refused with a reason that is fit for a terminal, or loaded and then safe. */
#include "base/buf.h"
#include "model/status.h"
#include "policy/clauses.h"
#include "policy/load.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_policy_is_safe(const struct config *config, const struct policy *policy)
{
    require((match_aged(&policy->match) || policy->keep_count > 0) && policy->selected_over > 0 &&
            policy->per_run >= 0);
    unsigned running = policy->force ? EXECUTION_BIT(EXECUTION_IN_PROGRESS) : 0;
    require(policy->match.status_bits != 0 &&
            (policy->match.status_bits & ~EXECUTION_TERMINAL_BITS) == running);
    require(policy->target_count > 0 && policy->name[0] != '\0' && policy->canonical[0] == '{');
    for (size_t i = 0; i < policy->target_count; i++) {
        const struct target *target = &config->targets[policy->targets[i]];
        require(!policy->enforce || target->account[0] != '\0');
        require(target->signature_life_ms >= 300000 || target->endpoint_url != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics diagnostics;
    struct buf out;
    diagnostics_init(&diagnostics);
    buf_init(&out, 1024 * 1024);
    struct config *config = config_load_text("fuzz.yaml", (const char *)data, size, &diagnostics);
    require((config == NULL) == (diagnostics.errors > 0));
    for (size_t i = 0; config != NULL && i < config->policy_count; i++) {
        check_policy_is_safe(config, &config->policies[i]);
    }
    diagnostics_print(&diagnostics, &out);
    require(!out.overflow);
    for (size_t i = 0; i < out.length; i++) {
        require(out.data[i] == '\n' || ((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f));
    }
    config_unref(config);
    buf_finish(&out);
    diagnostics_finish(&diagnostics);
    return 0;
}
