/* Any text as a cron expression, after eight bytes of a moment: refused, or it fires, later than the moment,
 * on a whole minute that its fields name. */
#include "base/time.h"
#include "policy/cron.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define YEARS_40 (INT64_C(40) * 366 * 86400000)
#define FROM     INT64_C(0)
#define SPAN     INT64_C(7258118400000) /* to 2200 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_firing(const struct cron *cron, int64_t after_ms)
{
    int64_t next = cron_next(cron, after_ms);
    struct time_civil civil;
    require(next > after_ms && next - after_ms <= YEARS_40 && next % 60000 == 0);
    time_to_civil(next, &civil);
    require(cron->minutes >> civil.minute & 1 && cron->hours >> civil.hour & 1);
    require(cron->months >> civil.month & 1);
    require(cron->days >> civil.day & 1 || cron->weekdays >> civil.weekday & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron cron;
    struct err err = {ERR_NONE, ""};
    uint64_t moment;

    if (size < sizeof moment) {
        return 0;
    }
    memcpy(&moment, data, sizeof moment);
    char *text = strndup((const char *)data + sizeof moment, size - sizeof moment);
    if (cron_parse(text, &cron, &err) == 0) {
        check_firing(&cron, FROM + (int64_t)(moment % (uint64_t)SPAN));
    } else {
        require(err.code == ERR_SYNTAX && err.msg[0] != '\0');
    }
    free(text);
    return 0;
}
