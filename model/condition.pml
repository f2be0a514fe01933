/*
 * A condition with its lock: news that is gone once it has been told. Two producers take the lock in passing, make one
 * item each, and notify: the first with the lock held, the second after its release (NOTIFY_ALL: for all who wait).
 * Main and a worker take the lock, and wait at the condition while there is no item; main with a deadline. Main may
 * get a signal, and an interrupt; the signal's handler may take and release the very lock.
 *
 * ONE_WAITS: no worker. WITHOUT_LOCK: no lock either, nor items: each waits once, and a handler may sleep for a while.
 * ONE_BUCKET: the condition and the lock hash to the same.
 */
#define RECORDS     5 /* MAIN and WORKER at the condition; 2 and 3 the same for the lock */
#define MAINS_INNER 4
#define COND        0
#define LOCK        1
#ifdef ONE_BUCKET
#define BUCKETS           1
#define bucket_of(object) 0
#else
#define BUCKETS           2
#define bucket_of(object) (object)
#endif

#define FIRST_PRODUCER 2
#ifdef NOTIFY_ALL
#define how_many(producer) ((producer) == FIRST_PRODUCER -> 1 : 2)
#else
#define how_many(producer) 1
#endif

#define for_lock(w)         ((w) + 2)
#define is_for_lock(w)      ((w) >= 2)
#define object_of(w)        (is_for_lock(w) -> LOCK : COND)
#define is_interruptible(w) (!is_for_lock(w))
#define is_momentary(w)     true
#ifdef WITHOUT_LOCK
#define is_timed(w)       ((w) != WORKER) /* a handler sleeps for a while */
#define ends_by_itself(w) ((w) == MAINS_INNER)
#else
#define is_timed(w)       ((w) == MAIN)
#define ends_by_itself(w) false
#endif
#ifdef ONE_WAITS
#define WORKER_WAITS false
#else
#define WORKER_WAITS true
#endif

#include "lot.pml"
#include "lock_word.pml"

bool mark; /* the condition's word */

byte items; /* guarded by the lock */
byte owed;  /* not in the code: waiters that a notify chose, less waits at the condition that said OK */

/* Of a record at the condition, or at the lock, be it that it was moved there. */
inline take()
{
    if
    :: object[r] == COND ->
        /* [cond.c: mark: "thrum__store_u8_release(&((thrum_cond *)object)->word_, 1);"] */
        mark = true;
        taken = false
#ifdef WITHOUT_LOCK
    :: else -> taken = false
#else
    :: else -> take_lock()
#endif
    fi
}

/* [parking_lot.c: wait_as: "wait->lock->release(wait->lock->object);"]
 * [lock.c: held_release: "thrum_lock_release((thrum_lock *)lock);"] */
inline when_queued()
{
    if
#ifndef WITHOUT_LOCK
    :: !is_for_lock(r) -> release()
#endif
    :: else
    fi
}

/* ---- Notify: src/notify.c --------------------------------------------------------------------------------------- */

/* The first to be notified.
 * [notify.c: choose: "if (!w->suspended)"] */
