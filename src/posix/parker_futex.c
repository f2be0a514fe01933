/*
 * The POSIX port on Linux: a parker in one word, on a futex.
 *
 * The word is EMPTY, PERMIT, or SLEEPING. park goes EMPTY -> SLEEPING, sleeps while the word is SLEEPING, and leaves
 * with EMPTY; unpark exchanges PERMIT in, and calls the kernel only if it took SLEEPING out. Both sides change one word
 * with read-modify-writes, so one sees the other whatever the order: either park finds the permit, or unpark the
 * sleeper. The kernel compares the word again under its own lock before it puts the thread to sleep.
 *
 * unpark is one atomic exchange and one system call: async-signal-safe, so it serves the main thread too.
 */
#include "posix.h"

#include <thrum/atomic.h>

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EMPTY, PERMIT, SLEEPING };

typedef struct futex_parker {
    uint32_t word;
} futex_parker;

_Static_assert(sizeof(futex_parker) <= sizeof(thrum__parker), "thrum__parker is too small");

/* FUTEX_WAIT_BITSET takes a point on the monotonic clock, where FUTEX_WAIT takes a length. Returns early for a signal.
 */
static void futex_wait(uint32_t *word, uint32_t while_it_is, int64_t at)
{
#if defined(SYS_futex_time64) && !defined(SYS_futex) /* 32-bit systems born after 2020 */
    struct {
        int64_t seconds, nanoseconds;
    } end = {at / THRUM__SECOND, at % THRUM__SECOND};
    long call = SYS_futex_time64;
#else
    struct {
        long seconds, nanoseconds; /* the kernel's old timespec, whatever width time_t has */
    } end = {(long)(at / THRUM__SECOND), (long)(at % THRUM__SECOND)};
    long call = SYS_futex;
#endif
    long result = syscall(call, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, while_it_is,
                          at == INT64_MAX ? NULL : &end, NULL, FUTEX_BITSET_MATCH_ANY);
    if (result != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
        abort();
}

static void futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

bool thrum__port_parker_init(thrum__parker *parker, bool main)
{
    (void)main;
    thrum__store_u32_release(&((futex_parker *)parker)->word, EMPTY);
    return true;
}

void thrum__port_park(thrum__parker *parker, int64_t at)
{
    uint32_t *word = &((futex_parker *)parker)->word;
    int saved = errno;
    if (thrum__cas_u32_acq_rel(word, EMPTY, SLEEPING))
        futex_wait(word, SLEEPING, at);
    /* Acquire: pairs with the exchange in unpark. A permit that came after a timeout is taken with it. */
    thrum__exchange_u32_acq_rel(word, EMPTY);
    errno = saved;
}

void thrum__port_unpark(thrum__parker *parker)
{
    uint32_t *word = &((futex_parker *)parker)->word;
    if (thrum__exchange_u32_acq_rel(word, PERMIT) == SLEEPING) {
        int saved = errno;
        futex_wake(word);
        errno = saved;
    }
}
