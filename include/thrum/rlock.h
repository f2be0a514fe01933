/*
 * A re-entrant lock: Python's threading.RLock. The thread that holds it may acquire it again, and it is free when
 * it has been released as often as it was acquired.
 *
 *     static thrum_rlock tree_lock;                       // zero bytes: free
 *     void visit(node *n) {
 *         thrum_rlock_acquire(&tree_lock);                // also from within itself
 *         for (node *child = n->first; child; child = child->next)
 *             visit(child);
 *         (void)thrum_rlock_release(&tree_lock);
 *     }
 *
 * It is owned: only the thread that acquired it may release it. A thread that ends while it holds the lock leaves it
 * held for good. Fairness, and who may free it, as thrum_lock.
 */
#ifndef THRUM_RLOCK_H
#define THRUM_RLOCK_H

#include <thrum/lock.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_rlock {
    void *owner_;    /* the holder's token, NULL: free */
    uint32_t depth_; /* how often the holder has acquired it */
    thrum_lock lock_;
} thrum_rlock;

/* clang-format off */
#define THRUM_RLOCK_INIT {NULL, 0, THRUM_LOCK_INIT}
/* clang-format on */

/* Acquire the lock, or acquire it once more. Cannot fail; 2^32 - 1 holds deep it would wait for itself, which no
 * program reaches. Any thread. Not an interruption point. Since 0.1. */
THRUM_API void thrum_rlock_acquire(thrum_rlock *lock);

/* Acquire the lock if it is free or the caller's own; true if so. Never blocks. Any thread. Not an interruption
 * point. Since 0.1. */
THRUM_API bool thrum_rlock_try_acquire(thrum_rlock *lock);

/* Acquire the lock, or once more, unless the deadline passes or an interrupt comes first; a pending interrupt wins
 * over a free lock. Returns THRUM_OK and one more hold, or THRUM_TIMED_OUT, THRUM_INTERRUPTED or THRUM_OVERFLOW
 * (already 2^32 - 1 deep) and nothing changed. Any thread. Interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_rlock_acquire_until(thrum_rlock *lock, thrum_deadline deadline);

/* Give back one hold. Returns THRUM_OK, or THRUM_NOT_OWNER if the caller does not hold the lock, and then nothing
 * changed. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_rlock_release(thrum_rlock *lock);

/* Whether the calling thread holds it. Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_rlock_is_owned(const thrum_rlock *lock);

/* How many holds the calling thread has; 0 if it is not the owner. Any thread. Not an interruption point. Since 0.1. */
THRUM_API uint32_t thrum_rlock_depth(const thrum_rlock *lock);

THRUM_END_DECLARATIONS

#endif
