/*
 * A lock: Python's thread.allocate_lock(), a mutex in one byte.
 *
 *     static thrum_lock lock;                      // zero bytes: free
 *     static int money;
 *
 *     THRUM_WITH(&lock) {                          // Python's `with lock:`
 *         money += 5;
 *     }                                            // released here, on break and (GCC, Clang, C++) return too
 *
 *     thrum_lock_acquire(&lock);                   // the same by hand
 *     money += 5;
 *     if (thrum_lock_release(&lock) != THRUM_OK)
 *         abort();                                 // it was not held: a bug
 *
 * The rules
 *   - One thread holds it at a time. It is not re-entrant: a thread that acquires it twice waits for itself
 *     (thrum_rlock is re-entrant). It has no owner: any thread may release it, as in Python.
 *   - Uncontended, acquire and release are one atomic instruction each and no call.
 *   - Threads barge for speed; one that has waited a millisecond is handed the lock. Nobody starves.
 *   - It needs no destroying. It may be freed by whoever acquires it after the last other user: release does not
 *     touch it once another thread can have it.
 *
 * The functions are exported, too, for other languages; in C and C++ macros of the same name run the fast path
 * inline. Define THRUM_NO_INLINE before including to have the calls alone.
 */
#ifndef THRUM_LOCK_H
#define THRUM_LOCK_H

#include <thrum/atomic.h>
#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_lock {
    uint8_t word_; /* THRUM__LOCK_HELD, THRUM__LOCK_PARKED */
} thrum_lock;

/* clang-format off */
#define THRUM_LOCK_INIT {0}
/* clang-format on */
#define THRUM__LOCK_HELD   ((uint8_t)1) /* somebody holds it */
#define THRUM__LOCK_PARKED ((uint8_t)2) /* somebody may sleep for it: release must look */

/*
 * Acquire the lock, however long it takes. Cannot fail. Not an interruption point: an interrupt is seen after the
 * lock has been acquired, by the next one (Python 2's rule for acquire). Any thread. Since 0.1.
 */
THRUM_API void thrum_lock_acquire(thrum_lock *lock);

/* Acquire the lock if it is free; true if so. Never blocks. Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_lock_try_acquire(thrum_lock *lock);

/*
 * Acquire the lock unless the deadline passes or an interrupt comes first; a pending interrupt wins over a free
 * lock. As Python's lock.acquire(timeout=...). Returns THRUM_OK and the lock is held, or THRUM_TIMED_OUT or
 * THRUM_INTERRUPTED and it is not. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_lock_acquire_until(thrum_lock *lock, thrum_deadline deadline);

/*
 * Release the lock, whichever thread acquired it. Returns THRUM_OK, or THRUM_NOT_OWNER if nobody held it, and
 * then nothing changed. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API thrum_status thrum_lock_release(thrum_lock *lock);

/* Whether somebody held the lock a moment ago; Python's lock.locked(). For assertions and displays.
 * Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_lock_is_held(const thrum_lock *lock);

#ifndef THRUM_NO_INLINE
/* The one legal word for which the inline path does the work is 0 -> HELD -> 0; all else goes to the exported
 * function, which starts afresh. Acquire pairs with the release below and with those in src/lock.c. */
static inline void thrum__lock_acquire(thrum_lock *lock)
{
    if (!thrum__cas_u8_acquire(&lock->word_, 0, THRUM__LOCK_HELD))
        (thrum_lock_acquire)(lock);
}

static inline bool thrum__lock_try_acquire(thrum_lock *lock)
{
    return thrum__cas_u8_acquire(&lock->word_, 0, THRUM__LOCK_HELD) || (thrum_lock_try_acquire)(lock);
}

static inline thrum_status thrum__lock_release(thrum_lock *lock)
{
    if (thrum__cas_u8_release(&lock->word_, THRUM__LOCK_HELD, 0))
        return THRUM_OK;
    return (thrum_lock_release)(lock);
}

#define thrum_lock_acquire(lock)     thrum__lock_acquire(lock)
#define thrum_lock_try_acquire(lock) thrum__lock_try_acquire(lock)
#define thrum_lock_release(lock)     thrum__lock_release(lock)
#endif

THRUM_END_DECLARATIONS

#include <thrum/with.h>

/*
 * THRUM_WITH(lock_pointer) { ... } runs the block with the lock held. break and continue leave the block and
 * release the lock; so do return and goto where the compiler has cleanup: GCC, Clang, any C++. With MSVC in C they
 * do not. An acquire, so not an interruption point.
 */
THRUM__DEFINE_SCOPE(thrum_lock, thrum_lock_acquire, thrum_lock_release)
#define THRUM_WITH(lock) THRUM__SCOPE(thrum_lock, thrum_lock_acquire, thrum_lock_release, lock)

#endif
