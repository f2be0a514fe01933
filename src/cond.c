/* The condition. Its word is the mark that somebody may wait; the waiting, and the moving of those notified to the
 * queue of their lock, is the parking lot's. The mark is set with the lock held, so a notify that follows the lock sees
 * it. */
#include <thrum/cond.h>

#include "interrupt.h"
#include "lock.h"
#include "rlock.h"

static bool mark(void *object, void *unused)
{
    (void)unused;
    thrum__store_u8_release(&((thrum_cond *)object)->word_, 1);
    return false; /* there is never anything to take */
}

static void unmark(void *object)
{
    thrum__store_u8_release(&((thrum_cond *)object)->word_, 0);
}

thrum_status thrum_cond_wait(thrum_cond *cond, thrum_lock *lock, thrum_deadline deadline)
{
    thrum__held_lock held = thrum__held(lock);
    thrum__wait wait = {.object = cond, .take = mark, .interruptible = true, .momentary = true, .lock = &held};
    if (!thrum_lock_is_held(lock))
        return THRUM_NOT_OWNER;
    thrum_status status = thrum__park(&wait, deadline);
    if (status != THRUM_INVALID && !wait.lock_is_back)
        thrum_lock_acquire(lock);
    return status;
}

thrum_status thrum_cond_wait_for(thrum_cond *cond, thrum_lock *lock, bool (*predicate)(void *), void *arg,
                                 thrum_deadline deadline)
{
    if (!predicate)
        return THRUM_INVALID;
    if (!thrum_lock_is_held(lock))
        return THRUM_NOT_OWNER;
    thrum_status status = THRUM_OK;
    while (status == THRUM_OK && !predicate(arg))
        status = thrum_cond_wait(cond, lock, deadline);
    if ((status != THRUM_TIMED_OUT && status != THRUM_INTERRUPTED) || !predicate(arg))
        return status;
    if (status == THRUM_INTERRUPTED)
        thrum__keep_interrupt(thrum__self()); /* who was interrupted has a record */
    return THRUM_OK;
}

thrum_status thrum_cond_wait_rlock(thrum_cond *cond, thrum_rlock *lock, thrum_deadline deadline)
{
    if (!thrum_rlock_is_owned(lock))
        return THRUM_NOT_OWNER;
    uint32_t depth = thrum__rlock_disown(lock);
    thrum_status status = thrum_cond_wait(cond, &lock->lock_, deadline);
    thrum__rlock_own(lock, depth); /* held again, or still */
    return status;
}

void thrum_cond_notify_n(thrum_cond *cond, uint32_t n)
{
    if (thrum__load_u8_acquire(&cond->word_))
        thrum__notify(cond, n, unmark);
}

void thrum_cond_notify(thrum_cond *cond)
{
    thrum_cond_notify_n(cond, 1);
}

void thrum_cond_notify_all(thrum_cond *cond)
{
    thrum_cond_notify_n(cond, UINT32_MAX);
}
