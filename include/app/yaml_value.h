/* A YAML document as Python values, by the core schema of YAML 1.2, as the AWS CLI reads it (ruamel.yaml,
 * safe). What policy/yaml.h refuses (anchors, aliases, tags, directives, a key that stands there twice,
 * limits) is refused here, too. */
#ifndef APP_YAML_VALUE_H
#define APP_YAML_VALUE_H

#include "app/py_value.h"

/* NULL when it is no such document; none for one that is empty. */
struct py_value *yaml_value(const char *text, size_t length);

#endif
