/* Any text as the address of an endpoint: refused with a reason, or taken apart into what can go into a Host
 * header, and plain http to loopback addresses only. libcurl, which connects, sees the same host and port. */
#include "../../daemon/net/url.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_text(const char *text)
{
    for (; *text != '\0'; text++) {
        require(*text > ' ' && *text <= '~' && strchr("@?#\\\"<>", *text) == NULL);
    }
}

static void check_like_libcurl(const struct url *url)
{
    char root[320], authority[320], *host = NULL, *port = NULL;
    CURLU *address = curl_url();
    snprintf(root, sizeof root, "%s://%s/", url->tls ? "https" : "http", url->authority);
    require(address != NULL && curl_url_set(address, CURLUPART_URL, root, 0) == CURLUE_OK);
    require(curl_url_get(address, CURLUPART_HOST, &host, 0) == CURLUE_OK);
    bool has_port = curl_url_get(address, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    snprintf(authority, sizeof authority, "%s%s%s", host, has_port ? ":" : "", has_port ? port : "");
    bool six = url->authority[0] == '['; /* which libcurl may write shorter */
    require(six ? host[0] == '[' : strcmp(authority, url->authority) == 0);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct url url;
    struct err err = {ERR_NONE, ""};

    if (url_parse(text, false, &url, &err) == 0) {
        require(url.authority[0] != '\0' && (url.tls || url.loopback));
        require(url.base[0] == '\0' || (url.base[0] == '/' && url.base[strlen(url.base) - 1] != '/'));
        check_text(url.authority);
        check_text(url.base);
        check_text(url.query);
        check_like_libcurl(&url);
    } else {
        require(err.code == ERR_INVALID && err.msg[0] != '\0');
    }
    free(text);
    return 0;
}
