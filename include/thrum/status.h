/*
 * What a call says: one enumeration for the whole library.
 *
 *     thrum_status status = thrum_event_wait(&ready, thrum_after(THRUM_SECONDS(5)));
 *     if (status != THRUM_OK)
 *         fprintf(stderr, "no: %s\n", thrum_status_text(status));
 *
 * The numbers are part of the interface and never change; bindings may write them down.
 */
#ifndef THRUM_STATUS_H
#define THRUM_STATUS_H

#include <thrum/base.h>

THRUM_BEGIN_DECLARATIONS

typedef enum thrum_status {
    THRUM_OK = 0,
    THRUM_TIMED_OUT = 1,      /* the deadline passed first */
    THRUM_INTERRUPTED = 2,    /* an interrupt for this thread ended the wait; nothing was taken */
    THRUM_INVALID = 3,        /* an argument is out of range */
    THRUM_NOT_OWNER = 4,      /* the caller does not hold it, or nobody does */
    THRUM_NOT_MAIN = 5,       /* only the main thread may do this */
    THRUM_WOULD_DEADLOCK = 6, /* waiting for oneself */
    THRUM_OVERFLOW = 7,       /* a count would pass its maximum; nothing changed */
    THRUM_BROKEN = 8,         /* the barrier is broken (none in 0.1) */
    THRUM_CLOSED = 9,         /* the queue or pool is closed (none in 0.1) */
    THRUM_NOT_HANDLED = 10,   /* thrum handles no such signal: its system action stands */
    THRUM_NO_MEMORY = 11,     /* the system gave no memory */
    THRUM_NO_THREADS = 12,    /* the system refused another thread */
    THRUM_UNSUPPORTED = 13,   /* this system has no such thing */
    THRUM_SHUTTING_DOWN = 14, /* the library has been shut down */
    THRUM_SYSTEM = 15         /* anything else the system said; see thrum_last_system_error() */
} thrum_status;

/*
 * The status as it is written in a program: "THRUM_TIMED_OUT". For a number that is no status: "THRUM_?".
 * Never NULL, never freed. Any thread, signal handlers too. Not an interruption point. Since 0.1.
 */
THRUM_API const char *thrum_status_name(thrum_status status);

/*
 * The status in one plain English sentence, without a full stop: "the deadline passed first".
 * Never NULL, never freed. Any thread, signal handlers too. Not an interruption point. Since 0.1.
 */
THRUM_API const char *thrum_status_text(thrum_status status);

/*
 * What the system said, errno or GetLastError(), behind the calling thread's last failure in thrum that the
 * system caused (THRUM_NO_MEMORY, THRUM_NO_THREADS, THRUM_SYSTEM, and THRUM_INVALID for a stack that it would
 * not map); 0 if there was none. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API int thrum_last_system_error(void);

THRUM_END_DECLARATIONS

#endif
