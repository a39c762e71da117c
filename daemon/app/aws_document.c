/* See app/aws_document.h. */
#include "app/aws_document.h"

#include "app/yaml_value.h"
#include "aws/expand_path.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- paths -----------------------------------------------------------------------------------------------
 */

#define PATH_BYTES_MAX 4096

static void expand(const char *path, struct buf *out)
{
    struct buf with_home;
    buf_init(&with_home, PATH_BYTES_MAX);
    expand_home(NULL, path, &with_home);
    expand_variables(NULL, buf_string(&with_home), out);
    buf_finish(&with_home);
}

/* --- files -----------------------------------------------------------------------------------------------
 */

/* 0, or an errno: EFBIG for more than AWS_FILE_MAX. */
static int read_all(const char *path, struct buf *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[4096];
    ssize_t got = 0;
    struct stat status;
    if (fd < 0) {
        return errno;
    }
    int number = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? EISDIR : 0;
    while (number == 0 && (got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno != EINTR) {
            number = errno;
        } else if (got > 0 && !buf_append(content, bytes, (size_t)got)) {
            number = EFBIG;
        }
    }
    close(fd);
    return number;
}

/* Python's universal line ends. */
static void unify_line_ends(struct buf *content)
{
    size_t to = 0;
    for (size_t from = 0; from < content->length; from++) {
        char c = content->data[from];
        if (c == '\r' && from + 1 < content->length && content->data[from + 1] == '\n') {
            continue;
        }
        content->data[to++] = c == '\r' ? '\n' : c;
    }
    content->length = to;
    if (content->data != NULL) {
        content->data[to] = '\0';
    }
}

static bool fail_file(struct aws_failure *failure, const char *option, const char *value, const char *path,
                      int number)
{
    struct buf quoted;
    buf_init(&quoted, (size_t)4 * PATH_BYTES_MAX);
    py_repr_text(&quoted, path, strlen(path));
    aws_failure_parameters(failure,
                           "Error parsing parameter '%s': Unable to load paramfile %s: [Errno %d] %s: %s",
                           option, value, number, err_errno(number), buf_string(&quoted));
    buf_finish(&quoted);
    return false;
}

static bool load(const char *option, const char *value, const char *path, bool text, struct py_value **loaded,
                 struct aws_failure *failure)
{
    struct buf content;
    buf_init(&content, AWS_FILE_MAX);
    int number = read_all(path, &content);
    bool good = number == 0 && (!text || text_is_utf8(buf_string(&content), content.length));
    if (number != 0) {
        fail_file(failure, option, value, path, number);
    } else if (!good) {
        aws_failure_parameters(
            failure,
            "Error parsing parameter '%s': Unable to load paramfile (%s), text contents could "
            "not be decoded.  If this is a binary file, please use the fileb:// prefix instead "
            "of the file:// prefix.",
            option, path);
    } else {
        if (text) {
            unify_line_ends(&content);
        }
        *loaded = py_text(text ? PY_TEXT : PY_BYTES, buf_string(&content), content.length);
    }
    buf_finish(&content);
    return good;
}

bool aws_document_load_file(const char *option, const char *value, struct py_value **loaded,
                            struct aws_failure *failure)
{
    bool text = strncmp(value, "file://", 7) == 0;
    *loaded = NULL;
    if (!text && strncmp(value, "fileb://", 8) != 0) {
        return true;
    }
    struct buf path;
    buf_init(&path, PATH_BYTES_MAX);
    expand(value + (text ? 7 : 8), &path);
    bool good = !path.overflow && load(option, value, buf_string(&path), text, loaded, failure);
    if (path.overflow) {
        fail_file(failure, option, value, value + (text ? 7 : 8), ENAMETOOLONG);
    }
    buf_finish(&path);
    return good;
}

/* --- documents -------------------------------------------------------------------------------------------
 */

/* The AWS CLI names the option without its dashes here, and only here. */
static struct py_value *fail_document(struct aws_failure *failure, const char *option)
{
    aws_failure_parameters(failure, "Error parsing parameter '%s': Invalid %s received.", option + 2,
                           strstr(option, "yaml") != NULL ? "YAML" : "JSON");
    return NULL;
}

struct py_value *aws_document_read(const char *option, const char *text, size_t length,
                                   struct aws_failure *failure)
{
    bool deep = false;
    struct py_value *document =
        strstr(option, "yaml") != NULL ? yaml_value(text, length) : py_json(text, length, &deep);
    if (deep) {
        aws_failure_other(failure, "maximum recursion depth exceeded");
        return NULL;
    }
    if (document == NULL) {
        return fail_document(failure, option);
    }
    if (document->kind != PY_DICT) {
        aws_failure_parameters(failure,
                               "Error parsing parameter '%s': Invalid type: expecting map, received %s",
                               option, py_type(document));
        py_free(document);
        return NULL;
    }
    return document;
}

const char *aws_document_skeleton(const char *kind)
{
    if (strcmp(kind, "input") == 0) {
        return "{\n"
               "    \"jobId\": \"\",\n"
               "    \"thingName\": \"\",\n"
               "    \"executionNumber\": 0,\n"
               "    \"force\": true,\n"
               "    \"namespaceId\": \"\"\n"
               "}\n";
    }
    if (strcmp(kind, "yaml-input") == 0) {
        return "jobId: ''  # [REQUIRED] The ID of the job whose execution on a particular device will be "
               "deleted.\n"
               "thingName: '' # [REQUIRED] The name of the thing whose job execution will be deleted.\n"
               "executionNumber: 0 # [REQUIRED] The ID of the job execution to be deleted.\n"
               "force: true # (Optional) When true, you can delete a job execution which is "
               "\"IN_PROGRESS\".\n"
               "namespaceId: '' # The namespace used to indicate that a job is a customer-managed job.\n";
    }
    return "";
}
