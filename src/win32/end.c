/*
 * The Windows port: how far the process has come towards its end, which the thread of a console that was closed waits
 * to see. All of it is static and never torn down: such a thread may come while the process ends, and be killed there.
 *
 * Once that thread returns, the system ends the process at once, whatever main is in the middle of. So it waits
 *   - until thrum_shutdown is done, and then for a short time, in which the program may begin to end itself;
 *   - if it has begun, in exit() or thrum_exit_by_signal, for all of the time that there is: what follows thrum there
 *     (other at-exit functions, the buffers of stdio) must not be cut short, and the end takes the thread with it.
 */
#include "win32.h"

enum { MILLISECOND = 1000000 };

#define LONGEST_WAIT (INT64_C(4500) * MILLISECOND) /* the system gives a program 5 s after the console was closed */
#define GRACE        (INT64_C(100) * MILLISECOND)  /* from the end of thrum_shutdown to exit(), on a slow machine */

enum { LIVES, SHUT_DOWN, ENDS };

static SRWLOCK stage_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE stage_changed = CONDITION_VARIABLE_INIT;
static int stage = LIVES; /* guarded by the lock; it only rises */

static void reach(int reached)
{
    AcquireSRWLockExclusive(&stage_lock);
    if (stage < reached)
        stage = reached;
    ReleaseSRWLockExclusive(&stage_lock);
    WakeAllConditionVariable(&stage_changed);
}

void thrum__port_shutdown_done(void)
{
    reach(SHUT_DOWN);
}

void thrum__port_process_ends(void)
{
    reach(ENDS);
}

static void wait_in(int here, int64_t until)
{
    AcquireSRWLockExclusive(&stage_lock);
    while (stage == here && thrum__port_now() < until)
        SleepConditionVariableSRW(&stage_changed, &stage_lock, thrum__win32_milliseconds_until(until), 0);
    ReleaseSRWLockExclusive(&stage_lock);
}

void thrum__win32_await_end(void)
{
    int64_t last = thrum__port_now() + LONGEST_WAIT;
    wait_in(LIVES, last);
    int64_t grace = thrum__port_now() + GRACE;
    wait_in(SHUT_DOWN, grace < last ? grace : last);
    wait_in(ENDS, last);
}
