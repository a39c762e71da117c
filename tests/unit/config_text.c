/* See config_text.h. */
#include "config_text.h"

#include "policy/load.h"
#include "tap.h"

#include <string.h>

struct config *config_from_text(const char *text)
{
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics);
    struct config *config = config_load_text("test.yaml", text, strlen(text), &diagnostics);
    if (config == NULL) {
        struct buf message;
        buf_init(&message, 65536);
        diagnostics_print(&diagnostics, &message);
        fail_msg("%s", buf_string(&message));
    }
    diagnostics_finish(&diagnostics);
    return config;
}

int config_text_load(void **state)
{
    *state = config_from_text(*state);
    return 0;
}

int config_text_unload(void **state)
{
    config_unref(*state);
    return 0;
}
