/* See ledger/chain.h. */
#include "ledger/chain.h"

#include <string.h>

static void put_text(struct buf *out, const char *text)
{
    buf_printf(out, "%zu:", strlen(text));
    buf_text(out, text);
}

static void put_number(struct buf *out, int64_t number)
{
    buf_printf(out, "%lld;", (long long)number);
}

void chain_row(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
               struct buf *scratch, const struct plan_row *row, uint8_t hash[STORE_HASH_BYTES])
{
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    buf_reset(scratch);
    buf_append(scratch, hash, STORE_HASH_BYTES);
    put_text(scratch, row->execution.job_id);
    put_text(scratch, row->execution.thing_name);
    put_number(scratch, row->execution.number);
    put_number(scratch, fingerprint->status);
    put_text(scratch, fingerprint->queued_at.text);
    put_text(scratch, fingerprint->started_at.text);
    put_text(scratch, fingerprint->last_updated_at.text);
    put_number(scratch, fingerprint->version_number);
    put_number(scratch, row->force);
    put_text(scratch, row->reason);
    sha256(scratch->data, scratch->length, hash);
}

static void put_header(struct buf *out, const struct run_header *header)
{
    put_text(out, header->policy);
    put_text(out, header->policy_sha256);
    put_text(out, header->target);
    put_text(out, header->account);
    put_text(out, header->region);
    put_number(out, header->started_ms);
}

void chain_record(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
                  struct buf *scratch, const struct store_record *record, uint8_t hash[STORE_HASH_BYTES])
{
    const struct answer *answer = &record->answer;
    buf_reset(scratch);
    buf_append(scratch, hash, STORE_HASH_BYTES);
    put_number(scratch, record->sequence);
    put_text(scratch, record->kind);
    put_number(scratch, record->run);
    put_number(scratch, record->row);
    put_number(scratch, record->attempt);
    put_number(scratch, record->at_ms);
    put_number(scratch, record->signed_at_ms);
    put_number(scratch, answer->received_ms);
    put_number(scratch, answer->class);
    put_number(scratch, answer->http_status);
    put_text(scratch, answer->code);
    put_text(scratch, answer->request_id);
    put_number(scratch, record->outcome);
    put_text(scratch, record->note);
    if (strcmp(record->kind, "start") == 0) {
        put_header(scratch, &record->header);
    }
    sha256(scratch->data, scratch->length, hash);
}
