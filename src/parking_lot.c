/*
 * The parking lot. In this order: buckets; waiters in their queues; park; unpark; notify.
 *
 * Why no wake-up is lost. A thread that parks marks the object's word, under the bucket's lock, while the word says
 * that it must wait, and queues before it lets the bucket go. A thread that frees the object changes the same word:
 * either it came first, and `take` finds the object free, or it finds the mark, and then, under the bucket's lock, the
 * waiter.
 *
 * Why nothing is read too late. A waiter's record lies on its owner's stack. Its fate is written last, with release, by
 * who unlinked it, under the bucket's lock; from then on the owner may return, so nothing in the record is read after
 * that: the parker's address, which stays good, is copied before. An owner that leaves for a reason of its own
 * (deadline, interrupt) unlinks itself under the same lock, and then no fate can reach it.
 *
 * Why permits are never news. A parker serves all the waits of its thread, also those of handlers that run within a
 * wait, so each wait looks at its own record's fate, before it sleeps and after.
 */
#include "parking_lot.h"

#include "fork.h"
#include "interrupt.h"

enum { BUCKETS = 256, BATCH = 16 };

typedef struct waiter waiter;

typedef struct bucket {
    thrum__port_lock lock; /* guards the queue, and the records in it */
    thrum__port_cond cond; /* for waiters without a parker */
    waiter *first, *last;  /* of all objects with this hash, by the time of their arrival */
} bucket;

struct waiter {
    waiter *next, *previous;
    waiter *outer; /* the wait that this one is nested in: it runs in a signal handler of that one */
    bool queued;   /* in a bucket's queue */
    void *object;  /* atomic: written under its bucket's lock, and read by its owner to find that bucket */
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

static bucket buckets[BUCKETS];

/* ---- Buckets ---------------------------------------------------------------------------------------------------- */

void thrum__lot_begin(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        thrum__port_lock_init(&buckets[i].lock);
        thrum__port_cond_init(&buckets[i].cond);
    }
}

static bucket *bucket_of(const void *object)
{
    uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / the golden ratio */
    return &buckets[hash >> 56];
}

static bucket *lock_bucket(const void *object)
{
    bucket *b = bucket_of(object);
    thrum__port_lock_acquire(&b->lock);
    return b;
}

static void unlock(bucket *b)
{
    thrum__port_lock_release(&b->lock);
}

/* The bucket of a waiter that may be moved to another at any moment until it is locked. */
static bucket *lock_bucket_of_waiter(waiter *w)
{
    for (;;) {
        void *object = thrum__load_pointer_acquire(&w->object);
        bucket *b = lock_bucket(object);
        if (thrum__load_pointer_acquire(&w->object) == object)
            return b;
        unlock(b);
    }
}

/* ---- Waiters in their queues ------------------------------------------------------------------------------------ */

/* Queue a waiter by the time of its arrival: at the end, if it has just come. */
static void enqueue(bucket *b, waiter *w)
{
    waiter *before = b->last;
    while (before && before->since > w->since)
        before = before->previous;
    w->previous = before;
    w->next = before ? before->next : b->first;
    *(w->next ? &w->next->previous : &b->last) = w;
    *(before ? &before->next : &b->first) = w;
    w->queued = true;
}

static void dequeue(bucket *b, waiter *w)
{
    *(w->previous ? &w->previous->next : &b->first) = w->next;
    *(w->next ? &w->next->previous : &b->last) = w->previous;
    w->queued = false;
}

static waiter *next_at(waiter *w, const void *object)
{
    while (w && w->object != object)
        w = w->next;
    return w;
}

static waiter *first_at(const bucket *b, const void *object)
{
    return next_at(b->first, object);
}

static bool is_waiting(const waiter *w)
{
    return thrum__load_u32_acquire(&w->fate) == THRUM__WAITING; /* pairs with the release in decide */
}

/* Parkers to unpark once the bucket has been unlocked. */
typedef struct wake_list {
    thrum__parker *parkers[BATCH];
    int count;
} wake_list;

