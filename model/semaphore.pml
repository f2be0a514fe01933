/*
 * A semaphore, which holds state. Two wakers (ONE_WAKES: one) release one permit each, or none. Main and a worker
 * acquire, main with a deadline. Main may get a signal, whose handler may acquire too, for a while, and keeps what it
 * gets. Main or the worker may be interrupted.
 */
#define RECORDS      3
#define MAINS_INNER  2
#define BUCKETS      1

#define bucket_of(object)   0
#define object_of(w)        0
#define is_interruptible(w) ((w) != MAINS_INNER)
#define is_timed(w)         ((w) != WORKER)
#define is_momentary(w)     false
#define ends_by_itself(w)   ((w) == MAINS_INNER)
#define when_queued()       skip

#include "lot.pml"

#define PARKED      8
#define value_of(w) ((w) & 7)

byte semaphore; /* the value, and PARKED */

byte permits; /* not in the code: those put in, less those that somebody has */

/* [semaphore.c: thrum_semaphore_try_acquire: "uint64_t word = thrum__load_u64_relaxed(&semaphore->word_);"]
 * [semaphore.c: thrum_semaphore_try_acquire: "thrum__cas_u64_acquire(&semaphore->word_, word, word - 1)"]
 * [semaphore.c: thrum_semaphore_try_acquire: "        word = thrum__load_u64_relaxed(&semaphore->word_);"] */
inline try_acquire()
{
    d_step {
        taken = (value_of(semaphore) > 0);
        semaphore = (taken -> semaphore - 1 : semaphore)
    }
}

/* [semaphore.c: take: "while (!thrum_semaphore_try_acquire(semaphore))"]
 * [semaphore.c: take: "uint64_t word = thrum__load_u64_relaxed(&semaphore->word_);"]
 * [semaphore.c: take: "thrum__cas_u64_acquire(&semaphore->word_, word, word | PARKED)"] */
inline take()
{
    d_step {
        taken = (value_of(semaphore) > 0);
        semaphore = (taken -> semaphore - 1 : semaphore | PARKED)
    }
}

/* [semaphore.c: give: "word = thrum__load_u64_relaxed(&semaphore->word_);"]
 * [semaphore.c: give: "while (!thrum__cas_u64_release(&semaphore->word_, word, after));"] */
inline settle()
{
    d_step {
        semaphore = (value_of(semaphore) + 1 - (first != NONE -> 1 : 0)) | (more -> PARKED : 0);
        given = GRANTED;
        permits++
    }
}

/* One permit, unless it does not come. */
proctype waker()
{
    LOCALS;
    /* [semaphore.c: thrum_semaphore_release: "word = thrum__load_u64_relaxed(&semaphore->word_);"] */
    if
    :: true /* it does not come */
    :: semaphore & PARKED ->
        /* [semaphore.c: thrum_semaphore_release: "thrum__unpark(semaphore, n, give, &r);"] */
        unpark(0)
    :: d_step {
            !(semaphore & PARKED) ->
            /* [semaphore.c: thrum_semaphore_release: "thrum__cas_u64_release(&semaphore->word_, word, word + n)"] */
            semaphore++;
            permits++
        }
    fi
}

proctype thread(byte me)
{
    LOCALS;
    THREAD_LOCALS;
    /* [semaphore.c: thrum_semaphore_acquire: "thrum_status status = thrum__interruption_point();"]
     * [interrupt.h: thrum__interruption_point: "thrum__has_mail(self) ? thrum__take_mail(self)"] */
    if
    :: mail[me] -> goto take_mail
    :: else
    fi;
point_over:
    if
    :: interrupted -> untold--; status = INTERRUPTED; goto over
    :: else
    fi;
    /* [semaphore.c: thrum_semaphore_acquire: "thrum_semaphore_try_acquire(semaphore)"] */
    try_acquire();
    if
    :: taken -> goto over
    :: else
    fi;
    /* [semaphore.c: thrum_semaphore_acquire: "thrum__park(&wait, deadline);"] */
    wait();
    goto over;

inner_over:
    atomic {
        r = MAIN;
        permits = permits - (status == OK -> 1 : 0)
    };
    goto handler_over;

over:
    atomic {
        permits = permits - (status == OK -> 1 : 0);
        end()
    }
}

init
{
    atomic {
        run thread(MAIN);
        run thread(WORKER);
        run waker();
#ifndef ONE_WAKES
        run waker();
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
    assert(value_of(semaphore) == permits);
    assert((done[MAIN] && done[WORKER]) || permits == 0);
    check_mail()
}
