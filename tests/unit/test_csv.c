/* CSV records as RFC 4180 has them, whatever the pieces are that the input comes in. */
#include "base/csv.h"

#include "base/mem.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct text { /* an input of so many bytes at a time */
    const char *bytes;
    size_t length, at, piece;
    int fails; /* errno at its end; 0: it ends */
};

static ssize_t read_text(void *ctx, char *bytes, size_t size)
{
    struct text *text = ctx;
    size_t left = text->length - text->at;
    size_t count = left < text->piece ? left : text->piece;
    count = count < size ? count : size;
    if (count == 0 && text->fails != 0) {
        errno = text->fails;
        return -1;
    }
    memcpy(bytes, text->bytes + text->at, count);
    text->at += count;
    return (ssize_t)count;
}

/* Each record as its line, then "COLUMN=TEXT" for each field; each problem as "!LINE:COLUMN". */
static void describe(struct text *text, struct buf *out)
{
    struct input *input = mem_zalloc(sizeof *input);
    struct csv csv;
    int result;
    input_init(input, read_text, text);
    csv_init(&csv, input);
    while ((result = csv_next(&csv)) != 0) {
        if (result < 0) {
            buf_printf(out, "!%lld:%lld\n", (long long)csv.problem_line, (long long)csv.problem_column);
            continue;
        }
        buf_printf(out, "%lld", (long long)csv.line);
        for (size_t i = 0; i < csv.count; i++) {
            buf_printf(out, "|%lld=%s", (long long)csv.fields[i].column, csv_text(&csv, i));
        }
        buf_char(out, '\n');
    }
    buf_printf(out, "%s", input->error != 0 ? "failed" : "");
    csv_finish(&csv);
    free(input);
}

static const struct {
    const char *text, *means;
} cases[] = {
    {"", ""},
    {"\n\r\n\n", ""},
    {"a", "1|1=a\n"},
    {"a,b\n", "1|1=a|3=b\n"},
    {"a,b\r\nc,d\r\n", "1|1=a|3=b\n2|1=c|3=d\n"},
    {"a,,c\n,\n", "1|1=a|3=|4=c\n2|1=|2=\n"},
    {"\n\na\n\nb", "3|1=a\n5|1=b\n"},
    {"\"a,b\",c\n", "1|1=a,b|7=c\n"},
    {"\"a\"\"b\"\n", "1|1=a\"b\n"},
    {"\"\",\"\"\n", "1|1=|4=\n"},
    {"\"\"\"\"\n", "1|1=\"\n"},
    {"\"a\nb\",c\nd\n", "1|1=a\nb|4=c\n3|1=d\n"},
    {"\"a\r\nb\"\r\nd\r\n", "1|1=a\r\nb\n3|1=d\n"},
    {"\xef\xbb\xbf"
     "a,b\n",
     "1|1=a|3=b\n"},
    {"\xc3\xa4,b\n", "1|1=\xc3\xa4|3=b\n"},
    {"a b , c\n", "1|1=a b |6= c\n"},
    {"a\rb\n", "1|1=a\rb\n"},
    {"a\"b,c\nd\n", "!1:2\n2|1=d\n"},
    {"\"a\"b,c\nd\n", "!1:4\n2|1=d\n"},
    {"x,\"a\nb\nc", "!1:3\n"},
    {"\"", "!1:1\n"},
    {"a,\xff\nb\n", "!1:3\n2|1=b\n"},
    {"\xed\xa0\x80\nb\n", "!1:1\n2|1=b\n"},
};

static void records_are_read_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            struct text text = {.bytes = cases[i].text, .length = strlen(cases[i].text), .piece = piece};
            struct buf out;
            buf_init(&out, 4096);
            describe(&text, &out);
            if (strcmp(buf_string(&out), cases[i].means) != 0) {
                fail_msg("case %zu in pieces of %zu: %s", i, piece, buf_string(&out));
            }
            buf_finish(&out);
        }
    }
}

static void a_nul_byte_is_refused(void **state)
{
    struct text text = {.bytes = "a,b\0c\nd\n", .length = 8, .piece = 8};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    describe(&text, &out);
    assert_string_equal(buf_string(&out), "!1:4\n2|1=d\n");
    buf_finish(&out);
}

/* One byte at the bound, one above it, and fields without end: what comes after is read all the same. */
static void a_record_has_a_bound(void **state)
{
    (void)state;
    for (size_t length = CSV_RECORD_MAX - 2; length < CSV_RECORD_MAX + 3; length++) {
        struct text text = {.length = length + 3, .piece = 999};
        struct buf out;
        char *bytes = mem_alloc(length + 3);
        memset(bytes, 'x', length);
        memcpy(bytes + length, "\nb\n", 3);
        text.bytes = bytes;
        buf_init(&out, 2 * CSV_RECORD_MAX);
        describe(&text, &out);
        bool fits = length < CSV_RECORD_MAX; /* with its NUL */
        assert_int_equal(buf_string(&out)[0], fits ? '1' : '!');
        assert_non_null(strstr(buf_string(&out), "\n2|1=b\n"));
        buf_finish(&out);
        free(bytes);
    }
}

static void a_record_has_so_many_fields(void **state)
{
    (void)state;
    for (size_t commas = CSV_FIELDS_MAX - 2; commas < CSV_FIELDS_MAX + 1; commas++) {
        char bytes[CSV_FIELDS_MAX + 4];
        struct text text = {.bytes = bytes, .length = commas + 3, .piece = 100};
        struct buf out;
        memset(bytes, ',', commas);
        memcpy(bytes + commas, "\nb\n", 3);
        buf_init(&out, 4096);
        describe(&text, &out);
        assert_int_equal(buf_string(&out)[0], commas < CSV_FIELDS_MAX ? '1' : '!');
        buf_finish(&out);
    }
}

static void an_input_that_fails_says_so(void **state)
{
    struct text text = {.bytes = "a\nb", .length = 3, .piece = 2, .fails = EIO};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    describe(&text, &out);
    assert_string_equal(buf_string(&out), "1|1=a\n2|1=b\nfailed");
    buf_finish(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(records_are_read_in_pieces_of_any_size),
    cmocka_unit_test(a_nul_byte_is_refused),
    cmocka_unit_test(a_record_has_a_bound),
    cmocka_unit_test(a_record_has_so_many_fields),
    cmocka_unit_test(an_input_that_fails_says_so),
};

TAP_MAIN(tests)
