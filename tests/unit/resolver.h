/* The test programs' own getaddrinfo(), which libcurl and libuv call too: it knows addresses and "localhost",
 * and asks nobody. Every other name is unknown. Linked in by whoever calls one of these. */
#ifndef TESTS_RESOLVER_H
#define TESTS_RESOLVER_H

#include <stdbool.h>

/* How often an unknown name was asked for since the program began. */
int resolver_unknown(void);

/* From now on who asks for an unknown name waits. */
void resolver_hold(void);
/* Lets them go, and returns when they have gone. */
void resolver_release(void);
/* Returns when somebody waits. */
void resolver_await(void);

#endif
