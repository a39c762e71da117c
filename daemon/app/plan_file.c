/* See app/plan_file.h. */
#include "app/plan_file.h"

#include "aws/crypto.h"
#include "aws/json.h"
#include "base/buf.h"
#include "base/input.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/version.h"
#include "policy/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION        1
#define COUNT_MAX      INT64_C(1000000000000)
#define LINE_MAX_BYTES 8192
#define SUM_DIGITS     16
#define ORIGIN_WORD    "plan "
#define ORIGIN_UNTIL   " until "

void plan_file_init(struct plan_file *file, struct spool *spool)
{
    *file = (struct plan_file){.spool = spool};
}

void plan_file_finish(struct plan_file *file)
{
    spool_destroy(file->spool);
    free(file->plans);
    *file = (struct plan_file){0};
}

struct plan_file_plan *plan_file_add(struct plan_file *file)
{
    file->plans = mem_realloc(file->plans, file->count + 1, sizeof file->plans[0]);
    struct plan_file_plan *plan = &file->plans[file->count++];
    *plan = (struct plan_file_plan){.rows = spool_part(file->spool)};
    return plan;
}

static int64_t all_rows(const struct plan_file *file)
{
    int64_t rows = 0;
    for (size_t i = 0; i < file->count; i++) {
        rows += spool_count(file->plans[i].rows);
    }
    return rows;
}

void plan_file_digest(const struct policy *policy, char sha256[65])
{
    crypto_sha256_hex(policy->canonical, policy->canonical_own, sha256);
}

void plan_file_origin(const struct plan_file *file, char origin[RUN_ORIGIN_MAX + 1])
{
    char until[21];
    time_rfc3339(file->expires_ms, until);
    snprintf(origin, RUN_ORIGIN_MAX + 1, ORIGIN_WORD "%s" ORIGIN_UNTIL "%s", file->sha256, until);
}

int64_t plan_file_origin_expires_ms(const char *origin)
{
    int64_t ms;
    struct err ignored;
    const char *until = strstr(origin, ORIGIN_UNTIL);
    if (strncmp(origin, ORIGIN_WORD, strlen(ORIGIN_WORD)) != 0 || until == NULL ||
        time_parse_rfc3339(until + strlen(ORIGIN_UNTIL), &ms, &ignored) != 0) {
        return 0;
    }
    return ms;
}

/* --- the sums ------------------------------------------------------------------------------------------ */

struct chain {
    uint8_t hash[CRYPTO_SHA256_BYTES];
};

/* Takes the line on, without its sum. */
static void chain_line(struct chain *chain, const char *line, size_t length, char sum[SUM_DIGITS + 1])
{
    char bytes[CRYPTO_SHA256_BYTES + LINE_MAX_BYTES];
    char hex[2 * CRYPTO_SHA256_BYTES + 1];
    memcpy(bytes, chain->hash, sizeof chain->hash);
    memcpy(bytes + sizeof chain->hash, line, length);
    crypto_sha256(bytes, sizeof chain->hash + length, chain->hash);
    crypto_hex(chain->hash, sizeof chain->hash, hex);
    memcpy(sum, hex, SUM_DIGITS);
    sum[SUM_DIGITS] = '\0';
}

/* --- writing ------------------------------------------------------------------------------------------- */

struct writing {
    FILE *to;
    struct chain chain;
    struct buf line;
};

static void put_string(struct buf *line, const char *key, const char *value)
{
    buf_printf(line, ",\"%s\":", key);
    text_json(line, value);
}

/* The literal text, because that is compared. */
static void put_time(struct buf *line, const char *key, const struct timestamp *time)
{
    buf_printf(line, ",\"%s\":%s", key, timestamp_present(time) ? time->text : "null");
}

static void put_moment(struct buf *line, const char *key, int64_t ms)
{
    char text[21];
    time_rfc3339(ms, text);
    put_string(line, key, text);
}

