/* A home folder of its own with an empty ~/.aws, and an environment without any of AWS's variables. */
#ifndef TESTS_HOME_H
#define TESTS_HOME_H

#include <sys/types.h>

/* Setup and teardown of a test; *state becomes the folder's path. */
int home_start(void **state);
int home_stop(void **state);
/* Writes ~/.aws/NAME, which home_stop() removes. */
void home_write(void **state, const char *name, const char *text, mode_t mode);

#endif
