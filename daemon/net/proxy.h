/* Which proxy of the environment an address is asked through, as botocore and Python's urllib choose it.
 * Pure.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/buf.h"
#include "url.h"

/* environment: "NAME=value" strings and a NULL, as environ. Appends the proxy's address, which may hold a
 * password: https_proxy for an address with TLS, else http_proxy; appends nothing when there is none, when
 * no_proxy excepts the host, and for loopback and link-local addresses.
 *
 * Names count in any case, but those that end in "_proxy" come before those that do not, and take them back
 * when they are empty. HTTP_PROXY is not believed in a CGI program (REQUEST_METHOD is set). no_proxy is a
 * list of domains between commas, or "*"; a domain stands for what is below it. An address without a scheme
 * begins with "http://". all_proxy is not looked at. */
void proxy_find(char *const *environment, const struct url *url, struct buf *proxy);

#endif
