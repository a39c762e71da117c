/* The version of jobsweep, as --version, the User-Agent and the manuals give it. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define JOBSWEEP_VERSION "0.1.0"

#endif
