/*
 * A monitor: a re-entrant lock and its condition in one. Java's synchronized, wait and notify; Python's Condition().
 *
 *     static thrum_monitor mailbox;                            // zero bytes: free
 *     static char *letter;
 *
 *     sender:    THRUM_SYNCHRONIZED(&mailbox) { letter = text; thrum_monitor_notify(&mailbox); }
 *
 *     receiver:  THRUM_SYNCHRONIZED(&mailbox) {
 *                    while (!letter)
 *                        if (thrum_monitor_wait(&mailbox, THRUM_FOREVER) != THRUM_OK)
 *                            break;
 *                }
 *
 * The rules are those of thrum_rlock and thrum_cond, except that here, as in Java, waiting and notifying are for the
 * thread that is inside.
 */
#ifndef THRUM_MONITOR_H
#define THRUM_MONITOR_H

#include <thrum/cond.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_monitor {
    thrum_rlock lock_;
    thrum_cond cond_;
} thrum_monitor;

/* clang-format off */
#define THRUM_MONITOR_INIT {THRUM_RLOCK_INIT, THRUM_COND_INIT}
/* clang-format on */

/* Enter, however long it takes; may be nested. Cannot fail. Any thread. Not an interruption point. Since 0.1. */
THRUM_API void thrum_monitor_enter(thrum_monitor *monitor);

/* Enter if nobody else is inside; true if so. Any thread. Never blocks, not an interruption point. Since 0.1. */
THRUM_API bool thrum_monitor_try_enter(thrum_monitor *monitor);

/* Enter unless the deadline passes or an interrupt comes first. Returns THRUM_OK, or THRUM_TIMED_OUT,
 * THRUM_INTERRUPTED, THRUM_OVERFLOW and nothing changed. Any thread. Interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_monitor_enter_until(thrum_monitor *monitor, thrum_deadline deadline);

/* Leave once. Returns THRUM_OK, or THRUM_NOT_OWNER if the caller is not inside, and then nothing changed. Any thread.
 * Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_monitor_exit(thrum_monitor *monitor);

/* Leave, however deep, wait to be notified, and be inside again, as deep, on return. Java's Object.wait without its
 * spurious wake-ups. Returns THRUM_OK, THRUM_TIMED_OUT or THRUM_INTERRUPTED, or at once THRUM_NOT_OWNER if the caller
 * is not inside. Any thread. Interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_monitor_wait(thrum_monitor *monitor, thrum_deadline deadline);

/* Let the longest waiter go, the n longest, or all; they enter once the caller has left. Returns THRUM_OK, or
 * THRUM_NOT_OWNER if the caller is not inside, and then nothing changed. Any thread. Not an interruption point.
 * Since 0.1. */
THRUM_API thrum_status thrum_monitor_notify(thrum_monitor *monitor);
THRUM_API thrum_status thrum_monitor_notify_n(thrum_monitor *monitor, uint32_t n);
THRUM_API thrum_status thrum_monitor_notify_all(thrum_monitor *monitor);

THRUM_END_DECLARATIONS

/* THRUM_SYNCHRONIZED(monitor_pointer) { ... } runs the block inside the monitor, and leaves it as THRUM_WITH leaves
 * its lock (see <thrum/lock.h>). */
THRUM__DEFINE_SCOPE(thrum_monitor, thrum_monitor_enter, thrum_monitor_exit)
#define THRUM_SYNCHRONIZED(monitor) THRUM__SCOPE(thrum_monitor, thrum_monitor_enter, thrum_monitor_exit, monitor)

#endif
