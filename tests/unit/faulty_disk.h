/* A disk for SQLite that can be full, or broken, at a moment's notice: the system's files, through a VFS that
 * refuses. One for the process. */
#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct faulty_disk {
    int64_t room;    /* bytes that files may still grow by; below 0: any number */
    bool broken;     /* writes fail, whatever room there is */
    bool sync_fails; /* from now on */
};

extern struct faulty_disk faulty_disk;

/* The name of the VFS; everything works. */
const char *faulty_disk_begin(void);

#endif