/* Ends the line with its sum, and writes it; a failure stays in the stream. */
static void end_line(struct writing *writing)
{
    char sum[SUM_DIGITS + 1];
    struct buf *line = &writing->line;
    chain_line(&writing->chain, buf_string(line), line->length, sum);
    fprintf(writing->to, "%s,\"sum\":\"%s\"}\n", buf_string(line), sum);
    buf_reset(line);
}

static void write_head(struct writing *writing, const struct plan_file *file)
{
    struct buf *line = &writing->line;
    buf_printf(line, "{\"jobsweep_plan\":%d", VERSION);
    put_string(line, "written_by", "jobsweep " JOBSWEEP_VERSION);
    put_moment(line, "created_at", file->created_ms);
    put_moment(line, "expires_at", file->expires_ms);
    buf_printf(line, ",\"plans\":%zu,\"rows\":%" PRId64, file->count, all_rows(file));
    end_line(writing);
}

static void write_row(struct writing *writing, const struct plan_row *row)
{
    struct buf *line = &writing->line;
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    buf_text(line, "{\"event\":\"row\"");
    put_string(line, "job_id", row->execution.job_id);
    put_string(line, "thing_name", row->execution.thing_name);
    buf_printf(line, ",\"execution_number\":%" PRId64, row->execution.number);
    put_string(line, "status", execution_status_name(fingerprint->status));
    put_time(line, "queued_at", &fingerprint->queued_at);
    put_time(line, "started_at", &fingerprint->started_at);
    put_time(line, "last_updated_at", &fingerprint->last_updated_at);
    buf_printf(line, ",\"version_number\":%" PRId64 ",\"force\":%s", fingerprint->version_number,
               row->force ? "true" : "false");
    put_string(line, "reason", row->reason);
    end_line(writing);
}

static int write_plan(struct writing *writing, const struct plan_file_plan *plan, struct err *err)
{
    struct buf *line = &writing->line;
    struct row_source source;
    struct plan_row row;
    int result;
    buf_text(line, "{\"event\":\"plan\"");
    put_string(line, "policy", plan->header.policy);
    put_string(line, "policy_sha256", plan->header.policy_sha256);
    put_string(line, "target", plan->header.target);
    put_string(line, "account", plan->header.account);
    put_string(line, "region", plan->header.region);
    put_moment(line, "planned_at", plan->header.started_ms);
    buf_printf(line, ",\"listed\":%" PRId64 ",\"remaining\":%" PRId64 ",\"rows\":%" PRId64, plan->listed,
               plan->remaining, spool_count(plan->rows));
    end_line(writing);
    spool_source(plan->rows, &source);
    while ((result = source.next(source.ctx, &row, err)) > 0 && !ferror(writing->to)) {
        write_row(writing, &row);
    }
    return result < 0 ? -1 : 0;
}

static int write_all(struct writing *writing, struct plan_file *file, struct err *err)
{
    write_head(writing, file);
    for (size_t i = 0; i < file->count; i++) {
        if (write_plan(writing, &file->plans[i], err) != 0) {
            return -1;
        }
    }
    crypto_hex(writing->chain.hash, sizeof writing->chain.hash, file->sha256);
    buf_printf(&writing->line, "{\"event\":\"end\",\"plans\":%zu,\"rows\":%" PRId64, file->count,
               all_rows(file));
    put_string(&writing->line, "sha256", file->sha256);
    end_line(writing);
    return 0;
}

static int failed(const char *path, struct err *err)
{
    enum err_code code = errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION
                         : errno == ENOENT                                   ? ERR_NOT_FOUND
                                                                             : ERR_IO;
    return err_set(err, code, "%s: %s", path, err_errno(errno));
}

