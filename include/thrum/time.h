/*
 * Time: lengths in nanoseconds, and deadlines on a clock that never steps.
 *
 *     thrum_deadline deadline = thrum_after(THRUM_MILLISECONDS(250));
 *     while (more() && work(deadline) == THRUM_OK) {}              // one deadline for the whole of it
 *     status = thrum_event_wait(&e, THRUM_FOREVER);                // no deadline
 *     status = thrum_event_wait(&e, THRUM_IMMEDIATELY);            // only if it is set already
 *
 * Every call of thrum that may block takes a deadline, a point in time, and not a timeout: a loop around a wait
 * then need not count what is left. A wait never ends as THRUM_TIMED_OUT before its deadline; it may end later,
 * by the system's grain: some 50 us on Linux, a millisecond or so elsewhere.
 *
 * The clock is the system's monotonic one. It does not step when the wall clock is set, and it may or may not
 * count while the machine sleeps (Linux: no; macOS, Windows: yes).
 */
#ifndef THRUM_TIME_H
#define THRUM_TIME_H

#include <thrum/base.h>
#include <thrum/status.h>

THRUM_BEGIN_DECLARATIONS

typedef int64_t thrum_nanos; /* a length of time in nanoseconds; 292 years either way */

/* A point on the monotonic clock. Zero bytes are a deadline that has passed. */
typedef struct thrum_deadline {
    int64_t at; /* nanoseconds on the clock of thrum_now(); INT64_MAX: never */
} thrum_deadline;

/* Lengths from whole numbers, constants or not. A fraction does not compile: see thrum_seconds() for those. */
#define THRUM_NANOSECONDS(n)  ((thrum_nanos)((n) | INT64_C(0)))
#define THRUM_MICROSECONDS(n) (THRUM_NANOSECONDS(n) * 1000)
#define THRUM_MILLISECONDS(n) (THRUM_NANOSECONDS(n) * 1000000)
#define THRUM_SECONDS(n)      (THRUM_NANOSECONDS(n) * 1000000000)

#define THRUM_FOREVER     THRUM_VALUE_(thrum_deadline, INT64_MAX) /* never passes */
#define THRUM_IMMEDIATELY THRUM_VALUE_(thrum_deadline, 0)         /* has passed: do not wait */

/*
 * A length from seconds with a fraction, as Python's timeouts. Rounds up to the next nanosecond, saturates at
 * either end; not-a-number is 0. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API thrum_nanos thrum_seconds(double seconds);

/* The monotonic clock, in nanoseconds from some point in the past; above 0. As Python's time.monotonic_ns().
 * Any thread, signal handlers too. Not an interruption point. Since 0.1. */
THRUM_API thrum_nanos thrum_now(void);

/* The deadline that lies `length` from now. Negative and 0: it has passed. Saturates into THRUM_FOREVER.
 * Any thread, signal handlers too. Not an interruption point. Since 0.1. */
THRUM_API thrum_deadline thrum_after(thrum_nanos length);

/* How long until the deadline passes: 0 once it has, INT64_MAX for THRUM_FOREVER.
 * Any thread, signal handlers too. Not an interruption point. Since 0.1. */
THRUM_API thrum_nanos thrum_left(thrum_deadline deadline);

/*
 * Sleep for a length of time, or until a deadline. As Python's time.sleep(): a signal whose handler lets the
 * wait go on does not shorten it. Returns THRUM_OK once the time has passed, THRUM_INTERRUPTED if an interrupt
 * came first, also when the length is 0. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_sleep(thrum_nanos length);
THRUM_API THRUM_MUST_USE thrum_status thrum_sleep_until(thrum_deadline deadline);

THRUM_END_DECLARATIONS

#endif
