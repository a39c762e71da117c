/* Clocks and medians for benchmarks. Two candidates are measured in turns, round by round, so that what else
 * the machine does meets both; a ratio is the median of the rounds' ratios. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <time.h>

#define ROUNDS_MAX 199

double measure_seconds(clockid_t clock);
double measure_median(double *values, int count); /* sorts */
/* The median of mine[i] / theirs[i]; of the values as they were measured, before measure_median(). */
double measure_ratio(const double *mine, const double *theirs, int count);

#endif
