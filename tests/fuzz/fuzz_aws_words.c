/* Any bytes as a command line of delete-job-execution, a word a line: it is read or refused with a sentence,
 * a document on it too; what is valid makes a request target that nothing can break out of. */
#include "app/aws_parameters.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 40

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_target(const struct py_value *parameters)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/?&=";
    struct aws_failure failure;
    struct buf target;
    aws_failure_init(&failure);
    buf_init(&target, (size_t)400 * 1024);
    if (aws_parameters_target(parameters, "/base", "", &target, &failure)) {
        const char *text = buf_string(&target);
        size_t slashes = 0;
        require(strspn(text, allowed) == strlen(text));
        for (const char *at = text; *at != '\0'; at++) {
            slashes += *at == '/';
        }
        require(slashes == 7 && strncmp(text, "/base/things/", 13) == 0);
    } else {
        require(failure.exit == EXIT_AWS_OTHER && failure.message.length > 0);
    }
    buf_finish(&target);
    aws_failure_finish(&failure);
}

static void render(const struct aws_failure *failure)
{
    for (int format = AWS_ERROR_ENHANCED; format <= AWS_ERROR_TABLE; format++) {
        const struct aws_failure_style style = {.format = (enum aws_error_format)format, .columns = 80};
        struct buf out;
        buf_init(&out, 16 * AWS_FAILURE_TEXT_MAX);
        aws_failure_render(failure, &style, &out);
        require(out.length > 0 && !out.overflow);
        buf_finish(&out);
    }
}

static bool names_a_file(int count, char *const *words)
{
    for (int i = 0; i < count; i++) {
        if (strstr(words[i], "file://") != NULL || strstr(words[i], "fileb://") != NULL) {
            return true;
        }
    }
    return false;
}

static void read_words(int count, char **words)
{
    struct aws_arguments arguments;
    struct aws_failure failure;
    aws_failure_init(&failure);
    if (!aws_arguments_read(&arguments, count, words, &failure)) {
        require(failure.exit == EXIT_AWS_PARAMETERS || failure.exit == EXIT_AWS_OTHER);
        render(&failure);
    } else if (arguments.request == AWS_REQUEST_DELETE && !names_a_file(count, words)) {
        struct py_value *parameters = aws_parameters_collect(&arguments, &failure);
        bool valid = parameters != NULL && aws_parameters_validate(parameters, &failure);
        if (valid) {
            check_target(parameters);
        } else {
            render(&failure);
        }
        py_free(parameters);
    }
    aws_failure_finish(&failure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char command[] = "delete-job-execution", *words[WORDS_MAX];
    char *text = mem_strndup((const char *)data, size), *at = text;
    int count = 0;
    words[count++] = command;
    while (at != NULL && count < WORDS_MAX) {
        words[count++] = strsep(&at, "\n");
    }
    read_words(count, words);
    free(text);
    return 0;
}
