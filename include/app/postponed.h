/* Sweeps that begin a while later than their schedule says, each policy in each target by itself. */
#ifndef APP_POSTPONED_H
#define APP_POSTPONED_H

#include "engine/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct postponed;

/* begin() comes from the loop, once for each that was added and not taken back; it may add more. */
struct postponed *postponed_create(const struct env *env,
                                   void (*begin)(void *owner, const char *policy, const char *target),
                                   void *owner);
void postponed_destroy(struct postponed *postponed); /* takes NULL */

/* Names are copied. False where this pair waits already: that stays as it is. */
bool postponed_add(struct postponed *postponed, const char *policy, const char *target, int64_t delay_ms);
void postponed_clear(struct postponed *postponed); /* takes all back */
/* Those that wait, in no order, with how long they still do. */
void postponed_each(const struct postponed *postponed,
                    void (*each)(void *ctx, const char *policy, const char *target, int64_t left_ms),
                    void *ctx);
size_t postponed_count(const struct postponed *postponed);

/* An even share of 0..spread_ms. */
int64_t postponed_draw(const struct env *env, int64_t spread_ms);

#endif