static int sync_folder(const char *path, struct err *err)
{
    char copy[PATH_MAX];
    text_copy(copy, sizeof copy, path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL) ? 0 : failed(path, err);
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static int write_to(int fd, struct plan_file *file, const char *path, struct err *err)
{
    struct writing writing = {.to = fdopen(fd, "w")};
    if (writing.to == NULL) {
        close(fd);
        return failed(path, err);
    }
    buf_init(&writing.line, LINE_MAX_BYTES);
    int result = write_all(&writing, file, err);
    buf_finish(&writing.line);
    bool synced = fflush(writing.to) == 0 && !ferror(writing.to) && fsync(fd) == 0;
    int why = errno;
    bool closed = fclose(writing.to) == 0;
    if (result == 0 && (!synced || !closed)) {
        errno = synced ? errno : why;
        return failed(path, err);
    }
    return result;
}

int plan_file_write(struct plan_file *file, const char *path, struct err *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return err_set(err, ERR_TOO_BIG, "the path of the plan is over %zu bytes", sizeof temporary - 8);
    }
    int fd = mkostemp(temporary, O_CLOEXEC); /* with mode 0600 */
    if (fd < 0) {
        return failed(path, err);
    }
    int result = write_to(fd, file, path, err);
    if (result == 0 && rename(temporary, path) != 0) {
        result = failed(path, err);
    }
    if (result == 0) {
        return sync_folder(path, err);
    }
    unlink(temporary);
    return -1;
}

/* --- reading ------------------------------------------------------------------------------------------- */

struct reading {
    const char *path;
    struct plan_file *file;
    struct err *err;
    struct input input;
    struct buf text;
    int64_t line;
    struct chain chain;
    int64_t plans, rows;             /* that the head promises */
    int64_t plan_rows;               /* that the present plan promises */
    const struct json_value *object; /* of the line */
    bool ended;
};

static int refuse(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct reading *reading, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(reading->err, ERR_SYNTAX, "%s:%lld: %s", reading->path, (long long)reading->line, text);
}

static int get_string(const struct reading *reading, const char *key, char *to, size_t size)
{
    const char *text = json_string(json_get(reading->object, key));
    if (text == NULL || !text_copy(to, size, text)) {
        return refuse(reading, "\"%s\" is missing, no string, or too long", key);
    }
    return 0;
}

static int get_number(const struct reading *reading, const char *key, int64_t min, int64_t *number)
{
    if (!json_int64(json_get(reading->object, key), number) || *number < min) {
        return refuse(reading, "\"%s\" is missing, or no whole number from %lld on", key, (long long)min);
    }
    return 0;
}

/* Sums and hundredfolds of these must not overflow, whoever wrote the file. */
static int get_count(const struct reading *reading, const char *key, int64_t *number)
{
    if (!json_int64(json_get(reading->object, key), number) || *number < 0 || *number > COUNT_MAX) {
        return refuse(reading, "\"%s\" is missing, or no whole number from 0 to %lld", key,
                      (long long)COUNT_MAX);
    }
    return 0;
}

static int get_moment(const struct reading *reading, const char *key, int64_t *ms)
{
    char text[32];
    struct err ignored;
    if (get_string(reading, key, text, sizeof text) != 0) {
        return -1;
    }
    return time_parse_rfc3339(text, ms, &ignored) == 0 ? 0 : refuse(reading, "\"%s\" is no time", key);
}

/* Absent or null is a time that is not there. */
static int get_time(const struct reading *reading, const char *key, struct timestamp *time)
{
    const struct json_value *value = json_get(reading->object, key);
    const char *text = json_number(value);
    *time = (struct timestamp){0};
    if (value == NULL || (text != NULL && timestamp_parse(text, time))) {
        return 0;
    }
    return refuse(reading, "\"%s\" is no time", key);
}

static int read_head(struct reading *reading)
{
    int64_t version;
    if (!json_int64(json_get(reading->object, "jobsweep_plan"), &version)) {
        return refuse(reading, "this is no plan of jobsweep");
    }
    if (version != VERSION) {
        return refuse(reading, "a plan of version %lld; this program knows %d", (long long)version, VERSION);
    }
    return get_moment(reading, "created_at", &reading->file->created_ms) != 0 ||
                   get_moment(reading, "expires_at", &reading->file->expires_ms) != 0 ||
                   get_count(reading, "plans", &reading->plans) != 0 ||
                   get_count(reading, "rows", &reading->rows) != 0
               ? -1
               : 0;
}

