/* Configurations from text, for tests that need one that is fine. */
#ifndef UNIT_CONFIG_TEXT_H
#define UNIT_CONFIG_TEXT_H

#include "policy/policy.h"

/* Fails the test, with what is wrong, unless the text is a whole and valid configuration. */
struct config *config_from_text(const char *text);

/* A test whose state is the configuration of this text. */
#define CONFIG_TEST(test, text)                                                                              \
    cmocka_unit_test_prestate_setup_teardown(test, config_text_load, config_text_unload,                     \
                                             (void *)(uintptr_t)(text))
int config_text_load(void **state); /* in: the text */
int config_text_unload(void **state);

#endif
