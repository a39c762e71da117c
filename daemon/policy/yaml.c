/* See policy/yaml.h. The only file that knows libyaml.
 *
 * libyaml has no limits and takes quadratic time for deep nesting and for many %TAG lines. So the bytes are
 * looked at first (which also makes its lines and columns ours), and its events are taken one by one: the
 * first event that is too deep, too many or not wanted ends the parsing, before libyaml has read on. */
#include "policy/yaml.h"

#include "base/mem.h"
#include "base/text.h"
#include "policy/load.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    struct yaml_file *file;
    struct diagnostics *diagnostics;
    yaml_parser_t parser;
    struct yaml_node *open[CONFIG_DEPTH_MAX]; /* the lists and maps that have not ended */
    int depth;
    const char *at; /* the byte of the last event, */
    size_t index;   /* and how many characters stand in front of it */
    bool ended, failed;
};

static const char *line_start(const struct yaml_file *file, int line)
{
    const char *at = file->text;
    for (int i = 1; i < line; i++) {
        const char *end = strchr(at, '\n');
        if (end == NULL) {
            return at;
        }
        at = end + 1;
    }
    return at;
}

static void complain_at(const struct yaml_file *file, struct diagnostics *diagnostics, int line, int column,
                        bool warning, const char *message)
{
    struct place place = {.file = file->name, .line = line, .column = column};
    const char *source = line > 0 && diagnostics_room(diagnostics) ? line_start(file, line) : NULL;
    diagnostics_add(diagnostics, &place, warning, source, "%s", message);
}

void yaml_complain(const struct yaml_file *file, struct diagnostics *diagnostics,
                   const struct yaml_node *node, bool warning, const char *message)
{
    complain_at(file, diagnostics, node != NULL ? node->line : 0, node != NULL ? node->column : 0, warning,
                message);
}

static const char *character_fault(uint32_t code, bool line_begins, bool line_feed_follows)
{
    if (code == 0) {
        return "a NUL byte: the file must be plain UTF-8 text";
    }
    if (code == '\r') {
        return line_feed_follows ? NULL : "a carriage return without a line feed";
    }
    if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0)) {
        return "a control character";
    }
    if (code == 0x2028 || code == 0x2029 || code == 0xfeff) {
        return "a Unicode line separator or byte order mark";
    }
    return code == '%' && line_begins ? "directives ('%' at the start of a line) are not allowed" : NULL;
}

/* Refuses all that is not plain UTF-8 text in lines that end in LF or CR LF. */
static bool check_characters(struct builder *b, const char *text, size_t length)
{
    int line = 1, column = 1;
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t code = 0;
        bool line_feed_follows = at + 1 < length && text[at + 1] == '\n';
        size = text_utf8_next(text + at, length - at, &code);
        const char *fault = size > 0 ? character_fault(code, column == 1, line_feed_follows)
                                     : "a byte that is not UTF-8 (UTF-16 and Latin-1 are not read)";
        if (fault != NULL) {
            complain_at(b->file, b->diagnostics, line, column, false, fault);
            return false;
        }
        column = code == '\n' ? 1 : column + 1;
        line += code == '\n';
    }
    return true;
}

static void fail_at(struct builder *b, yaml_mark_t mark, const char *message)
{
    b->failed = true;
    complain_at(b->file, b->diagnostics, (int)mark.line + 1, (int)mark.column + 1, false, message);
}

static bool key_wanted(const struct builder *b)
{
    const struct yaml_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    return parent != NULL && parent->kind == NODE_MAP && parent->count % 2 == 0;
}

