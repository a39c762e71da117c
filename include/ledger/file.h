/* The files of a state directory. */
#ifndef LEDGER_FILE_H
#define LEDGER_FILE_H

/* Opens a file for reading and writing, or creates it with mode 0600; a link is refused. What root creates
 * belongs to whoever has the folder, as SQLite does it with its log: a service with DynamicUser= could not
 * open it otherwise. The descriptor, or -1 with errno. */
int file_open(const char *path);

#endif
