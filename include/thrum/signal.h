/*
 * Signals: the main thread receives them, on every system, and a wait that it is in ends or goes on as the handler
 * says.
 *
 *     int main(void) {
 *         thrum_init();
 *         thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL);    // Ctrl-C ends the wait we are in
 *         if (thrum_sleep(THRUM_SECONDS(60)) == THRUM_INTERRUPTED)
 *             thrum_exit_by_signal(THRUM_SIGINT);                              // and we end as Ctrl-C ends programs
 *     }
 *
 * A signal that thrum handles becomes pending for the main thread, and wakes it. At its present or next interruption
 * point (a call that takes a deadline, thrum_sleep, thrum_signal_check, the two ends of a blocking region) the handlers
 * of what is pending run there, lowest number first, each once, in ordinary context: they may do anything, wait and
 * lock too, but not leave by longjmp, a C++ exception, pthread_exit or a cancellation. A handler that returns THRUM_OK
 * lets the wait go on, to its old deadline. One that returns THRUM_INTERRUPTED makes the call return THRUM_INTERRUPTED;
 * what is still pending stays so. A handler is not entered again for its own number while it runs.
 *
 * A wait that was granted (a lock, a permit, a notify) is THRUM_OK all the same; the signal stays pending.
 *
 * Plain system calls know nothing of this: on POSIX a signal interrupts them as signals do (EINTR).
 *
 * Where it comes from: Python's signal module, of which this keeps "only the main thread may set a handler, only the
 * main thread receives"; on Windows Ctrl-C is THRUM_SIGINT, Ctrl-Break THRUM_SIGBREAK, closing the console
 * THRUM_SIGTERM, and the others exist inside the process only.
 */
#ifndef THRUM_SIGNAL_H
#define THRUM_SIGNAL_H

#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

/* The system's numbers. src/posix/signal.c checks them against <signal.h>. */
#define THRUM_SIGINT   2
#define THRUM_SIGHUP   1
#define THRUM_SIGALRM  14
#define THRUM_SIGTERM  15
#define THRUM_SIGPIPE  13
#define THRUM_SIGWINCH 28
#if defined(_WIN32)
#define THRUM_SIGBREAK 21
#define THRUM_SIGQUIT  THRUM_SIGBREAK
#define THRUM_SIGUSR1  10
#define THRUM_SIGUSR2  12
#define THRUM_SIGCHLD  17
#define THRUM_SIGCONT  18
#define THRUM_SIGTSTP  20
#define THRUM_SIGURG   23
#define THRUM_SIGIO    29
#elif defined(__linux__)
#define THRUM_SIGQUIT  3
#define THRUM_SIGBREAK THRUM_SIGQUIT
#define THRUM_SIGUSR1  10
#define THRUM_SIGUSR2  12
#define THRUM_SIGCHLD  17
#define THRUM_SIGCONT  18
#define THRUM_SIGTSTP  20
#define THRUM_SIGURG   23
#define THRUM_SIGIO    29
#else /* macOS and the BSDs */
#define THRUM_SIGQUIT  3
#define THRUM_SIGBREAK THRUM_SIGQUIT
#define THRUM_SIGUSR1  30
#define THRUM_SIGUSR2  31
#define THRUM_SIGCHLD  20
#define THRUM_SIGCONT  19
#define THRUM_SIGTSTP  18
#define THRUM_SIGURG   16
#define THRUM_SIGIO    23
#endif

/* Runs on the main thread, in ordinary context, with no lock of thrum's held. Returns THRUM_OK (the wait goes on) or
 * THRUM_INTERRUPTED (the wait ends); any other status counts as THRUM_OK. */
typedef thrum_status (*thrum_signal_fn)(int signum, void *arg);

/* What is to be done with a signal. Zero bytes: what the system does, THRUM_SIGNAL_DEFAULT. */
typedef struct thrum_signal_handler {
    thrum_signal_fn run;
    void *arg;
} thrum_signal_handler;

/* The functions behind the constants below, to compare with what thrum_signal_handler_of says. Called, they return
 * THRUM_OK and THRUM_INTERRUPTED. Any thread. Not interruption points. Since 0.1. */
THRUM_API thrum_status thrum_signal_ignore(int signum, void *arg);
THRUM_API thrum_status thrum_signal_interrupt(int signum, void *arg);

#define THRUM_SIGNAL_DEFAULT   THRUM_VALUE_(thrum_signal_handler, NULL, NULL)
#define THRUM_SIGNAL_IGNORE    THRUM_VALUE_(thrum_signal_handler, thrum_signal_ignore, NULL)
#define THRUM_SIGNAL_INTERRUPT THRUM_VALUE_(thrum_signal_handler, thrum_signal_interrupt, NULL)

/*
 * Set what happens on a signal; *old, if old is not NULL, gets what happened until now. A signal that is pending when
 * its handler becomes THRUM_SIGNAL_DEFAULT or _IGNORE is dropped. POSIX: whatever the program had set by other means,
 * before or after thrum, is replaced, as sigaction would; *old says THRUM_SIGNAL_DEFAULT for a handler that is not
 * thrum's, so keep that with sigaction to put it back. A signal that the process was started with ignored stays so
 * until this call, and again if what *old said is set. Returns THRUM_OK; THRUM_NOT_MAIN on another thread;
 * THRUM_INVALID for a number that is no signal, that no program can handle (KILL, STOP) or that is a fault of the
 * thread's own (SEGV, FPE ...); THRUM_SYSTEM if the system refused. Unless THRUM_OK nothing changed. Main thread. Not
 * an interruption point. As Python's signal.signal(). Since 0.1.
 *
 * Windows: AllocConsole, AttachConsole and FreeConsole take away all handlers of console events, thrum's among them.
 * After one of these, set a handler again for one of SIGINT, SIGBREAK and SIGTERM: that brings thrum's back.
 */
