/* The files of a state directory, and those that have no name. */
#ifndef LEDGER_FILE_H
#define LEDGER_FILE_H

/* Opens a file for reading and writing, or creates it with mode 0600; a link is refused. What root creates
 * belongs to whoever has the folder, as SQLite does it with its log: a service with DynamicUser= could not
 * open it otherwise. The descriptor, or -1 with errno. */
int file_open(const char *path);

/* A file without a name in the folder, for reading and writing, which is gone when it is closed. The
 * descriptor, or -1 with errno. */
int file_open_nameless(const char *folder);

#endif
