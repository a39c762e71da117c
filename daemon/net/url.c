/* Endpoint addresses. Stricter than RFC 3986, because what is refused here needs no thought later: a host is
 * a DNS name, an IPv4 address or an IPv6 address in brackets, and nothing is decoded. */
#include "url.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX  253 /* RFC 1035 2.3.4, without the final dot */
#define LABEL_MAX 63

static bool is_label(const char *label, size_t length)
{
    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)label[i]) && label[i] != '-')
            return false;
    }
    return true;
}

static bool is_name(const char *host)
{
    for (;;) {
        size_t length = strcspn(host, ".");
        if (!is_label(host, length))
            return false;
        if (host[length] == '\0')
            return true;
        host += length + 1;
    }
}

/* Whether the last label begins with a digit, as no top-level domain does. Such a host is an address, and
 * must be one in the usual form: libcurl takes 127.1, 0x7f.1 and 2130706433 for 127.0.0.1, and 010.0.0.1 for
 * 8.0.0.1. */
static bool is_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    return isdigit((unsigned char)(dot ? dot[1] : host[0]));
}

static bool is_bracketed(const char *host, struct in6_addr *address)
{
    size_t length = strlen(host);
    char inside[INET6_ADDRSTRLEN];
    if (length < 2 || host[0] != '[' || host[length - 1] != ']' || length - 2 >= sizeof(inside))
        return false;
    memcpy(inside, host + 1, length - 2);
    inside[length - 2] = '\0';
    return inet_pton(AF_INET6, inside, address) == 1;
}

/* False when host is no host at all. */
static bool read_host(const char *host, struct url *url)
{
    struct in6_addr six;
    struct in_addr four;
    if (is_bracketed(host, &six)) {
        static const unsigned char ec2[4] = {0xfd, 0x00, 0x0e, 0xc2};
        url->loopback = IN6_IS_ADDR_LOOPBACK(&six);
        url->link_local = memcmp(six.s6_addr, ec2, sizeof(ec2)) == 0;
        return true;
    }
    if (is_numeric(host)) {
        bool is_address = inet_pton(AF_INET, host, &four) == 1;
        url->loopback = is_address && ntohl(four.s_addr) >> 24 == 127;
        url->link_local = is_address && ntohl(four.s_addr) >> 16 == 0xa9fe;
        return is_address;
    }
    url->loopback = strcmp(host, "localhost") == 0;
    return is_name(host);
}

/* The text up to end, in lower case; false when it does not fit. */
static bool lower(char *to, size_t size, const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    if (length >= size)
        return false;
    for (size_t i = 0; i < length; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[length] = '\0';
    return true;
}

static int read_authority(const char *from, const char *end, struct url *url, struct err *err)
{
    char host[HOST_MAX + 1];
    const char *bracket = memchr(from, ']', (size_t)(end - from));
    const char *after = bracket ? bracket : from;
    const char *colon = memchr(after, ':', (size_t)(end - after));
    if (memchr(from, '@', (size_t)(end - from)))
        return err_set(err, ERR_INVALID, "a user name or password in the address is not allowed");
    if (!lower(host, sizeof(host), from, colon ? colon : end) || !read_host(host, url))
        return err_set(err, ERR_INVALID, "the host must be a DNS name, an IPv4 address or an [IPv6] address");

    int64_t own = url->tls ? 443 : 80, port = own;
    char digits[8];
    if (colon && (!lower(digits, sizeof(digits), colon + 1, end) || !text_int64(digits, 1, 65535, &port)))
        return err_set(err, ERR_INVALID, "the port must be a number from 1 to 65535");
    if (port == own)
        snprintf(url->authority, sizeof(url->authority), "%s", host);
    else
        snprintf(url->authority, sizeof(url->authority), "%s:%d", host, (int)port);
    return 0;
}

#define PATH_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/"

static int read_base(const char *path, size_t length, struct url *url, struct err *err)
{
    if (strspn(path, PATH_BYTES) < length) {
        return err_set(err, ERR_INVALID,
                       "the path may hold letters, digits and -._~%%/ only, and no fragment");
    }
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    if (length >= sizeof(url->base)) {
        return err_set(err, ERR_INVALID, "the path is longer than %zu characters", sizeof(url->base) - 1);
    }
    memcpy(url->base, path, length);
    url->base[length] = '\0';
    return 0;
}

/* query: at '?', or "". */
static int read_query(const char *query, struct url *url, struct err *err)
{
    query += *query == '?' ? 1 : 0;
    if (query[strspn(query, PATH_BYTES "=&:,;+!$*'()")] != '\0') {
        return err_set(err, ERR_INVALID, "the query may hold letters, digits and -._~%%/=&:,;+!$*'() only");
    }
    if (!text_copy(url->query, sizeof(url->query), query)) {
        return err_set(err, ERR_INVALID, "the query is longer than %zu characters", sizeof(url->query) - 1);
    }
    return 0;
}

int url_parse(const char *text, bool plain_link_local, struct url *url, struct err *err)
{
    memset(url, 0, sizeof(*url));
    url->tls = strncmp(text, "https://", 8) == 0;
    if (!url->tls && strncmp(text, "http://", 7) != 0)
        return err_set(err, ERR_INVALID, "the address must begin with https://");
    const char *authority = text + (url->tls ? 8 : 7);
    const char *end = authority + strcspn(authority, "/?#\\");
    const char *query = end + strcspn(end, "?");
    if (read_authority(authority, end, url, err) || read_base(end, (size_t)(query - end), url, err) ||
        read_query(query, url, err))
        return -1;
    bool plain = url->loopback || (url->link_local && plain_link_local);
    if (!url->tls && !plain)
        return err_set(err, ERR_INVALID, "http:// is for loopback addresses only: use https://");
    return 0;
}
