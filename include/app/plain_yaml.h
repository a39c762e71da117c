/* One member of a map as YAML, written as the AWS CLI's emitter does: without quotes where that is safe, with
 * single quotes else, folded behind the 80th column. */
#ifndef APP_PLAIN_YAML_H
#define APP_PLAIN_YAML_H

#include "base/buf.h"

/* Appends "NAME: VALUE\n"; name is a plain word. What single quotes cannot hold (control characters, spaces
 * beside a line feed) stands in double ones, not folded. */
void plain_yaml_member(struct buf *out, const char *name, const char *value);

#endif
