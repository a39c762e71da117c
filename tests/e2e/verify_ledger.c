/* verify_ledger FILE: whether the hash chain and the digests of the plans of a ledger fit. */
#include "aws/crypto.h"
#include "ledger/store.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t no_clock(void *ctx)
{
    (void)ctx;
    return 0;
}

int main(int argc, char **argv)
{
    struct err err;
    int64_t records = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: verify_ledger FILE\n");
        return 2;
    }
    const struct store_config config = {
        .path = argv[1], .read_only = true, .wall_ms = no_clock, .sha256 = crypto_sha256};
    struct store *store = store_open(&config, &err);
    if (!store || store_verify(store, &records, &err) != 0) {
        fprintf(stderr, "%s\n", err.msg);
        store_close(store);
        return 1;
    }
    printf("%" PRId64 " records\n", records);
    store_close(store);
    return 0;
}
