/* Where a plan is to be written, looked at before the work for it begins. */
#ifndef APP_PLAN_PLACE_H
#define APP_PLAN_PLACE_H

#include "base/err.h"

/* -1 with ERR_INVALID where path is "-" or stands for something that is neither a plan of jobsweep nor an
 * empty file, and would be lost; with another code where no file can be made in its folder. */
int plan_place_check(const char *path, struct err *err);

#endif
