#include "engine/skew.h"

void skew_add(struct skew *skew, int64_t server_date_ms, int64_t received_ms)
{
    if (server_date_ms == 0) {
        return;
    }
    skew->samples_ms[skew->next] = server_date_ms - received_ms;
    skew->next = (skew->next + 1) % SKEW_SAMPLES;
    if (skew->count < SKEW_SAMPLES) {
        skew->count++;
    }
}

int64_t skew_ms(const struct skew *skew)
{
    if (skew->count == 0) {
        return 0;
    }
    int64_t sorted[SKEW_SAMPLES];
    for (int i = 0; i < skew->count; i++) {
        int at = i;
        for (; at > 0 && sorted[at - 1] > skew->samples_ms[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = skew->samples_ms[i];
    }
    return sorted[(skew->count - 1) / 2];
}
