/* See policy/listen.h. */
#include "policy/listen.h"

#include "base/err.h"
#include "base/text.h"
#include "policy/policy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DIGITS_MAX 5

static int read_port(const char *text, struct listen_address *address, struct err *err)
{
    int64_t port;
    if (strlen(text) > PORT_DIGITS_MAX || !text_int64(text, 1, 65535, &port)) {
        return err_set(err, ERR_INVALID, "a port is a number from 1 to 65535, not '%.32s'", text);
    }
    address->port = (uint16_t)port;
    return 0;
}

static int read_ipv6(const char *text, struct listen_address *address, struct err *err)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    if (inet_pton(AF_INET6, text, address->bytes) != 1) {
        return err_set(err, ERR_INVALID, "'%.64s' is no IPv6 address", text);
    }
    if (memcmp(address->bytes, mapped, sizeof mapped) == 0) {
        return err_set(err, ERR_INVALID, "'%.64s' is an IPv4 address: write it as one", text);
    }
    address->ipv6 = true;
    return 0;
}

static int read_ipv4(const char *text, struct listen_address *address, struct err *err)
{
    if (text[0] == '\0') {
        return err_set(err, ERR_INVALID, "no address in front of the port: 127.0.0.1 is this machine alone");
    }
    if (text[strspn(text, "0123456789.")] != '\0') {
        return err_set(err, ERR_INVALID, "an address in digits, such as 127.0.0.1, is wanted, not '%.64s'",
                       text);
    }
    return inet_pton(AF_INET, text, address->bytes) == 1
               ? 0
               : err_set(err, ERR_INVALID, "'%.64s' is no IPv4 address", text);
}

static int parse(const char *text, struct listen_address *address, struct err *err)
{
    char host[sizeof address->text];
    bool bracket = text[0] == '[';
    const char *colon = strrchr(text, ':'), *end = bracket ? strchr(text, ']') : colon;
    *address = (struct listen_address){.place = address->place};
    if (!text_copy(address->text, sizeof address->text, text)) {
        return err_set(err, ERR_INVALID, "'%.32s...' is longer than any address", text);
    }
    bool ipv6 = text[strspn(text, "0123456789abcdefABCDEF:.")] == '\0';
    if (!bracket && ipv6 && colon != NULL && strchr(text, ':') != colon) {
        return err_set(err, ERR_INVALID, "an IPv6 address stands in brackets, as in [::1]:9809, not '%.64s'",
                       text);
    }
    if (end == NULL || (bracket && end[1] != ':')) {
        return err_set(err, ERR_INVALID, "no port behind the address, as in 127.0.0.1:9809: '%.64s'", text);
    }
    const char *begin = text + bracket;
    text_copy(host, (size_t)(end - begin) + 1, begin);
    return read_port(end + 1 + bracket, address, err) != 0 ? -1
           : bracket                                       ? read_ipv6(host, address, err)
                                                           : read_ipv4(host, address, err);
}

static bool is_loopback(const struct listen_address *address)
{
    static const uint8_t ipv6[sizeof address->bytes] = {[15] = 1};
    return address->ipv6 ? memcmp(address->bytes, ipv6, sizeof ipv6) == 0 : address->bytes[0] == 127;
}

static void read_listen(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    struct listen_address *address = value_field(row, object);
    struct err err;
    if (parse(node->text, address, &err) != 0) {
        reader_error(reader, node, "'%s': %s", row->path, err.msg);
        return;
    }
    address->place = reader_place(reader, node);
    if (!is_loopback(address)) {
        reader_warn(reader, node, "'%s': whoever reaches %s can read it: nobody is asked who he is",
                    row->path, address->text);
    }
}

static void print_listen(const struct config *config, const struct schema_row *row, const void *object,
                         struct buf *out)
{
    (void)config;
    const struct listen_address *address = value_seen(row, object);
    if (address->port != 0) {
        text_json(out, address->text);
    } else {
        buf_text(out, "null");
    }
}

const struct value_type value_listen = {.wanted = "an address and a port such as \"127.0.0.1:9809\"",
                                        .kind = NODE_VALUE,
                                        .read = read_listen,
                                        .print = print_listen};
