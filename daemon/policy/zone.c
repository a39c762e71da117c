/* See policy/zone.h. */
#include "policy/zone.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX  (64u * 1024)
#define NAME_MAX_BYTES  64
#define TRANSITIONS_MAX 4096
#define TYPES_MAX       256
#define HEADER_BYTES    44
#define TYPE_BYTES      6
#define HOUR_SECONDS    3600
#define DAY_SECONDS     86400

/* When a clock is set, by the rule of a zone: the form "Mm.w.d", "Jn" or "n", and a time of day. */
struct change {
    enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } form;
    int month, week, day; /* day: of the week, or of the year */
    int64_t second;       /* of local time; may be negative, or of a later day */
};

/* A POSIX TZ rule as RFC 8536 3.3 has it, such as CET-1CEST,M3.5.0,M10.5.0/3. */
struct rule {
    int64_t standard, daylight; /* seconds to add to UTC */
    bool changes;
    struct change begin, end; /* of daylight saving time */
};

struct zone {
    size_t count;
    int64_t *moments; /* seconds, rising: from here on offsets[i] counts */
    int64_t *offsets; /* seconds */
    int64_t before;   /* the offset ahead of the first */
    bool has_rule;    /* for what comes behind the last */
    struct rule rule;
};

/* --- the rule at the end ------------------------------------------------------------------------------- */

static bool skip_name(const char **at)
{
    const char *from = *at;
    if (**at == '<') {
        const char *end = strchr(*at, '>');
        *at = end != NULL ? end + 1 : *at;
        return end != NULL;
    }
    while (isalpha((unsigned char)**at)) {
        (*at)++;
    }
    return *at - from >= 3;
}

static bool read_number(const char **at, int max, int *number)
{
    *number = 0;
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    for (; isdigit((unsigned char)**at); (*at)++) {
        *number = *number * 10 + (**at - '0');
        if (*number > max) {
            return false;
        }
    }
    return true;
}