inline choose()
{
    first = NONE;
    i = 0;
    do
    :: i < RECORDS ->
        if
        :: queued[i] && object[i] == COND ->
            assert(alive[i] && fate[i] == WAITING);
            if
            :: first == NONE -> first = i
            :: else ->
                if
                :: suspended[first] && !suspended[i] -> first = i
                :: suspended[first] == suspended[i] && since[i] < since[first] -> first = i
                :: else
                fi
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* [notify.c: lock_two: "thrum__port_lock_acquire(&low->lock);"]
 * [notify.c: lock_two: "thrum__port_lock_acquire(&high->lock);"]
 * [notify.c: lock_two: "unmark(cond);"]
 * [cond.c: unmark: "thrum__store_u8_release(&((thrum_cond *)object)->word_, 0);"]
 * [notify.c: unlock_two: "thrum__unlock_bucket(two.cond);"]
 * [notify.c: unlock_two: "thrum__unlock_bucket(two.lock);"]
 * The condition's bucket alone, to see whose lock it is; then both in the order of their index. */
inline lock_two()
{
#if BUCKETS == 2
    atomic {
        !bucket[0] ->
        d_step { choose() };
        mark = mark && first != NONE
    };
    if
    :: first != NONE ->
        atomic { !bucket[0] -> bucket[0] = true };
        atomic {
            !bucket[1] ->
            d_step { choose() };
            bucket[1] = (first != NONE);
            bucket[0] = (first != NONE);
            mark = mark && first != NONE
        }
    :: else
    fi
#else
    atomic {
        !bucket[0] ->
        d_step { choose() };
        bucket[0] = (first != NONE);
        mark = mark && first != NONE
    }
#endif
}

inline notify()
{
    lock_two();
    if
    :: first != NONE ->
        n = how_many(me);
        do
        :: n > 0 && first != NONE ->
            /* [notify.c: can_move: "if (w->suspended)"]
             * [notify.c: can_move: "w->lock->mark(w->lock->object);"]
             * [lock.c: held_mark: "word = thrum__load_u8_relaxed(&lock->word_);"]
             * [lock.c: held_mark: "while (!thrum__cas_u8_acquire(&lock->word_, word, word | PARKED));"]
             * [notify.c: can_move: "w->lock->mark_if_held(w->lock->object);"]
             * [lock.c: held_mark_if_held: "word = thrum__load_u8_relaxed(&lock->word_);"]
             * [lock.c: held_mark_if_held: "while (!thrum__cas_u8_acquire(&lock->word_, word, word | PARKED));"]
             * [notify.c: thrum__notify: "thrum__dequeue(two.cond, w);"] */
            d_step {
                owed++;
                n--;
#ifdef BROKEN_MOVES_SUSPENDED
                ok = (one_wakes || (lock & HELD));
#else
                ok = !suspended[first] && (one_wakes || (lock & HELD));
#endif
                if
                :: ok -> lock = lock | PARKED
                :: else ->
                    one_wakes = one_wakes || !suspended[first];
                    queued[first] = false;
                    granted[granted_count] = first;
                    granted_count++;
                    choose()
                fi
            };
            if
            :: ok ->
                /* [notify.c: move_to_lock: "thrum__dequeue(two.cond, w);"]
                 * [notify.c: move_to_lock: "w->since = thrum__port_now();"]
                 * [notify.c: move_to_lock: "thrum__store_pointer_release(&w->object, w->lock->object);"]
                 * [notify.c: move_to_lock: "thrum__enqueue(two.lock, w);"] */
                d_step {
                    ok = false;
                    moved[first] = true;
                    read_clock(first);
                    object[first] = LOCK;
                    choose()
                }
            :: else
            fi
        :: else -> break
        od;
        n = 0;
        one_wakes = false;
        if
        :: first == NONE ->
            /* [notify.c: thrum__notify: "unmark(cond);"] */
            mark = false
        :: else
        fi;
        first = 0;
        do
        :: granted_count > 0 ->
            /* [notify.c: thrum__notify: "thrum__decide(two.cond, granted, THRUM__GRANTED, &list);"] The last first. */
            d_step {
                granted_count--;
                decide(granted[granted_count], GRANTED);
                to_wake[thread_of(granted[granted_count])] = true;
                granted[granted_count] = 0
            }
        :: else -> break
        od;
        /* [notify.c: thrum__notify: "unlock_two(two);"] */
        atomic { bucket[0] = false; bucket[BUCKETS - 1] = false };
        /* [notify.c: thrum__notify: "thrum__wake(&list);"] */
        do
        :: to_wake[MAIN] -> to_wake[MAIN] = false; port_unpark(MAIN)
        :: !to_wake[MAIN] && to_wake[WORKER] -> to_wake[WORKER] = false; port_unpark(WORKER)
        :: !to_wake[MAIN] && !to_wake[WORKER] -> break
        od
    :: else
    fi;
    first = 0
}

proctype producer(byte me)
{
    LOCALS;
    byte n, granted_count, granted[2];
    bool one_wakes, with_lock, to_wake[THREADS];
#ifdef WITHOUT_LOCK
    goto tell;
#endif
    atomic {
        !(lock & HELD) ->
        now_held_by(me);
        items++;
        with_lock = (me == FIRST_PRODUCER)
    };
    if
    :: with_lock -> goto tell
    :: else
    fi;
let_go:
#ifndef WITHOUT_LOCK
    release();
#endif
    if
    :: with_lock -> goto over
    :: else
    fi;
tell:
    /* [cond.c: thrum_cond_notify_n: "if (thrum__load_u8_acquire(&cond->word_))"] Whoever waits is behind the mark. */
    if
    :: mark ->
        /* [cond.c: thrum_cond_notify_n: "thrum__notify(cond, n, unmark);"] */
        notify()
    :: atomic {
            !mark ->
            assert(!(queued[MAIN] && object[MAIN] == COND) && !(queued[WORKER] && object[WORKER] == COND))
        }
    fi;
    if
    :: with_lock -> goto let_go
    :: else
    fi;
over:
    with_lock = false
}

/* ---- Those who wait --------------------------------------------------------------------------------------------- */

proctype thread(byte me)
{
    LOCALS;
    THREAD_LOCALS;
    byte outcome;
#ifdef WITHOUT_LOCK
    goto again;
#else
    d_step { !(lock & HELD) -> now_held_by(me) };
#endif

have:
    if
    :: items > 0 -> items--; goto leave_off
    :: items == 0 && outcome != OK -> goto leave_off
    :: items == 0 && outcome == OK -> goto again
    fi;

again:
    /* [cond.c: thrum_cond_wait: "thrum_status status = thrum__park(&wait, deadline);"] */
    wait();
    if
    :: !is_for_lock(r) ->
        outcome = status;
        owed = owed - (status == OK -> 1 : 0);
#ifdef WITHOUT_LOCK
        goto over;
#endif
        if
        :: back -> assert(status == OK && holder == me); back = false; goto have
        :: else
        fi;
        /* [cond.c: thrum_cond_wait: "if (status != THRUM_INVALID && !wait.lock_is_back)"]
         * [cond.c: thrum_cond_wait: "thrum_lock_acquire(lock);"] */
        try();
        if
        :: taken -> taken = false; goto have
        :: else -> r = for_lock(me); goto again
        fi
    :: else -> r = me; goto have
    fi;

inner_over:
#ifndef WITHOUT_LOCK
    release();
#endif
    r = MAIN;
    goto handler_over;

leave_off:
    release();
over:
    outcome = 0;
    end();
    goto finish;

point_over:
    assert(false); /* a wait at a condition does not look at its mail before it is queued */
finish:
    skip
}

init
{
    atomic {
        run thread(MAIN);
#ifndef ONE_WAITS
        run thread(WORKER);
#endif
        run producer(FIRST_PRODUCER);
        run producer(FIRST_PRODUCER + 1);
#ifndef NO_SIGNAL
        run signal();
#endif
#ifdef INTERRUPTED_THREAD
        run interrupter(INTERRUPTED_THREAD)
#endif
    };
    /* When nobody can move any more: */
    timeout ->
#ifndef WITHOUT_LOCK
    assert((done[MAIN] && (done[WORKER] || !WORKER_WAITS)) || items == 0);
#endif
    assert(!(lock & HELD) && holder == NONE);
    assert(owed == 0);
    check_mail()
}
