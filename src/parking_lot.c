/*
 * The parking lot. In this order: park; unpark. Its queues are in waiters.c; notify, for conditions, in notify.c.
 *
 * Why no wake-up is lost. A thread that parks marks the object's word, under the bucket's lock, while the word says
 * that it must wait, and queues before it lets the bucket go. A thread that frees the object changes the same word:
 * either it came first, and `take` finds the object free, or it finds the mark, and then, under the bucket's lock, the
 * waiter.
 *
 * Why permits are never news. A parker serves all the waits of its thread, also those of handlers that run within a
 * wait, so each wait looks at its own record's fate, before it sleeps and after.
 */
#include "parking_lot.h"

#include "interrupt.h"
#include "waiters.h"

/* ---- Park ------------------------------------------------------------------------------------------------------- */

enum arrival { QUEUED, TAKEN, CONFLICT };

static enum arrival arrive(thrum__waiter *w)
{
    thrum__bucket *b = thrum__lock_bucket(w->object);
    enum arrival arrival = QUEUED;
    if (w->lock && !w->moved) {
        thrum__waiter *other = thrum__first_at(b, w->object);
        if (other && other->lock->object != w->lock->object)
            arrival = CONFLICT;
    }
    if (arrival == QUEUED && w->take && w->take(w->object, w->take_arg))
        arrival = TAKEN;
    if (arrival == QUEUED) {
        thrum__store_u32_release(&w->fate, THRUM__WAITING);
        thrum__enqueue(b, w);
    }
    thrum__unlock_bucket(b);
    return arrival;
}

/* Whether the owner may still have a reason of its own: no fate has come, nor was the waiter moved. */
static bool is_free(thrum__waiter *w)
{
    w->knows = w->moved;
    return thrum__is_waiting(w) && !w->moved;
}

/* Leave the queue for a reason of one's own. False if it is too late for that. */
static bool leave(thrum__waiter *w)
{
    thrum__bucket *b = thrum__lock_bucket_of_waiter(w);
    bool can = is_free(w);
    if (can)
        thrum__dequeue(b, w);
    thrum__unlock_bucket(b);
    return can;
}

/* Keep the place in the queue, but say that nobody is there to use what is handed out; or take that back. False as
 * with leave. */
static bool suspend(thrum__waiter *w, bool suspended)
{
    thrum__bucket *b = thrum__lock_bucket_of_waiter(w);
    bool can = is_free(w);
    if (can)
        w->suspended = suspended;
    thrum__unlock_bucket(b);
    return can;
}

/* One sleep, until there may be news. */
static void sleep_once(thrum__waiter *w, int64_t at)
{
    if (w->parker) {
        thrum__port_park(w->parker, at);
        return;
    }
    thrum__bucket *b = thrum__lock_bucket_of_waiter(w);
    if (thrum__is_waiting(w)) {
        /* Nobody wakes it for its mail, if it is the main thread's; nor does every system wake who should be woken. */
        int64_t soon = thrum__port_now() + THRUM_MILLISECONDS(20);
        thrum__port_cond_wait(&b->cond, &b->lock, at < soon ? at : soon);
    }
    thrum__unlock_bucket(b);
}

enum verdict { GO_ON, GRANTED, INTERRUPTED };

/* Handlers run with the record in its place. */
static enum verdict mail_with_place_kept(thrum_thread *self, thrum__waiter *w)
{
    if (!suspend(w, true))
        return GO_ON; /* and look at the fate */
    bool interrupted = thrum__take_mail(self) == THRUM_INTERRUPTED;
    THRUM__STOP(HANDLERS_DONE);
    bool waiting = suspend(w, false);
    if (interrupted && waiting && leave(w))
        return INTERRUPTED;
    if (interrupted)
        thrum__keep_interrupt(self);
    return GO_ON;
}

/* Handlers run with the record out of the queue; then it is put back by its time of arrival. */
static enum verdict mail_standing_aside(thrum_thread *self, thrum__waiter *w)
{
    if (!leave(w))
        return GO_ON;
    bool interrupted = thrum__take_mail(self) == THRUM_INTERRUPTED;
    THRUM__STOP(HANDLERS_DONE);
    if (interrupted)
        return INTERRUPTED;
    return arrive(w) == TAKEN ? GRANTED : GO_ON;
}

/* The loop of every wait. Once the waiter knows that it was moved, nothing but its fate counts. The order matters: a
 * fate comes before mail, and mail before the deadline. A waiter told to retry tries before it looks at either, else
 * the object could be free with others asleep behind it. After handlers have run the deadline has its turn, for there
 * may be mail again; and no sleep follows without another look. */
static thrum_status await(thrum_thread *self, thrum__wait *wait, thrum__waiter *w, int64_t at)
{
    for (;;) {
        bool handlers_ran = false;
        uint32_t fate = thrum__load_u32_acquire(&w->fate);
        if (fate == THRUM__GRANTED)
            return THRUM_OK;
        if (fate == THRUM__RETRY) {
            THRUM__STOP(RETRY_SEEN);
            if (arrive(w) == TAKEN)
                return THRUM_OK;
        }

        if (!w->knows && wait->interruptible && thrum__has_mail(self)) {
            THRUM__STOP(MAIL_SEEN);
            enum verdict verdict = wait->momentary ? mail_with_place_kept(self, w) : mail_standing_aside(self, w);
            if (verdict == GRANTED)
                return THRUM_OK;
            if (verdict == INTERRUPTED)
                return THRUM_INTERRUPTED;
            handlers_ran = true;
        }
        if (!w->knows && at != INT64_MAX && thrum__port_now() >= at) {
            THRUM__STOP(DEADLINE_SEEN);
            if (leave(w))
                return THRUM_TIMED_OUT;
            continue;
        }
        if (handlers_ran)
            continue;
        THRUM__STOP(BEFORE_SLEEP);
        sleep_once(w, w->knows ? INT64_MAX : at);
        THRUM__STOP(AFTER_SLEEP);
    }
}

static thrum_status wait_as(thrum_thread *self, thrum__wait *wait, thrum__waiter *w, thrum_deadline deadline)
{
    THRUM__STOP(BEFORE_QUEUE);
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
    if (self && self->daemon && !self->adopted && thrum__threads_closed()) {
        if (wait->lock) /* the program has ended; what follows main may want this one */
            wait->lock->release(wait->lock->object);
        thrum__port_sleep_for_good();
    }

    thrum__waiter w = {
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

void thrum__unpark(void *object, uint32_t limit, thrum__settle settle, void *arg)
{
    thrum__wake_list list = {.count = 0};
    uint32_t fate = THRUM__GRANTED;
    THRUM__STOP(BEFORE_UNPARK);
    thrum__bucket *b = thrum__lock_bucket(object);
    thrum__sleepers sleepers = thrum__count_sleepers(b, object, limit);
    if (settle(object, &sleepers, arg, &fate)) {
        thrum__waiter *w = thrum__first_at(b, object);
        for (uint32_t i = 0; i < sleepers.granted; i++) {
            thrum__waiter *next = thrum__next_at(w->next, object);
            thrum__dequeue(b, w);
            thrum__decide(b, w, fate, &list);
            w = next;
        }
    }
    thrum__unlock_bucket(b);
    THRUM__STOP(BEFORE_WAKE);
    thrum__wake(&list);
}
