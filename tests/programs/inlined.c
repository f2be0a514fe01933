/*
 * The lock as a program compiles it, except that the exported functions, the only calls that its macros can make, are
 * ones here that count. Links with nothing. Status 1: a contended lock calls, an uncontended one does not.
 */
#define THRUM_STATIC
#include <thrum/lock.h>

static int calls;

void(thrum_lock_acquire)(thrum_lock *lock)
{
    calls++;
    lock->word_ = THRUM__LOCK_HELD;
}

bool(thrum_lock_try_acquire)(thrum_lock *lock)
{
    calls++;
    return lock->word_ == 0;
}

thrum_status(thrum_lock_release)(thrum_lock *lock)
{
    calls++;
    lock->word_ = 0;
    return THRUM_OK;
}

int main(void)
{
    static thrum_lock lock;
    int sum = 0, uncontended;
    for (int i = 0; i < 1000; i++) {
        thrum_lock_acquire(&lock);
        sum++;
        (void)thrum_lock_release(&lock);
        if (thrum_lock_try_acquire(&lock))
            (void)thrum_lock_release(&lock);
        THRUM_WITH (&lock) {
            sum++;
        }
    }
    uncontended = calls;
    lock.word_ = THRUM__LOCK_HELD | THRUM__LOCK_PARKED;
    (void)thrum_lock_try_acquire(&lock);
    (void)thrum_lock_release(&lock);
    return sum != 2000 || uncontended != 0 ? 2 : calls == 2 ? 1 : 3;
}
