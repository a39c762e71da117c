/* See aws/ini.h. The order of the questions asked of each line is RawConfigParser's: blank or comment,
 * continuation, section, key. White space and the ends of lines are those of Python's str. */
#include "aws/ini.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define OPEN_HEADER "a section's name ends with ']'"

struct entry {
    char *key;
    struct buf value;
    struct entry *map; /* of a value that is a map: its keys, as a hash */
    int line;
    UT_hash_handle hh;
};

struct section {
    char *name;
    struct entry *entries; /* a hash, by key */
    UT_hash_handle hh;
};

struct ini {
    struct section **sections; /* in order */
    size_t count, room;
    struct section *by_name; /* the same ones, as a hash */
    struct section defaults; /* [DEFAULT]; no member of either */
};

struct parser {
    struct ini *ini;
    const char *name;
    int line;
    size_t indent;           /* of the last key or section line */
    struct section *section; /* that lines are in; NULL before the first */
    struct entry *current;   /* the key that an indented line continues; NULL for none */
    struct err *err;
};

struct line { /* without the white space around it */
    const char *text;
    size_t length, indent; /* indent: in characters */
};

static int refuse_at(const struct parser *parser, int line, const char *what)
{
    return err_set(parser->err, ERR_SYNTAX, "%s:%d: %s", parser->name, line, what);
}

static int refuse(const struct parser *parser, const char *what)
{
    return refuse_at(parser, parser->line, what);
}

/* --- text as Python sees it
 * ---------------------------------------------------------------------------------- */

static bool is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
           code == 0x202f || code == 0x205f || code == 0x3000;
}

/* Where str.splitlines() splits. */
static bool is_break(uint32_t code)
{
    return (code >= 0x0a && code <= 0x0d) || (code >= 0x1c && code <= 0x1e) || code == 0x85 ||
           code == 0x2028 || code == 0x2029;
}

/* The length of the character at text when it is of that kind, else 0. */
static size_t next_if(const char *text, size_t length, bool (*is_kind)(uint32_t code))
{
    uint32_t code;
    size_t size = length > 0 ? text_utf8_next(text, length, &code) : 0;
    return size > 0 && is_kind(code) ? size : 0;
}

/* The length of the white space at the end of text: one character's. No such character has over three bytes.
 */
static size_t last_space(const char *text, size_t length)
{
    for (size_t size = 1; size <= 3 && size <= length; size++) {
        if (next_if(text + length - size, size, is_space) == size) {
            return size;
        }
    }
    return 0;
}

static struct line strip(const char *text, size_t length)
{
    struct line line = {.text = text, .length = length};
    size_t size;
    while ((size = last_space(line.text, line.length)) > 0) {
        line.length -= size;
    }
    while ((size = next_if(line.text, line.length, is_space)) > 0) {
        line.text += size;
        line.length -= size;
        line.indent++;
    }
    return line;
}

/* --- entries
 * ------------------------------------------------------------------------------------------------- */

static struct entry *find_entry(struct entry *entries, const char *key)
{
    struct entry *entry;
    HASH_FIND_STR(entries, key, entry);
    return entry;
}

static void free_entries(struct entry **entries)
{
    struct entry *entry, *next;
    HASH_ITER (hh, *entries, entry, next) {
        HASH_DEL(*entries, entry);
        struct entry *inner, *following;
        HASH_ITER (hh, entry->map, inner, following) {
            HASH_DEL(entry->map, inner);
            buf_finish(&inner->value);
            free(inner->key);
            free(inner);
        }
        buf_finish(&entry->value);
        free(entry->key);
        free(entry);
    }
}

static struct entry *put_entry(struct entry **entries, const struct line *key, const struct line *value)
{
    struct entry *entry = mem_zalloc(sizeof *entry);
    entry->key = mem_strndup(key->text, key->length);
    buf_init_secret(&entry->value, INI_FILE_MAX);
    buf_append(&entry->value, value->text, value->length);
    HASH_ADD_KEYPTR(hh, *entries, entry->key, strlen(entry->key), entry);
    return entry;
}

/* --- lines
 * --------------------------------------------------------------------------------------------------- */

static void append_section(struct ini *ini, struct section *section)
{
    if (ini->count == ini->room) {
        ini->room = ini->room > 0 ? ini->room * 2 : 16;
        ini->sections = mem_realloc(ini->sections, ini->room, sizeof(struct section *));
    }
    ini->sections[ini->count++] = section;
}

/* name: of length bytes between the brackets. */
static int add_section(struct parser *parser, const char *name, size_t length)
{
    struct section *before, *section;
    parser->current = NULL;
    if (length == strlen("DEFAULT") && memcmp(name, "DEFAULT", length) == 0) {
        parser->section = &parser->ini->defaults;
        return 0;
    }
    section = mem_zalloc(sizeof *section);
    section->name = mem_strndup(name, length);
    HASH_FIND_STR(parser->ini->by_name, section->name, before);
    append_section(parser->ini, section);
    parser->section = section;
    if (before != NULL) {
        return refuse(parser, "this section was there before");
    }
    HASH_ADD_KEYPTR(hh, parser->ini->by_name, section->name, strlen(section->name), section);
    return 0;
}

