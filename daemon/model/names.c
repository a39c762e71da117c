/* See model/names.h. Letters and digits are ASCII's, whatever the locale. */
#include "model/names.h"

#include <stddef.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static bool made_of(const char *text, const char *allowed, size_t max)
{
    size_t length = strspn(text, allowed);
    return length > 0 && length <= max && text[length] == '\0';
}

bool job_id_valid(const char *text)
{
    return made_of(text, LOWER UPPER DIGIT "_-", JOB_ID_MAX);
}

bool thing_name_valid(const char *text)
{
    return made_of(text, LOWER UPPER DIGIT ":_-", THING_NAME_MAX);
}

bool thing_group_name_valid(const char *text)
{
    return thing_name_valid(text);
}

bool namespace_id_valid(const char *text)
{
    return made_of(text, LOWER UPPER DIGIT "_-", NAMESPACE_ID_MAX);
}

bool account_id_valid(const char *text)
{
    return made_of(text, DIGIT, ACCOUNT_LENGTH) && strlen(text) == ACCOUNT_LENGTH;
}

bool region_valid(const char *text)
{
    return made_of(text, LOWER DIGIT "-", 63) && text[0] != '-' && text[strlen(text) - 1] != '-';
}
