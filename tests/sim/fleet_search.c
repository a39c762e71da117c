/* See fleet_search.h. A query becomes a tree of nodes by recursive descent:
 *
 *   either  = both {"OR" both}
 *   both    = single {["AND"] single}
 *   single  = ("NOT" | "-") single | "(" either ")" | [FIELD ":"] (WORD | PHRASE | "(" either ")")  */
#include "sim/fleet_search.h"

#include "base/mem.h"
#include "sim/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX   1000
#define LEADING_MAX 100 /* of a query with a leading wildcard */
#define WORDS_MAX   12
#define DEPTH_MAX   16
#define NODES_MAX   64
#define MANY        '\001' /* wildcards inside of a pattern, so that an escaped * is a character like others */
#define ONE         '\002'
#define SPECIAL     "`@#%/';,<>=[]{}"

enum kind { WORD, NOT, AND, OR };

struct node {
    enum kind kind;
    char *field; /* of WORD; NULL: any */
    char *pattern;
    int left, right;
};

struct search {
    struct node nodes[NODES_MAX];
    int count, root;
};

struct parser {
    struct search *search;
    const char *at;
    const char *field; /* in which the words are, from FIELD:( */
    int words, leading, depth;
    struct err *err;
    bool failed;
};

static int either(struct parser *parser);

static int fail(struct parser *parser, const char *why)
{
    if (!parser->failed) {
        err_set(parser->err, ERR_SYNTAX, "Invalid query: %s at '%.20s'", why, parser->at);
    }
    parser->failed = true;
    return 0;
}

static int add(struct parser *parser, struct node node)
{
    struct search *search = parser->search;

    if (search->count == NODES_MAX) {
        free(node.field);
        free(node.pattern);
        return fail(parser, "too many conditions");
    }
    search->nodes[search->count] = node;
    return search->count++;
}

static void skip_spaces(struct parser *parser)
{
    parser->at += strspn(parser->at, " \t\r\n");
}

/* --- words --- */

static bool ends_word(char c)
{
    return c == '\0' || strchr(" \t\r\n():\"", c);
}