static void wake(wake_list *list)
{
    for (int i = 0; i < list->count; i++)
        thrum__port_unpark(list->parkers[i]);
    list->count = 0;
}

/* Say what becomes of a waiter that was taken out of the queue of this bucket. Its record is gone after this. */
static void decide(bucket *b, waiter *w, uint32_t fate, wake_list *list)
{
    thrum__parker *parker = w->parker;
    thrum__store_u32_release(&w->fate, fate);
    if (!parker) {
        thrum__port_cond_broadcast(&b->cond);
        return;
    }
    if (list->count == BATCH)
        wake(list);
    list->parkers[list->count++] = parker;
}

/* ---- Park ------------------------------------------------------------------------------------------------------- */

enum arrival { QUEUED, TAKEN, CONFLICT };

static enum arrival arrive(waiter *w)
{
    bucket *b = lock_bucket(w->object);
    enum arrival arrival = QUEUED;
    if (w->lock && !w->moved) {
        waiter *other = first_at(b, w->object);
        if (other && other->lock->object != w->lock->object)
            arrival = CONFLICT;
    }
    if (arrival == QUEUED && w->take && w->take(w->object, w->take_arg))
        arrival = TAKEN;
    if (arrival == QUEUED) {
        thrum__store_u32_release(&w->fate, THRUM__WAITING);
        enqueue(b, w);
    }
    unlock(b);
    return arrival;
}

/* Whether the owner may still have a reason of its own: no fate has come, nor was the waiter moved. */
static bool is_free(waiter *w)
{
    w->knows = w->moved;
    return is_waiting(w) && !w->moved;
}

/* Leave the queue for a reason of one's own. False if it is too late for that. */
static bool leave(waiter *w)
{
    bucket *b = lock_bucket_of_waiter(w);
    bool can = is_free(w);
    if (can)
        dequeue(b, w);
    unlock(b);
    return can;
}

/* Keep the place in the queue, but say that nobody is there to use what is handed out; or take that back. False as
 * with leave. */
static bool suspend(waiter *w, bool suspended)
{
    bucket *b = lock_bucket_of_waiter(w);
    bool can = is_free(w);
    if (can)
        w->suspended = suspended;
    unlock(b);
    return can;
}

/* One sleep, until there may be news. */
static void sleep_once(waiter *w, int64_t at)
{
    if (w->parker) {
        thrum__port_park(w->parker, at);
        return;
    }
    bucket *b = lock_bucket_of_waiter(w);
    if (is_waiting(w)) {
        /* Nobody wakes it for its mail, if it is the main thread's; nor does every system wake who should be woken. */
        int64_t soon = thrum__port_now() + THRUM_MILLISECONDS(20);
        thrum__port_cond_wait(&b->cond, &b->lock, at < soon ? at : soon);
    }
    unlock(b);
}

/* The interrupt that a granted wait could not report is seen by the next one. */
static void keep_interrupt(thrum_thread *self)
{
    thrum__post(self, THRUM__MAIL_INTERRUPT);
}

enum verdict { GO_ON, GRANTED, INTERRUPTED };

/* Handlers run with the record in its place. */
static enum verdict mail_with_place_kept(thrum_thread *self, waiter *w)
{
    if (!suspend(w, true))
        return GO_ON; /* and look at the fate */
    bool interrupted = thrum__take_mail(self) == THRUM_INTERRUPTED;
    bool waiting = suspend(w, false);
    if (interrupted && waiting && leave(w))
        return INTERRUPTED;
    if (interrupted)
        keep_interrupt(self);
    return GO_ON;
}

/* Handlers run with the record out of the queue; then it is put back by its time of arrival. */
static enum verdict mail_standing_aside(thrum_thread *self, waiter *w)
{
    if (!leave(w))
        return GO_ON;
    if (thrum__take_mail(self) == THRUM_INTERRUPTED)
        return INTERRUPTED;
    return arrive(w) == TAKEN ? GRANTED : GO_ON;
}

/* The loop of every wait. Once the waiter knows that it was moved, nothing but its fate counts. The order matters: a
 * fate comes before mail, and mail before the deadline. A waiter told to retry tries before it looks at either, else
 * the object could be free with others asleep behind it. */
