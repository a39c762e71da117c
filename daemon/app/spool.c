/* See app/spool.h.
 *
 * A part is a chain of blocks, of which memory holds where they are and the one that is being filled or read.
 * A row is a head of a few bytes and its texts, each with its NUL. */
#include "app/spool.h"

#include "aws/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "ledger/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES    32768
#define TEXTS          6
#define ROWS_OF_A_PASS 500000 /* 16 MB */

struct head {
    int64_t number, version_number;
    uint16_t length; /* of the whole row */
    uint8_t status, force, left_out;
};

struct block {
    int64_t offset;
    size_t length;
};

struct spool_part {
    struct spool *spool;
    struct spool_part *next;
    struct block *blocks;
    size_t block_count;
    int64_t count;
    char *bytes; /* of the block that is filled or read */
    size_t used;
    size_t block, at; /* of the row that is read next */
};

struct spool {
    int fd;
    int64_t length;
    struct spool_part *parts;
};

static int failed(struct err *err)
{
    return err_set(err, ERR_IO, "temporary file: %s", err_errno(errno));
}

struct spool *spool_create(struct err *err)
{
    const char *folder = getenv("TMPDIR");
    folder = folder != NULL && folder[0] == '/' ? folder : "/var/tmp";
    int fd = file_open_nameless(folder);
    if (fd < 0) {
        err_set(err, errno == EACCES ? ERR_PERMISSION : ERR_IO, "temporary file in '%s': %s", folder,
                err_errno(errno));
        return NULL;
    }
    struct spool *spool = mem_zalloc(sizeof *spool);
    spool->fd = fd;
    return spool;
}

void spool_destroy(struct spool *spool)
{
    if (spool == NULL) {
        return;
    }
    for (struct spool_part *part = spool->parts, *next; part != NULL; part = next) {
        next = part->next;
        free(part->blocks);
        free(part->bytes);
        free(part);
    }
    close(spool->fd);
    free(spool);
}

struct spool_part *spool_part(struct spool *spool)
{
    struct spool_part *part = mem_zalloc(sizeof *part);
    part->spool = spool;
    part->next = spool->parts;
    spool->parts = part;
    return part;
}

int64_t spool_count(const struct spool_part *part)
{
    return part->count;
}

/* --- writing ------------------------------------------------------------------------------------------- */

static int write_all(const struct spool *spool, const char *bytes, size_t length, int64_t offset,
                     struct err *err)
{
    while (length > 0) {
        ssize_t written = pwrite(spool->fd, bytes, length, offset);
        if (written < 0 && errno != EINTR) {
            return failed(err);
        }
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
            offset += written;
        }
    }
    return 0;
}

static int flush(struct spool_part *part, struct err *err)
{
    struct spool *spool = part->spool;
    if (part->used == 0) {
        return 0;
    }
    if (write_all(spool, part->bytes, part->used, spool->length, err) != 0) {
        return -1;
    }
    part->blocks = mem_realloc(part->blocks, part->block_count + 1, sizeof part->blocks[0]);
    part->blocks[part->block_count++] = (struct block){.offset = spool->length, .length = part->used};
    spool->length += (int64_t)part->used;
    part->used = 0;
    return 0;
}

