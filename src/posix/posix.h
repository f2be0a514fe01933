/* What the files of the POSIX port share with one another. */
#ifndef THRUM_POSIX_H
#define THRUM_POSIX_H

#include "../port.h"

#include <signal.h>
#include <time.h>

#define THRUM__SECOND INT64_C(1000000000)

/* Fail with this reason: what thrum__port_error() will say. */
void thrum__posix_fail(int error);

/* A time on the monotonic clock, or a length of time, as the system writes it; the longest that it can write, if it is
 * longer than that, so that a sleep may end early but never late. */
struct timespec thrum__posix_timespec(int64_t nanos);

/*
 * When a sleep of the main thread is to end that may end at this time: then, but in a build with ThreadSanitizer soon.
 * It takes a signal and puts the handler off until the thread next calls a function that it intercepts. A signal that
 * comes between the last such and the sleep in the kernel would be slept through: so no sleep is long there, and the
 * clock, which it intercepts, is read before each. (Seen in a debugger on both parkers: the system has delivered the
 * signal, its handler has not run, main sleeps.)
 */
int64_t thrum__posix_end_of_sleep(int64_t at);

/* Cancellation of the calling thread, put off and allowed again as it was: between the two nothing may be cut short. */
int thrum__posix_stop_cancel(void);
void thrum__posix_allow_cancel(int before);

/* The signals that threads of thrum's are not given. */
void thrum__posix_signal_mask(sigset_t *set);

/* Around a fork in a process in which thrum has not begun: it does not begin in another thread meanwhile, which would
 * be in the middle of it, in the child, for ever. begun_or_held: whether it has begun now; else it is held until
 * let_begin, which may be called for nothing. */
bool thrum__posix_begun_or_held(void);
void thrum__posix_let_begin(bool in_child);

/* Tell the other file of the upcalls: whether there are any is whether thrum has begun. */
bool thrum__posix_has_begun(void);

/* signal.c's part of thrum__port_begin. */
void thrum__posix_signals_begin(const thrum__port_upcalls *upcalls);

/* In a child of fork: no thread is about to send a signal. */
void thrum__posix_signals_reborn(void);

/* Send a signal to the main thread of this process. Async-signal-safe. */
void thrum__posix_kill_main(int signum);

#endif
