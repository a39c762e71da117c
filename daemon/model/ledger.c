#include "model/ledger.h"

#include <stdio.h>

const char *run_header_owner(const struct run_header *header, char text[RUN_OWNER_MAX + 1])
{
    if (header->account[0] != '\0') {
        return header->account;
    }
    snprintf(text, RUN_OWNER_MAX + 1, "=%s", header->target);
    return text;
}
