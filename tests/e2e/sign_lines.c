/* Signs the requests that it reads, one a line, and prints their Authorization headers: for sign_oracle.py.
 * Fields, separated by tabs: date, access key, secret key, region, service, method, path, query, host, token,
 * payload hash. */
#include "aws/sigv4.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define FIELDS 11

static int sign(char *const field[FIELDS], struct buf *authorization, struct err *err)
{
    struct sigv4_key key;
    struct sigv4_header headers[3] = {
        {"Host", field[8]}, {"X-Amz-Date", field[0]}, {"X-Amz-Security-Token", field[9]}};
    struct sigv4_request request = {.method = field[5],
                                    .path = field[6],
                                    .query = field[7],
                                    .headers = headers,
                                    .header_count = field[9][0] != '\0' ? 3 : 2,
                                    .payload_sha256 = field[10]};
    if (sigv4_key_init(&key, field[1], field[2], field[0], field[3], field[4], err) != 0) {
        return -1;
    }
    return sigv4_authorization(&key, &request, field[0], authorization, err);
}

int main(void)
{
    static char line[65536];
    struct buf authorization;
    struct err err = {0};
    buf_init(&authorization, 8192);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *field[FIELDS], *at = line;
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < FIELDS; i++) {
            field[i] = strsep(&at, "\t");
            if (field[i] == NULL) {
                return 2;
            }
        }
        buf_reset(&authorization);
        puts(sign(field, &authorization, &err) == 0 ? buf_string(&authorization) : err.msg);
    }
    buf_finish(&authorization);
    return 0;
}
