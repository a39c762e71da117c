/* See app/aws_failure.h. */
#include "app/aws_failure.h"

#include "app/plain_yaml.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME      "jobsweep: [ERROR]:"
#define OPERATION "DeleteJobExecution"

const char AWS_FAILURE_USAGE[] =
    "usage: jobsweep [options] delete-job-execution --job-id <value> --thing-name <value> --execution-number "
    "<value> [parameters]\n"
    "To see help text, you can run:\n"
    "\n"
    "  jobsweep delete-job-execution help\n"
    "  man jobsweep-delete-job-execution\n";

const char *const AWS_ERROR_FORMATS[] = {"legacy", "json", "yaml", "text", "table", "enhanced", NULL};

enum aws_error_format aws_error_format_named(const char *name)
{
    static const enum aws_error_format formats[] = {AWS_ERROR_LEGACY, AWS_ERROR_JSON,  AWS_ERROR_YAML,
                                                    AWS_ERROR_TEXT,   AWS_ERROR_TABLE, AWS_ERROR_ENHANCED};
    for (size_t i = 0; name != NULL && AWS_ERROR_FORMATS[i] != NULL; i++) {
        if (strcasecmp(name, AWS_ERROR_FORMATS[i]) == 0) {
            return formats[i];
        }
    }
    return AWS_ERROR_ENHANCED;
}

void aws_failure_init(struct aws_failure *failure)
{
    *failure = (struct aws_failure){.exit = EXIT_FINE};
    buf_init(&failure->message, AWS_FAILURE_TEXT_MAX);
    buf_init(&failure->original, AWS_FAILURE_TEXT_MAX);
}

void aws_failure_finish(struct aws_failure *failure)
{
    buf_finish(&failure->message);
    buf_finish(&failure->original);
}

/* --- what is wrong ---------------------------------------------------------------------------------------
 */

static void set(struct aws_failure *failure, enum aws_failure_kind kind, enum exit_status status,
                const char *code)
{
    failure->kind = kind;
    failure->exit = status;
    text_copy(failure->code, sizeof failure->code, code);
}

__attribute__((format(printf, 2, 0))) static void append(struct buf *out, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    buf_text(out, text);
}

bool aws_failure_parameters(struct aws_failure *failure, const char *format, ...)
{
    va_list args;
    set(failure, AWS_CODED, EXIT_AWS_PARAMETERS, "ParamValidation");
    va_start(args, format);
    append(&failure->message, format, args);
    va_end(args);
    return false;
}

bool aws_failure_other(struct aws_failure *failure, const char *format, ...)
{
    va_list args;
    set(failure, AWS_PLAIN, EXIT_AWS_OTHER, "");
    va_start(args, format);
    append(&failure->message, format, args);
    va_end(args);
    return false;
}

bool aws_failure_no_region(struct aws_failure *failure)
{
    set(failure, AWS_CODED, EXIT_AWS_CONFIGURATION, "NoRegion");
    buf_text(&failure->message,
             "You must specify a region. You can also configure your region by running \"aws configure\".");
    return false;
}

bool aws_failure_no_credentials(struct aws_failure *failure)
{
    set(failure, AWS_CODED, EXIT_AWS_CONFIGURATION, "NoCredentials");
    buf_text(&failure->message, "Unable to locate credentials. You can configure credentials by running "
                                "\"aws login\".");
    return false;
}