static thrum_status await(thrum_thread *self, thrum__wait *wait, waiter *w, int64_t at)
{
    for (;;) {
        uint32_t fate = thrum__load_u32_acquire(&w->fate);
        if (fate == THRUM__GRANTED)
            return THRUM_OK;
        if (fate == THRUM__RETRY && arrive(w) == TAKEN)
            return THRUM_OK;

        if (!w->knows && wait->interruptible && thrum__has_mail(self)) {
            enum verdict verdict = wait->momentary ? mail_with_place_kept(self, w) : mail_standing_aside(self, w);
            if (verdict == GRANTED)
                return THRUM_OK;
            if (verdict == INTERRUPTED)
                return THRUM_INTERRUPTED;
            continue;
        }
        if (!w->knows && at != INT64_MAX && thrum__port_now() >= at) {
            if (leave(w))
                return THRUM_TIMED_OUT;
            continue;
        }
        sleep_once(w, w->knows ? INT64_MAX : at);
    }
}

static thrum_status wait_as(thrum_thread *self, thrum__wait *wait, waiter *w, thrum_deadline deadline)
{
    switch (arrive(w)) {
    case TAKEN:
        return THRUM_OK;
    case CONFLICT:
        return THRUM_INVALID;
    case QUEUED:
        break;
    }
    if (wait->lock)
        wait->lock->release(wait->lock->object);
    thrum_status status = await(self, wait, w, deadline.at);
    wait->lock_is_back = w->moved;
    return status;
}

thrum_status thrum__park(thrum__wait *wait, thrum_deadline deadline)
{
    thrum_thread *self = thrum__self();
    if (self && self->daemon && !self->adopted && thrum__threads_closed())
        thrum__port_sleep_for_good(); /* the program has ended, and holds no lock of ours */

    waiter w = {
        .object = wait->object,
        .take = wait->take,
        .take_arg = wait->take_arg,
        .lock = wait->lock,
        .parker = self && thrum__has_parker(self) ? &self->parker : NULL,
        .since = thrum__port_now(),
    };
    if (self) {
        w.outer = self->waits;
        self->waits = &w;
    }
    thrum_status status = wait_as(self, wait, &w, deadline);
    if (self)
        self->waits = w.outer;
    return status;
}

/* ---- Unpark ----------------------------------------------------------------------------------------------------- */

static thrum__sleepers count_sleepers(const bucket *b, const void *object, uint32_t limit)
{
    thrum__sleepers sleepers = {0, false, 0};
    for (waiter *w = first_at(b, object); w; w = next_at(w->next, object)) {
        if (sleepers.granted == limit) {
            sleepers.more = true;
            break;
        }
        if (sleepers.granted++ == 0)
            sleepers.since = w->since;
    }
    return sleepers;
}

void thrum__unpark(void *object, uint32_t limit, thrum__settle settle, void *arg)
{
    wake_list list = {.count = 0};
    uint32_t fate = THRUM__GRANTED;
    bucket *b = lock_bucket(object);
    thrum__sleepers sleepers = count_sleepers(b, object, limit);
    if (settle(object, &sleepers, arg, &fate)) {
        waiter *w = first_at(b, object);
        for (uint32_t i = 0; i < sleepers.granted; i++) {
            waiter *next = next_at(w->next, object);
            dequeue(b, w);
            decide(b, w, fate, &list);
            w = next;
        }
    }
    unlock(b);
    wake(&list);
}

uint32_t thrum__sleepers_at(const void *object)
{
    thrum__begin();
    bucket *b = lock_bucket(object);
    thrum__sleepers sleepers = count_sleepers(b, object, UINT32_MAX);
    unlock(b);
    return sleepers.granted;
}

/* ---- Notify ----------------------------------------------------------------------------------------------------- */

/* The two buckets, of a condition and of the lock that its waiters use; they may be one. */
typedef struct two_buckets {
    bucket *cond, *lock;
} two_buckets;

