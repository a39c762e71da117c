/* See ledger/chain.h. Two of these texts are made for each deletion, so they are put together without
 * printf(). */
#include "ledger/chain.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096 /* well above the sum of all fields at their greatest */

struct text {
    char bytes[TEXT_MAX];
    size_t length;
};

static void put_bytes(struct text *out, const void *bytes, size_t length)
{
    if (length > sizeof out->bytes - out->length) {
        abort(); /* a field without a bound */
    }
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}

static void put_decimal(struct text *out, int64_t number, char end)
{
    char digits[24];
    if (number >= 0 && number <= 9) { /* most are */
        digits[0] = (char)('0' + number);
        digits[1] = end;
        put_bytes(out, digits, 2);
        return;
    }
    char *first = digits + sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *--first = end;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        *--first = '-';
    }
    put_bytes(out, first, (size_t)(digits + sizeof digits - first));
}

static void put_text(struct text *out, const char *text)
{
    size_t length = strlen(text);
    put_decimal(out, (int64_t)length, ':');
    put_bytes(out, text, length);
}

static void put_number(struct text *out, int64_t number)
{
    put_decimal(out, number, ';');
}

static void begin(struct text *out, const uint8_t hash[STORE_HASH_BYTES])
{
    out->length = 0;
    put_bytes(out, hash, STORE_HASH_BYTES);
}

void chain_row(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
               const struct plan_row *row, uint8_t hash[STORE_HASH_BYTES])
{
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    struct text text;
    begin(&text, hash);
    put_text(&text, row->execution.job_id);
    put_text(&text, row->execution.thing_name);
    put_number(&text, row->execution.number);
    put_number(&text, fingerprint->status);
    put_text(&text, fingerprint->queued_at.text);
    put_text(&text, fingerprint->started_at.text);
    put_text(&text, fingerprint->last_updated_at.text);
    put_number(&text, fingerprint->version_number);
    put_number(&text, row->force);
    put_text(&text, row->reason);
    sha256(text.bytes, text.length, hash);
}

static void put_header(struct text *out, const struct run_header *header)
{
    put_text(out, header->policy);
    put_text(out, header->policy_sha256);
    put_text(out, header->target);
    put_text(out, header->account);
    put_text(out, header->region);
    put_number(out, header->started_ms);
}

void chain_record(void (*sha256)(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]),
                  const struct store_record *record, uint8_t hash[STORE_HASH_BYTES])
{
    const struct answer *answer = &record->answer;
    struct text text;
    begin(&text, hash);
    put_number(&text, record->sequence);
    put_text(&text, record->kind);
    put_number(&text, record->run);
    put_number(&text, record->row);
    put_number(&text, record->attempt);
    put_number(&text, record->at_ms);
    put_number(&text, record->signed_at_ms);
    put_number(&text, answer->received_ms);
    put_number(&text, answer->class);
    put_number(&text, answer->http_status);
    put_text(&text, answer->code);
    put_text(&text, answer->request_id);
    put_number(&text, record->outcome);
    put_text(&text, record->note);
    if (strcmp(record->kind, "start") == 0) {
        put_header(&text, &record->header);
    }
    sha256(text.bytes, text.length, hash);
}