static bool take(const char **at, char c)
{
    bool there = **at == c;
    *at += there;
    return there;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_time(const char **at, int64_t *seconds)
{
    int hours, minutes = 0, rest = 0;
    bool negative = take(at, '-');
    if (!negative) {
        take(at, '+');
    }
    if (!read_number(at, 167, &hours) || (take(at, ':') && !read_number(at, 59, &minutes)) ||
        (take(at, ':') && !read_number(at, 59, &rest))) {
        return false;
    }
    *seconds = (int64_t)hours * HOUR_SECONDS + minutes * 60 + rest;
    *seconds = negative ? -*seconds : *seconds;
    return true;
}

static bool read_change(const char **at, struct change *change)
{
    *change = (struct change){.second = 2 * HOUR_SECONDS};
    if (take(at, 'M')) {
        change->form = CHANGE_MONTH;
        if (!read_number(at, 12, &change->month) || !take(at, '.') || !read_number(at, 5, &change->week) ||
            !take(at, '.') || !read_number(at, 6, &change->day) || change->month == 0 || change->week == 0) {
            return false;
        }
    } else {
        change->form = take(at, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
        if (!read_number(at, 365, &change->day)) {
            return false;
        }
    }
    return !take(at, '/') || read_time(at, &change->second);
}

static bool read_rule(const char *text, struct rule *rule)
{
    int64_t west;
    *rule = (struct rule){0};
    if (!skip_name(&text) || !read_time(&text, &west)) {
        return false;
    }
    rule->standard = -west;
    if (*text == '\0') {
        return true;
    }
    rule->changes = true;
    rule->daylight = rule->standard + HOUR_SECONDS;
    if (!skip_name(&text)) {
        return false;
    }
    if (*text != ',') {
        if (!read_time(&text, &west)) {
            return false;
        }
        rule->daylight = -west;
    }
    return take(&text, ',') && read_change(&text, &rule->begin) && take(&text, ',') &&
           read_change(&text, &rule->end) && *text == '\0';
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_seconds(int year, int month)
{
    struct time_civil civil = {.year = year, .month = month, .day = 1};
    return time_from_civil(&civil) / TIME_MS_PER_SECOND;
}

/* The moment of a change in a year, in seconds of the local time that it ends. */
static int64_t change_seconds(const struct change *change, int year)
{
    if (change->form != CHANGE_MONTH) {
        bool behind_leap_day = change->form == CHANGE_JULIAN && leap(year) && change->day >= 60;
        int day = change->form == CHANGE_JULIAN ? change->day - 1 + behind_leap_day : change->day;
        return month_seconds(year, 1) + day * (int64_t)DAY_SECONDS + change->second;
    }
    int64_t first = month_seconds(year, change->month);
    int64_t next = change->month == 12 ? month_seconds(year + 1, 1) : month_seconds(year, change->month + 1);
    struct time_civil civil;
    time_to_civil(first * TIME_MS_PER_SECOND, &civil);
    int64_t day = first + ((change->day - civil.weekday + 7) % 7 + 7 * (change->week - 1)) * DAY_SECONDS;
    while (day >= next) { /* week 5 is the last one */
        day -= 7 * DAY_SECONDS;
    }
    return day + change->second;
}

static int64_t rule_offset(const struct rule *rule, int64_t second)
{
    struct time_civil civil;
    if (!rule->changes) {
        return rule->standard;
    }
    time_to_civil((second + rule->standard) * TIME_MS_PER_SECOND, &civil);
    int64_t begin = change_seconds(&rule->begin, civil.year) - rule->standard;
    int64_t end = change_seconds(&rule->end, civil.year) - rule->daylight;
    bool summer =
        begin < end ? second >= begin && second < end : second >= begin || second < end; /* the south */
    return summer ? rule->daylight : rule->standard;
}

/* --- the file ------------------------------------------------------------------------------------------ */

struct header {
    uint32_t utc_flags, standard_flags, leaps, moments, types, letters;
};

static int64_t big_endian(const unsigned char *bytes, int size)
{
    uint64_t value = size == 4 && (bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (int i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

static bool read_header(const unsigned char *bytes, size_t length, struct header *header)
{
    uint32_t numbers[6];
    if (length < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        numbers[i] = (uint32_t)big_endian(bytes + 20 + 4 * i, 4);
    }
    *header = (struct header){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
    return header->moments <= TRANSITIONS_MAX && header->types >= 1 && header->types <= TYPES_MAX &&
           header->letters <= FILE_BYTES_MAX && header->leaps <= TRANSITIONS_MAX &&
           header->utc_flags <= TYPES_MAX && header->standard_flags <= TYPES_MAX;
}

static size_t block_bytes(const struct header *header, size_t time_bytes)
{
    return header->moments * (time_bytes + 1) + header->types * TYPE_BYTES + header->letters +
           header->leaps * (time_bytes + 4) + header->standard_flags + header->utc_flags;
}

/* The second block: 64-bit times. */
static bool read_block(const unsigned char *bytes, const struct header *header, struct zone *zone)
{
    const unsigned char *indexes = bytes + 8 * (size_t)header->moments;
    const unsigned char *types = indexes + header->moments;
    zone->count = header->moments;
    zone->moments = mem_calloc(zone->count + 1, sizeof *zone->moments);
    zone->offsets = mem_calloc(zone->count + 1, sizeof *zone->offsets);
    zone->before = big_endian(types, 4);
    for (size_t i = 0; i < zone->count; i++) {
        zone->moments[i] = big_endian(bytes + 8 * i, 8);
        if (indexes[i] >= header->types || (i > 0 && zone->moments[i] <= zone->moments[i - 1])) {
            return false;
        }
        zone->offsets[i] = big_endian(types + TYPE_BYTES * (size_t)indexes[i], 4);
    }
    for (size_t i = 0; i < header->types; i++) {
        int64_t offset = big_endian(types + TYPE_BYTES * i, 4);
        if (offset < -2 * DAY_SECONDS || offset > 2 * DAY_SECONDS) {
            return false;
        }
    }
    return true;
}

/* "\nRULE\n" behind the second block; nothing between them: no rule. */
static bool read_footer(const unsigned char *bytes, size_t length, struct zone *zone)
{
    char text[128];
    const unsigned char *end = length > 1 ? memchr(bytes + 1, '\n', length - 1) : NULL;
    size_t size = end != NULL ? (size_t)(end - bytes) - 1 : sizeof text;
    if (size >= sizeof text || bytes[0] != '\n') {
        return false;
    }
    memcpy(text, bytes + 1, size);
    text[size] = '\0';
    zone->has_rule = size > 0;
    return size == 0 || read_rule(text, &zone->rule);
}

static bool read_all(const unsigned char *bytes, size_t length, struct zone *zone)
{
    struct header header;
    if (!read_header(bytes, length, &header) || bytes[4] < '2') {
        return false;
    }
    size_t first = HEADER_BYTES + block_bytes(&header, 4);
    if (first > length || !read_header(bytes + first, length - first, &header)) {
        return false;
    }
    size_t block = first + HEADER_BYTES, footer = block + block_bytes(&header, 8);
    return footer < length && read_block(bytes + block, &header, zone) &&
           read_footer(bytes + footer, length - footer, zone);
}

int zone_parse(const void *bytes, size_t length, struct zone **zone, struct err *err)
{
    struct zone *read = mem_zalloc(sizeof *read);
    if (!read_all(bytes, length, read)) {
        zone_destroy(read);
        return err_set(err, ERR_SYNTAX, "is no compiled time zone of version 2 or later");
    }
    *zone = read;
    return 0;
}

/* Parts of letters, digits and "_+-", joined by '/': nothing that leads out of the folder. */
static bool name_valid(const char *name)
{
    size_t length = strlen(name);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    return length > 0 && length <= NAME_MAX_BYTES && strspn(name, letters) == length && name[0] != '/' &&
           name[length - 1] != '/' && strstr(name, "//") == NULL;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
    char chunk[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                       strerror(errno));
    }
    while ((got = read(fd, chunk, sizeof chunk)) > 0 && buf_append(out, chunk, (size_t)got)) {
    }
    int code = errno;
    close(fd);
    return got == 0 ? 0 : err_set(err, ERR_IO, "%s: %s", path, got < 0 ? strerror(code) : "is too large");
}

int zone_load(const char *name, struct zone **zone, struct err *err)
{
    struct buf path, content;
    *zone = NULL;
    if (strcmp(name, "UTC") == 0) {
        return 0;
    }
    if (!name_valid(name)) {
        return err_set(err, ERR_INVALID, "'%.64s' is no time zone such as Europe/Berlin", name);
    }
    buf_init(&path, 256);
    buf_init(&content, FILE_BYTES_MAX);
    buf_printf(&path, ZONE_FOLDER "/%s", name);
    int result = read_file(buf_string(&path), &content, err);
    if (result != 0 && err->code == ERR_NOT_FOUND) {
        err_set(err, ERR_NOT_FOUND, "'%.64s' is no time zone that this machine knows: there is no %s%s", name,
                buf_string(&path), access(ZONE_FOLDER, F_OK) == 0 ? "" : " (is tzdata installed?)");
    } else if (result == 0 && (result = zone_parse(buf_string(&content), content.length, zone, err)) != 0) {
        err_context(err, "%s", buf_string(&path));
    }
    buf_finish(&content);
    buf_finish(&path);
    return result;
}

void zone_destroy(struct zone *zone)
{
    if (zone != NULL) {
        free(zone->moments);
        free(zone->offsets);
    }
    free(zone);
}

/* --- asking -------------------------------------------------------------------------------------------- */

/* How many of the moments lie at or before the second. */
static size_t passed(const struct zone *zone, int64_t second)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->moments[middle] <= second) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t zone_offset_ms(const struct zone *zone, int64_t utc_ms)
{
    if (zone == NULL) {
        return 0;
    }
    int64_t second = utc_ms / TIME_MS_PER_SECOND - (utc_ms % TIME_MS_PER_SECOND < 0);
    size_t count = passed(zone, second);
    int64_t offset = count == 0 ? zone->before : zone->offsets[count - 1];
    if (count == zone->count && zone->has_rule) {
        offset = rule_offset(&zone->rule, second);
    }
    return offset * TIME_MS_PER_SECOND;
}

int64_t zone_to_utc(const struct zone *zone, int64_t local_ms)
{
    /* No zone is further off, and none changes twice within so short a time. */
    int64_t earlier = zone_offset_ms(zone, local_ms - TIME_MS_PER_DAY);
    int64_t later = zone_offset_ms(zone, local_ms + TIME_MS_PER_DAY);
    int64_t first = local_ms - (earlier > later ? earlier : later);
    int64_t second = local_ms - (earlier > later ? later : earlier);
    if (first + zone_offset_ms(zone, first) == local_ms) {
        return first;
    }
    return second + zone_offset_ms(zone, second) == local_ms ? second : local_ms - earlier;
}
