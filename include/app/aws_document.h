/* What stands behind file:// and fileb://, the documents of --cli-input-json and --cli-input-yaml, and the
 * skeletons of such documents. */
#ifndef APP_AWS_DOCUMENT_H
#define APP_AWS_DOCUMENT_H

#include "app/aws_failure.h"
#include "app/py_value.h"

#include <stdbool.h>

#define AWS_FILE_MAX ((size_t)64 * 1024)

/* *loaded: what the file holds if value begins with "file://" (text, line ends made one line feed) or
 * "fileb://" (bytes), for the caller to free; else NULL. ~ and $NAME in the path are replaced. False with
 * failure when the file cannot be read; option: the option that names it, "--job-id". */
bool aws_document_load_file(const char *option, const char *value, struct py_value **loaded,
                            struct aws_failure *failure);

/* The dict that a document is. option: "--cli-input-json" or "--cli-input-yaml". NULL with failure. */
struct py_value *aws_document_read(const char *option, const char *text, size_t length,
                                   struct aws_failure *failure);

/* What --generate-cli-skeleton prints for "input", "yaml-input" and "output". */
const char *aws_document_skeleton(const char *kind);

#endif