/* The errors that the service model declares for the operation: only these have a `message` of their own. */
static bool is_modelled(const char *code)
{
    static const char *const codes[] = {"InvalidRequestException", "InvalidStateTransitionException",
                                        "ResourceNotFoundException", "ServiceUnavailableException",
                                        "ThrottlingException"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

bool aws_failure_service(struct aws_failure *failure, const char *code, const char *message, int retries)
{
    set(failure, AWS_SERVICE, EXIT_AWS_SERVICE, code);
    failure->modelled = is_modelled(code);
    buf_text(&failure->original, message);
    buf_printf(&failure->message, "An error occurred (%s) when calling the " OPERATION " operation",
               failure->code);
    if (retries >= 0) {
        buf_printf(&failure->message, " (reached max retries: %d)", retries);
    }
    buf_printf(&failure->message, ": ");
    buf_text(&failure->message, message);
    return false;
}

/* --- telling it ------------------------------------------------------------------------------------------
 */

/* A line feed and a tab stay: sentences have them, and neither can forge anything but a line. */
static void visible(struct buf *out, const char *text, size_t length)
{
    size_t size;
    for (size_t at = 0; at < length; at += size) {
        char one[8] = "";
        uint32_t code;
        size = text_utf8_next(text + at, length - at, &code);
        size = size > 0 ? size : 1;
        memcpy(one, text + at, size);
        if (one[0] == '\n' || one[0] == '\t') {
            buf_char(out, one[0]);
        } else {
            text_visible(out, one);
        }
    }
}

/* As Python's str.strip() has it. */
static void sentence(struct buf *out, const char *before, const struct buf *message)
{
    const char *text = buf_string(message);
    size_t length = message->length;
    while (length > 0 && strchr(" \t\n\r\v\f", text[length - 1]) != NULL) {
        length--;
    }
    size_t skipped = before[0] == '\0' ? strspn(text, " \t\n\r\v\f") : 0;
    buf_text(out, "\n" NAME);
    if (length > skipped) {
        buf_printf(out, " %s", before);
        visible(out, text + skipped, length - skipped);
    }
    buf_char(out, '\n');
}

struct field {
    const char *name, *value;
};

/* In the order in which the AWS CLI has them, which only JSON shows. */
static size_t list_fields(const struct aws_failure *failure, const struct buf *text, struct field fields[3])
{
    const struct field code = {"Code", failure->code}, message = {"Message", buf_string(text)};
    bool generic = failure->kind != AWS_SERVICE || (failure->code[0] >= '0' && failure->code[0] <= '9');
    fields[0] = generic ? code : message;
    fields[1] = generic ? message : code;
    fields[2] = (struct field){"message", buf_string(text)};
    return failure->modelled ? 3 : 2;
}

static void sort_fields(struct field fields[3])
{
    if (strcmp(fields[0].name, fields[1].name) > 0) {
        const struct field first = fields[0];
        fields[0] = fields[1];
        fields[1] = first;
    }
}

static void render_json(const struct field *fields, size_t count, struct buf *out)
{
    buf_text(out, "{\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "    \"%s\": ", fields[i].name);
        text_json(out, fields[i].value);
        buf_text(out, i + 1 < count ? ",\n" : "\n");
    }
    buf_text(out, "}\n");
}

static void render_text(const struct field *fields, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i > 0 ? "\t" : "");
        visible(out, fields[i].value, strlen(fields[i].value));
    }
    buf_char(out, '\n');
}

static void render_yaml(const struct field *fields, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        plain_yaml_member(out, fields[i].name, fields[i].value);
    }
}

/* --- a table ---------------------------------------------------------------------------------------------
 */

static size_t columns_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static void repeat(struct buf *out, char c, size_t count)
{
    while (count-- > 0) {
        buf_char(out, c);
    }
}

static void center(struct buf *out, const char *text, size_t width, const char *edge)
{
    size_t length = columns_of(text), before = width / 2 - length / 2;
    before = before > 0 ? before - 1 : 0;
    buf_text(out, edge);
    repeat(out, ' ', before);
    buf_text(out, text);
    repeat(out, ' ', width - strlen(edge) - before - length - 1);
    buf_char(out, '|');
}

struct grid {
    const struct field *fields;
    size_t count;
    bool turned;     /* names on the left, one field a row */
    size_t cells;    /* of a row */
    size_t width[3]; /* with padding and the edge on the right; the first with the one on the left */
    bool colored;
};

static size_t longest(const struct grid *grid, size_t cell)
{
    size_t length = 0;
    for (size_t i = 0; i < grid->count; i++) {
        const char *text = grid->turned && cell == 1 ? grid->fields[i].value : grid->fields[i].name;
        size_t here = columns_of(text);
        if (!grid->turned && i != cell) {
            continue;
        }
        size_t value = grid->turned ? 0 : columns_of(grid->fields[i].value);
        here = here > value ? here : value;
        length = here > length ? here : length;
    }
    return length;
}

/* The cells are made as wide as the sum says, which has two more than they: Python's round() and its way to
 * spread what is left. */