static int add_entry(struct parser *parser, const struct line *line)
{
    size_t delimiter = 0;
    while (delimiter < line->length && line->text[delimiter] != '=' && line->text[delimiter] != ':') {
        delimiter++;
    }
    struct line key = strip(line->text, delimiter);
    if (delimiter == line->length && *line->text == '[') {
        return refuse(parser, OPEN_HEADER);
    }
    if (delimiter == line->length || key.length == 0) {
        return refuse(parser, "neither a [section] nor a key with '=' or ':'");
    }
    char *lower = mem_strndup(key.text, key.length);
    for (char *c = lower; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    bool repeated = find_entry(parser->section->entries, lower) != NULL;
    if (!repeated) {
        struct line value = strip(line->text + delimiter + 1, line->length - delimiter - 1);
        key = (struct line){.text = lower, .length = strlen(lower)};
        parser->current = put_entry(&parser->section->entries, &key, &value);
        parser->current->line = parser->line;
    }
    free(lower);
    return repeated ? refuse(parser, "this key was there before in its section") : 0;
}

static void continue_value(struct parser *parser, const struct line *line)
{
    buf_char(&parser->current->value, '\n');
    buf_append(&parser->current->value, line->text, line->length);
}

/* A header goes to the last ']', whatever follows it; "[]" is none. */
static const char *header_end(const struct line *line)
{
    const char *end = *line->text == '[' ? memrchr(line->text, ']', line->length) : NULL;
    return end != NULL && end > line->text + 1 ? end : NULL;
}

static int read_line(struct parser *parser, const char *text, size_t length)
{
    struct line line = strip(text, length);
    bool comment = line.length > 0 && (*line.text == '#' || *line.text == ';');
    if (comment) {
        return 0;
    }
    if (line.length == 0) {
        if (parser->current != NULL) {
            buf_char(&parser->current->value, '\n'); /* an empty line within a value; cut off at its end */
        }
        return 0;
    }
    if (parser->current != NULL && line.indent > parser->indent) {
        continue_value(parser, &line);
        return 0;
    }
    parser->indent = line.indent;
    const char *end = header_end(&line);
    if (end != NULL) {
        return add_section(parser, line.text + 1, (size_t)(end - line.text - 1));
    }
    if (parser->section != NULL) {
        return add_entry(parser, &line);
    }
    return refuse(parser, *line.text == '[' ? OPEN_HEADER : "text before the first [section]");
}

/* --- maps
 * ---------------------------------------------------------------------------------------------------- */

/* Takes one line of a map. The last value of a key stays. */
static int read_pair(struct parser *parser, struct entry *entry, const char *text, size_t length)
{
    struct line line = strip(text, length);
    if (line.length == 0) {
        return 0;
    }
    const char *equals = memchr(line.text, '=', line.length);
    if (equals == NULL) {
        return refuse_at(parser, entry->line, "below this key, a line without '='");
    }
    struct line key = strip(line.text, (size_t)(equals - line.text));
    struct line value = strip(equals + 1, line.length - (size_t)(equals - line.text) - 1);
    char *name = mem_strndup(key.text, key.length);
    struct entry *before = find_entry(entry->map, name);
    free(name);
    if (before == NULL) {
        put_entry(&entry->map, &key, &value);
        return 0;
    }
    buf_reset(&before->value);
    buf_append(&before->value, value.text, value.length);
    return 0;
}

static int read_map(struct parser *parser, struct entry *entry)
{
    const char *at = buf_string(&entry->value), *end = at + entry->value.length;
    while (at < end) {
        size_t length = 0, skip = 0;
        uint32_t code;
        while (at + length < end &&
               (skip = next_if(at + length, (size_t)(end - at) - length, is_break)) == 0) {
            length += text_utf8_next(at + length, (size_t)(end - at) - length, &code);
        }
        if (read_pair(parser, entry, at, length) != 0) {
            return -1;
        }
        at += length + skip;
    }
    return 0;
}

/* Whether a section has the key from [DEFAULT]. Python does not look at a map there that nobody has. */
static bool is_inherited(const struct ini *ini, const char *key)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (find_entry(ini->sections[i]->entries, key) == NULL) {
            return true;
        }
    }
    return false;
}

/* What is behind the last line of each value goes, and maps are read. */
static int complete_values(struct parser *parser, struct section *section)
{
    struct entry *entry, *next;
    size_t size;
    HASH_ITER (hh, section->entries, entry, next) {
        struct buf *value = &entry->value;
        while ((size = last_space(buf_string(value), value->length)) > 0) {
            value->length -= size;
            value->data[value->length] = '\0';
        }
        bool wanted = section != &parser->ini->defaults || is_inherited(parser->ini, entry->key);
        if (wanted && *buf_string(value) == '\n' && read_map(parser, entry) != 0) {
            return -1;
        }
    }
    return 0;
}