/* Whether the plan before is as long as it says. */
static int end_plan(const struct reading *reading)
{
    const struct plan_file *file = reading->file;
    int64_t rows = file->count > 0 ? spool_count(file->plans[file->count - 1].rows) : 0;
    return file->count == 0 || rows == reading->plan_rows
               ? 0
               : refuse(reading, "the plan before has %lld rows, and says %lld", (long long)rows,
                        (long long)reading->plan_rows);
}

static int begin_plan(struct reading *reading)
{
    if (end_plan(reading) != 0) {
        return -1;
    }
    if (reading->file->count == PLAN_FILE_PLANS_MAX) {
        return refuse(reading, "more than %d plans", PLAN_FILE_PLANS_MAX);
    }
    struct plan_file_plan *plan = plan_file_add(reading->file);
    struct run_header *header = &plan->header;
    if (get_string(reading, "policy", header->policy, sizeof header->policy) != 0 ||
        get_string(reading, "policy_sha256", header->policy_sha256, sizeof header->policy_sha256) != 0 ||
        get_string(reading, "target", header->target, sizeof header->target) != 0 ||
        get_string(reading, "account", header->account, sizeof header->account) != 0 ||
        get_string(reading, "region", header->region, sizeof header->region) != 0 ||
        get_moment(reading, "planned_at", &header->started_ms) != 0 ||
        get_count(reading, "listed", &plan->listed) != 0 ||
        get_count(reading, "remaining", &plan->remaining) != 0) {
        return -1;
    }
    return get_count(reading, "rows", &reading->plan_rows);
}

static int read_fingerprint(const struct reading *reading, struct fingerprint *fingerprint)
{
    char status[32];
    if (get_string(reading, "status", status, sizeof status) != 0 ||
        get_time(reading, "queued_at", &fingerprint->queued_at) != 0 ||
        get_time(reading, "started_at", &fingerprint->started_at) != 0 ||
        get_time(reading, "last_updated_at", &fingerprint->last_updated_at) != 0 ||
        get_number(reading, "version_number", 0, &fingerprint->version_number) != 0) {
        return -1;
    }
    fingerprint->status = execution_status_parse(status);
    return fingerprint->status != EXECUTION_UNKNOWN ? 0 : refuse(reading, "no status \"%s\"", status);
}

static int read_row(struct reading *reading)
{
    struct plan_row row = {0};
    struct job_execution *execution = &row.execution;
    struct plan_file *file = reading->file;
    if (file->count == 0) {
        return refuse(reading, "a row before the first plan");
    }
    if (get_string(reading, "job_id", execution->job_id, sizeof execution->job_id) != 0 ||
        get_string(reading, "thing_name", execution->thing_name, sizeof execution->thing_name) != 0 ||
        get_number(reading, "execution_number", 1, &execution->number) != 0 ||
        read_fingerprint(reading, &execution->fingerprint) != 0 ||
        get_string(reading, "reason", row.reason, sizeof row.reason) != 0) {
        return -1;
    }
    if (!job_id_valid(execution->job_id) || !thing_name_valid(execution->thing_name)) {
        return refuse(reading, "a job or a thing of such a name cannot be");
    }
    if (!json_truth(json_get(reading->object, "force"), &row.force)) {
        return refuse(reading, "\"force\" is neither true nor false");
    }
    return spool_add(file->plans[file->count - 1].rows, &row, reading->err);
}

static int read_end(struct reading *reading, const char sha256[65])
{
    struct plan_file *file = reading->file;
    int64_t plans, rows;
    reading->ended = true;
    if (end_plan(reading) != 0 || get_count(reading, "plans", &plans) != 0 ||
        get_count(reading, "rows", &rows) != 0 ||
        get_string(reading, "sha256", file->sha256, sizeof file->sha256) != 0) {
        return -1;
    }
    if (strcmp(file->sha256, sha256) != 0) {
        return refuse(reading, "the digest of the lines before is %s", sha256);
    }
    if (plans != reading->plans || rows != reading->rows || (int64_t)file->count != plans ||
        all_rows(file) != rows) {
        return refuse(reading, "the head and the end of the file, or its lines, differ in their counts");
    }
    return 0;
}

