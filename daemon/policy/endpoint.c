/* See policy/endpoint.h. */
#include "policy/endpoint.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 253 /* RFC 1035 */
#define ALNUM    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* A dotted quad in 127.0.0.0/8. Short and octal forms are for the resolver to read its own way: not taken. */
static bool is_loopback_quad(const char *host)
{
    int part = 0;
    for (const char *at = host; part < 4; part++) {
        size_t digits = strspn(at, "0123456789");
        char number[4];
        int64_t value;
        if (digits == 0 || digits > 3 || (digits > 1 && *at == '0') ||
            at[digits] != (part < 3 ? '.' : '\0')) {
            return false;
        }
        memcpy(number, at, digits);
        number[digits] = '\0';
        if (!text_int64(number, part == 0 ? 127 : 0, part == 0 ? 127 : 255, &value)) {
            return false;
        }
        at += digits + 1;
    }
    return true;
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 || is_loopback_quad(host);
}

static bool host_valid(const char *host)
{
    size_t length = strlen(host);
    if (host[0] == '[') {
        return length > 3 && strspn(host + 1, "0123456789abcdefABCDEF:.") == length - 2 &&
               host[length - 1] == ']';
    }
    if (length == 0 || strspn(host, ALNUM "-.") != length || host[0] == '.' || strstr(host, "..") != NULL) {
        return false;
    }
    return host[0] != '-' && host[length - 1] != '-';
}

/* Takes host and port apart; the rest is the path. NULL, or what is wrong. */
static const char *split(const char *at, char host[HOST_MAX + 1], const char **path)
{
    size_t length = *at == '[' ? strcspn(at, "]/") + 1 : strcspn(at, ":/");
    if (length > HOST_MAX || length > strlen(at)) {
        return "no host name";
    }
    memcpy(host, at, length);
    host[length] = '\0';
    at += length;
    if (*at == ':') {
        char port[6];
        int64_t number;
        length = strcspn(++at, "/");
        if (length >= sizeof port) {
            return "a port is 1..65535";
        }
        memcpy(port, at, length);
        port[length] = '\0';
        if (!text_int64(port, 1, 65535, &number)) {
            return "a port is 1..65535";
        }
        at += length;
    }
    *path = at;
    return host_valid(host) ? NULL : "no host name";
}

static const char *fault(const char *url, bool *loopback)
{
    char host[HOST_MAX + 1];
    const char *path;
    bool plain = strncmp(url, "http://", 7) == 0;
    if (!plain && strncmp(url, "https://", 8) != 0) {
        return "an endpoint begins with 'https://'";
    }
    const char *rest = url + (plain ? 7 : 8);
    if (strpbrk(rest, "@?#") != NULL) {
        return "an endpoint has no user, query or fragment";
    }
    const char *wrong = split(rest, host, &path);
    if (wrong != NULL) {
        return wrong;
    }
    if (path[strspn(path, ALNUM "/-._~")] != '\0' || strstr(path, "/.") != NULL ||
        (*path != '\0' && *path != '/')) {
        return "a path of an endpoint is made of letters, digits and / - . _ ~";
    }
    *loopback = is_loopback(host);
    return plain && !*loopback ? "'http:' is for loopback addresses only (127.0.0.0/8, [::1], localhost)"
                               : NULL;
}

int endpoint_check(const char *url, bool *loopback, struct err *err)
{
    const char *wrong = fault(url, loopback);
    return wrong == NULL ? 0 : err_set(err, ERR_INVALID, "%s", wrong);
}
