/*
 * port.h: the contract between thrum and the system it runs on.
 *
 * Everything that the portable core needs from a system is declared here, and the core has no other way to it: time,
 * memory, one small lock, one parker a thread, threads, signals. A port is one folder (src/posix, src/win32) that
 * defines these functions and knows nothing of what stands on them; it never calls the core except through the
 * functions that it was handed here (thrum__port_begin, thrum__port_at_thread_end).
 *
 * Rules for all of it
 *   - Any thread may call, unless a function says otherwise. Called with a port lock held: the locks themselves, their
 *     condition, the parker's unpark, the clock and the token; in a child of fork also what makes parkers and
 *     conditions anew, and native_id. Nothing else.
 *   - Nothing here reports an interrupt: interrupts are the core's business, in src/interrupt.c.
 *   - Functions that may fail say how. The others may not fail; a port that cannot do its work there ends the process.
 *   - A function that fails leaves the system's reason to thrum__port_error(), of the same thread.
 */
#ifndef THRUM_PORT_H
#define THRUM_PORT_H

#include "stops.h"

#include <thrum/status.h>

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

/* What a port calls in the core. */
typedef struct thrum__port_upcalls {
    /* A signal that the core asked for has come, for the main thread. Called from a signal handler on the main thread
     * (POSIX) or from a thread of the system's (Windows): it is async-signal-safe and keeps errno and GetLastError. */
    void (*signal_arrived)(int signum);
    /* What a thread runs that thrum__port_thread_start starts. */
    void (*thread_began)(void *arg);
    /* Around a fork of this process, on the thread that forks, with every signal blocked: before it, and after it in
     * the parent or in the child, of which that thread is then the only one, and the main one. */
    void (*fork_prepare)(void);
    void (*fork_parent)(void);
    void (*fork_child)(void);
} thrum__port_upcalls;

/* Run `begin` if nobody has, and wait until it has been run. For the core's own beginning alone. */
void thrum__port_once(void (*begin)(void));

/* Called once, from within thrum__port_once. Only what needs no beginning may be called before it: the clock, self,
 * token, the count of processors, yield, and what is asked of a signal's number. The upcalls live for good. */
void thrum__port_begin(const thrum__port_upcalls *upcalls);

/* The system's reason (errno, GetLastError) for the last failure of a function here on this thread. */
int thrum__port_error(void);

/* ---- Time ------------------------------------------------------------------------------------------------------- */

/* The monotonic clock in nanoseconds, above 0; it never goes back, on whatever processor it is read. Async-signal-safe.
 */
int64_t thrum__port_now(void);

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

/* Zeroed memory, aligned for anything; NULL if there is none. Given back with release, which takes NULL. */
void *thrum__port_allocate(size_t size);
void thrum__port_free(void *memory);

/* ---- A lock, and a condition to go with it ---------------------------------------------------------------------- */

/* A mutex for the core's own short sections: no recursion, no deadline, no fairness asked for. Its memory is never
 * given back. It is not destroyed. */
typedef union thrum__port_lock {
    void *align;
    unsigned char bytes[64];
} thrum__port_lock;

void thrum__port_lock_init(thrum__port_lock *lock);
void thrum__port_lock_acquire(thrum__port_lock *lock);
void thrum__port_lock_release(thrum__port_lock *lock);

/* A condition, on which threads sleep that have no parker (see thrum__waiter). wait gives up the lock, sleeps until a
 * broadcast, `at` on thrum__port_now's clock (INT64_MAX: never), or nothing at all, and has the lock again. */
typedef union thrum__port_cond {
    void *align;
    unsigned char bytes[64];
} thrum__port_cond;

void thrum__port_cond_init(thrum__port_cond *cond);
void thrum__port_cond_wait(thrum__port_cond *cond, thrum__port_lock *lock, int64_t at);
void thrum__port_cond_broadcast(thrum__port_cond *cond);

/* ---- The parker: how one thread sleeps, and how others wake it -------------------------------------------------- */

/*
 * A parker belongs to a thread, and holds at most one permit. unpark gives it the permit; park takes it, and sleeps
 * until there is one. A permit that comes first is remembered, so a thread that looks at its state, then parks, misses
 * no news that was published before the unpark. It is a hint: park may also return for nothing.
 *
 * Its memory is never given back, so an unpark that comes late reaches a parker, at worst a stranger's. All that the
 * unparking thread wrote before can be seen after the park that took the permit.
 */
typedef union thrum__parker {
    uint64_t align;
    unsigned char bytes[192];
} thrum__parker;

/* Zeroed memory becomes a parker, for good: it serves one thread after another. `main`: it is for the main thread,
 * whose parker the signal handler unparks; such a one must be async-signal-safe. False if the system has nothing left
 * for it. */
bool thrum__port_parker_init(thrum__parker *parker, bool main);

/* In a child of fork: the calling thread's parker, of whatever kind it was, becomes a main thread's, with no permit,
 * and shares nothing with the parent. False if the system has nothing left for it: then it is no parker. */
bool thrum__port_parker_reborn(thrum__parker *parker);

/* In a child of fork: give back what the system gave for the parker of a thread that is not here. The parent's is not
 * touched. Its memory is zero afterwards. */
void thrum__port_parker_forget(thrum__parker *parker);

/* Take the permit; sleep until there is one or thrum__port_now() >= at (INT64_MAX: for ever). May return early. Only
 * the thread whose parker it is calls this, with no port lock held. Not a POSIX cancellation point. */
void thrum__port_park(thrum__parker *parker, int64_t at);

