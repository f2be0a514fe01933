/*
 * Something that is done once, by the first thread that comes: POSIX's pthread_once, C11's call_once, with an
 * argument and a result.
 *
 *     static thrum_once loaded;                              // zero bytes: not done
 *     status = thrum_once_run(&loaded, load_tables, NULL);   // THRUM_OK: they are loaded, by whomever
 */
#ifndef THRUM_ONCE_H
#define THRUM_ONCE_H

#include <thrum/status.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_once {
    uint8_t word_;
} thrum_once;

/* clang-format off */
#define THRUM_ONCE_INIT {0}
/* clang-format on */

/*
 * Run the function unless that has been done; wait while another thread does. All that the function wrote can be seen
 * by who gets THRUM_OK. Returns THRUM_OK: it is done; what the function returned, if that was another status: it is not
 * done, and the next caller, or a thread that waits, tries again; THRUM_WOULD_DEADLOCK from inside itself;
 * THRUM_INVALID if run is NULL and it is not done.
 * A function that leaves by longjmp or an exception leaves the others waiting. Any thread. The wait for another
 * thread is not an interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_once_run(thrum_once *once, thrum_status (*run)(void *), void *arg);

/* Whether it has been done; if so, all that the function wrote can be seen. Any thread. Not an interruption point.
 * Since 0.1. */
THRUM_API bool thrum_once_is_done(const thrum_once *once);

THRUM_END_DECLARATIONS

#endif