/* --- the file
 * ------------------------------------------------------------------------------------------------ */

static int check_line(const struct parser *parser, const char *text, size_t length)
{
    if (memchr(text, '\0', length) != NULL) {
        return refuse(parser, "a NUL byte");
    }
    return text_is_utf8(text, length) ? 0 : refuse(parser, "bytes that are no UTF-8");
}

static int parse_lines(struct parser *parser, const char *text, size_t length)
{
    const char *end = text + length;
    parser->line = 1;
    if (text_mark_length(text, length) > 0) {
        return refuse(parser, "a byte order mark; save the file without one");
    }
    for (; text < end; parser->line++) {
        size_t size = 0, left = (size_t)(end - text);
        while (size < left && text[size] != '\n' && text[size] != '\r') {
            size++;
        }
        if (check_line(parser, text, size) != 0 || read_line(parser, text, size) != 0) {
            return -1;
        }
        bool both = size + 1 < left && text[size] == '\r' && text[size + 1] == '\n';
        text += size + (both ? 2 : 1);
    }
    for (size_t i = 0; i < parser->ini->count; i++) {
        if (complete_values(parser, parser->ini->sections[i]) != 0) {
            return -1;
        }
    }
    return complete_values(parser, &parser->ini->defaults);
}

struct ini *ini_parse(const char *name, const char *text, size_t length, struct err *err)
{
    struct ini *ini = mem_zalloc(sizeof *ini);
    struct parser parser = {.ini = ini, .name = name, .err = err};
    if (length > INI_FILE_MAX) {
        err_set(err, ERR_TOO_BIG, "%s: over %d bytes", name, INI_FILE_MAX);
    } else if (parse_lines(&parser, text, length) == 0) {
        return ini;
    }
    ini_free(ini);
    return NULL;
}

static void hide(struct section *section, const char *key)
{
    struct entry *entry = find_entry(section->entries, key);
    if (entry != NULL) {
        const bool is_map = entry->map != NULL || *buf_string(&entry->value) == '\n';
        free_entries(&entry->map);
        buf_finish(&entry->value);
        buf_init(&entry->value, 1);
        buf_text(&entry->value, is_map ? "\n" : "");
    }
}

void ini_hide(struct ini *ini, const char *key)
{
    for (size_t i = 0; i < ini->count; i++) {
        hide(ini->sections[i], key);
    }
    hide(&ini->defaults, key);
}

void ini_free(struct ini *ini)
{
    if (ini == NULL) {
        return;
    }
    HASH_CLEAR(hh, ini->by_name);
    for (size_t i = 0; i < ini->count; i++) {
        free_entries(&ini->sections[i]->entries);
        free(ini->sections[i]->name);
        free(ini->sections[i]);
    }
    free_entries(&ini->defaults.entries);
    free(ini->sections);
    free(ini);
}

/* --- looking up
 * ---------------------------------------------------------------------------------------------- */

const char *ini_section(const struct ini *ini, size_t section)
{
    return section < ini->count ? ini->sections[section]->name : NULL;
}

bool ini_section_empty(const struct ini *ini, size_t section)
{
    return ini->sections[section]->entries == NULL && ini->defaults.entries == NULL;
}

static const struct entry *look_up(const struct ini *ini, size_t section, const char *key)
{
    const struct entry *own = find_entry(ini->sections[section]->entries, key);
    return own != NULL ? own : find_entry(ini->defaults.entries, key);
}

const char *ini_get(const struct ini *ini, size_t section, const char *key)
{
    const struct entry *entry = look_up(ini, section, key);
    return entry != NULL ? buf_string(&entry->value) : NULL;
}

const char *ini_nested(const struct ini *ini, size_t section, const char *key, const char *subkey)
{
    const struct entry *entry = look_up(ini, section, key);
    const struct entry *inner = entry != NULL ? find_entry(entry->map, subkey) : NULL;
    return inner != NULL ? buf_string(&inner->value) : NULL;
}

typedef void each_function(void *ctx, const char *key, const char *subkey, const char *value);

static void visit(const struct entry *entry, each_function *each, void *ctx)
{
    struct entry *inner, *next;
    if (entry->map == NULL) {
        each(ctx, entry->key, NULL, buf_string(&entry->value));
    }
    HASH_ITER (hh, entry->map, inner, next) {
        each(ctx, entry->key, inner->key, buf_string(&inner->value));
    }
}

void ini_each(const struct ini *ini, size_t section,
              void (*each)(void *ctx, const char *key, const char *subkey, const char *value), void *ctx)
{
    struct entry *entry, *next;
    HASH_ITER (hh, ini->sections[section]->entries, entry, next) {
        visit(entry, each, ctx);
    }
    HASH_ITER (hh, ini->defaults.entries, entry, next) {
        if (find_entry(ini->sections[section]->entries, entry->key) == NULL) {
            visit(entry, each, ctx);
        }
    }
}
