/* See policy/values.h: single values. */
#include "policy/values.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/endpoint.h"
#include "policy/placeholders.h"
#include "policy/zone.h"

#include <stdlib.h>
#include <string.h>

#define PATH_BYTES_MAX 1024

/* --- parts that have no value of their own --- */

const struct value_type value_map = {.wanted = "a map", .kind = NODE_MAP, .nested = true};
const struct value_type value_defaults = {.wanted = "a map of a policy's keys", .kind = NODE_MAP};
const struct value_type value_targets = {.wanted = "a map of targets by name", .kind = NODE_MAP};
const struct value_type value_policies = {.wanted = "a list of policies, each '- name: ...'",
                                          .kind = NODE_LIST};
const struct value_type value_later = {.wanted = "left out"};

/* --- texts --- */

void *value_field(const struct schema_row *row, void *object)
{
    return (char *)object + row->offset;
}

const void *value_seen(const struct schema_row *row, const void *object)
{
    return (const char *)object + row->offset;
}

bool value_item_fits(const struct reader *reader, const struct schema_row *row, const struct yaml_node *item)
{
    if (item->kind != NODE_VALUE || yaml_is_null(item)) {
        reader_error(reader, item, "each item of '%s' must be a single value", row->path);
        return false;
    }
    return true;
}