/* A new node at the end of the list or map that is open, NULL at the limit. */
static struct yaml_node *add_node(struct builder *b, enum node_kind kind, yaml_mark_t mark)
{
    struct yaml_file *file = b->file;
    struct yaml_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    if (file->node_count == CONFIG_NODES_MAX) {
        fail_at(b, mark, "the file has more than 10,000 keys and values");
        return NULL;
    }
    struct yaml_node *node = &file->nodes[file->node_count++];
    *node = (struct yaml_node){.kind = kind, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
    if (parent == NULL) {
        file->root = node;
        return node;
    }
    if (parent->last != NULL) {
        parent->last->next = node;
    } else {
        parent->first = node;
    }
    parent->last = node;
    parent->count++;
    return node;
}

static void begin(struct builder *b, enum node_kind kind, yaml_mark_t mark)
{
    if (b->depth == CONFIG_DEPTH_MAX) {
        fail_at(b, mark, "nested more than 32 deep");
        return;
    }
    if (key_wanted(b)) {
        fail_at(b, mark, "a list or map as a key is not allowed");
        return;
    }
    struct yaml_node *node = add_node(b, kind, mark);
    if (node != NULL) {
        b->open[b->depth++] = node;
    }
}

static int compare_keys(const void *left, const void *right)
{
    const struct yaml_node *a = *(const struct yaml_node *const *)left;
    const struct yaml_node *b = *(const struct yaml_node *const *)right;
    int order = strcmp(a->text, b->text);
    return order != 0 ? order : a < b ? -1 : a > b; /* nodes stand in the order of the file */
}

/* YAML lets the last of two equal keys win, silently. */
static void check_repeated(struct builder *b, const struct yaml_node *map)
{
    size_t count = 0;
    const struct yaml_node **keys = mem_calloc(map->count / 2 + 1, sizeof *keys);
    for (const struct yaml_node *key = map->first; key != NULL; key = key->next->next) {
        keys[count++] = key;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(keys[i]->text, keys[i - 1]->text) == 0) {
            struct buf message;
            buf_init(&message, 256);
            buf_printf(&message, "the key '%.64s' stands here again; it was at line %d", keys[i]->text,
                       keys[i - 1]->line);
            yaml_complain(b->file, b->diagnostics, keys[i], false, buf_string(&message));
            buf_finish(&message);
        }
    }
    free(keys);
}

static void end(struct builder *b)
{
    const struct yaml_node *node = b->open[--b->depth];
    if (node->kind == NODE_MAP) {
        check_repeated(b, node);
    }
}

static void take_value(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (strlen(text) != event->data.scalar.length) {
        fail_at(b, event->start_mark, "a NUL character");
        return;
    }
    if (key_wanted(b) && plain && strcmp(text, "<<") == 0) {
        fail_at(b, event->start_mark, "merge keys ('<<') are not allowed");
        return;
    }
    struct yaml_node *node = add_node(b, NODE_VALUE, event->start_mark);
    if (node != NULL) {
        node->text = mem_strdup(text);
        node->plain = plain;
    }
}

static bool inside_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The byte where the event begins. Marks count characters and hardly ever go back: the way from the last one
 * is short. */
static char byte_at(struct builder *b, yaml_mark_t mark)
{
    for (; b->index < mark.index && *b->at != '\0'; b->index++) {
        do {
            b->at++;
        } while (inside_character(*b->at));
    }
    for (; b->index > mark.index; b->index--) {
        do {
            b->at--;
        } while (inside_character(*b->at));
    }
    return *b->at;
}

/* What YAML lets stand in front of a value. The events do not tell all of it (libyaml drops the tag '!'), the
 * character does: no value begins with one of these. */
static bool decorated(struct builder *b, const yaml_event_t *event)
{
    const char *message = NULL;
    switch (byte_at(b, event->start_mark)) {
    case '*':
        message = "aliases ('*') are not allowed: write the value out, or put it in quotes";
        break;
    case '&':
        message = "anchors ('&') are not allowed";
        break;
    case '!':
        message = "tags ('!') are not allowed";
        break;
    default:
        return false;
    }
    fail_at(b, event->start_mark, message);
    return true;
}

static void take_node(struct builder *b, const yaml_event_t *event)
{
    if (decorated(b, event)) {
        return;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        take_value(b, event);
    } else {
        begin(b, event->type == YAML_SEQUENCE_START_EVENT ? NODE_LIST : NODE_MAP, event->start_mark);
    }
}

static void take(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->file->root != NULL) {
            fail_at(b, event->start_mark, "a second document in one file is not allowed");
        }
        break;
    case YAML_ALIAS_EVENT:
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        take_node(b, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end(b);
        break;
    case YAML_STREAM_END_EVENT:
        b->ended = true;
        break;
    default:
        break;
    }
}

