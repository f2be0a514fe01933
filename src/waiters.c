/* The queues of the parking lot. In this order: buckets; waiters in their queues; fork. */
#include "waiters.h"

#include "fork.h"

enum { BUCKETS = 256 };

static thrum__bucket buckets[BUCKETS];

/* ---- Buckets ---------------------------------------------------------------------------------------------------- */

void thrum__lot_begin(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        thrum__port_lock_init(&buckets[i].lock);
        thrum__port_cond_init(&buckets[i].cond);
    }
}

thrum__bucket *thrum__bucket_of(const void *object)
{
    uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / the golden ratio */
    return &buckets[hash >> 56];
}

thrum__bucket *thrum__lock_bucket(const void *object)
{
    thrum__bucket *b = thrum__bucket_of(object);
    thrum__port_lock_acquire(&b->lock);
    return b;
}

void thrum__unlock_bucket(thrum__bucket *b)
{
    thrum__port_lock_release(&b->lock);
}

thrum__bucket *thrum__lock_bucket_of_waiter(thrum__waiter *w)
{
    for (;;) {
        void *object = thrum__load_pointer_acquire(&w->object);
        thrum__bucket *b = thrum__lock_bucket(object);
        if (thrum__load_pointer_acquire(&w->object) == object)
            return b;
        thrum__unlock_bucket(b);
    }
}

/* ---- Waiters in their queues ------------------------------------------------------------------------------------ */

void thrum__enqueue(thrum__bucket *b, thrum__waiter *w)
{
    thrum__waiter *before = b->last;
    while (before && before->since > w->since)
        before = before->previous;
    w->previous = before;
    w->next = before ? before->next : b->first;
    *(w->next ? &w->next->previous : &b->last) = w;
    *(before ? &before->next : &b->first) = w;
    w->queued = true;
}

void thrum__dequeue(thrum__bucket *b, thrum__waiter *w)
{
    *(w->previous ? &w->previous->next : &b->first) = w->next;
    *(w->next ? &w->next->previous : &b->last) = w->previous;
    w->queued = false;
}

thrum__waiter *thrum__next_at(thrum__waiter *w, const void *object)
{
    while (w && w->object != object)
        w = w->next;
    return w;
}

thrum__waiter *thrum__first_at(const thrum__bucket *b, const void *object)
{
    return thrum__next_at(b->first, object);
}

thrum__sleepers thrum__count_sleepers(const thrum__bucket *b, const void *object, uint32_t limit)
{
    thrum__sleepers sleepers = {0, false, 0};
    for (thrum__waiter *w = thrum__first_at(b, object); w; w = thrum__next_at(w->next, object)) {
        if (sleepers.granted == limit) {
            sleepers.more = true;
            break;
        }
        if (sleepers.granted++ == 0)
            sleepers.since = w->since;
    }
    return sleepers;
}

void thrum__wake(thrum__wake_list *list)
{
    for (int i = 0; i < list->count; i++)
        thrum__port_unpark(list->parkers[i]);
    list->count = 0;
}

void thrum__decide(thrum__bucket *b, thrum__waiter *w, uint32_t fate, thrum__wake_list *list)
{
    thrum__parker *parker = w->parker;
    thrum__store_u32_release(&w->fate, fate); /* pairs with the acquire in thrum__is_waiting and await */
    THRUM__STOP(FATE_WRITTEN);
    if (!parker) {
        thrum__port_cond_broadcast(&b->cond);
        return;
    }
    if (list->count == THRUM__BATCH)
        thrum__wake(list);
    list->parkers[list->count++] = parker;
}

uint32_t thrum__sleepers_at(const void *object)
{
    thrum__begin();
    thrum__bucket *b = thrum__lock_bucket(object);
    thrum__sleepers sleepers = thrum__count_sleepers(b, object, UINT32_MAX);
    thrum__unlock_bucket(b);
    return sleepers.granted;
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

/* What it waits for may be there now: the thread that it joins is not in this process, and so has ended. */
static void queue_again(thrum__waiter *w)
{
    w->queued = false;
    if (w->take && w->take(w->object, w->take_arg))
        thrum__store_u32_release(&w->fate, THRUM__GRANTED);
    else
        thrum__enqueue(thrum__bucket_of(w->object), w);
}

/* The other threads' records lie on stacks that nobody runs on: the queues are made anew, of the forking thread's own
 * waits. Those that handlers run in, with their place kept, are all it can have there. */
void thrum__lot_reborn(thrum_thread *self)
{
    for (int i = 0; i < BUCKETS; i++) {
        buckets[i].first = buckets[i].last = NULL;
        thrum__port_cond_init(&buckets[i].cond); /* who slept there is gone, and did not say so */
    }
    for (thrum__waiter *w = self ? (thrum__waiter *)self->waits : NULL; w; w = w->outer)
        if (w->queued)
            queue_again(w);
}
