/* Configurations from text, for tests that need one that is fine. */
#ifndef UNIT_CONFIG_TEXT_H
#define UNIT_CONFIG_TEXT_H

#include "policy/policy.h"

/* Fails the test, with what is wrong, unless the text is a whole and valid configuration. */
struct config *config_from_text(const char *text);

#endif
