/* Any bytes as one of the AWS CLI's files: refused with its line, or read, and every section has a name. */
#include "aws/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {ERR_NONE, ""};
    struct ini *ini = ini_parse("fuzz.ini", (const char *)data, size, &err);
    const char *value, *section;

    if (ini == NULL && err.code != ERR_SYNTAX && err.code != ERR_TOO_BIG) {
        abort();
    }
    for (size_t i = 0; ini != NULL && (section = ini_section(ini, i)) != NULL; i++) {
        value = ini_get(ini, i, "aws_access_key_id");
        if (section[0] == '\0' || (value != NULL && strlen(value) > size)) {
            abort();
        }
    }
    ini_free(ini);
    return 0;
}
