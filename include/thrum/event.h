/*
 * An event is a flag that threads wait for: Python's threading.Event, Win32's event object.
 *
 *     static thrum_event ready;                              // zero bytes: clear, manual reset
 *     worker:  prepare(); thrum_event_set(&ready);
 *     waiter:  status = thrum_event_wait(&ready, thrum_after(THRUM_SECONDS(5)));
 *
 * A manual-reset event stays set until cleared and lets every waiter go. An auto-reset event
 * (THRUM_EVENT_AUTO_INIT) lets exactly one go, the longest waiter, and is clear again.
 */
#ifndef THRUM_EVENT_H
#define THRUM_EVENT_H

#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_event {
    uint8_t word_; /* set or not, and whether somebody sleeps */
    uint8_t auto_; /* 1: auto reset */
} thrum_event;

/* clang-format off */
#define THRUM_EVENT_INIT {0, 0}
#define THRUM_EVENT_AUTO_INIT {0, 1}
/* clang-format on */

/* Make a clear event. Returns THRUM_OK. Not while others use it. Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_event_init(thrum_event *event, bool auto_reset);

/*
 * Set the event. Manual reset: every waiter goes, and so does who comes until it is cleared. Auto reset: the longest
 * waiter goes, or, with none there, the next to come. Setting a set event changes nothing. Any thread. Not an
 * interruption point. Since 0.1.
 */
THRUM_API void thrum_event_set(thrum_event *event);

/* Clear the event. Any thread. Not an interruption point. Since 0.1. */
THRUM_API void thrum_event_clear(thrum_event *event);

/* Whether it was set a moment ago; does not reset it. Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_event_is_set(const thrum_event *event);

/*
 * Wait until the event is set, the deadline passes or an interrupt comes. A waiter that was there when the event was
 * set returns THRUM_OK, even if the event has been cleared since. Returns THRUM_OK, THRUM_TIMED_OUT or
 * THRUM_INTERRUPTED. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_event_wait(thrum_event *event, thrum_deadline deadline);

THRUM_END_DECLARATIONS

#endif
