/*
 * The atomic operations that thrum is made of, over the compiler's own: GCC's and Clang's builtins, MSVC's
 * intrinsics. Here because the lock's fast path is inline; not an interface for programs, and not stable.
 *
 * A name says operation, type and memory order: thrum__cas_u8_acquire. Beyond the plain set that each width has, only
 * what is used exists. Failed compare-and-swaps are relaxed, except that acq_rel ones acquire. None is stronger than
 * acquire and release: wherever thrum must not miss something, both sides meet in one word (see src/parking_lot.c).
 */
#ifndef THRUM_ATOMIC_H
#define THRUM_ATOMIC_H

#include <thrum/base.h>

#if defined(_MSC_VER)
#include <intrin.h>

/* x86: an aligned volatile access is a plain load or store, every interlocked operation a full fence. ARM64:
 * the _acq, _rel and _nf forms say the order, and loads and stores take a barrier beside them. */
#if defined(_M_ARM64) || defined(_M_ARM64EC)
#define THRUM__ORDER(f, order) f##order
#define THRUM__BARRIER()       __dmb(_ARM64_BARRIER_ISH)
#else
#define THRUM__ORDER(f, order) f
#define THRUM__BARRIER()       _ReadWriteBarrier()
#endif

#define THRUM__ATOMICS(name, type, raw, bits, suffix)                                                                  \
    static __inline type thrum__load_##name##_relaxed(const type *p)                                                   \
    {                                                                                                                  \
        return (type)__iso_volatile_load##bits((const volatile __int##bits *)p);                                       \
    }                                                                                                                  \
    static __inline type thrum__load_##name##_acquire(const type *p)                                                   \
    {                                                                                                                  \
        type value = thrum__load_##name##_relaxed(p);                                                                  \
        THRUM__BARRIER();                                                                                              \
        return value;                                                                                                  \
    }                                                                                                                  \
    static __inline void thrum__store_##name##_relaxed(type *p, type value)                                            \
    {                                                                                                                  \
        __iso_volatile_store##bits((volatile __int##bits *)p, (__int##bits)value);                                     \
    }                                                                                                                  \
    static __inline void thrum__store_##name##_release(type *p, type value)                                            \
    {                                                                                                                  \
        THRUM__BARRIER();                                                                                              \
        thrum__store_##name##_relaxed(p, value);                                                                       \
    }                                                                                                                  \
    static __inline bool thrum__cas_##name##_acquire(type *p, type expected, type desired)                             \
    {                                                                                                                  \
        return (type)THRUM__ORDER(_InterlockedCompareExchange##suffix, _acq)((volatile raw *)p, (raw)desired,          \
                                                                             (raw)expected) == expected;               \
    }                                                                                                                  \
    static __inline bool thrum__cas_##name##_release(type *p, type expected, type desired)                             \
    {                                                                                                                  \
        return (type)THRUM__ORDER(_InterlockedCompareExchange##suffix, _rel)((volatile raw *)p, (raw)desired,          \
                                                                             (raw)expected) == expected;               \
    }                                                                                                                  \
    static __inline bool thrum__cas_##name##_acq_rel(type *p, type expected, type desired)                             \
    {                                                                                                                  \
        return (type)_InterlockedCompareExchange##suffix((volatile raw *)p, (raw)desired, (raw)expected) == expected;  \
    }

THRUM__ATOMICS(u8, uint8_t, char, 8, 8)
THRUM__ATOMICS(u32, uint32_t, long, 32, )
THRUM__ATOMICS(u64, uint64_t, __int64, 64, 64)

static __inline uint32_t thrum__exchange_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return (uint32_t)_InterlockedExchange((volatile long *)p, (long)value);
}
static __inline uint32_t thrum__fetch_or_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return (uint32_t)_InterlockedOr((volatile long *)p, (long)value);
}
static __inline uint32_t thrum__fetch_and_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return (uint32_t)_InterlockedAnd((volatile long *)p, (long)value);
}
static __inline uint32_t thrum__fetch_add_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return (uint32_t)_InterlockedExchangeAdd((volatile long *)p, (long)value);
}
static __inline void *thrum__load_pointer_acquire(void *const *p)
{
    void *value = *(void *const volatile *)p;
    THRUM__BARRIER();
    return value;
}
static __inline void thrum__store_pointer_release(void **p, void *value)
{
    THRUM__BARRIER();
    *(void *volatile *)p = value;
}

#if defined(_M_ARM64) || defined(_M_ARM64EC)
#define THRUM__PAUSE() __yield()
#else
#define THRUM__PAUSE() _mm_pause()
#endif

#else /* GCC, Clang */

#define THRUM__ATOMICS(name, type)                                                                                     \
    static inline type thrum__load_##name##_relaxed(const type *p)                                                     \
    {                                                                                                                  \
        return __atomic_load_n(p, __ATOMIC_RELAXED);                                                                   \
    }                                                                                                                  \
    static inline type thrum__load_##name##_acquire(const type *p)                                                     \
    {                                                                                                                  \
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);                                                                   \
    }                                                                                                                  \
    static inline void thrum__store_##name##_relaxed(type *p, type value)                                              \
    {                                                                                                                  \
        __atomic_store_n(p, value, __ATOMIC_RELAXED);                                                                  \
    }                                                                                                                  \
    static inline void thrum__store_##name##_release(type *p, type value)                                              \
    {                                                                                                                  \
        __atomic_store_n(p, value, __ATOMIC_RELEASE);                                                                  \
    }                                                                                                                  \
    static inline bool thrum__cas_##name##_acquire(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);          \
    }                                                                                                                  \
    static inline bool thrum__cas_##name##_release(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);          \
    }                                                                                                                  \
    static inline bool thrum__cas_##name##_acq_rel(type *p, type expected, type desired)                               \
    {                                                                                                                  \
        return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);          \
    }

THRUM__ATOMICS(u8, uint8_t)
THRUM__ATOMICS(u32, uint32_t)
THRUM__ATOMICS(u64, uint64_t)

static inline uint32_t thrum__exchange_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return __atomic_exchange_n(p, value, __ATOMIC_ACQ_REL);
}
static inline uint32_t thrum__fetch_or_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return __atomic_fetch_or(p, value, __ATOMIC_ACQ_REL);
}
static inline uint32_t thrum__fetch_and_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return __atomic_fetch_and(p, value, __ATOMIC_ACQ_REL);
}
static inline uint32_t thrum__fetch_add_u32_acq_rel(uint32_t *p, uint32_t value)
{
    return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL);
}
static inline void *thrum__load_pointer_acquire(void *const *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void thrum__store_pointer_release(void **p, void *value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

#if defined(__x86_64__) || defined(__i386__)
#define THRUM__PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__) || defined(__arm__)
#define THRUM__PAUSE() __asm__ volatile("yield" ::: "memory")
#else
#define THRUM__PAUSE() __asm__ volatile("" ::: "memory")
#endif

#endif

#undef THRUM__ATOMICS
#endif
