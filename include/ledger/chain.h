/* The text of rows and records that the hash chain covers. Each field goes in with its length before it, so
 * that no two different contents make the same text. */
#ifndef LEDGER_CHAIN_H
#define LEDGER_CHAIN_H

#include "ledger/store.h"
#include "model/ledger.h"

#include <stdint.h>

/* hash := sha256(hash, row): the digest of a plan goes from row to row, from 32 zero bytes. */
void chain_row(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
               const struct plan_row *row, uint8_t hash[STORE_HASH_BYTES]);

/* hash := sha256(hash, record): the chain of records, from 32 zero bytes. header counts for "start" alone. */
void chain_record(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
                  const struct store_record *record, uint8_t hash[STORE_HASH_BYTES]);

#endif
