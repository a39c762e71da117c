/* What both programs do to their process before anything else. */
#ifndef APP_PROCESS_H
#define APP_PROCESS_H

/* Keeps secrets in memory out of core dumps and from other processes of the user, files that are made from
 * other users, SIGPIPE from ending a sweep, and sockets from becoming standard output. */
void process_protect(void);

/* Libraries get their memory from base/mem.h: before anything uses them. */
void process_supply_memory(void);

#endif