/* Takes a word without its escapes; its wildcards become MANY and ONE. */
static bool take_word(struct parser *parser, char *out, size_t size)
{
    size_t length = 0;

    for (; !ends_word(*parser->at) && length + 1 < size; parser->at++) {
        char c = *parser->at;
        if (c == '\\' && parser->at[1]) {
            c = *++parser->at;
        } else if (c == '\\' || strchr(SPECIAL, c)) {
            fail(parser, "a special character");
            return false;
        } else if (c == '*' || c == '?') {
            c = c == '*' ? MANY : ONE;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    if (length == 0 || !ends_word(*parser->at)) {
        fail(parser, "a word is missing or too long");
    }
    return !parser->failed;
}

static bool take_phrase(struct parser *parser, char *out, size_t size)
{
    const char *end = strchr(++parser->at, '"');
    size_t length = end ? (size_t)(end - parser->at) : size;

    if (!end || length == 0 || length >= size) {
        fail(parser, "a phrase that is empty, too long or without an end");
        return false;
    }
    memcpy(out, parser->at, length);
    out[length] = '\0';
    parser->at = end + 1;
    return true;
}

static bool field_known(const char *field)
{
    return strcmp(field, "thingName") == 0 || strcmp(field, "thingTypeName") == 0 ||
           strcmp(field, "thingGroupNames") == 0 || strcmp(field, "thingId") == 0 ||
           (strncmp(field, "attributes.", 11) == 0 && field[11]);
}

static int add_word(struct parser *parser, const char *field, const char *text)
{
    if (++parser->words > WORDS_MAX) {
        return fail(parser, "more than 12 words");
    }
    if ((*text == MANY || *text == ONE) && text[1] && ++parser->leading > 1) {
        return fail(parser, "more than one leading wildcard");
    }
    struct node node = {.kind = WORD, .pattern = mem_strdup(text)};
    node.field = field ? mem_strdup(field) : NULL;
    return add(parser, node);
}

static int value(struct parser *parser, const char *field)
{
    char text[QUERY_MAX + 1];

    skip_spaces(parser);
    if (*parser->at == '"') {
        return take_phrase(parser, text, sizeof(text)) ? add_word(parser, field, text) : 0;
    }
    return take_word(parser, text, sizeof(text)) ? add_word(parser, field, text) : 0;
}

/* --- conditions --- */

static int group(struct parser *parser)
{
    parser->at++;
    if (++parser->depth > DEPTH_MAX) {
        return fail(parser, "too deep");
    }
    int node = either(parser);
    parser->depth--;
    if (*parser->at != ')') {
        return fail(parser, "')' is missing");
    }
    parser->at++;
    return node;
}

static int in_field(struct parser *parser, const char *field)
{
    const char *outer = parser->field;

    if (outer || strchr(field, MANY) || strchr(field, ONE) || !field_known(field)) {
        return fail(parser, "no such field");
    }
    skip_spaces(parser);
    if (*parser->at != '(') {
        return *parser->at == '-' ? fail(parser, "a word is missing") : value(parser, field);
    }
    parser->field = field;
    int node = group(parser);
    parser->field = outer;
    return node;
}

static int field_or_word(struct parser *parser)
{
    char text[QUERY_MAX + 1];

    if (*parser->at == '"') {
        return value(parser, parser->field);
    }
    if (!take_word(parser, text, sizeof(text))) {
        return 0;
    }
    if (strcmp(text, "AND") == 0 || strcmp(text, "OR") == 0 || strcmp(text, "NOT") == 0) {
        return fail(parser, "an operator without what it is for");
    }
    if (*parser->at != ':') {
        return add_word(parser, parser->field, text);
    }
    parser->at++;
    return in_field(parser, text);
}

/* Whether this word comes next, alone; takes it. */
static bool take_operator(struct parser *parser, const char *word)
{
    size_t length = strlen(word);

    skip_spaces(parser);
    if (strncmp(parser->at, word, length) != 0 || !ends_word(parser->at[length]) ||
        parser->at[length] == ':') {
        return false;
    }
    parser->at += length;
    return true;
}

static int single(struct parser *parser)
{
    bool negated = false;

    for (;;) {
        bool hyphen;
        skip_spaces(parser);
        hyphen = *parser->at == '-';
        if (!hyphen && !take_operator(parser, "NOT")) {
            break;
        }
        parser->at += hyphen;
        negated = !negated;
    }
    int node = *parser->at == '(' ? group(parser) : field_or_word(parser);
    return negated && !parser->failed ? add(parser, (struct node){.kind = NOT, .left = node}) : node;
}

static bool more_follows(struct parser *parser)
{
    skip_spaces(parser);
    return !parser->failed && *parser->at && *parser->at != ')';
}

static int both(struct parser *parser)
{
    int left = single(parser);

    while (more_follows(parser)) {
        const char *before = parser->at;
        if (take_operator(parser, "OR")) {
            parser->at = before; /* it is for either() */
            break;
        }
        take_operator(parser, "AND");
        int right = single(parser);
        left = parser->failed ? 0 : add(parser, (struct node){.kind = AND, .left = left, .right = right});
    }
    return left;
}

static int either(struct parser *parser)
{
    int left = both(parser);

    while (more_follows(parser) && take_operator(parser, "OR")) {
        int right = both(parser);
        left = parser->failed ? 0 : add(parser, (struct node){.kind = OR, .left = left, .right = right});
    }
    return left;
}

struct search *search_parse(const char *query, struct err *err)
{
    struct parser parser = {.search = mem_zalloc(sizeof(struct search)), .at = query, .err = err};

    if (strlen(query) > QUERY_MAX) {
        parser.failed = true;
        err_set(err, ERR_TOO_BIG, "Invalid query: it is longer than %d characters", QUERY_MAX);
    } else {
        parser.search->root = either(&parser);
    }
    if (!parser.failed && *parser.at) {
        fail(&parser, "something is left over");
    }
    if (!parser.failed && parser.leading && strlen(query) > LEADING_MAX) {
        fail(&parser, "too long for a leading wildcard");
    }
    if (parser.failed) {
        search_free(parser.search);
        return NULL;
    }
    return parser.search;
}

void search_free(struct search *search)
{
    if (!search) {
        return;
    }
    for (int i = 0; i < search->count; i++) {
        free(search->nodes[i].field);
        free(search->nodes[i].pattern);
    }
    free(search);
}

/* --- matching --- */

static bool fits(const struct node *node, const char *text)
{
    return text && pattern_matches(node->pattern, MANY, ONE, text, true);
}

static bool word_matches(const struct node *node, const struct fleet_thing_about *thing)
{
    const char *field = node->field;
    bool any = !field, found = false;

    if (any || strcmp(field, "thingName") == 0) {
        found = fits(node, thing->name);
    }
    if (any || strcmp(field, "thingId") == 0) {
        found = found || fits(node, thing->id);
    }
    if (any || strcmp(field, "thingTypeName") == 0) {
        found = found || fits(node, thing->type);
    }
    if (any || strcmp(field, "thingGroupNames") == 0) {
        found = found || fits(node, thing->group);
    }
    const char *name = !any && strncmp(field, "attributes.", 11) == 0 ? field + 11 : NULL;
    for (size_t i = 0; i < thing->attribute_count && !found && (any || name); i++) {
        found =
            (any || strcmp(name, thing->attributes[i].name) == 0) && fits(node, thing->attributes[i].value);
    }
    return found;
}

static bool node_matches(const struct search *search, int index, const struct fleet_thing_about *thing)
{
    const struct node *node = &search->nodes[index];

    switch (node->kind) {
    case WORD:
        break;
    case NOT:
        return !node_matches(search, node->left, thing);
    case AND:
        return node_matches(search, node->left, thing) && node_matches(search, node->right, thing);
    case OR:
        return node_matches(search, node->left, thing) || node_matches(search, node->right, thing);
    }
    return word_matches(node, thing);
}

bool search_matches(const struct search *search, const struct fleet_thing_about *thing)
{
    return node_matches(search, search->root, thing);
}