static size_t measure(struct grid *grid)
{
    size_t sum = 0, scaled = 0;
    grid->cells = grid->turned ? 2 : grid->count;
    for (size_t i = 0; i < grid->cells; i++) {
        grid->width[i] = longest(grid, i) + 4;
        sum += grid->width[i];
    }
    size_t wanted = sum + 2;
    for (size_t i = 0; i < grid->cells; i++) {
        double exact = (double)wanted / (double)sum * (double)grid->width[i];
        size_t whole = (size_t)exact;
        double rest = exact - (double)whole;
        grid->width[i] = whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1));
        scaled += grid->width[i];
    }
    for (size_t i = 0; scaled > wanted; i = (i + 1) % grid->cells, scaled--) {
        grid->width[i]--;
    }
    for (size_t i = 0; scaled < wanted; i = (i + 1) % grid->cells, scaled++) {
        grid->width[grid->cells - 1 - i]++;
    }
    return wanted;
}

static void rule(const struct grid *grid, struct buf *out)
{
    for (size_t i = 0; i < grid->cells; i++) {
        buf_text(out, i == 0 ? "+" : "");
        repeat(out, '-', grid->width[i] - (i == 0 ? 2 : 1));
        buf_char(out, '+');
    }
    buf_char(out, '\n');
}

static void cell(const struct grid *grid, size_t at, const char *text, struct buf *out)
{
    size_t edges = at == 0 ? 2 : 1, length = columns_of(text), width = grid->width[at];
    size_t padding = width >= length + 2 + edges ? 2 : 0;
    buf_text(out, at == 0 ? "|" : "");
    repeat(out, ' ', padding);
    buf_text(out, grid->colored ? "\033[1m\033[34m" : "");
    visible(out, text, strlen(text));
    buf_text(out, grid->colored ? "\033[0m" : "");
    repeat(out, ' ', width > length + padding + edges ? width - length - padding - edges : 0);
    buf_char(out, '|');
}

static void rows(const struct grid *grid, struct buf *out)
{
    for (size_t i = 0; grid->turned && i < grid->count; i++) {
        cell(grid, 0, grid->fields[i].name, out);
        cell(grid, 1, grid->fields[i].value, out);
        buf_char(out, '\n');
    }
    for (size_t i = 0; !grid->turned && i < grid->count; i++) {
        cell(grid, i, grid->fields[i].value, out);
    }
    buf_text(out, grid->turned ? "" : "\n");
}

static void render_table(const struct field *fields, size_t count, const struct aws_failure_style *style,
                         struct buf *out)
{
    struct grid grid = {.fields = fields, .count = count, .colored = style->colored};
    size_t width = measure(&grid);
    if (width > (size_t)style->columns) {
        grid.turned = true;
        width = measure(&grid);
    }
    repeat(out, '-', width);
    buf_char(out, '\n');
    center(out, "error", width, "|");
    buf_char(out, '\n');
    if (!grid.turned) {
        rule(&grid, out);
        for (size_t i = 0; i < count; i++) {
            center(out, fields[i].name, grid.width[i], i == 0 ? "|" : "");
        }
        buf_char(out, '\n');
    }
    rule(&grid, out);
    rows(&grid, out);
    rule(&grid, out);
}

/* --- all of it -------------------------------------------------------------------------------------------
 */

static void render_fields(const struct aws_failure *failure, const struct aws_failure_style *style,
                          struct buf *out)
{
    struct field fields[3];
    const struct buf *text = failure->kind == AWS_SERVICE ? &failure->original : &failure->message;
    size_t count = list_fields(failure, text, fields);
    if (style->format == AWS_ERROR_JSON) {
        render_json(fields, count, out);
        return;
    }
    sort_fields(fields);
    switch (style->format) {
    case AWS_ERROR_YAML:
        render_yaml(fields, count, out);
        break;
    case AWS_ERROR_TEXT:
        render_text(fields, count, out);
        break;
    default:
        render_table(fields, count, style, out);
        break;
    }
}

void aws_failure_render(const struct aws_failure *failure, const struct aws_failure_style *style,
                        struct buf *out)
{
    char before[128] = "";
    if (failure->kind == AWS_CODED && style->format == AWS_ERROR_ENHANCED) {
        snprintf(before, sizeof before, "An error occurred (%s): ", failure->code);
    }
    bool structured = failure->kind == AWS_CODED || failure->kind == AWS_SERVICE;
    if (failure->kind == AWS_UNKNOWN_OPTIONS) {
        buf_printf(out, "\n%s\n", AWS_FAILURE_USAGE);
    }
    if (structured && style->format != AWS_ERROR_ENHANCED && style->format != AWS_ERROR_LEGACY) {
        render_fields(failure, style, out);
    } else {
        sentence(out, before, &failure->message);
    }
    if (failure->note != NULL) {
        buf_printf(out, NAME " %s\n", failure->note);
    }
}