static void unlock_two(two_buckets two)
{
    unlock(two.cond);
    if (two.lock != two.cond)
        unlock(two.lock);
}

/* Lock both, in the order of their index, with a waiter there. False, and both unlocked, if nobody waits. */
static bool lock_two(void *cond, two_buckets *two, void (*unmark)(void *))
{
    const void *expected = NULL;
    for (;;) {
        two->cond = bucket_of(cond);
        two->lock = expected ? bucket_of(expected) : two->cond;
        bucket *low = two->cond < two->lock ? two->cond : two->lock;
        bucket *high = two->cond < two->lock ? two->lock : two->cond;
        thrum__port_lock_acquire(&low->lock);
        if (high != low)
            thrum__port_lock_acquire(&high->lock);

        waiter *first = first_at(two->cond, cond);
        if (!first)
            unmark(cond);
        else if (bucket_of(first->lock->object) == two->lock)
            return true;
        expected = first ? first->lock->object : NULL;
        unlock_two(*two);
        if (!first)
            return false;
    }
}

/* The next to be notified: the longest waiter whose thread is not in a signal handler; else the longest. */
static waiter *choose(const bucket *b, const void *cond)
{
    waiter *longest = first_at(b, cond);
    for (waiter *w = longest; w; w = next_at(w->next, cond))
        if (!w->suspended)
            return w;
    return longest;
}

/* From the condition's queue to the end of the lock's, which has its mark. */
static void move_to_lock(two_buckets two, waiter *w)
{
    dequeue(two.cond, w);
    w->moved = true;
    w->take = w->lock->take;
    w->since = thrum__port_now();
    if (!w->parker) /* it sleeps on this bucket's condition, and must go to that of the other */
        thrum__port_cond_broadcast(&two.cond->cond);
    thrum__store_pointer_release(&w->object, w->lock->object); /* now lock_bucket_of_waiter goes there */
    enqueue(two.lock, w);
}

/*
 * Whether a waiter may be moved to its lock's queue: somebody must release that lock afterwards, and see the mark. The
 * holder will, if there is one at the moment of the mark. If not, one waiter is to wake, take the lock and release it;
 * it is woken last, so the mark for those behind it is there before it can have come and gone.
 */
static bool can_move(const waiter *w, bool one_wakes)
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
    wake_list list = {.count = 0};
    waiter *granted = NULL; /* out of the queue, but with no fate yet: their owners cannot leave */
    bool one_wakes = false;
    if (n == 0 || !lock_two(cond, &two, unmark))
        return;
    waiter *w = choose(two.cond, cond);
    for (; w && n > 0; n--, w = choose(two.cond, cond)) {
        if (can_move(w, one_wakes)) {
            move_to_lock(two, w);
            continue;
        }
        one_wakes = one_wakes || !w->suspended;
        dequeue(two.cond, w);
        w->next = granted;
        granted = w;
    }
    if (!w)
        unmark(cond);
    while (granted) {
        waiter *next = granted->next;
        decide(two.cond, granted, THRUM__GRANTED, &list);
        granted = next;
    }
    unlock_two(two);
    wake(&list);
}

/* ---- Fork --------------------------------------------------------------------------------------------------------- */

void thrum__lot_hold(void)
{
    for (int i = 0; i < BUCKETS; i++)
        thrum__port_lock_acquire(&buckets[i].lock);
}

void thrum__lot_let_go(void)
{
    for (int i = 0; i < BUCKETS; i++)
        thrum__port_lock_release(&buckets[i].lock);
}

/* The other threads' records lie on stacks that nobody runs on: the queues are made anew, of the forking thread's own
 * waits. Those that handlers run in, with their place kept, are all it can have there. */
void thrum__lot_reborn(thrum_thread *self)
{
    for (int i = 0; i < BUCKETS; i++) {
        buckets[i].first = buckets[i].last = NULL;
        thrum__port_cond_init(&buckets[i].cond); /* who slept there is gone, and did not say so */
    }
    for (waiter *w = self ? (waiter *)self->waits : NULL; w; w = w->outer)
        if (w->queued)
            enqueue(bucket_of(w->object), w);
}
