/* See proxy.h. */
#include "proxy.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SCHEME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."

/* The value of a "NAME=value" whose name is this one in any case; NULL. in_lower: whether the name's last
 * letters are "_proxy" as they stand. */
static const char *match(const char *entry, const char *name, bool *in_lower)
{
    size_t length = strlen(name);
    if (strncasecmp(entry, name, length) != 0 || entry[length] != '=') {
        return NULL;
    }
    *in_lower = strncmp(entry + length - strlen("_proxy"), "_proxy", strlen("_proxy")) == 0;
    return entry + length + 1;
}

/* The last of several counts. */
static const char *find(char *const *environment, const char *name)
{
    const char *any = NULL, *lower = NULL, *value;
    bool is_cgi = false, in_lower;
    for (; *environment != NULL; environment++) {
        is_cgi = is_cgi || strncmp(*environment, "REQUEST_METHOD=", strlen("REQUEST_METHOD=")) == 0;
        value = match(*environment, name, &in_lower);
        if (value != NULL && in_lower) {
            lower = value;
        } else if (value != NULL && *value != '\0') {
            any = value;
        }
    }
    any = is_cgi && strcmp(name, "http_proxy") == 0 ? NULL : any;
    value = lower != NULL ? lower : any;
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Whether host, of that length, is the domain or below it. */
static bool is_within(const char *host, size_t length, const char *domain, size_t domain_length)
{
    if (length < domain_length || strncasecmp(host + length - domain_length, domain, domain_length) != 0) {
        return false;
    }
    return length == domain_length || host[length - domain_length - 1] == '.';
}

static bool is_excepted(const char *authority, const char *domain, size_t length)
{
    while (length > 0 && isspace((unsigned char)*domain)) {
        domain++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)domain[length - 1])) {
        length--;
    }
    while (length > 0 && *domain == '.') {
        domain++;
        length--;
    }
    if (length == 0) {
        return false;
    }
    const char *bracket = strrchr(authority, ']');
    size_t host = bracket != NULL ? (size_t)(bracket - authority) + 1 : strcspn(authority, ":");
    return is_within(authority, host, domain, length) ||
           is_within(authority, strlen(authority), domain, length);
}

static bool is_any_excepted(const char *authority, const char *list)
{
    if (strcmp(list, "*") == 0) {
        return true;
    }
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (is_excepted(authority, list, length)) {
            return true;
        }
        list += length + (list[length] == ',' ? 1 : 0);
    }
    return false;
}

void proxy_find(char *const *environment, const struct url *url, struct buf *proxy)
{
    const char *value = find(environment, url->tls ? "https_proxy" : "http_proxy");
    const char *except = find(environment, "no_proxy");
    if (value == NULL || url->loopback || url->link_local ||
        (except != NULL && is_any_excepted(url->authority, except))) {
        return;
    }
    if (strncmp(value + strspn(value, SCHEME), "://", 3) != 0) {
        buf_text(proxy, strncmp(value, "//", 2) == 0 ? "http:" : "http://");
    }
    buf_text(proxy, value);
}