static int read_object(struct reading *reading, const char sha256[65])
{
    const char *event = json_string(json_get(reading->object, "event"));
    if (reading->line == 1) {
        return read_head(reading);
    }
    if (reading->ended) {
        return refuse(reading, "a line behind the end");
    }
    if (event != NULL && strcmp(event, "row") == 0) {
        return read_row(reading);
    }
    if (event != NULL && strcmp(event, "plan") == 0) {
        return begin_plan(reading);
    }
    if (event != NULL && strcmp(event, "end") == 0) {
        return read_end(reading, sha256);
    }
    return refuse(reading, "neither a plan, a row nor the end");
}

/* Compares the line's sum, and takes it off. */
static int check_sum(struct reading *reading, size_t *length)
{
    static const char key[] = ",\"sum\":\"";
    char sum[SUM_DIGITS + 1];
    const size_t tail = sizeof key - 1 + SUM_DIGITS + 2; /* and "} */
    const char *text = buf_string(&reading->text);
    *length = reading->text.length;
    if (*length < tail || memcmp(text + *length - tail, key, sizeof key - 1) != 0) {
        return refuse(reading, reading->line == 1 ? "this is no plan of jobsweep"
                                                  : "the line has no sum at its end: it was cut or changed");
    }
    *length -= tail;
    chain_line(&reading->chain, text, *length, sum);
    if (memcmp(text + *length + sizeof key - 1, sum, SUM_DIGITS) != 0) {
        return refuse(reading, "this line, or its place, is not as it was written");
    }
    return 0;
}

static int read_line(struct reading *reading)
{
    char sha256[2 * CRYPTO_SHA256_BYTES + 1];
    size_t length;
    struct err why;
    crypto_hex(reading->chain.hash, sizeof reading->chain.hash, sha256);
    if (check_sum(reading, &length) != 0) {
        return -1;
    }
    struct json_doc *doc = json_parse(buf_string(&reading->text), reading->text.length, &why);
    if (doc == NULL) {
        return refuse(reading, "%s", why.msg);
    }
    reading->object = json_root(doc);
    int result = read_object(reading, sha256);
    json_free(doc);
    return result;
}

/* 1: a line; 0: the end. */
static int take_line(struct reading *reading)
{
    buf_reset(&reading->text);
    reading->line = reading->input.line;
    while (input_peek(&reading->input) != '\n') {
        int byte = input_next(&reading->input);
        if (byte == INPUT_END && reading->input.error != 0) {
            errno = reading->input.error;
            return failed(reading->path, reading->err);
        }
        if (byte == INPUT_END) {
            return reading->text.length == 0 ? 0 : refuse(reading, "the file ends inside of this line");
        }
        buf_char(&reading->text, (char)byte);
    }
    input_next(&reading->input);
    return reading->text.overflow ? refuse(reading, "the line is over %d bytes", LINE_MAX_BYTES) : 1;
}

static ssize_t read_fd(void *ctx, char *bytes, size_t size)
{
    return read(*(const int *)ctx, bytes, size);
}

static int read_lines(struct reading *reading)
{
    int result;
    while ((result = take_line(reading)) > 0) {
        if (read_line(reading) != 0) {
            return -1;
        }
    }
    if (result < 0 || reading->ended) {
        return result;
    }
    return reading->line == 1 ? refuse(reading, "the file is empty")
                              : refuse(reading, "the file ends here, %lld of %lld rows are there",
                                       (long long)all_rows(reading->file), (long long)reading->rows);
}

int plan_file_read(struct plan_file *file, const char *path, struct err *err)
{
    struct source source;
    if (source_open(&source, AT_FDCWD, path, err) != 0) {
        return err_context(err, "%s", path);
    }
    struct reading *reading = mem_zalloc(sizeof *reading);
    reading->path = path;
    reading->file = file;
    reading->err = err;
    input_init(&reading->input, read_fd, &source.fd);
    buf_init(&reading->text, LINE_MAX_BYTES);
    int result = read_lines(reading);
    buf_finish(&reading->text);
    free(reading);
    if (source_close(&source, result == 0 ? err : NULL) != 0 && result == 0) {
        result = err_context(err, "%s", path);
    }
    return result;
}
