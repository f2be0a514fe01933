/*
 * The semaphore. One word of 64 bits: the value in the low half, and above it the mark that somebody may sleep. A
 * single word, because a release may not look at the semaphore again once its permits can be taken.
 *
 * Sleepers are there only while the value is 0, so a release gives its permits to the first of them, and puts what
 * remains into the value before it grants any: a grantee may free the semaphore.
 */
#include <thrum/semaphore.h>

#include "interrupt.h"
#include "parking_lot.h"

#define PARKED (UINT64_C(1) << 32)

static uint32_t value_of(uint64_t word)
{
    return (uint32_t)word;
}

static uint32_t max_of(const thrum_semaphore *semaphore)
{
    return semaphore->max_ ? semaphore->max_ : UINT32_MAX;
}

thrum_status thrum_semaphore_init(thrum_semaphore *semaphore, uint32_t value, uint32_t max)
{
    if (max != 0 && value > max)
        return THRUM_INVALID;
    semaphore->max_ = max;
    thrum__store_u64_release(&semaphore->word_, value);
    return THRUM_OK;
}

/* Acquire: pairs with the releases below. */
bool thrum_semaphore_try_acquire(thrum_semaphore *semaphore)
{
    uint64_t word = thrum__load_u64_relaxed(&semaphore->word_);
    while (value_of(word) > 0) {
        if (thrum__cas_u64_acquire(&semaphore->word_, word, word - 1))
            return true;
        word = thrum__load_u64_relaxed(&semaphore->word_);
    }
    return false;
}

/* Under the bucket's lock: take a permit, or leave the mark. */
static bool take(void *object, void *unused)
{
    thrum_semaphore *semaphore = (thrum_semaphore *)object;
    (void)unused;
    while (!thrum_semaphore_try_acquire(semaphore)) {
        uint64_t word = thrum__load_u64_relaxed(&semaphore->word_);
        if (value_of(word) == 0 && ((word & PARKED) || thrum__cas_u64_acquire(&semaphore->word_, word, word | PARKED)))
            return false;
    }
    return true;
}

thrum_status thrum_semaphore_acquire(thrum_semaphore *semaphore, thrum_deadline deadline)
{
    thrum__wait wait = {.object = semaphore, .take = take, .interruptible = true};
    thrum_status status = thrum__interruption_point();
    if (status != THRUM_OK || thrum_semaphore_try_acquire(semaphore))
        return status;
    return thrum_left(deadline) == 0 ? THRUM_TIMED_OUT : thrum__park(&wait, deadline);
}

static bool overflows(const thrum_semaphore *semaphore, uint64_t word, uint32_t n)
{
    return (uint64_t)value_of(word) + n > max_of(semaphore);
}

typedef struct release {
    uint32_t n;
    thrum_status status;
} release;

/* Under the bucket's lock: some of the permits go to sleepers, the rest into the value. The compare-and-swap competes
 * with threads that acquire without sleeping. */
static bool give(void *object, const thrum__sleepers *sleepers, void *arg, uint32_t *fate)
{
    thrum_semaphore *semaphore = (thrum_semaphore *)object;
    release *r = (release *)arg;
    uint64_t word, after;
    *fate = THRUM__GRANTED;
    do {
        word = thrum__load_u64_relaxed(&semaphore->word_);
        if (overflows(semaphore, word, r->n)) {
            r->status = THRUM_OVERFLOW;
            return false;
        }
        after = ((uint64_t)value_of(word) + r->n - sleepers->granted) | (sleepers->more ? PARKED : 0);
    } while (!thrum__cas_u64_release(&semaphore->word_, word, after));
    return true;
}

thrum_status thrum_semaphore_release(thrum_semaphore *semaphore, uint32_t n)
{
    uint64_t word;
    if (n == 0)
        return THRUM_INVALID;
    do {
        word = thrum__load_u64_relaxed(&semaphore->word_);
        if (word & PARKED) {
            release r = {n, THRUM_OK};
            thrum__unpark(semaphore, n, give, &r);
            return r.status;
        }
        if (overflows(semaphore, word, n))
            return THRUM_OVERFLOW;
    } while (!thrum__cas_u64_release(&semaphore->word_, word, word + n));
    return THRUM_OK;
}

uint32_t thrum_semaphore_value(const thrum_semaphore *semaphore)
{
    return value_of(thrum__load_u64_relaxed(&semaphore->word_));
}
