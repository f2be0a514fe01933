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

/* The kernel's timespec for the call, whatever width the library's time_t has. */
#if defined(SYS_futex)
#define FUTEX_CALL SYS_futex
typedef long kernel_int;
#else /* 32-bit systems born after 2020 */
#define FUTEX_CALL SYS_futex_time64
typedef int64_t kernel_int;
#endif

#define FAR_OFF 2000000000 /* seconds, that 32 bits hold; the caller looks at the clock and waits again */

enum { EMPTY, PERMIT, SLEEPING };

typedef struct futex_parker {
    uint32_t word;
} futex_parker;

_Static_assert(sizeof(futex_parker) <= sizeof(thrum__parker), "thrum__parker is too small");

/* FUTEX_WAIT_BITSET takes a point on the monotonic clock, where FUTEX_WAIT takes a length. Returns early for a signal.
 */
static void futex_wait(uint32_t *word, uint32_t while_it_is, int64_t at)
{
    kernel_int seconds = at / THRUM__SECOND < FAR_OFF ? (kernel_int)(at / THRUM__SECOND) : FAR_OFF;
    struct {
        kernel_int seconds, nanoseconds;
    } end = {seconds, (kernel_int)(at % THRUM__SECOND)};
    long result = syscall(FUTEX_CALL, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, while_it_is,
                          at == INT64_MAX ? NULL : &end, NULL, FUTEX_BITSET_MATCH_ANY);
    if (result != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
        abort();
}

static void futex_wake(uint32_t *word)
{
    syscall(FUTEX_CALL, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

bool thrum__port_parker_init(thrum__parker *parker, bool main)
{
    (void)main;
    thrum__store_u32_release(&((futex_parker *)parker)->word, EMPTY);
    return true;
}

bool thrum__port_parker_reborn(thrum__parker *parker)
{
    return thrum__port_parker_init(parker, true);
}

void thrum__port_parker_forget(thrum__parker *parker)
{
    *parker = (thrum__parker){0};
}

void thrum__port_park(thrum__parker *parker, int64_t at)
{
    uint32_t *word = &((futex_parker *)parker)->word;
    int saved = errno;
    if (thrum__cas_u32_acq_rel(word, EMPTY, SLEEPING)) {
        THRUM__STOP(IN_PARKER);
        futex_wait(word, SLEEPING, thrum__posix_end_of_sleep(at));
    }
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
