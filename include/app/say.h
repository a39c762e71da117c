/* What the programs tell a person on standard error, outside of the log. */
#ifndef APP_SAY_H
#define APP_SAY_H

/* The program that speaks, a string constant; "jobsweep" where nobody says another. */
void say_as(const char *program);
/* Prints "PROGRAM: TEXT" and a line feed; control characters in TEXT are made visible. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
