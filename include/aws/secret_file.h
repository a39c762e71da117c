/* Whether a file that holds secrets is as private as it must be. */
#ifndef AWS_SECRET_FILE_H
#define AWS_SECRET_FILE_H

#include "base/err.h"

/* fd is path, opened for reading. -1 with ERR_INVALID: it is no regular file; ERR_PERMISSION: others than its
 * owner may read it.
 *
 * A credential that the service manager passed may be open to its group: its access control list admits one
 * service, and shows as group bits (LoadCredential= in systemd.exec(5)). Such a file has to lie in the folder
 * that CREDENTIALS_DIRECTORY names, itself and not as a link, and both must be closed to everybody else,
 * belong to root or to us, and be writable by nobody but their owner. */
int secret_file_check(const char *path, int fd, struct err *err);

#endif
