/* See aws/ini.h. The order of the questions asked of each line is RawConfigParser's: blank or comment,
 * continuation, section, key. */
#include "aws/ini.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    char *key;
    struct buf value;
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
};

struct parser {
    struct ini *ini;
    const char *name;
    int line;
    size_t indent;         /* of the last key or section line */
    struct entry *current; /* the key that an indented line continues; NULL for none */
    struct err *err;
};

struct line { /* without the white space around it */
    const char *text;
    size_t length, indent;
};

static int refuse(const struct parser *parser, const char *what)
{
    return err_set(parser->err, ERR_SYNTAX, "%s:%d: %s", parser->name, parser->line, what);
}

static struct line strip(const char *text, size_t length)
{
    struct line line = {.text = text, .length = length};
    while (line.length > 0 && isspace((unsigned char)line.text[line.length - 1])) {
        line.length--;
    }
    while (line.length > 0 && isspace((unsigned char)*line.text)) {
        line.text++;
        line.length--;
        line.indent++;
    }
    return line;
}

static void append_section(struct ini *ini, struct section *section)
{
    if (ini->count == ini->room) {
        ini->room = ini->room > 0 ? ini->room * 2 : 16;
        ini->sections = mem_realloc(ini->sections, ini->room, sizeof(struct section *));
    }
    ini->sections[ini->count++] = section;
}

static int add_section(struct parser *parser, const struct line *line)
{
    const char *end = memrchr(line->text, ']', line->length);
    if (end == NULL || end == line->text + 1) {
        return refuse(parser, "a section's name ends with ']'");
    }
    struct section *section = mem_zalloc(sizeof *section), *before;
    section->name = mem_strndup(line->text + 1, (size_t)(end - line->text - 1));
    HASH_FIND_STR(parser->ini->by_name, section->name, before);
    append_section(parser->ini, section);
    if (before != NULL) {
        return refuse(parser, "this section was there before");
    }
    HASH_ADD_KEYPTR(hh, parser->ini->by_name, section->name, strlen(section->name), section);
    parser->current = NULL;
    return 0;
}

static struct entry *find_entry(struct section *section, const char *key)
{
    struct entry *entry;
    HASH_FIND_STR(section->entries, key, entry);
    return entry;
}

static void free_entry(struct entry *entry)
{
    buf_finish(&entry->value);
    free(entry->key);
    free(entry);
}

static int add_entry(struct parser *parser, const struct line *line)
{
    size_t delimiter = 0;
    while (delimiter < line->length && line->text[delimiter] != '=' && line->text[delimiter] != ':') {
        delimiter++;
    }
    struct line key = strip(line->text, delimiter);
    if (delimiter == line->length || key.length == 0) {
        return refuse(parser, "neither a [section] nor a key with '=' or ':'");
    }
    struct section *section = parser->ini->sections[parser->ini->count - 1];
    struct entry *entry = mem_zalloc(sizeof *entry);
    entry->key = mem_strndup(key.text, key.length);
    for (char *c = entry->key; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    buf_init_secret(&entry->value, INI_FILE_MAX);
    if (find_entry(section, entry->key) != NULL) {
        free_entry(entry);
        return refuse(parser, "this key was there before in its section");
    }
    HASH_ADD_KEYPTR(hh, section->entries, entry->key, strlen(entry->key), entry);
    struct line value = strip(line->text + delimiter + 1, line->length - delimiter - 1);
    buf_append(&entry->value, value.text, value.length);
    parser->current = entry;
    return 0;
}

static void continue_value(struct parser *parser, const struct line *line)
{
    buf_char(&parser->current->value, '\n');
    buf_append(&parser->current->value, line->text, line->length);
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
    if (*line.text == '[') {
        return add_section(parser, &line);
    }
    return parser->ini->count == 0 ? refuse(parser, "text before the first [section]")
                                   : add_entry(parser, &line);
}

static void cut_end(struct buf *value)
{
    while (value->length > 0 && isspace((unsigned char)value->data[value->length - 1])) {
        value->data[--value->length] = '\0';
    }
}

static void cut_ends(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        struct entry *entry, *next;
        HASH_ITER (hh, ini->sections[i]->entries, entry, next) {
            cut_end(&entry->value);
        }
    }
}

static int parse_lines(struct parser *parser, const char *text, size_t length)
{
    const char *end = text + length;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        return refuse(parser, "a byte order mark; save the file without one");
    }
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t size = newline != NULL ? (size_t)(newline - text) : (size_t)(end - text);
        parser->line++;
        if (memchr(text, '\0', size) != NULL) {
            return refuse(parser, "a NUL byte");
        }
        if (read_line(parser, text, size) != 0) {
            return -1;
        }
        text += size + 1;
    }
    cut_ends(parser->ini);
    return 0;
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

static void free_section(struct section *section)
{
    struct entry *entry, *next;
    HASH_ITER (hh, section->entries, entry, next) {
        HASH_DEL(section->entries, entry);
        free_entry(entry);
    }
    free(section->name);
    free(section);
}

void ini_free(struct ini *ini)
{
    if (ini == NULL) {
        return;
    }
    HASH_CLEAR(hh, ini->by_name);
    for (size_t i = 0; i < ini->count; i++) {
        free_section(ini->sections[i]);
    }
    free(ini->sections);
    free(ini);
}

const char *ini_section(const struct ini *ini, size_t section)
{
    return section < ini->count ? ini->sections[section]->name : NULL;
}

const char *ini_get(const struct ini *ini, size_t section, const char *key)
{
    const struct entry *entry = find_entry(ini->sections[section], key);
    return entry != NULL ? buf_string(&entry->value) : NULL;
}
