/*
 * The parking lot: notify, for conditions. But for fork it is the only one who holds two buckets at once, the
 * condition's and that of the lock which its waiters use.
 */
#include "parking_lot.h"

#include "waiters.h"

/* ---- Notify ----------------------------------------------------------------------------------------------------- */

/* The two buckets, of a condition and of the lock that its waiters use; they may be one. */
typedef struct two_buckets {
    thrum__bucket *cond, *lock;
} two_buckets;

static void unlock_two(two_buckets two)
{
    thrum__unlock_bucket(two.cond);
    if (two.lock != two.cond)
        thrum__unlock_bucket(two.lock);
}

/* Lock both, in the order of their index, with a waiter there. False, and both unlocked, if nobody waits. */
static bool lock_two(void *cond, two_buckets *two, void (*unmark)(void *))
{
    const void *expected = NULL;
    for (;;) {
        two->cond = thrum__bucket_of(cond);
        two->lock = expected ? thrum__bucket_of(expected) : two->cond;
        thrum__bucket *low = two->cond < two->lock ? two->cond : two->lock;
        thrum__bucket *high = two->cond < two->lock ? two->lock : two->cond;
        thrum__port_lock_acquire(&low->lock);
        if (high != low)
            thrum__port_lock_acquire(&high->lock);

        thrum__waiter *first = thrum__first_at(two->cond, cond);
        if (!first)
            unmark(cond);
        else if (thrum__bucket_of(first->lock->object) == two->lock)
            return true;
        expected = first ? first->lock->object : NULL;
        unlock_two(*two);
        if (!first)
            return false;
    }
}

/* The next to be notified: the longest waiter whose thread is not in a signal handler; else the longest. */
static thrum__waiter *choose(const thrum__bucket *b, const void *cond)
{
    thrum__waiter *longest = thrum__first_at(b, cond);
    for (thrum__waiter *w = longest; w; w = thrum__next_at(w->next, cond))
        if (!w->suspended)
            return w;
    return longest;
}

/* From the condition's queue to the end of the lock's, which has its mark. */
static void move_to_lock(two_buckets two, thrum__waiter *w)
{
    thrum__dequeue(two.cond, w);
    w->moved = true;
    w->take = w->lock->take;
    w->since = thrum__port_now();
    if (!w->parker) /* it sleeps on this bucket's condition, and must go to that of the other */
        thrum__port_cond_broadcast(&two.cond->cond);
    thrum__store_pointer_release(&w->object, w->lock->object); /* now lock_bucket_of_waiter goes there */
    thrum__enqueue(two.lock, w);
}

/*
 * Whether a waiter may be moved to its lock's queue: somebody must release that lock afterwards, and see the mark. The
 * holder will, if there is one at the moment of the mark. If not, one waiter is to wake, take the lock and release it;
 * it is woken last, so the mark for those behind it is there before it can have come and gone.
 */
static bool can_move(const thrum__waiter *w, bool one_wakes)
{
    if (w->suspended)
        return false;
    if (one_wakes)
        w->lock->mark(w->lock->object);
    return one_wakes || w->lock->mark_if_held(w->lock->object);
}

void thrum__notify(void *cond, uint32_t n, void (*unmark)(void *cond))
{
    two_buckets two;
    thrum__wake_list list = {.count = 0};
    thrum__waiter *granted = NULL; /* out of the queue, but with no fate yet: their owners cannot leave */
    bool one_wakes = false;
    THRUM__STOP(BEFORE_UNPARK);
    if (n == 0 || !lock_two(cond, &two, unmark))
        return;
    thrum__waiter *w = choose(two.cond, cond);
    for (; w && n > 0; n--, w = choose(two.cond, cond)) {
        if (can_move(w, one_wakes)) {
            move_to_lock(two, w);
            continue;
        }
        one_wakes = one_wakes || !w->suspended;
        thrum__dequeue(two.cond, w);
        w->next = granted;
        granted = w;
    }
    if (!w)
        unmark(cond);
    while (granted) {
        thrum__waiter *next = granted->next;
        thrum__decide(two.cond, granted, THRUM__GRANTED, &list);
        granted = next;
    }
    unlock_two(two);
    THRUM__STOP(BEFORE_WAKE);
    thrum__wake(&list);
}
