/*
 * A counting semaphore, bounded or not: Python's threading.Semaphore and BoundedSemaphore.
 *
 *     static thrum_semaphore slots = THRUM_SEMAPHORE_INIT(4);          // zero bytes: 0 permits, unbounded
 *     if (thrum_semaphore_acquire(&slots, thrum_after(THRUM_SECONDS(1))) == THRUM_OK) {
 *         work();
 *         thrum_semaphore_release(&slots, 1);
 *     }
 *
 * Permits go to the longest waiter first. A thread that acquires a permit may free the semaphore if it knows that
 * nobody else will use it: release does not touch it once its permits can be taken.
 */
#ifndef THRUM_SEMAPHORE_H
#define THRUM_SEMAPHORE_H

#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_semaphore {
    THRUM_ALIGNAS_(8) uint64_t word_; /* the value, and above it whether somebody sleeps */
    uint32_t max_;                    /* 0: unbounded, that is 2^32 - 1 */
} thrum_semaphore;

/* clang-format off */
#define THRUM_SEMAPHORE_INIT(value) {(uint32_t)(value), 0}
#define THRUM_SEMAPHORE_BOUNDED_INIT(value, max) {(uint32_t)(value), (uint32_t)(max)}
/* clang-format on */

/* Make a semaphore with `value` permits, never more than `max`; max 0: no bound. Returns THRUM_OK, or THRUM_INVALID
 * if value is above a max that is not 0, and then nothing changed. Not while others use it. Not an interruption
 * point. Since 0.1. */
THRUM_API thrum_status thrum_semaphore_init(thrum_semaphore *semaphore, uint32_t value, uint32_t max);

/* Take one permit, waiting for it until the deadline passes or an interrupt comes. Returns THRUM_OK, or
 * THRUM_TIMED_OUT or THRUM_INTERRUPTED and nothing was taken. Any thread. Interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_semaphore_acquire(thrum_semaphore *semaphore, thrum_deadline deadline);

/* Take one permit if there is one; true if so. Any thread. Never blocks, not an interruption point. Since 0.1. */
THRUM_API bool thrum_semaphore_try_acquire(thrum_semaphore *semaphore);

/* Add n permits and let as many waiters go. Returns THRUM_OK; THRUM_INVALID for n = 0, THRUM_OVERFLOW if the value
 * would pass its maximum, and then nothing changed. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_semaphore_release(thrum_semaphore *semaphore, uint32_t n);

/* How many permits there were a moment ago. For displays. Any thread. Not an interruption point. Since 0.1. */
THRUM_API uint32_t thrum_semaphore_value(const thrum_semaphore *semaphore);

THRUM_END_DECLARATIONS

#endif
