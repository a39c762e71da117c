/* See app/json_items.h. */
#include "app/json_items.h"

#include <string.h>

#define ARRAY_KEY  "executionSummaries"
#define LOOK_BYTES 4096

static bool is_space(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_spaces(const char *bytes, size_t at, size_t length)
{
    while (at < length && is_space(bytes[at])) {
        at++;
    }
    return at;
}

/* A line that holds a whole object begins JSON Lines; an object whose brace stands alone, or that names the
 * array first, is a document. */
static bool are_lines(struct input *input)
{
    const char *bytes;
    size_t length = input_look(input, LOOK_BYTES, &bytes);
    size_t at = skip_spaces(bytes, 0, length);
    if (at == length || bytes[at] != '{') {
        return false;
    }
    size_t next = skip_spaces(bytes, at + 1, length);
    bool alone = memchr(bytes + at, '\n', next - at) != NULL;
    static const char key[] = "\"" ARRAY_KEY "\"";
    bool named = length - next >= sizeof key - 1 && memcmp(bytes + next, key, sizeof key - 1) == 0;
    return !alone && !named;
}

void json_items_init(struct json_items *items, struct input *input)
{
    *items = (struct json_items){.input = input, .lines = are_lines(input)};
    buf_init(&items->text, JSON_ITEM_MAX);
}

void json_items_finish(struct json_items *items)
{
    buf_finish(&items->text);
}

static int refuse(struct json_items *items, const char *problem)
{
    items->problem = problem;
    items->ended = items->ended || !items->lines;
    return -1;
}

static int refuse_here(struct json_items *items, const char *problem)
{
    items->line = items->input->line;
    items->column = items->input->column;
    return refuse(items, problem);
}

static void skip(struct json_items *items)
{
    while (is_space(input_peek(items->input))) {
        input_next(items->input);
    }
}

static void begin_item(struct json_items *items)
{
    buf_reset(&items->text);
    items->problem = NULL;
    items->line = items->input->line;
    items->column = items->input->column;
}

/* --- lines --------------------------------------------------------------------------------------------- */

static int next_line(struct json_items *items)
{
    skip(items);
    begin_item(items);
    if (input_peek(items->input) == INPUT_END) {
        return 0;
    }
    while (input_peek(items->input) != '\n' && input_peek(items->input) != INPUT_END) {
        buf_char(&items->text, (char)input_next(items->input));
    }
    return items->text.overflow ? refuse(items, "the line is over 64 KiB") : 1;
}

/* --- a document ---------------------------------------------------------------------------------------- */

/* A string, with both quotes. False at the end of the input. */
static bool take_string(struct json_items *items)
{
    bool escaped = false;
    buf_char(&items->text, (char)input_next(items->input));
    for (;;) {
        int byte = input_next(items->input);
        if (byte == INPUT_END) {
            return false;
        }
        buf_char(&items->text, (char)byte);
        if (byte == '"' && !escaped) {
            return true;
        }
        escaped = byte == '\\' && !escaped;
    }
}

static bool ends_scalar(int byte)
{
    return byte == INPUT_END || byte == ',' || byte == ']' || byte == '}' || is_space(byte);
}

static bool take_scalar(struct json_items *items)
{
    while (!ends_scalar(input_peek(items->input))) {
        buf_char(&items->text, (char)input_next(items->input));
    }
    return items->text.length > 0;
}

/* One value of any kind; brackets are counted, not matched: whoever reads the text finds out. */
static bool take_value(struct json_items *items)
{
    int depth = 0;
    int byte = input_peek(items->input);
    if (byte != '"' && byte != '{' && byte != '[') {
        return take_scalar(items);
    }
    do {
        byte = input_peek(items->input);
        if (byte == INPUT_END) {
            return false;
        }
        if (byte == '"') {
            if (!take_string(items)) {
                return false;
            }
            continue;
        }
        depth += byte == '{' || byte == '[';
        depth -= byte == '}' || byte == ']';
        buf_char(&items->text, (char)input_next(items->input));
    } while (depth > 0);
    return true;
}

static bool accept(struct json_items *items, int byte)
{
    skip(items);
    if (input_peek(items->input) != byte) {
        return false;
    }
    input_next(items->input);
    return true;
}

/* Members of the object up to the array: 1 when it begins, 0 at the object's end. */
static int find_array(struct json_items *items, bool first)
{
    for (;; first = false) {
        if (accept(items, '}')) {
            return 0;
        }
        if (!first && !accept(items, ',')) {
            return refuse_here(items, "a comma or } is missing");
        }
        skip(items);
        begin_item(items);
        if (input_peek(items->input) != '"' || !take_string(items) || !accept(items, ':')) {
            return refuse_here(items, "a key and a colon are missing");
        }
        bool found = strcmp(buf_string(&items->text), "\"" ARRAY_KEY "\"") == 0;
        skip(items);
        if (found && accept(items, '[')) {
            return 1;
        }
        begin_item(items);
        if (!take_value(items)) {
            return refuse_here(items, "a value is missing or never ends");
        }
    }
}

static int begin_document(struct json_items *items)
{
    items->inside = items->first = true;
    if (accept(items, '[')) {
        return 1;
    }
    items->named = accept(items, '{');
    int result =
        items->named ? find_array(items, true) : refuse_here(items, "neither an object nor an array");
    return result == 0 ? refuse_here(items, "the object has no \"" ARRAY_KEY "\"") : result;
}

/* Behind the array there may be more members ("nextToken"), and then nothing. */
static int end_document(struct json_items *items)
{
    int more = items->named ? find_array(items, false) : 0;
    if (more > 0) {
        return refuse_here(items, "a second \"" ARRAY_KEY "\"");
    }
    skip(items);
    if (more == 0 && input_peek(items->input) != INPUT_END) {
        return refuse_here(items, "text behind the end of the document");
    }
    items->ended = true;
    return more;
}

static int next_item(struct json_items *items)
{
    if (!items->inside && begin_document(items) < 0) {
        return -1;
    }
    if (accept(items, ']')) {
        return end_document(items);
    }
    if (!items->first && !accept(items, ',')) {
        return refuse_here(items, input_peek(items->input) == INPUT_END ? "the document ends in the middle"
                                                                        : "a comma or ] is missing");
    }
    items->first = false;
    skip(items);
    begin_item(items);
    if (!take_value(items)) {
        return refuse(items, "a value is missing or never ends");
    }
    return items->text.overflow ? refuse(items, "the object is over 64 KiB") : 1;
}

int json_items_next(struct json_items *items)
{
    if (items->ended) {
        return 0;
    }
    return items->lines ? next_line(items) : next_item(items);
}
