/*
 * The queues of the parking lot: buckets, and the waiters in them. Used by parking_lot.c and notify.c alone.
 *
 * Why nothing is read too late. A waiter's record lies on its owner's stack. Its fate is written last, with release, by
 * who unlinked it, under the bucket's lock; from then on the owner may return, so nothing in the record is read after
 * that: the parker's address, which stays good, is copied before. An owner that leaves for a reason of its own
 * (deadline, interrupt) unlinks itself under the same lock, and then no fate can reach it.
 */
#ifndef THRUM_SRC_WAITERS_H
#define THRUM_SRC_WAITERS_H

#include "parking_lot.h"
#include "threads.h"

typedef struct thrum__waiter thrum__waiter;

typedef struct thrum__bucket {
    thrum__port_lock lock;       /* guards the queue, and the records in it */
    thrum__port_cond cond;       /* for waiters without a parker */
    thrum__waiter *first, *last; /* of all objects with this hash, by the time of their arrival */
} thrum__bucket;

struct thrum__waiter {
    thrum__waiter *next, *previous;
    thrum__waiter *outer; /* the wait that this one is nested in: it runs in a signal handler of that one */
    bool queued;          /* in a bucket's queue */
    void *object;         /* atomic: written under its bucket's lock, and read by its owner to find that bucket */
    bool (*take)(void *object, void *arg);
    void *take_arg;
    const thrum__held_lock *lock;
    thrum__parker *parker; /* NULL: its thread has no record, and sleeps on the bucket's condition */
    int64_t since;         /* when it came; a place in the queue */
    uint32_t fate;         /* atomic */
    bool suspended;        /* its thread is in a signal handler: notify others first, move it nowhere */
    bool moved;            /* notified, and in the queue of its lock: deadline and interrupts are past */
    bool knows;            /* its owner's: it has seen that it was moved */
};

/* The bucket of an object; with its lock held; and the lock given back. */
thrum__bucket *thrum__bucket_of(const void *object);
thrum__bucket *thrum__lock_bucket(const void *object);
void thrum__unlock_bucket(thrum__bucket *b);

/* The bucket of a waiter that may be moved to another at any moment until it is locked. */
thrum__bucket *thrum__lock_bucket_of_waiter(thrum__waiter *w);

/* What follows is called with the bucket's lock held. */

/* Queue a waiter by the time of its arrival: at the end, if it has just come. And take it out. */
void thrum__enqueue(thrum__bucket *b, thrum__waiter *w);
void thrum__dequeue(thrum__bucket *b, thrum__waiter *w);

/* The first waiter at an object; the first from w on, w included. NULL: none. */
thrum__waiter *thrum__first_at(const thrum__bucket *b, const void *object);
thrum__waiter *thrum__next_at(thrum__waiter *w, const void *object);

thrum__sleepers thrum__count_sleepers(const thrum__bucket *b, const void *object, uint32_t limit);

/* Whether no fate has come yet. Its owner may ask without the lock. */
static inline bool thrum__is_waiting(const thrum__waiter *w)
{
    return thrum__load_u32_acquire(&w->fate) == THRUM__WAITING; /* pairs with the release in decide */
}

/* Parkers to unpark once the bucket has been unlocked. */
enum { THRUM__BATCH = 16 };
typedef struct thrum__wake_list {
    thrum__parker *parkers[THRUM__BATCH];
    int count;
} thrum__wake_list;

/* Say what becomes of a waiter that was taken out of the queue of this bucket. Its record is gone after this. Its
 * thread is put on the list; a full list is woken on the way. */
void thrum__decide(thrum__bucket *b, thrum__waiter *w, uint32_t fate, thrum__wake_list *list);

/* Without the lock: unpark those on the list. */
void thrum__wake(thrum__wake_list *list);

#endif
