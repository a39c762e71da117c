/* Any bytes as one of the AWS CLI's files: refused with its line, or read: every section has a name, every
 * key and value is text, and each key is found by its name. */
#include "aws/ini.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

struct visit {
    const struct ini *ini;
    size_t section, size;
};

static void on_key(void *ctx, const char *key, const char *subkey, const char *value)
{
    const struct visit *visit = ctx;
    const char *found = subkey != NULL ? ini_nested(visit->ini, visit->section, key, subkey)
                                       : ini_get(visit->ini, visit->section, key);
    require(key[0] != '\0' && strlen(key) <= visit->size && text_is_utf8(key, strlen(key)));
    require(found == value && strlen(value) <= visit->size && text_is_utf8(value, strlen(value)));
    require(subkey != NULL || value[0] != '\n'); /* a map is never empty */
    require(subkey == NULL || strchr(subkey, '=') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {ERR_NONE, ""};
    struct ini *ini = ini_parse("fuzz.ini", (const char *)data, size, &err);
    const char *section;

    require(ini != NULL || err.code == ERR_SYNTAX || err.code == ERR_TOO_BIG);
    for (size_t i = 0; ini != NULL && (section = ini_section(ini, i)) != NULL; i++) {
        struct visit visit = {.ini = ini, .section = i, .size = size};
        require(section[0] != '\0' && strcmp(section, "DEFAULT") != 0);
        ini_each(ini, i, on_key, &visit);
    }
    ini_free(ini);
    return 0;
}
