/* See measure.h. */
#include "measure.h"

#include <stdlib.h>

double measure_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double measure_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return values[count / 2];
}

double measure_ratio(const double *mine, const double *theirs, int count)
{
    double ratios[ROUNDS_MAX];
    for (int i = 0; i < count; i++)
        ratios[i] = mine[i] / theirs[i];
    return measure_median(ratios, count);
}
