/* See policy/placeholders.h. */
#include "policy/placeholders.h"

#include <string.h>

#define ACCOUNT "{account}"
#define REGION  "{region}"

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool placeholders_in(const char *text)
{
    return strstr(text, ACCOUNT) != NULL || strstr(text, REGION) != NULL;
}

static int put(const char *value, const char *key, struct buf *out, struct err *err)
{
    if (*value == '\0') {
        return err_set(err, ERR_INVALID, "'{%s}' stands for the target's %s, which has none", key, key);
    }
    buf_text(out, value);
    return 0;
}

int placeholders_fill(const char *text, const struct target *target, struct buf *out, struct err *err)
{
    int result = 0;
    while (*text != '\0' && result == 0) {
        if (starts_with(text, ACCOUNT)) {
            result = put(target->account, "account", out, err);
            text += strlen(ACCOUNT);
        } else if (starts_with(text, REGION)) {
            result = put(target->region, "region", out, err);
            text += strlen(REGION);
        } else {
            buf_char(out, *text++);
        }
    }
    return result;
}
