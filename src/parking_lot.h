/*
 * The parking lot: the one place where a thread is queued, put to sleep and woken.
 *
 * An object keeps its state in a word of its own, with a mark that somebody may sleep for it. Who cannot have what it
 * wants parks here, under the object's address; who changes the state and sees the mark comes here to unpark. The two
 * meet under the lock of the bucket that the address hashes to: the object's functions below (take, settle) are called
 * with that lock held, so none of them may wait or call the lot.
 */
#ifndef THRUM_PARKING_LOT_H
#define THRUM_PARKING_LOT_H

#include "port.h"

#include <thrum/time.h>

/* Once, from thrum__begin. */
void thrum__lot_begin(void);

/* What has become of a sleeper. */
enum {
    THRUM__WAITING,
    THRUM__GRANTED, /* it has what it waited for */
    THRUM__RETRY    /* it may try to take it: its turn has come, but others may be quicker */
};

/* A lock that a sleeper gives up when it is queued, and has again when it returns: for conditions. */
typedef struct thrum__held_lock {
    void *object;
    void (*release)(void *lock);            /* give it up */
    bool (*take)(void *lock, void *unused); /* as thrum__wait.take, for the lock */
    bool (*mark_if_held)(void *lock);       /* if somebody holds it, say that somebody sleeps for it; else false */
    void (*mark)(void *lock);               /* say so whether it is held or not */
} thrum__held_lock;

/* One wait. */
typedef struct thrum__wait {
    void *object; /* the address to sleep at */

    /* With the bucket's lock held: take what is waited for and say true, or mark the object and say false. It is called
     * before the thread is queued, each time. NULL: there is nothing to take, the thread sleeps until it is granted. */
    bool (*take)(void *object, void *arg);
    void *take_arg;

    bool interruptible;

    /* News that is gone once it has been told (a notify, a set): the waiter keeps its place in the queue while signal
     * handlers run. Otherwise the object holds state, and the waiter stands aside meanwhile, for a handler may need
     * what would be handed to it. */
    bool momentary;

    const thrum__held_lock
        *lock;         /* NULL, or the lock to give up; a waiter with another lock makes this THRUM_INVALID */
    bool lock_is_back; /* out: the lock came with the wake-up */
} thrum__wait;

/*
 * Sleep until granted, or `take` says true: THRUM_OK; the deadline passes: THRUM_TIMED_OUT; an interrupt comes, after
 * the handlers of signals have run: THRUM_INTERRUPTED. Looks at the mailbox only after it has queued; who wants an
 * interrupt to win over what could be taken at once looks first.
 */
thrum_status thrum__park(thrum__wait *wait, thrum_deadline deadline);

/* What an unparker finds at an object. */
typedef struct thrum__sleepers {
    uint32_t granted; /* how many will be woken: the limit or less */
    bool more;        /* there are more than that */
    int64_t since;    /* when the first of them came; only if granted is not 0 */
} thrum__sleepers;

/* With the bucket's lock held, before anybody is woken: put the object's word in order and say what fate the woken get.
 * Once this has written, another thread may own the object and free it. False: wake nobody. */
typedef bool (*thrum__settle)(void *object, const thrum__sleepers *sleepers, void *arg, uint32_t *fate);

/* Wake the first sleepers at an object, at most `limit` of them, after settle has been called, also if there are none.
 */
void thrum__unpark(void *object, uint32_t limit, thrum__settle settle, void *arg);

/*
 * Notify the first n that wait at a condition. A sleeper whose lock is held moves to the lock's queue; else the first
 * wakes, and those behind it are queued for the lock. When none will be left, `unmark` is called, with the bucket's
 * lock held; nothing of the condition is touched after that, for the first to wake may free it.
 */
void thrum__notify(void *cond, uint32_t n, void (*unmark)(void *cond));

/* For tests: how many sleep at an object at this moment; those that run signal handlers with their place kept included.
 */
uint32_t thrum__sleepers_at(const void *object);

#endif
