/*
 * The life of the process around its threads: beginning and end.
 *
 *     int main(void) {
 *         thrum_init();                       // optional; first thing in main
 *         ...
 *         return 0;                           // at-exit callbacks; then the threads that are no daemons are joined
 *     }
 *
 * As in Python and Java the program ends when main and every thread that is not a daemon have ended; daemon threads are
 * left as they are. That needs thrum_init(); without it, exit() ends the process with its threads, as it does in C,
 * unless the program calls thrum_shutdown itself. A daemon that calls into thrum to wait, after the shutdown, sleeps
 * for good.
 */
#ifndef THRUM_PROCESS_H
#define THRUM_PROCESS_H

#include <stdlib.h>
#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

/*
 * Name the calling thread main and shut thrum down at exit(). A macro, so that it is the executable's own atexit that
 * is told, also where thrum is a DLL. May be called again. Returns THRUM_OK; THRUM_NOT_MAIN where the system knows that
 * another thread is main (Linux, macOS, the BSDs), or another one has called it; THRUM_NO_MEMORY if at_exit refused;
 * THRUM_INVALID if it is NULL. At exit(), a Ctrl-C ends the wait for the last threads and the process, as SIGINT would,
 * if SIGINT interrupts. The main thread. Not an interruption point. Since 0.1.
 */
#define thrum_init() thrum_init_with(atexit)
THRUM_API thrum_status thrum_init_with(int (*at_exit)(void (*)(void)));

/* Have a function run by thrum_shutdown before it joins the threads; last in, first out, on the thread that shuts down.
 * Returns THRUM_OK, THRUM_INVALID (run is NULL), THRUM_NO_MEMORY, or THRUM_SHUTTING_DOWN once they have been run. Any
 * thread. Not an interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_at_exit(void (*run)(void *), void *arg);

/*
 * Run the at-exit callbacks, then join the threads that are not daemons, except the caller and the main thread. Returns
 * THRUM_OK: none is left and none will be, thrum_thread_start says THRUM_SHUTTING_DOWN from here on; THRUM_TIMED_OUT or
 * THRUM_INTERRUPTED: some are left, and it may be called again; THRUM_WOULD_DEADLOCK from one of its own callbacks, or
 * while another thread is in it. Any thread. Interruption point. Since 0.1.
 *
 * Windows: if the user closes the console, that is SIGTERM for a program which handles it, and the system ends the
 * process once this has returned THRUM_OK, or after 4.5 s. A program that calls exit() or thrum_exit_by_signal within
 * 100 ms of it, or leaves all to thrum_init, has the whole 4.5 s for its end.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_shutdown(thrum_deadline deadline);

THRUM_END_DECLARATIONS

#endif
