/* Any text as each kind of time that comes from outside: a timestamp of the service, a Date header, RFC 3339,
 * a duration. What is taken is within its bounds, and what is printed of it is read back as the same. */
#include "base/time.h"
#include "model/timestamp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_1     (-INT64_C(62135596800000))
#define YEAR_10000 INT64_C(253402300800000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void try_timestamp(const char *text)
{
    struct timestamp timestamp, again;
    if (timestamp_parse(text, &timestamp)) {
        require(timestamp_present(&timestamp) && strcmp(timestamp.text, text) == 0);
        require(timestamp.ms >= 0 && timestamp.ms <= INT64_C(10000000000) * 1000);
        require(timestamp_parse(timestamp.text, &again) && timestamp_equal(&timestamp, &again));
    } else {
        require(!timestamp_present(&timestamp));
    }
}

static void try_moments(const char *text)
{
    char printed[21];
    struct err err = {ERR_NONE, ""};
    int64_t ms, again;
    if (time_parse_http(text, &ms, &err) == 0) {
        require(ms >= YEAR_1 && ms < YEAR_10000 && ms % 1000 == 0);
    }
    if (time_parse_rfc3339(text, &ms, &err) == 0 && ms >= YEAR_1 && ms < YEAR_10000) {
        time_rfc3339(ms, printed);
        require(time_parse_rfc3339(printed, &again, &err) == 0);
        require(again <= ms && ms - again < 1000);
    }
}

static void try_duration(const char *text)
{
    char printed[48];
    struct err err = {ERR_NONE, ""};
    int64_t ms, again;
    if (time_parse_duration(text, &ms, &err) == 0) {
        require(ms > 0 && ms <= INT64_C(100) * 366 * 86400000);
        require(time_parse_duration(time_duration(ms, printed), &again, &err) == 0 && again == ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    try_timestamp(text);
    try_moments(text);
    try_duration(text);
    free(text);
    return 0;
}
