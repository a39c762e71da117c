/* See aws/xml.h. One pass; the path of the open elements is kept as text, and what stands directly under the
 * wanted path is collected. */
#include "aws/xml.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64

struct reader {
    const char *at, *end;
    const char *wanted;
    struct buf *text;
    struct err *err;
    char path[XML_DEPTH_MAX * (NAME_MAX_BYTES + 1) + 1]; /* "ErrorResponse/Error" */
    size_t path_lengths[XML_DEPTH_MAX];                  /* of path, before each open element */
    int depth;
    int found;
};

static int refuse(struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_SYNTAX, "XML with %s", what);
}

static bool at_wanted(const struct reader *reader)
{
    return strcmp(reader->path, reader->wanted) == 0;
}

static bool starts(const struct reader *reader, const char *text)
{
    const size_t length = strlen(text);
    return (size_t)(reader->end - reader->at) >= length && memcmp(reader->at, text, length) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at)) {
        reader->at++;
    }
}

/* --- text --- */

/* &#39; and &#x27;, printable ASCII only: the services write nothing else so. 0 for anything else. */
static char numeric_reference(const char *digits)
{
    const bool hex = *digits == 'x';
    char *end;

    digits += hex;
    if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") == 0) {
        return '\0';
    }
    const unsigned long code = strtoul(digits, &end, hex ? 16 : 10);
    return *end == '\0' && code >= ' ' && code <= '~' ? (char)code : '\0';
}

static char reference(const char *name)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i].name) == 0) {
            return known[i].c;
        }
    }
    return name[0] == '#' ? numeric_reference(name + 1) : '\0';
}

static int read_reference(struct reader *reader, char *c)
{
    char name[12];
    size_t length = 0;

    reader->at++;
    while (reader->at < reader->end && *reader->at != ';' && length < sizeof(name) - 1) {
        name[length++] = *reader->at++;
    }
    name[length] = '\0';
    if (reader->at == reader->end || *reader->at++ != ';' || !(*c = reference(name))) {
        return refuse(reader, "an unknown reference");
    }
    return 0;
}

static int read_text(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at != '<') {
        char c = *reader->at;
        if ((unsigned char)c < ' ' && !is_space(c)) {
            return refuse(reader, "a control character");
        }
        if (reader->depth == 0 && !is_space(c)) {
            return refuse(reader, "text outside of its root");
        }
        if (c != '&') {
            reader->at++;
        } else if (read_reference(reader, &c)) {
            return -1;
        }
        if (at_wanted(reader)) {
            buf_char(reader->text, c);
        }
    }
    return 0;
}

/* --- tags --- */

static int read_name(struct reader *reader, char name[NAME_MAX_BYTES + 1])
{
    size_t length = 0;

    while (reader->at < reader->end && !strchr(" \t\r\n/>", *reader->at)) {
        const char c = *reader->at++;
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (length == NAME_MAX_BYTES ||
            !(letter || (length && ((c >= '0' && c <= '9') || strchr(":._-", c))))) {
            return refuse(reader, "a malformed name");
        }
        name[length++] = c;
    }
    name[length] = '\0';
    return length ? 0 : refuse(reader, "a malformed name");
}

/* To behind the '>', over attributes; their quotes may hold one. */
static int skip_attributes(struct reader *reader, bool *empty)
{
    char quote = '\0', before = '\0';

    for (; reader->at < reader->end; reader->at++) {
        const char c = *reader->at;
        if (!quote && c == '>') {
            break;
        }
        if (c == '<' || ((unsigned char)c < ' ' && !is_space(c))) {
            return refuse(reader, "a malformed tag");
        }
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        }
        before = c;
    }
    if (reader->at == reader->end) {
        return refuse(reader, "a tag that does not end");
    }
    reader->at++;
    *empty = before == '/';
    return 0;
}

static void push(struct reader *reader, const char *name)
{
    const size_t length = strlen(reader->path);

    snprintf(reader->path + length, sizeof(reader->path) - length, "%s%s", reader->depth ? "/" : "", name);
    reader->path_lengths[reader->depth++] = length;
}

static void pop(struct reader *reader)
{
    reader->path[reader->path_lengths[--reader->depth]] = '\0';
}

static const char *innermost(const struct reader *reader)
{
    const char *slash = strrchr(reader->path, '/');
    return slash ? slash + 1 : reader->path;
}

static int open_element(struct reader *reader)
{
    char name[NAME_MAX_BYTES + 1];
    bool empty = false;

    if (at_wanted(reader)) {
        return refuse(reader, "elements where text was expected");
    }
    reader->at++;
    if (read_name(reader, name) || skip_attributes(reader, &empty)) {
        return -1;
    }
    if (reader->depth == XML_DEPTH_MAX) {
        return err_set(reader->err, ERR_TOO_BIG, "XML with more than %d levels", XML_DEPTH_MAX);
    }
    push(reader, name);
    if (at_wanted(reader) && ++reader->found > 1) {
        return refuse(reader, "the same element twice");
    }
    if (empty) {
        pop(reader);
    }
    return 0;
}

static int close_element(struct reader *reader)
{
    char name[NAME_MAX_BYTES + 1];

    reader->at += 2;
    if (read_name(reader, name)) {
        return -1;
    }
    skip_space(reader);
    if (reader->at == reader->end || *reader->at++ != '>' || reader->depth == 0) {
        return refuse(reader, "a malformed end tag");
    }
    if (strcmp(innermost(reader), name) != 0) {
        return refuse(reader, "an end tag without its start");
    }
    pop(reader);
    return 0;
}

/* --- the document --- */

static int skip_declaration(struct reader *reader)
{
    skip_space(reader);
    if (!starts(reader, "<?xml")) {
        return 0;
    }
    const char *end = memmem(reader->at, (size_t)(reader->end - reader->at), "?>", 2);
    if (!end) {
        return refuse(reader, "a declaration that does not end");
    }
    reader->at = end + 2;
    return 0;
}

static int read_document(struct reader *reader)
{
    int roots = 0;

    if (skip_declaration(reader)) {
        return -1;
    }
    while (reader->at < reader->end) {
        int failed;
        if (*reader->at != '<') {
            failed = read_text(reader);
        } else if (starts(reader, "</")) {
            failed = close_element(reader);
        } else if (reader->depth == 0 && roots++) {
            failed = refuse(reader, "more than one root");
        } else {
            failed = open_element(reader);
        }
        if (failed) {
            return -1;
        }
    }
    return reader->depth == 0 && roots == 1 ? 0 : refuse(reader, "an element that does not end");
}

int xml_text(const char *xml, size_t length, const char *path, struct buf *text, struct err *err)
{
    struct reader reader = {.at = xml, .end = xml + length, .wanted = path, .text = text, .err = err};

    if (length > XML_BYTES_MAX) {
        return err_set(err, ERR_TOO_BIG, "XML of %zu bytes, more than %d", length, XML_BYTES_MAX);
    }
    if (!text_is_utf8(xml, length)) {
        return err_set(err, ERR_SYNTAX, "XML that is not UTF-8");
    }
    int result = read_document(&reader);
    if (!result && !reader.found) {
        result = err_set(err, ERR_NOT_FOUND, "XML without %s", path);
    }
    if (!result && text->overflow) {
        result = err_set(err, ERR_TOO_BIG, "%s has more than %zu bytes", path, text->max);
    }
    return result;
}