static bool says(const char *what, const char *words)
{
    return what != NULL && strstr(what, words) != NULL;
}

/* libyaml speaks in terms of grammar. What stands first in its line is of a wrong indentation; the rest is
 * told by what is in front of it there. "": nothing is sure. */
static const char *likely_cause(const struct builder *b, yaml_mark_t mark)
{
    const yaml_parser_t *parser = &b->parser;
    bool values = says(parser->problem, "mapping values are not allowed");
    if (!values && !says(parser->context, "a block ")) {
        return "";
    }
    const char *line = line_start(b->file, (int)mark.line + 1);
    size_t before = strspn(line, " ");
    size_t key = strcspn(line, ":\n");
    if (values && line[key] == ':' && key < mark.column) {
        return ": a value with a colon and a space in it needs quotes";
    }
    bool first = values || before == mark.column;
    return first ? ": is this line indented like those that it belongs to?"
                 : ": is a quote missing, here or above?";
}

/* What libyaml found wrong; its own words, but for what it hides well. */
static void explain(struct builder *b)
{
    const yaml_parser_t *parser = &b->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    yaml_mark_t mark = parser->problem_mark;
    char found = byte_at(b, mark);
    struct buf message;
    buf_init(&message, 256);
    if (found == '\t') {
        buf_text(&message, "a tab cannot indent: use spaces");
    } else if (parser->context != NULL && byte_at(b, parser->context_mark) == '*') {
        buf_text(&message, "a value that begins with '*' needs quotes");
        mark = parser->context_mark;
    } else if (says(parser->problem, "could not find expected ':'")) {
        buf_text(&message, "a key ends with a colon and a space");
        mark = parser->context_mark;
    } else if (parser->context != NULL) {
        buf_printf(&message, "%s (%s)", problem, parser->context);
    } else {
        buf_text(&message, problem);
    }
    buf_text(&message, found != '\t' ? likely_cause(b, mark) : "");
    /* What never ends is to be looked for where it begins. */
    fail_at(b, found == '\0' && parser->context != NULL ? parser->context_mark : mark, buf_string(&message));
    buf_finish(&message);
}

static void build(struct builder *b, size_t length)
{
    yaml_event_t event;
    if (yaml_parser_initialize(&b->parser) == 0) {
        mem_exhausted();
    }
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->file->text, length);
    while (!b->failed && !b->ended) {
        if (yaml_parser_parse(&b->parser, &event) == 0) {
            if (b->parser.error == YAML_MEMORY_ERROR) {
                mem_exhausted();
            }
            explain(b);
            break;
        }
        take(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&b->parser);
}

void yaml_parse(struct yaml_file *file, const char *name, const char *text, size_t length,
                struct diagnostics *diagnostics)
{
    *file = (struct yaml_file){.name = name};
    if (length > CONFIG_FILE_MAX) {
        yaml_complain(file, diagnostics, NULL, false, "the file is larger than 1 MiB");
        return;
    }
    file->text = mem_zalloc(length + 1);
    if (length > 0) {
        memcpy(file->text, text, length);
    }
    struct builder b = {.file = file, .diagnostics = diagnostics, .at = file->text};
    if (!check_characters(&b, text, length)) {
        return;
    }
    file->nodes = mem_calloc(CONFIG_NODES_MAX, sizeof *file->nodes);
    build(&b, length);
    if (b.failed) {
        file->root = NULL;
    } else if (file->root == NULL) {
        complain_at(file, diagnostics, 1, 1, false, "the file is empty: 'version: 1' is missing");
    }
}

void yaml_finish(struct yaml_file *file)
{
    for (size_t i = 0; i < file->node_count; i++) {
        free(file->nodes[i].text);
    }
    free(file->nodes);
    free(file->text);
    *file = (struct yaml_file){0};
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) {
        return NULL;
    }
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next->next) {
        if (strcmp(at->text, key) == 0) {
            return at->next;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; node->kind == NODE_VALUE && node->plain && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(node->text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}
