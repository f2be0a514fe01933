/* The POSIX port: the core's own lock and condition, on pthread's. */
#include "posix.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(thrum__port_lock), "thrum__port_lock is too small");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(thrum__port_cond), "thrum__port_cond is too small");

/* These calls fail only if thrum has a bug or its memory was overwritten: going on would make it worse. */
static void must(int error)
{
    if (error != 0)
        abort();
}

void thrum__port_lock_init(thrum__port_lock *lock)
{
    must(pthread_mutex_init((pthread_mutex_t *)lock, NULL));
}

void thrum__port_lock_acquire(thrum__port_lock *lock)
{
    must(pthread_mutex_lock((pthread_mutex_t *)lock));
}

void thrum__port_lock_release(thrum__port_lock *lock)
{
    must(pthread_mutex_unlock((pthread_mutex_t *)lock));
}

void thrum__port_cond_init(thrum__port_cond *cond)
{
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes));
#if defined(THRUM_HAVE_CONDATTR_SETCLOCK)
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
#endif
    must(pthread_cond_init((pthread_cond_t *)cond, &attributes));
    pthread_condattr_destroy(&attributes);
}

void thrum__port_cond_wait(thrum__port_cond *cond, thrum__port_lock *lock, int64_t at)
{
    int error;
    int cancel = thrum__posix_stop_cancel();
    if (at == INT64_MAX) {
        error = pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)lock);
    } else {
#if defined(THRUM_HAVE_CONDATTR_SETCLOCK)
        struct timespec end = thrum__posix_timespec(at);
        error = pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)lock, &end);
#else /* macOS */
        int64_t left = at - thrum__port_now();
        struct timespec length = thrum__posix_timespec(left > 0 ? left : 0);
        error = pthread_cond_timedwait_relative_np((pthread_cond_t *)cond, (pthread_mutex_t *)lock, &length);
#endif
    }
    thrum__posix_allow_cancel(cancel);
    if (error != ETIMEDOUT)
        must(error);
}

void thrum__port_cond_broadcast(thrum__port_cond *cond)
{
    must(pthread_cond_broadcast((pthread_cond_t *)cond));
}