static void replace_text(char **to, const char *text)
{
    free(*to);
    *to = mem_strdup(text);
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static void read_text(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    int64_t length = (int64_t)strlen(node->text);
    if (length < row->min || length > row->max || has_control(node->text)) {
        reader_error(reader, node, "'%s' must be %lld to %lld bytes on one line", row->path,
                     (long long)row->min, (long long)row->max);
        return;
    }
    replace_text(value_field(row, object), node->text);
}

static void read_path(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    if (node->text[0] != '/' || strlen(node->text) > PATH_BYTES_MAX || has_control(node->text)) {
        reader_error(reader, node, "'%s' must be a path that begins with '/', not '%.64s'", row->path,
                     node->text);
        return;
    }
    replace_text(value_field(row, object), node->text);
}

/* Without '/' at its end, which would follow a link that stands there. */
static void read_folder(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    int64_t length = (int64_t)strlen(node->text);
    if (node->text[0] != '/' || length < 2 || length > row->max || node->text[length - 1] == '/' ||
        has_control(node->text)) {
        reader_error(reader, node,
                     "'%s' must be a directory's path: from '/' on, without '/' at its end, of at most %lld "
                     "bytes, not '%.64s'",
                     row->path, (long long)row->max, node->text);
        return;
    }
    replace_text(value_field(row, object), node->text);
}

static void read_socket(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    size_t length = strlen(node->text);
    if (strcmp(node->text, SOCKET_NONE) == 0) {
        replace_text(value_field(row, object), node->text);
    } else if ((int64_t)length > row->max) {
        reader_error(reader, node, "'%s' has %zu bytes: the path of a socket has %lld at most", row->path,
                     length, (long long)row->max);
    } else if (length > 0 && node->text[length - 1] == '/') {
        reader_error(reader, node, "'%s' must be the path of a socket, not of a folder", row->path);
    } else {
        read_path(reader, row, node, object);
    }
}

static void read_endpoint(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *node, void *object)
{
    struct err err;
    bool loopback;
    if (placeholders_in(node->text)) { /* checked where they are filled in */
        replace_text(value_field(row, object), node->text);
        return;
    }
    if ((int64_t)strlen(node->text) > row->max || endpoint_check(node->text, &loopback, &err) != 0) {
        reader_error(reader, node, "'%s': %s", row->path,
                     (int64_t)strlen(node->text) > row->max ? "too long" : err.msg);
        return;
    }
    replace_text(value_field(row, object), node->text);
}

void value_print_text(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out)
{
    (void)config;
    const char *const *text = value_seen(row, object);
    if (*text != NULL && **text != '\0') {
        text_json(out, *text);
    } else {
        buf_text(out, "null");
    }
}

const struct value_type value_role = {
    .wanted = "the ARN of a role", .kind = NODE_VALUE, .read = read_text, .print = value_print_text};
const struct value_type value_text = {
    .wanted = "a text", .kind = NODE_VALUE, .read = read_text, .print = value_print_text};
const struct value_type value_path = {.wanted = "a path that begins with '/'",
                                      .kind = NODE_VALUE,
                                      .read = read_path,
                                      .print = value_print_text};
const struct value_type value_folder = {.wanted = "a path that begins with '/'",
                                        .kind = NODE_VALUE,
                                        .read = read_folder,
                                        .print = value_print_text};
const struct value_type value_socket = {.wanted = "a path that begins with '/', or none",
                                        .kind = NODE_VALUE,
                                        .read = read_socket,
                                        .print = value_print_text};
const struct value_type value_endpoint = {.wanted = "a URL such as https://host:8443",
                                          .kind = NODE_VALUE,
                                          .read = read_endpoint,
                                          .print = value_print_text};

/* --- names: arrays of characters, "" when not given --- */

bool value_name_valid(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t length = strspn(text, allowed);
    return length > 0 && length <= POLICY_NAME_MAX && text[length] == '\0' && strchr("_-.", text[0]) == NULL;
}

static void read_name(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    if (!value_name_valid(node->text)) {
        reader_error(
            reader, node,
            "'%s' must be 1 to %d letters, digits, '_', '-' or '.', the first a letter or digit, not '%.80s'",
            row->path, POLICY_NAME_MAX, node->text);
        return;
    }
    text_copy(value_field(row, object), POLICY_NAME_MAX + 1, node->text);
}

void value_print_name(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out)
{
    (void)config;
    const char *text = value_seen(row, object);
    if (*text != '\0') {
        text_json(out, text);
    } else {
        buf_text(out, "null");
    }
}

const struct value_type value_name = {
    .wanted = "a name", .kind = NODE_VALUE, .read = read_name, .print = value_print_name};

/* --- numbers --- */

/* A quoted number is a text: whoever writes one means something else, or another program wrote the file. */
static bool number_in_range(const struct reader *reader, const struct schema_row *row,
                            const struct yaml_node *node, int64_t *number)
{
    char min[32], max[32];
    if (node->plain && text_int64(node->text, row->min, row->max, number)) {
        return true;
    }
    reader_error(reader, node, "'%s' must be a whole number from %s to %s, without quotes, not '%.64s'",
                 row->path, text_thousands(min, row->min), text_thousands(max, row->max), node->text);
    return false;
}

static void read_integer(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *node, void *object)
{
    number_in_range(reader, row, node, value_field(row, object));
}

static void print_integer(const struct config *config, const struct schema_row *row, const void *object,
                          struct buf *out)
{
    (void)config;
    buf_printf(out, "%lld", (long long)*(const int64_t *)value_seen(row, object));
}

static void read_int(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                     void *object)
{
    int64_t number;
    if (number_in_range(reader, row, node, &number)) {
        *(int *)value_field(row, object) = (int)number;
    }
}

static void print_int(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out)
{
    (void)config;
    buf_printf(out, "%d", *(const int *)value_seen(row, object));
}

static void read_version(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *node, void *object)
{
    (void)object;
    int64_t number;
    if (!node->plain || !text_int64(node->text, row->min, row->max, &number)) {
        reader_error(reader, node,
                     "'version' must be 1%s (this version of jobsweep reads no other), not '%.64s'",
                     node->plain ? "" : ", without quotes", node->text);
    }
}

bool value_thousandths(const char *text, int64_t *thousandths)
{
    size_t whole = strspn(text, "0123456789");
    size_t places = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    if (whole == 0 || whole > 7 || places > 3 || (text[whole] == '.' && places == 0) ||
        text[whole + places + (places > 0)] != '\0') {
        return false;
    }
    int64_t number = 0;
    for (size_t i = 0; i < whole; i++) {
        number = number * 10 + (text[i] - '0');
    }
    for (size_t i = 0; i < 3; i++) {
        number = number * 10 + (i < places ? text[whole + 1 + i] - '0' : 0);
    }
    *thousandths = number;
    return number <= INT64_C(1000000000);
}

static void read_share(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *node, void *object)
{
    int64_t permille;
    struct target *target = object;
    if (strcmp(node->text, "neighbour") == 0 || strcmp(node->text, "exclusive") == 0) {
        *(int *)value_field(row, object) = 995;
        target->exclusive = node->text[0] == 'e';
    } else if (node->plain && value_thousandths(node->text, &permille) && permille >= row->min &&
               permille <= row->max) {
        *(int *)value_field(row, object) = (int)permille;
    } else {
        reader_error(reader, node,
                     "'%s' must be neighbour, exclusive or a number from 0.01 to 1.0, not '%.64s'", row->path,
                     node->text);
    }
}

static void print_share(const struct config *config, const struct schema_row *row, const void *object,
                        struct buf *out)
{
    (void)config;
    int permille = *(const int *)value_seen(row, object);
    if (((const struct target *)object)->exclusive) {
        buf_text(out, "\"exclusive\"");
    } else {
        buf_printf(out, "%d.%03d", permille / 1000, permille % 1000);
    }
}

static void read_duration(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *node, void *object)
{
    struct err err;
    int64_t ms;
    char min[48], max[48];
    if (time_parse_duration(node->text, &ms, &err) != 0) {
        reader_error(reader, node, "'%s': %s", row->path, err.msg);
    } else if (ms < row->min || ms > row->max) {
        reader_error(reader, node, "'%s' must be from %s to %s, not '%.64s'", row->path,
                     time_duration(row->min, min), time_duration(row->max, max), node->text);
    } else {
        *(int64_t *)value_field(row, object) = ms;
    }
}

static void print_duration(const struct config *config, const struct schema_row *row, const void *object,
                           struct buf *out)
{
    (void)config;
    char text[48];
    buf_printf(out, "\"%s\"", time_duration(*(const int64_t *)value_seen(row, object), text));
}

const struct value_type value_version = {.wanted = "the number 1", .kind = NODE_VALUE, .read = read_version};
const struct value_type value_integer = {
    .wanted = "a whole number", .kind = NODE_VALUE, .read = read_integer, .print = print_integer};
const struct value_type value_int = {
    .wanted = "a whole number", .kind = NODE_VALUE, .read = read_int, .print = print_int};
const struct value_type value_share = {.wanted = "neighbour, exclusive or a number from 0.01 to 1.0",
                                       .kind = NODE_VALUE,
                                       .read = read_share,
                                       .print = print_share};
const struct value_type value_duration = {
    .wanted = "a duration such as 30d", .kind = NODE_VALUE, .read = read_duration, .print = print_duration};

/* --- words --- */

static bool find_word(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      unsigned *index)
{
    for (*index = 0; row->words[*index] != NULL; (*index)++) {
        if (strcmp(node->text, row->words[*index]) == 0) {
            return true;
        }
    }
    reader_unknown(reader, node, row->path, row->words);
    return false;
}

static void read_word(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    unsigned index;
    if (find_word(reader, row, node, &index)) {
        *(unsigned *)value_field(row, object) = index;
    }
}

static void print_word(const struct config *config, const struct schema_row *row, const void *object,
                       struct buf *out)
{
    (void)config;
    text_json(out, row->words[*(const unsigned *)value_seen(row, object)]);
}

static void read_flag(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    unsigned index;
    if (find_word(reader, row, node, &index)) {
        *(bool *)value_field(row, object) = index == 1;
    }
}

static void print_flag(const struct config *config, const struct schema_row *row, const void *object,
                       struct buf *out)
{
    (void)config;
    text_json(out, row->words[*(const bool *)value_seen(row, object)]);
}

static void read_cron(const struct reader *reader, const struct schema_row *row, const struct yaml_node *node,
                      void *object)
{
    struct policy *policy = object;
    struct err err;
    if (cron_parse(node->text, &policy->cron, &err) != 0) {
        reader_error(reader, node, "'%s': %s", row->path, err.msg);
        return;
    }
    policy->scheduled = true;
    replace_text(&policy->cron_text, node->text);
}

static void print_cron(const struct config *config, const struct schema_row *row, const void *object,
                       struct buf *out)
{
    (void)config;
    (void)row;
    const struct policy *policy = object;
    if (policy->scheduled) {
        text_json(out, policy->cron_text);
    } else {
        buf_text(out, "null");
    }
}

/* "HH:MM"; the character behind it must be `end`. */
static bool read_clock(const char *text, char end, int *minute)
{
    static const char form[] = "dd:dd";
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i]) {
            return false;
        }
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    *minute = hours * 60 + minutes;
    return text[sizeof form - 1] == end && hours < 24 && minutes < 60;
}

