/*
 * The lock. One byte:
 *
 *     0              free
 *     HELD           held, nobody sleeps for it
 *     HELD | PARKED  held, and somebody may sleep for it
 *     PARKED         free, and somebody may sleep for it: who takes it keeps the mark
 *
 * PARKED is set by a waiter, under its bucket's lock, while HELD is set. It is taken away by a release that finds
 * nobody behind the one it wakes, under the same lock. A mark with nobody there is legal, and costs one look; a sleeper
 * without a mark is not, for nobody would wake it.
 *
 * The release barges: it frees the lock and wakes the first sleeper, who competes with whoever comes by, for a running
 * thread uses the time that a waking one loses. Once that sleeper has waited a millisecond the lock is handed to it,
 * HELD as it is, so nobody starves.
 *
 * After the store (or the compare-and-swap of the fast path) that frees the lock nothing of it is touched: another
 * thread may acquire, release and free it at that instant.
 */
#define THRUM_NO_INLINE
#include "lock.h"

#include "interrupt.h"

#define HELD   THRUM__LOCK_HELD
#define PARKED THRUM__LOCK_PARKED

#define HAND_OFF_AFTER THRUM_MILLISECONDS(1)
#define SPIN_FOR       THRUM_MICROSECONDS(4) /* about what a sleep and a wake-up cost */

/* Take it if it is free, leaving the mark as it is. Acquire: pairs with the release of whoever freed it. */
static bool try(thrum_lock *lock)
{
    uint8_t word = thrum__load_u8_relaxed(&lock->word_);
    while (!(word & HELD)) {
        if (thrum__cas_u8_acquire(&lock->word_, word, word | HELD))
            return true;
        word = thrum__load_u8_relaxed(&lock->word_);
    }
    return false;
}

/*
 * Try for about as long as a sleep would cost: others mostly hold a lock for less. With pauses that grow and differ
 * from thread to thread, so that spinners do not move in step. Not on one processor, where the holder cannot run
 * meanwhile, nor when others sleep for the lock already.
 */
static bool spin(thrum_lock *lock)
{
    static uint32_t processors;
    if (thrum__load_u32_relaxed(&processors) == 0)
        thrum__store_u32_relaxed(&processors, thrum__port_cpu_count());
    if (thrum__load_u32_relaxed(&processors) == 1)
        return false;

    int64_t now = thrum__port_now();
    int64_t end = now + SPIN_FOR;
    uint32_t jitter = (uint32_t)now | 1;
    for (uint32_t pauses = 2; now < end; pauses += pauses < 32 ? pauses : 0) {
        if (try(lock))
            return true;
        if (thrum__load_u8_relaxed(&lock->word_) & PARKED)
            return false;
        jitter = jitter * 1664525 + 1013904223;
        for (uint32_t i = pauses + (jitter >> 24) % pauses; i > 0; i--)
            THRUM__PAUSE();
        now = thrum__port_now();
    }
    return false;
}

/* Under the bucket's lock: take it, or leave the mark. */
static bool take(void *object, void *unused)
{
    thrum_lock *lock = (thrum_lock *)object;
    (void)unused;
    while (!try(lock)) {
        uint8_t word = thrum__load_u8_relaxed(&lock->word_);
        if ((word & HELD) && ((word & PARKED) || thrum__cas_u8_acquire(&lock->word_, word, word | PARKED)))
            return false;
    }
    return true;
}

/* Under the bucket's lock, by who releases: free it or hand it over. Not if another release came first. */
static bool pass_on(void *object, const thrum__sleepers *sleepers, void *status, uint32_t *fate)
{
    thrum_lock *lock = (thrum_lock *)object;
    uint8_t mark = sleepers->more ? PARKED : 0;
    bool hand_over = sleepers->granted && thrum__port_now() - sleepers->since >= HAND_OFF_AFTER;
    if (!thrum_lock_is_held(lock)) {
        *(thrum_status *)status = THRUM_NOT_OWNER;
        return false;
    }
    *fate = hand_over ? THRUM__GRANTED : THRUM__RETRY;
    thrum__store_u8_release(&lock->word_, hand_over ? HELD | mark : mark);
    return true;
}

void thrum_lock_acquire(thrum_lock *lock)
{
    thrum__wait wait = {.object = lock, .take = take};
    if (!try(lock) && !spin(lock))
        (void)!thrum__park(&wait, THRUM_FOREVER);
}

bool thrum_lock_try_acquire(thrum_lock *lock)
{
    return try(lock);
}

thrum_status thrum_lock_acquire_until(thrum_lock *lock, thrum_deadline deadline)
{
    thrum__wait wait = {.object = lock, .take = take, .interruptible = true};
    thrum_status status = thrum__interruption_point();
    if (status != THRUM_OK || try(lock))
        return status;
    if (thrum_left(deadline) == 0)
        return THRUM_TIMED_OUT;
    return spin(lock) ? THRUM_OK : thrum__park(&wait, deadline);
}

thrum_status thrum_lock_release(thrum_lock *lock)
{
    if (thrum__cas_u8_release(&lock->word_, HELD, 0))
        return THRUM_OK;
    if (!thrum_lock_is_held(lock))
        return THRUM_NOT_OWNER;
    thrum_status status = THRUM_OK;
    thrum__unpark(lock, 1, pass_on, &status);
    return status;
}

bool thrum_lock_is_held(const thrum_lock *lock)
{
    return (thrum__load_u8_relaxed(&lock->word_) & HELD) != 0;
}

/* ---- For conditions --------------------------------------------------------------------------------------------- */

static void held_release(void *lock)
{
    (void)thrum_lock_release((thrum_lock *)lock);
}

/* In one step: a lock that is held at the mark is released through the mark. */
static bool held_mark_if_held(void *object)
{
    thrum_lock *lock = (thrum_lock *)object;
    uint8_t word;
    do {
        word = thrum__load_u8_relaxed(&lock->word_);
        if (!(word & HELD))
            return false;
    } while (!thrum__cas_u8_acquire(&lock->word_, word, word | PARKED));
    return true;
}

static void held_mark(void *object)
{
    thrum_lock *lock = (thrum_lock *)object;
    uint8_t word;
    do
        word = thrum__load_u8_relaxed(&lock->word_);
    while (!thrum__cas_u8_acquire(&lock->word_, word, word | PARKED));
}

thrum__held_lock thrum__held(thrum_lock *lock)
{
    return (thrum__held_lock){lock, held_release, take, held_mark_if_held, held_mark};
}
