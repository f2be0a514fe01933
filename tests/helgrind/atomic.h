/*
 * thrum's atomics for helgrind, which does not know the compiler's: to it they are plain loads and stores that race. A
 * build for it includes this file before all others (-include), in the place of <thrum/atomic.h>.
 *
 * Each operation tells what its memory order promises: what came before a release happens before what comes after an
 * acquire at the same address. Nothing more: a relaxed load orders nothing, and a field that the words' order does not
 * protect is still reported. What is left to be silenced is the words themselves, so each operation is a function of
 * its own, by whose name tests/helgrind/suppressions knows it.
 *
 * A release is told twice, before the operation and at once after it. Between the two the thread may be held up, so the
 * first cannot come later; but only the second comes after the operation's own access to the word, which may be the
 * last that the thread makes there: who drops a reference, say, before somebody else clears the record.
 *
 * Helgrind's idea of an address's order is coarser than the truth: an acquire is taken to come after every release
 * there so far. It can overlook a race, but reports none for it.
 */
#ifndef THRUM_ATOMIC_H
#define THRUM_ATOMIC_H

#include <thrum/base.h>

#include <sched.h>
#include <valgrind/helgrind.h>

#define THRUM_TEST_HELGRIND
#define THRUM__ATOMIC static __attribute__((noinline, unused))

#define THRUM__ATOMICS(name, type)                                                                                     \
    THRUM__ATOMIC type thrum__load_##name##_relaxed(const type *p)                                                     \
    {                                                                                                                  \
        return __atomic_load_n(p, __ATOMIC_RELAXED);                                                                   \
    }                                                                                                                  \
    THRUM__ATOMIC type thrum__load_##name##_acquire(const type *p)                                                     \
    {                                                                                                                  \
        type value = __atomic_load_n(p, __ATOMIC_ACQUIRE);                                                             \
        ANNOTATE_HAPPENS_AFTER(p);                                                                                     \
        return value;                                                                                                  \
    }                                                                                                                  \
    THRUM__ATOMIC void thrum__store_##name##_relaxed(type *p, type value)                                              \
    {                                                                                                                  \
        __atomic_store_n(p, value, __ATOMIC_RELAXED);                                                                  \
    }                                                                                                                  \
    THRUM__ATOMIC void thrum__store_##name##_release(type *p, type value)                                              \
    {                                                                                                                  \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        __atomic_store_n(p, value, __ATOMIC_RELEASE);                                                                  \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
    }                                                                                                                  \
    THRUM__ATOMIC bool thrum__cas_##name##_acquire(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        if (!__atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))            \
            return false;                                                                                              \
        ANNOTATE_HAPPENS_AFTER(p);                                                                                     \
        return true;                                                                                                   \
    }                                                                                                                  \
    THRUM__ATOMIC bool thrum__cas_##name##_release(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        bool done = __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);     \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        return done;                                                                                                   \
    }                                                                                                                  \
    THRUM__ATOMIC bool thrum__cas_##name##_acq_rel(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        bool done = __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);     \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        ANNOTATE_HAPPENS_AFTER(p);                                                                                     \
        return done;                                                                                                   \
    }

THRUM__ATOMICS(u8, uint8_t)
THRUM__ATOMICS(u32, uint32_t)
THRUM__ATOMICS(u64, uint64_t)

#define THRUM__READ_MODIFY_WRITE(name, builtin)                                                                        \
    THRUM__ATOMIC uint32_t thrum__##name##_u32_acq_rel(uint32_t *p, uint32_t value)                                    \
    {                                                                                                                  \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        uint32_t before = builtin(p, value, __ATOMIC_ACQ_REL);                                                         \
        ANNOTATE_HAPPENS_BEFORE(p);                                                                                    \
        ANNOTATE_HAPPENS_AFTER(p);                                                                                     \
        return before;                                                                                                 \
    }

THRUM__READ_MODIFY_WRITE(exchange, __atomic_exchange_n)
THRUM__READ_MODIFY_WRITE(fetch_or, __atomic_fetch_or)
THRUM__READ_MODIFY_WRITE(fetch_and, __atomic_fetch_and)
THRUM__READ_MODIFY_WRITE(fetch_add, __atomic_fetch_add)

THRUM__ATOMIC void *thrum__load_pointer_acquire(void *const *p)
{
    void *value = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    ANNOTATE_HAPPENS_AFTER(p);
    return value;
}
THRUM__ATOMIC void thrum__store_pointer_release(void **p, void *value)
{
    ANNOTATE_HAPPENS_BEFORE(p);
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
    ANNOTATE_HAPPENS_BEFORE(p);
}

/* Threads run one at a time there: who spins, lets another run. */
#define THRUM__PAUSE() sched_yield()

#undef THRUM__ATOMICS
#endif
