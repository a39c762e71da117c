/* What the programs tell a person on standard error, outside of the log. */
#ifndef APP_SAY_H
#define APP_SAY_H

/* Prints "jobsweep: TEXT" and a line feed; control characters in TEXT are made visible. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