static void read_window(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    struct window window;
    if (!read_clock(node->text, '-', &window.begin) || !read_clock(node->text + 6, '\0', &window.end) ||
        window.begin == window.end) {
        reader_error(reader, node,
                     "'%s' must be two different times of day such as \"01:00-05:00\", not '%.64s'",
                     row->path, node->text);
        return;
    }
    *(struct window *)value_field(row, object) = window;
}

static void print_window(const struct config *config, const struct schema_row *row, const void *object,
                         struct buf *out)
{
    (void)config;
    const struct window *window = value_seen(row, object);
    if (window->begin == window->end) {
        buf_text(out, "null");
        return;
    }
    buf_printf(out, "\"%02d:%02d-%02d:%02d\"", window->begin / 60, window->begin % 60, window->end / 60,
               window->end % 60);
}

static void read_timezone(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *node, void *object)
{
    struct policy *policy = object;
    struct zone *zone = NULL;
    struct err err;
    if (zone_load(node->text, &zone, &err) != 0) {
        reader_error(reader, node, "'%s': %s", row->path, err.msg);
        return;
    }
    zone_destroy(policy->zone);
    policy->zone = zone;
    replace_text(&policy->timezone, node->text);
}

static void read_moment(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    struct err err;
    int64_t ms;
    if (time_parse_rfc3339(node->text, &ms, &err) != 0 || ms <= 0) {
        reader_error(reader, node, "'%s' must be a moment such as 2027-01-01T00:00:00Z, not '%.64s'",
                     row->path, node->text);
        return;
    }
    *(int64_t *)value_field(row, object) = ms;
}

