/*
 * The POSIX port: a parker on pthread's mutex and condition, for systems without a futex of their own to call. One
 * thread waits on each condition and it is signalled under its mutex, which keeps clear of glibc's bug 25847.
 *
 * The main thread's parker is another: a signal handler must be able to unpark it, and pthread_cond_signal is not
 * async-signal-safe. It sleeps in poll on a pipe of its own, and unpark writes a byte to it. docs/decisions/0002.
 */
#include "posix.h"

#include <thrum/atomic.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { EMPTY, PERMIT, SLEEPING };

typedef struct pthread_parker {
    bool main;
    union {
        struct {
            thrum__port_lock lock;
            thrum__port_cond cond;
            bool permit;
        } other;
        struct {
            uint32_t word; /* EMPTY, PERMIT, SLEEPING: as in parker_futex.c, with a pipe for the futex */
            int read, write;
        } main;
    } u;
} pthread_parker;

_Static_assert(sizeof(pthread_parker) <= sizeof(thrum__parker), "thrum__parker is too small");

/* ---- Every thread but main -------------------------------------------------------------------------------------- */

static void park_on_condition(pthread_parker *parker, int64_t at)
{
    thrum__port_lock_acquire(&parker->u.other.lock);
    if (!parker->u.other.permit)
        thrum__port_cond_wait(&parker->u.other.cond, &parker->u.other.lock, at);
    parker->u.other.permit = false;
    thrum__port_lock_release(&parker->u.other.lock);
}

static void unpark_condition(pthread_parker *parker)
{
    thrum__port_lock_acquire(&parker->u.other.lock);
    if (!parker->u.other.permit) {
        parker->u.other.permit = true;
        thrum__port_cond_broadcast(&parker->u.other.cond);
    }
    thrum__port_lock_release(&parker->u.other.lock);
}

/* ---- Main ------------------------------------------------------------------------------------------------------- */

#if defined(THRUM_HAVE_PIPE2)

/* In one step: another thread may be starting a program at this moment, which must not get the ends. */
static bool make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}

#else /* macOS */

static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

#endif

static bool open_pipe(pthread_parker *parker)
{
    int ends[2] = {-1, -1};
    bool made = make_pipe(ends);
    if (!made)
        thrum__posix_fail(errno);
    parker->u.main.read = ends[0];
    parker->u.main.write = ends[1];
    return made;
}

/* Sleep until the pipe has a byte, a signal comes, or the time has passed. */
static void poll_pipe(pthread_parker *parker, int64_t at)
{
    struct pollfd news = {parker->u.main.read, POLLIN, 0};
    int64_t left = at == INT64_MAX ? INT64_MAX : at - thrum__port_now();
    if (left < 0)
        left = 0;
#if defined(THRUM_HAVE_PPOLL)
    struct timespec length = thrum__posix_timespec(left);
    ppoll(&news, 1, at == INT64_MAX ? NULL : &length, NULL);
#else /* macOS: a whole number of milliseconds, rounded up so as not to be early */
    int64_t whole = left / 1000000 + (left % 1000000 != 0);
    poll(&news, 1, at == INT64_MAX ? -1 : (int)(whole < 1000000000 ? whole : 1000000000));
#endif
}

static void park_on_pipe(pthread_parker *parker, int64_t at)
{
    if (thrum__cas_u32_acq_rel(&parker->u.main.word, EMPTY, SLEEPING)) {
        THRUM__STOP(IN_PARKER);
        poll_pipe(parker, thrum__posix_end_of_sleep(at));
    }
    /* A byte is written only by an unpark that took SLEEPING out, so none is written for a permit that comes between
     * here and the reads below. One that is written late makes the next park return early, which it may. */
    thrum__exchange_u32_acq_rel(&parker->u.main.word, EMPTY);
    char bytes[16];
    while (read(parker->u.main.read, bytes, sizeof bytes) > 0) {}
}

static void unpark_pipe(pthread_parker *parker)
{
    if (thrum__exchange_u32_acq_rel(&parker->u.main.word, PERMIT) == SLEEPING) {
        ssize_t ignored = write(parker->u.main.write, "", 1); /* a full pipe wakes just as well */
        (void)ignored;
    }
}

/* ---- The contract ----------------------------------------------------------------------------------------------- */

bool thrum__port_parker_init(thrum__parker *memory, bool main)
{
    pthread_parker *parker = (pthread_parker *)memory;
    parker->main = main;
    if (main) {
        thrum__store_u32_release(&parker->u.main.word, EMPTY);
        return open_pipe(parker);
    }
    thrum__port_lock_init(&parker->u.other.lock);
    thrum__port_cond_init(&parker->u.other.cond);
    return true;
}

bool thrum__port_parker_reborn(thrum__parker *memory)
{
    thrum__port_parker_forget(memory);
    return thrum__port_parker_init(memory, true);
}

void thrum__port_parker_forget(thrum__parker *memory)
{
    pthread_parker *parker = (pthread_parker *)memory;
    if (parker->main) { /* our copies of the parent's pipe */
        close(parker->u.main.read);
        close(parker->u.main.write);
    }
    memset(memory, 0, sizeof *memory); /* a mutex may be locked here for ever */
}

void thrum__port_park(thrum__parker *memory, int64_t at)
{
    pthread_parker *parker = (pthread_parker *)memory;
    int saved = errno;
    int cancel = thrum__posix_stop_cancel();
    (parker->main ? park_on_pipe : park_on_condition)(parker, at);
    thrum__posix_allow_cancel(cancel);
    errno = saved;
}

void thrum__port_unpark(thrum__parker *memory)
{
    pthread_parker *parker = (pthread_parker *)memory;
    int saved = errno;
    int cancel = thrum__posix_stop_cancel(); /* write is a cancellation point */
    (parker->main ? unpark_pipe : unpark_condition)(parker);
    thrum__posix_allow_cancel(cancel);
    errno = saved;
}
