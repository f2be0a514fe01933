/* The re-entrant lock: a lock, and who holds it how often. Only the holder writes owner_ and depth_. Another thread
 * that reads owner_ at the same moment finds some other token or NULL, and never its own: it has not written it. */
#include "rlock.h"

#include "interrupt.h"

static bool is_mine(const thrum_rlock *lock)
{
    return thrum__load_pointer_acquire(&lock->owner_) == thrum__port_token();
}

void thrum__rlock_own(thrum_rlock *lock, uint32_t depth)
{
    thrum__store_pointer_release(&lock->owner_, thrum__port_token());
    lock->depth_ = depth;
}

uint32_t thrum__rlock_disown(thrum_rlock *lock)
{
    uint32_t depth = lock->depth_;
    lock->depth_ = 0;
    thrum__store_pointer_release(&lock->owner_, NULL);
    return depth;
}

void thrum_rlock_acquire(thrum_rlock *lock)
{
    if (is_mine(lock) && lock->depth_ != UINT32_MAX) {
        lock->depth_++;
        return;
    }
    thrum_lock_acquire(&lock->lock_);
    thrum__rlock_own(lock, 1);
}

bool thrum_rlock_try_acquire(thrum_rlock *lock)
{
    if (is_mine(lock)) {
        if (lock->depth_ == UINT32_MAX)
            return false;
        lock->depth_++;
        return true;
    }
    if (!thrum_lock_try_acquire(&lock->lock_))
        return false;
    thrum__rlock_own(lock, 1);
    return true;
}

thrum_status thrum_rlock_acquire_until(thrum_rlock *lock, thrum_deadline deadline)
{
    thrum_status status = THRUM_OK;
    if (!is_mine(lock)) {
        status = thrum_lock_acquire_until(&lock->lock_, deadline);
        if (status == THRUM_OK)
            thrum__rlock_own(lock, 1);
        return status;
    }
    status = thrum__interruption_point();
    if (status == THRUM_OK && lock->depth_ == UINT32_MAX)
        return THRUM_OVERFLOW;
    if (status == THRUM_OK)
        lock->depth_++;
    return status;
}

thrum_status thrum_rlock_release(thrum_rlock *lock)
{
    if (!is_mine(lock))
        return THRUM_NOT_OWNER;
    if (lock->depth_ > 1) {
        lock->depth_--;
        return THRUM_OK;
    }
    thrum__rlock_disown(lock);
    return thrum_lock_release(&lock->lock_);
}

bool thrum_rlock_is_owned(const thrum_rlock *lock)
{
    return is_mine(lock);
}

uint32_t thrum_rlock_depth(const thrum_rlock *lock)
{
    return is_mine(lock) ? lock->depth_ : 0;
}