static void print_moment(const struct config *config, const struct schema_row *row, const void *object,
                         struct buf *out)
{
    (void)config;
    char text[21];
    int64_t ms = *(const int64_t *)value_seen(row, object);
    if (ms == 0) {
        buf_text(out, "null");
        return;
    }
    time_rfc3339(ms, text);
    buf_printf(out, "\"%s\"", text);
}

const struct value_type value_window = {.wanted = "two times of day such as \"01:00-05:00\"",
                                        .kind = NODE_VALUE,
                                        .read = read_window,
                                        .print = print_window};
const struct value_type value_timezone = {.wanted = "a time zone such as Europe/Berlin",
                                          .kind = NODE_VALUE,
                                          .read = read_timezone,
                                          .print = value_print_text};
const struct value_type value_moment = {.wanted = "a moment such as 2027-01-01T00:00:00Z",
                                        .kind = NODE_VALUE,
                                        .read = read_moment,
                                        .print = print_moment};
const struct value_type value_word = {
    .wanted = "a word", .kind = NODE_VALUE, .read = read_word, .print = print_word};
const struct value_type value_flag = {
    .wanted = "a word", .kind = NODE_VALUE, .read = read_flag, .print = print_flag};
const struct value_type value_cron = {.wanted = "a cron expression such as \"15 2 * * *\"",
                                      .kind = NODE_VALUE,
                                      .read = read_cron,
                                      .print = print_cron};
