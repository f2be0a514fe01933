/*
 * A lock. A thread, or two (TWO_PASS), take it in passing and release it. Main waits for it with a deadline, a worker
 * without; whoever gets it releases it, and so wakes the other. Main may get a signal, whose handler may take and
 * release the very lock, and an interrupt. Whether a release hands the lock over depends on a clock; here it may or
 * may not.
 */
#define RECORDS     3
#define MAINS_INNER 2
#define BUCKETS     1
#define LOCK        0

#define bucket_of(object)   0
#define object_of(w)        0
#define is_interruptible(w) ((w) == MAIN)
#define is_timed(w)         ((w) == MAIN)
#define is_momentary(w)     false
#define ends_by_itself(w)   false
#define when_queued()       skip
#define take()              take_lock()

#include "lot.pml"
#include "lock_word.pml"

proctype passer_by(byte me)
{
    LOCALS;
    d_step { !(lock & HELD) -> now_held_by(me) };
    release()
}

proctype thread(byte me)
{
    LOCALS;
    THREAD_LOCALS;
    /* [lock.c: thrum_lock_acquire_until: "thrum_status status = thrum__interruption_point();"]
     * [interrupt.h: thrum__interruption_point: "thrum__has_mail(self) ? thrum__take_mail(self)"] */
    if
    :: me == MAIN && mail[me] -> goto take_mail
    :: else
    fi;
point_over:
    if
    :: interrupted -> untold--; goto over
    :: else
    fi;
    /* [lock.c: thrum_lock_acquire_until: "if (status != THRUM_OK || try(lock))"]
     * [lock.c: thrum_lock_acquire: "if (!try(lock) && !spin(lock))"] The worker's, deaf and with no deadline. */
    try();
    if
    :: taken -> goto have
    :: else
    fi;
    /* [lock.c: thrum_lock_acquire_until: "thrum__park(&wait, deadline);"]
     * [lock.c: thrum_lock_acquire: "thrum__park(&wait, THRUM_FOREVER);"] */
    wait();
    if
    :: status == OK -> goto have
    :: else -> goto over
    fi;

inner_over:
    release();
    r = MAIN;
    goto handler_over;

have:
    release();
over:
    end()
}

init
{
    atomic {
        run thread(MAIN);
        run thread(WORKER);
        run passer_by(2);
#ifdef TWO_PASS
        run passer_by(3);
#endif
#ifndef NO_SIGNAL
        run signal();
#endif
#ifdef INTERRUPTED_THREAD
        run interrupter(INTERRUPTED_THREAD)
#endif
    };
    /* When nobody can move any more: */
    timeout ->
    assert(done[MAIN] && done[WORKER] && !(lock & HELD) && holder == NONE);
    check_mail()
}
