/*
 * A condition: threads wait there, with a lock given up meanwhile, until another thread notifies them. Python's
 * threading.Condition, POSIX's pthread_cond_t.
 *
 *     static thrum_lock lock;
 *     static thrum_cond filled;                                // zero bytes: nobody waits
 *     static int items;
 *
 *     producer:  THRUM_WITH(&lock) { items++; thrum_cond_notify(&filled); }
 *
 *     consumer:  THRUM_WITH(&lock) {
 *                    while (items == 0)
 *                        if (thrum_cond_wait(&filled, &lock, THRUM_FOREVER) == THRUM_INTERRUPTED)
 *                            return;
 *                    items--;
 *                }
 *
 * The rules
 *   - The lock is held again when a wait returns, whatever the status.
 *   - No spurious wake-ups: THRUM_OK means that a notify was meant for this waiter. The loop is needed all the same,
 *     for another thread may have had the lock in between.
 *   - The longest waiter is notified first, save that one which is in a signal handler comes after the others. A waiter
 *     that left by its deadline or an interrupt has swallowed no notify.
 *   - notify may be called with or without the lock. Called with it, the waiters move straight to the lock's queue:
 *     nobody wakes only to block again.
 *   - All waiters use the same lock while there are any.
 *   - The handlers of signals that come during a wait of the main thread run with the lock given up.
 */
#ifndef THRUM_COND_H
#define THRUM_COND_H

#include <thrum/rlock.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_cond {
    uint8_t word_; /* 1: somebody may be waiting */
} thrum_cond;

/* clang-format off */
#define THRUM_COND_INIT {0}
/* clang-format on */

/*
 * Give up the lock and wait to be notified; hold the lock again on return. Returns
 *   THRUM_OK           notified
 *   THRUM_TIMED_OUT    the deadline passed first
 *   THRUM_INTERRUPTED  an interrupt came first
 *   THRUM_NOT_OWNER    nobody held the lock; nothing changed
 *   THRUM_INVALID      others wait here with another lock; nothing changed, the lock is still held
 * Acquiring the lock again has no deadline and is not interrupted. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_cond_wait(thrum_cond *cond, thrum_lock *lock, thrum_deadline deadline);

/*
 * Wait until the predicate is true, looking first and after every wait, always with the lock held; as Python's
 * Condition.wait_for. Returns THRUM_OK if it is true, whatever ended the wait (an interrupt that came then stays
 * pending); else THRUM_TIMED_OUT or THRUM_INTERRUPTED, or THRUM_NOT_OWNER, THRUM_INVALID as above and for a NULL
 * predicate. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_cond_wait_for(thrum_cond *cond, thrum_lock *lock, bool (*predicate)(void *),
                                                          void *arg, thrum_deadline deadline);

/* thrum_cond_wait with a re-entrant lock: all the caller's holds are given up, and are there again on return.
 * THRUM_NOT_OWNER unless the caller holds it. Any thread. Interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_cond_wait_rlock(thrum_cond *cond, thrum_rlock *lock,
                                                            thrum_deadline deadline);

/* Let the longest waiter go, the n longest, or all. Without waiters: nothing happens, nothing is remembered.
 * Any thread. Not an interruption point. Since 0.1. */
THRUM_API void thrum_cond_notify(thrum_cond *cond);
THRUM_API void thrum_cond_notify_n(thrum_cond *cond, uint32_t n);
THRUM_API void thrum_cond_notify_all(thrum_cond *cond);

THRUM_END_DECLARATIONS

#endif