/* Give the permit, and wake the thread if it sleeps. Never blocks for long; port locks may be held. */
void thrum__port_unpark(thrum__parker *parker);

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

/* One pointer for each thread, NULL at first. Async-signal-safe to read. */
void *thrum__port_self(void);
void thrum__port_set_self(void *self);

/* A value for the calling thread that no other living thread has, not NULL, the same at every call; needs no memory.
 * Numbers are not used again unless they run out. */
void *thrum__port_token(void);

/* Whether the calling thread is the main one: where the system knows it, the one in which the program began; elsewhere
 * the one that loaded thrum. Async-signal-safe. */
bool thrum__port_is_main(void);

/* Make the calling thread the main one, from now on. False where the system knows better. */
bool thrum__port_claim_main(void);

/*
 * Start a thread that runs thread_began(arg) with at least this many bytes of stack (0: the system's usual, at least 1
 * MiB). On POSIX it is born with every signal blocked that the core can handle (thrum__port_signal_can). Returns
 * THRUM_OK, THRUM_INVALID (no such stack), THRUM_NO_MEMORY or THRUM_NO_THREADS. The thread's remains are the port's to
 * clear up.
 */
thrum_status thrum__port_thread_start(void *arg, size_t stack_size);

/* End the calling thread, running what thrum__port_at_thread_end asked for. */
THRUM_NORETURN void thrum__port_thread_exit(void);

/* Have run(arg) called when the calling thread ends, as late in its life as the system allows, once. It may not wait
 * for other threads (Windows holds the loader's lock there). False if the thread is past that point or there is no
 * memory. */
bool thrum__port_at_thread_end(void (*run)(void *), void *arg);

/* The calling thread's number, and its handle (pthread_t, HANDLE). The handle is the port's, until forget is called for
 * it, which happens after the thread has reached its end. */
uint64_t thrum__port_native_id(void);
uintptr_t thrum__port_native_handle(void);
void thrum__port_native_forget(uintptr_t handle);

/* Tell the system's tools the name of the thread with this handle, alive, if the system allows it. UTF-8. May be called
 * with a port lock held, and so takes none of the system's that a thread's end holds (Windows: the loader's). */
void thrum__port_name_thread(uintptr_t handle, const char *name);

void thrum__port_yield(void);
unsigned thrum__port_cpu_count(void);
THRUM_NORETURN void thrum__port_sleep_for_good(void);

/* ---- Signals and the process ------------------------------------------------------------------------------------ */

typedef enum thrum__disposition { THRUM__DEFAULT, THRUM__IGNORED, THRUM__CAUGHT } thrum__disposition;

/* The name of a signal that this port knows, as "SIGINT"; else NULL. Async-signal-safe. */
const char *thrum__port_signal_name(int signum);

/* Whether the core can be given this signal: a number from 1 to 31, not KILL or STOP, not a fault. Async-signal-safe.
 */
bool thrum__port_signal_can(int signum);

/* What the process does with this signal now. CAUGHT: it is passed to the core. A handler of someone else's is DEFAULT.
 */
thrum__disposition thrum__port_signal_now(int signum);

/* Have the signal passed to the core, ignored, or left to the system. False: the system refused, and nothing changed.
 * Main thread only. */
bool thrum__port_signal_set(int signum, thrum__disposition disposition);

/* Send the main thread this signal, which was set CAUGHT, by the road that a real one takes. False, and not sent, if
 * the program has since had the system ignore it or take its default action. Async-signal-safe. */
bool thrum__port_signal_main(int signum);

/*
 * To end a system call that the main thread is blocked in. begin: on the main thread, before each call that is to be
 * ended; false if the system refused. break_main: another thread ends the call that main is in at that moment, if it
 * can be ended; otherwise nothing happens. On POSIX a signal does it (SIGURG, which means nothing unless a program asks
 * for it, and of which a handler that the program has set goes on getting its own); on Windows CancelSynchronousIo.
 * break_end: on the main thread, after the last break_main has returned: from then on no call is ended.
 */
bool thrum__port_break_begin(void);
void thrum__port_break_main(void);
void thrum__port_break_end(void);

/* The reason that the program's own last system call left (errno, GetLastError), to be kept over calls of the port. */
uint64_t thrum__port_keep_reason(void);
void thrum__port_restore_reason(uint64_t reason);

/* Write the mask, a sigset_t, with which a child should start that the calling thread makes: its own, without what is
 * blocked only because thrum started it. False where there is no such thing. */
bool thrum__port_start_mask(void *sigset);

/* Send this process the signal from outside, so to speak. THRUM_OK, THRUM_INVALID or THRUM_SYSTEM. */
thrum_status thrum__port_signal_raise(int signum);

/* End the process as the signal would have. */
THRUM_NORETURN void thrum__port_die_by(int signum);

/* From now on the signal, if it comes, takes its default action, on whatever thread. */
void thrum__port_signal_let_kill(int signum);

/* How far the process has come towards its end. The program has shut thrum down; exit() has begun, or what the core
 * does in its place. On Windows a console that is closed waits to hear of it. Need no beginning; may be called again.
 */
void thrum__port_shutdown_done(void);
void thrum__port_process_ends(void);

/* Whether the system has killed all other threads, as Windows does before a DLL's own at-exit functions run. Nobody can
 * be waited for then, and any port lock may be held for good. */
bool thrum__port_is_alone(void);

/* Write out what stdio has buffered: every stream, or only standard output and error. May block. */
void thrum__port_flush_all(void);
void thrum__port_flush_standard(void);

/* exit(status), from C's library. */
THRUM_NORETURN void thrum__port_exit(int status);

#endif
