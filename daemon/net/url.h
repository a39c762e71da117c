/* The address of an endpoint, checked and taken apart. Pure. */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/err.h"

#include <stdbool.h>

struct url {
    bool tls;
    bool loopback;       /* 127.0.0.0/8, [::1] or localhost: never through a proxy */
    char authority[280]; /* host in lower case, and the port when it is not the scheme's own */
    char base[256];      /* path without its final '/': "" or "/..." */
};

/* "https://host[:port][/base]", "http://" for loopback addresses only; no user info, query or fragment.
 * Fills url, or returns -1 with ERR_INVALID. */
int url_parse(const char *text, struct url *url, struct err *err);

#endif
