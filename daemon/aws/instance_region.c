/* See aws/instance_region.h. */
#include "aws/instance_region.h"

#include "aws/cred_plan.h"
#include "aws/cred_source.h"
#include "base/text.h"

static void on_fetched(struct credentials_fetch *fetch)
{
    *(bool *)fetch->owner = true;
}

int instance_region_find(const struct credentials_config *config, const struct settings *settings,
                         char region[64], struct err *err)
{
    struct cred_plan plan;
    bool done = false;
    struct credentials_fetch fetch = {.done = on_fetched, .owner = &done};
    if (!cred_plan_instance(&plan, settings_profiles(settings), NULL, settings_profile(settings))) {
        return err_set(err, ERR_NOT_FOUND, "instance metadata: disabled by AWS_EC2_METADATA_DISABLED");
    }
    struct credentials_source *source = cred_instance_region(config, &plan.steps[0]);
    source->fetch(source, &fetch);
    while (!done) {
        uv_run(config->loop, UV_RUN_ONCE);
    }
    source->destroy(source);
    cred_plan_finish(&plan);
    if (fetch.found && text_copy(region, 64, fetch.region)) {
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "%.400s", fetch.err.msg);
}
