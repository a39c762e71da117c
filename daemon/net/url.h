/* The address of an endpoint, checked and taken apart. Pure. */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/err.h"

#include <stdbool.h>

struct url {
    bool tls;
    bool loopback;   /* 127.0.0.0/8, [::1] or localhost: never through a proxy */
    bool link_local; /* 169.254.0.0/16, or [fd00:ec2::/32], AWS's own for the same: not through one either */
    char authority[280]; /* host in lower case, and the port when it is not the scheme's own */
    char base[256];      /* path without its final '/': "" or "/..." */
    char query[256];     /* "" or what is behind '?' */
};

/* "https://host[:port][/base][?query]", "http://" for loopback addresses only, and for link-local ones where
 * those may be plain; no user info or fragment. Fills url, or returns -1 with ERR_INVALID. */
int url_parse(const char *text, bool plain_link_local, struct url *url, struct err *err);

#endif
