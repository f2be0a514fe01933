/* The Windows port: the core's own lock and condition. SRW locks in exclusive mode only: their shared mode may grant
 * exclusively (found by LLVM and Rust in 2024). */
#include "win32.h"

_Static_assert(sizeof(SRWLOCK) <= sizeof(thrum__port_lock), "thrum__port_lock is too small");
_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(thrum__port_cond), "thrum__port_cond is too small");

void thrum__port_lock_init(thrum__port_lock *lock)
{
    InitializeSRWLock((SRWLOCK *)lock);
}

void thrum__port_lock_acquire(thrum__port_lock *lock)
{
    AcquireSRWLockExclusive((SRWLOCK *)lock);
}

void thrum__port_lock_release(thrum__port_lock *lock)
{
    ReleaseSRWLockExclusive((SRWLOCK *)lock);
}

void thrum__port_cond_init(thrum__port_cond *cond)
{
    InitializeConditionVariable((CONDITION_VARIABLE *)cond);
}

void thrum__port_cond_wait(thrum__port_cond *cond, thrum__port_lock *lock, int64_t at)
{
    SleepConditionVariableSRW((CONDITION_VARIABLE *)cond, (SRWLOCK *)lock, thrum__win32_milliseconds_until(at), 0);
}

void thrum__port_cond_broadcast(thrum__port_cond *cond)
{
    WakeAllConditionVariable((CONDITION_VARIABLE *)cond);
}
