/*
 * The Windows port: the parker.
 *
 * Without a deadline a thread sleeps on a condition variable. With one it sleeps on an event and a waitable timer, for
 * condition variables count in ticks of up to 15.6 ms, and the timer, of high resolution where there is one (Windows 10
 * 1803 and later), in half milliseconds. Both are the same sleep to who unparks: it reads, under the parker's lock,
 * where the thread is. The two handles are made at a thread's first sleep with a deadline.
 */
#include "win32.h"

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

typedef struct win32_parker {
    thrum__port_lock lock; /* guards permit and timed */
    thrum__port_cond cond;
    bool permit;
    bool timed;          /* the thread sleeps on the handles, or is about to */
    HANDLE event, timer; /* the thread's own; NULL until it needs them */
} win32_parker;

_Static_assert(sizeof(win32_parker) <= sizeof(thrum__parker), "thrum__parker is too small");

bool thrum__port_parker_init(thrum__parker *memory, bool main)
{
    win32_parker *parker = (win32_parker *)memory;
    (void)main; /* console events come on threads of their own, where anything may be called */
    thrum__port_lock_init(&parker->lock);
    thrum__port_cond_init(&parker->cond);
    return true;
}

bool thrum__port_parker_reborn(thrum__parker *memory)
{
    (void)memory;
    return false; /* Windows has no fork */
}

void thrum__port_parker_forget(thrum__parker *memory)
{
    (void)memory;
}

static bool has_handles(win32_parker *parker)
{
    if (!parker->event)
        parker->event = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (!parker->timer)
        parker->timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (!parker->timer)
        parker->timer = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    return parker->event && parker->timer;
}

/* Start the timer for what is left, in the system's 100 ns, rounded up. False if nothing is left or it cannot be set.
 */
static bool start_timer(win32_parker *parker, int64_t at)
{
    LARGE_INTEGER due;
    int64_t left = at - thrum__port_now();
    if (left <= 0)
        return false;
    due.QuadPart = -(left / 100 + (left % 100 != 0)); /* negative: from now */
    return SetWaitableTimer(parker->timer, &due, 0, NULL, NULL, FALSE);
}

/* Returns early if the event was set late, by an unpark that an earlier sleep had no need of. */
static void sleep_on_handles(win32_parker *parker, int64_t at)
{
    HANDLE handles[2] = {parker->event, parker->timer};
    parker->timed = true;
    thrum__port_lock_release(&parker->lock);
    THRUM__STOP(IN_PARKER);
    DWORD limit = start_timer(parker, at) ? INFINITE : thrum__win32_milliseconds_until(at);
    WaitForMultipleObjects(2, handles, FALSE, limit);
    thrum__port_lock_acquire(&parker->lock);
    parker->timed = false;
}

void thrum__port_park(thrum__parker *memory, int64_t at)
{
    win32_parker *parker = (win32_parker *)memory;
    DWORD error = GetLastError();
    bool on_handles = at != INT64_MAX && has_handles(parker);
    thrum__port_lock_acquire(&parker->lock);
    if (!parker->permit) {
        if (on_handles)
            sleep_on_handles(parker, at);
        else
            thrum__port_cond_wait(&parker->cond, &parker->lock, at);
    }
    parker->permit = false;
    thrum__port_lock_release(&parker->lock);
    SetLastError(error);
}

void thrum__port_unpark(thrum__parker *memory)
{
    win32_parker *parker = (win32_parker *)memory;
    DWORD error = GetLastError();
    thrum__port_lock_acquire(&parker->lock);
    bool timed = parker->timed && !parker->permit;
    parker->permit = true;
    thrum__port_lock_release(&parker->lock);
    if (timed)
        SetEvent(parker->event);
    else
        thrum__port_cond_broadcast(&parker->cond);
    SetLastError(error);
}