int spool_add(struct spool_part *part, const struct plan_row *row, struct err *err)
{
    const struct job_execution *execution = &row->execution;
    const struct fingerprint *fingerprint = &execution->fingerprint;
    const char *const texts[TEXTS] = {execution->job_id,
                                      execution->thing_name,
                                      fingerprint->queued_at.text,
                                      fingerprint->started_at.text,
                                      fingerprint->last_updated_at.text,
                                      row->reason};
    struct head head = {.number = execution->number,
                        .version_number = fingerprint->version_number,
                        .status = (uint8_t)fingerprint->status,
                        .force = row->force,
                        .length = sizeof head};
    for (int i = 0; i < TEXTS; i++) {
        head.length = (uint16_t)(head.length + strlen(texts[i]) + 1);
    }
    if (part->bytes == NULL) {
        part->bytes = mem_alloc(BLOCK_BYTES);
    }
    if (part->used + head.length > BLOCK_BYTES && flush(part, err) != 0) {
        return -1;
    }
    char *to = part->bytes + part->used;
    memcpy(to, &head, sizeof head);
    to += sizeof head;
    for (int i = 0; i < TEXTS; i++) {
        to = stpcpy(to, texts[i]) + 1;
    }
    part->used += head.length;
    part->count++;
    return 0;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int load_block(struct spool_part *part, struct err *err)
{
    const struct block *block = &part->blocks[part->block];
    size_t got = 0;
    while (got < block->length) {
        ssize_t more =
            pread(part->spool->fd, part->bytes + got, block->length - got, block->offset + (int64_t)got);
        if (more == 0 || (more < 0 && errno != EINTR)) {
            errno = more == 0 ? EIO : errno;
            return failed(err);
        }
        got += more > 0 ? (size_t)more : 0;
    }
    return 0;
}

static void take_texts(const char *from, struct plan_row *row)
{
    struct job_execution *execution = &row->execution;
    struct fingerprint *fingerprint = &execution->fingerprint;
    struct timestamp *const times[] = {&fingerprint->queued_at, &fingerprint->started_at,
                                       &fingerprint->last_updated_at};
    text_copy(execution->job_id, sizeof execution->job_id, from);
    from += strlen(from) + 1;
    text_copy(execution->thing_name, sizeof execution->thing_name, from);
    from += strlen(from) + 1;
    for (int i = 0; i < 3; i++) {
        timestamp_parse(from, times[i]);
        from += strlen(from) + 1;
    }
    text_copy(row->reason, sizeof row->reason, from);
}

/* The next row, whether it is left out or not; *offset is where it stands. */
static int read_row(struct spool_part *part, struct plan_row *row, struct head *head, int64_t *offset,
                    struct err *err)
{
    if (part->block < part->block_count && part->at == part->blocks[part->block].length) {
        part->block++;
        part->at = 0;
    }
    if (part->block == part->block_count) {
        return 0;
    }
    if (part->at == 0 && load_block(part, err) != 0) {
        return -1;
    }
    const char *from = part->bytes + part->at;
    memcpy(head, from, sizeof *head);
    *row = (struct plan_row){.force = head->force != 0};
    row->execution.number = head->number;
    row->execution.fingerprint.version_number = head->version_number;
    row->execution.fingerprint.status = (enum execution_status)head->status;
    take_texts(from + sizeof *head, row);
    *offset = part->blocks[part->block].offset + (int64_t)part->at;
    part->at += head->length;
    return 1;
}

static int begin_reading(struct spool_part *part, struct err *err)
{
    part->block = part->at = 0;
    return flush(part, err);
}

static int next_row(void *ctx, struct plan_row *row, struct err *err)
{
    struct spool_part *part = ctx;
    struct head head;
    int64_t offset;
    int result = part->used > 0 ? begin_reading(part, err) : 0; /* nothing was read so far */
    while (result == 0 && (result = read_row(part, row, &head, &offset, err)) > 0 && head.left_out) {
        result = 0;
    }
    return result;
}

void spool_source(struct spool_part *part, struct row_source *source)
{
    part->block = part->at = 0;
    *source = (struct row_source){.ctx = part, .next = next_row, .count = part->count};
}

/* --- what is there twice ------------------------------------------------------------------------------- */

struct mark {
    uint64_t hash[2];
    int64_t offset;
};

struct marks {
    struct mark *items;
    size_t count;
};

static void hash_row(uint32_t site, const struct plan_row *row, uint64_t hash[2])
{
    const struct job_execution *execution = &row->execution;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    char text[JOB_ID_MAX + THING_NAME_MAX + 32];
    int length = snprintf(text, sizeof text, "%u/%s/%s/%lld", (unsigned)site, execution->job_id,
                          execution->thing_name, (long long)execution->number);
    crypto_sha256(text, (size_t)length, digest);
    memcpy(hash, digest, 2 * sizeof hash[0]);
}

static int compare(const void *left, const void *right)
{
    const struct mark *a = left, *b = right;
    int hashes = memcmp(a->hash, b->hash, sizeof a->hash);
    return hashes != 0 ? hashes : (a->offset > b->offset) - (a->offset < b->offset);
}

/* The rows whose hash belongs to this pass. */
static int collect(struct spool_part *part, uint64_t pass, uint64_t passes, struct marks *marks,
                   struct err *err)
{
    struct plan_row row;
    struct head head;
    struct mark mark;
    int result = begin_reading(part, err);
    marks->count = 0;
    while (result == 0 && (result = read_row(part, &row, &head, &mark.offset, err)) > 0) {
        result = 0;
        hash_row(0, &row, mark.hash);
        if (mark.hash[0] % passes != pass) {
            continue;
        }
        if (marks->count % 4096 == 0) {
            marks->items = mem_realloc(marks->items, marks->count + 4096, sizeof marks->items[0]);
        }
        marks->items[marks->count++] = mark;
    }
    return result;
}

static int read_at(const struct spool_part *part, int64_t offset, struct plan_row *row, struct err *err)
{
    char bytes[2048];
    struct head head;
    ssize_t got = pread(part->spool->fd, bytes, sizeof bytes, offset);
    if (got < (ssize_t)sizeof head) {
        return failed(err);
    }
    memcpy(&head, bytes, sizeof head);
    *row = (struct plan_row){.force = head.force != 0};
    row->execution.number = head.number;
    take_texts(bytes + sizeof head, row);
    return 0;
}

static int leave_out(struct spool_part *part, const struct mark *mark, struct err *err)
{
    const char yes = 1;
    part->count--;
    return write_all(part->spool, &yes, 1, mark->offset + (int64_t)offsetof(struct head, left_out), err);
}

struct told {
    void (*told)(void *ctx, const struct plan_row *row, const struct plan_row *earlier);
    void *ctx;
};

static int judge(struct spool_part *part, struct marks *marks, const struct told *told, int64_t *left_out,
                 struct err *err)
{
    struct plan_row row, earlier;
    size_t first = 0;
    if (marks->count > 0) {
        qsort(marks->items, marks->count, sizeof marks->items[0], compare);
    }
    for (size_t i = 1; i < marks->count; i++) {
        const struct mark *mark = &marks->items[i];
        if (memcmp(mark->hash, marks->items[first].hash, sizeof mark->hash) != 0) {
            first = i;
            continue;
        }
        if (read_at(part, mark->offset, &row, err) != 0 ||
            read_at(part, marks->items[first].offset, &earlier, err) != 0 ||
            leave_out(part, mark, err) != 0) {
            return -1;
        }
        if (told->told != NULL) {
            told->told(told->ctx, &row, &earlier);
        }
        ++*left_out;
    }
    return 0;
}

int64_t spool_leave_out_repeated(struct spool_part *part,
                                 void (*told)(void *ctx, const struct plan_row *row,
                                              const struct plan_row *earlier),
                                 void *ctx, struct err *err)
{
    const struct told listener = {told, ctx};
    struct marks marks = {0};
    int64_t left_out = 0;
    uint64_t passes = (uint64_t)part->count / ROWS_OF_A_PASS + 1;
    int result = 0;
    for (uint64_t pass = 0; pass < passes && result == 0; pass++) {
        result = collect(part, pass, passes, &marks, err);
        if (result == 0) {
            result = judge(part, &marks, &listener, &left_out, err);
        }
    }
    free(marks.items);
    part->block = part->at = 0;
    return result == 0 ? left_out : -1;
}

/* Their digests, to be sorted. */
static int add_digests(struct spool_part *part, uint32_t site, const struct scratch *scratch,
                       struct sorter *sorter, struct err *err)
{
    struct plan_row row;
    struct head head;
    uint64_t hash[2];
    int64_t offset;
    const struct scratch_record record = {.key = hash, .key_length = sizeof hash, .value = ""};
    int result = begin_reading(part, err);
    while (result == 0 && (result = read_row(part, &row, &head, &offset, err)) > 0) {
        hash_row(site, &row, hash);
        result = head.left_out ? 0 : scratch->add(sorter, &record, err);
    }
    return result;
}

static int64_t count_equal(const struct scratch *scratch, struct sorter *sorter, struct err *err)
{
    struct scratch_record record;
    uint64_t hash[2] = {0}, before[2] = {0};
    int64_t equal = 0;
    int result;
    for (bool first = true; (result = scratch->next(sorter, &record, err)) > 0; first = false) {
        memcpy(hash, record.key, sizeof hash);
        equal += !first && memcmp(hash, before, sizeof hash) == 0;
        memcpy(before, hash, sizeof before);
    }
    return result < 0 ? -1 : equal;
}

int64_t spool_count_repeated(struct spool_part *const *parts, const uint32_t *sites, size_t count,
                             const struct scratch *scratch, struct err *err)
{
    struct sorter *sorter = scratch->open(scratch->ctx, err);
    int result = sorter != NULL ? 0 : -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = add_digests(parts[i], sites[i], scratch, sorter, err);
    }
    int64_t repeated = result == 0 ? count_equal(scratch, sorter, err) : -1;
    scratch->close(sorter);
    return repeated;
}