THRUM_API thrum_status thrum_signal_handle(int signum, thrum_signal_handler handler, thrum_signal_handler *old);

/* What happens on a signal now. POSIX: one that thrum was never told about, and that the process was started with
 * ignored, says THRUM_SIGNAL_IGNORE; one that has a handler which is not thrum's says THRUM_SIGNAL_DEFAULT. Returns
 * THRUM_OK, or THRUM_INVALID as above or for NULL. Any thread. Not an interruption point. As Python's
 * signal.getsignal(). Since 0.1. */
THRUM_API thrum_status thrum_signal_handler_of(int signum, thrum_signal_handler *handler);

/*
 * Interrupt the main thread as this signal would: it takes the same road, so its handler runs once. As Python's
 * _thread.interrupt_main, except that it wakes the main thread from whatever wait it is in. POSIX: if the program has
 * since put a handler of its own in thrum's place, by sigaction, that one gets the signal, as it gets a real one, and
 * may call the one that sigaction said was there before. Returns THRUM_OK; THRUM_NOT_HANDLED if thrum handles no such
 * signal, or the program has since had the system ignore it or take the default action: then it is not sent;
 * THRUM_INVALID for a number that is no signal. Any thread, any context: signal handlers included. Not an
 * interruption point. errno and GetLastError are kept. Since 0.1.
 */
THRUM_API thrum_status thrum_interrupt_main(int signum);

/* Run the handlers of what is pending. Returns THRUM_OK; THRUM_INTERRUPTED if one said so, or an interrupt was pending;
 * THRUM_NOT_MAIN on another thread. For loops that compute and do not wait. Main thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_signal_check(void);

/*
 * Wait until a handler has run. On the main thread one that is pending ends it at once. On another, a handler that the
 * main thread runs during the wait. Returns THRUM_OK; THRUM_INTERRUPTED if the handler said so, or the thread was
 * interrupted; THRUM_TIMED_OUT. As Python's signal.pause(), with a deadline. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_signal_pause(thrum_deadline deadline);

/*
 * A region around a system call that blocks, so that a signal ends that too:
 *
 *     if (thrum_blocking_begin() == THRUM_OK) {
 *         n = read(file, buffer, size);                        // EINTR; Windows: ERROR_OPERATION_ABORTED
 *         status = thrum_blocking_end();
 *     }
 *
 * A signal for the main thread, or an interrupt, that comes from the begin on, at whatever instant, ends the system
 * call that main is in: on POSIX by a signal, so the call must be one that EINTR ends, on Windows by
 * CancelSynchronousIo, so it must be synchronous I/O. That is done again until the end of the region, which should hold
 * that call and no other. Outside a region Windows cancels nothing, and on POSIX signals interrupt as
 * signals do. The first begin starts a thread of thrum's own, and on
 * POSIX sets a handler for SIGURG, which is sent for this and not seen by the program; a handler that the program had
 * for it is passed every other one, without SA_RESTART, save one that the system merges with thrum's because it comes
 * at the same moment. Leave the region before exit().
 *
 * begin first runs the handlers of what is pending. It returns THRUM_OK, and the region has begun; or
 * THRUM_INTERRUPTED, THRUM_NOT_MAIN on another thread, THRUM_INVALID in a region, THRUM_NO_MEMORY, THRUM_NO_THREADS,
 * THRUM_SYSTEM, and it has not. end runs the handlers of what came, and returns THRUM_OK or THRUM_INTERRUPTED, or
 * THRUM_NOT_MAIN, or THRUM_INVALID if there was no region; errno and GetLastError are those of the system call. Main
 * thread. Interruption points. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_blocking_begin(void);
THRUM_API THRUM_MUST_USE thrum_status thrum_blocking_end(void);

/*
 * Write into *sigset, a sigset_t, the mask with which a child process should start that the calling thread makes: the
 * thread's own, without the signals that are blocked for it because thrum started it. For posix_spawnattr_setsigmask;
 * fork needs it not. Returns THRUM_OK, THRUM_INVALID for NULL, THRUM_UNSUPPORTED on Windows. Any thread. Not an
 * interruption point. Since 0.1.
 */
THRUM_API thrum_status thrum_signal_start_mask(void *sigset);

/*
 * Send the signal to this process, as the system would: handled, ignored, or its default action. POSIX: kill(getpid()).
 * Windows: what thrum handles becomes pending; what it does not and would end a process ends this one. Returns
 * THRUM_OK, THRUM_INVALID for a number that is no signal, THRUM_SYSTEM. Any thread. Not an interruption point. Since
 * 0.1.
 */
THRUM_API thrum_status thrum_signal_raise(int signum);

/* "SIGINT"; NULL for a number that has no name here. Static. Any thread, signal handlers too. Not an
 * interruption point. Since 0.1. */
THRUM_API const char *thrum_signal_name(int signum);

/*
 * End the process as this signal would have ended it: a shell sees "killed by SIGINT", status 130; Windows sees
 * STATUS_CONTROL_C_EXIT (0xC000013A) for SIGINT, SIGBREAK and SIGTERM. Output buffered by stdio is written first, by a
 * thread that is waited for at most a second; the same signal, come again, ends the process meanwhile. At-exit
 * callbacks do not run. For a signal whose default does not end a process, and on Windows for all others: status
 * 128 + signum. Does not return. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API THRUM_NORETURN void thrum_exit_by_signal(int signum);

THRUM_END_DECLARATIONS

#endif
