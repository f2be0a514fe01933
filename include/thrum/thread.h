/*
 * Threads: started, named, joined with a deadline, interrupted.
 *
 *     static void *count(void *to) { ...; return to; }
 *
 *     thrum_thread *counter;
 *     if (thrum_thread_start(&counter, count, &limit, NULL) == THRUM_OK) {
 *         while (thrum_thread_join(counter, thrum_after(THRUM_SECONDS(2)), NULL) == THRUM_TIMED_OUT)
 *             puts("still counting");
 *         thrum_thread_release(counter);                     // or it may be released at once, and never joined
 *     }
 *
 * A thrum_thread is a reference to a thread, counted: what `start` and `list` give is released by the caller. It may
 * be released while the thread runs and used after the thread has ended. Threads that thrum did not start may call
 * anything too: they are adopted when they first do.
 *
 * A daemon thread, in Python's and Java's sense, does not hold the process open (see <thrum/process.h>). It has nothing
 * to do with a Unix daemon process.
 *
 * Threads that thrum starts are not given signals: those go to the main thread (see <thrum/signal.h>).
 */
#ifndef THRUM_THREAD_H
#define THRUM_THREAD_H

#include <thrum/time.h>

THRUM_BEGIN_DECLARATIONS

typedef struct thrum_thread thrum_thread;

/* Zero bytes are the defaults. */
typedef struct thrum_thread_options {
    const char *name;  /* UTF-8, copied, the first THRUM_THREAD_NAME_MAX bytes of it; NULL: "thread-N" */
    size_t stack_size; /* bytes, at least this; 0: the system's usual size, at least 1 MiB */
    bool daemon;       /* does not hold the process open at its end */
} thrum_thread_options;

#define THRUM_THREAD_NAME_MAX 63 /* bytes; a longer name is cut after a whole character */

/*
 * Start a thread that runs run(arg). *thread, if it is not NULL, gets a reference for the caller to release; with NULL
 * the thread is started and forgotten, Python's start_new_thread. options may be NULL: the defaults. On return
 * it counts and is in the list. Returns
 *   THRUM_OK
 *   THRUM_INVALID        run is NULL, the name is not UTF-8, or the stack size is not 0 and below the system's least or
 *                        cannot be mapped
 *   THRUM_NO_MEMORY, THRUM_NO_THREADS   the system has none left
 *   THRUM_SHUTTING_DOWN  the last threads have been joined by thrum_shutdown
 * and *thread is untouched unless THRUM_OK. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_thread_start(thrum_thread **thread, void *(*run)(void *), void *arg,
                                                         const thrum_thread_options *options);

/*
 * Wait until the thread has ended: its function, thread-local destructors, and with them all that it wrote. May be
 * repeated, by several threads at once. *result, if result is not NULL, gets what it returned; NULL for an adopted
 * thread. Returns THRUM_OK, THRUM_TIMED_OUT, THRUM_INTERRUPTED, THRUM_WOULD_DEADLOCK (on oneself), THRUM_INVALID
 * (thread is NULL). As Python's Thread.join. Any thread. Interruption point. Since 0.1.
 */
THRUM_API THRUM_MUST_USE thrum_status thrum_thread_join(thrum_thread *thread, thrum_deadline deadline, void **result);

/* One more reference, which is returned; one less. The last release forgets the thread and does not end it. NULL is
 * harmless. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_thread *thrum_thread_retain(thrum_thread *thread);
THRUM_API void thrum_thread_release(thrum_thread *thread);

/*
 * End the calling thread with this result; as Python's thread.exit(), pthread_exit. On the main thread: the program
 * ends as if main had returned EXIT_SUCCESS, once thrum_shutdown(THRUM_FOREVER) is through; there it is an
 * interruption point, of which a Ctrl-C ends the process, and nowhere else. Does not return. Any thread. Since 0.1.
 */
THRUM_API THRUM_NORETURN void thrum_thread_exit(void *result);

/* The calling thread, borrowed: valid while the thread runs, retain it to keep it longer. NULL only if a foreign thread
 * cannot be adopted for want of memory, or is past its end. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_thread *thrum_thread_current(void);

/* The main thread, borrowed, valid for good. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_thread *thrum_thread_main(void);

/* Whether the calling thread is the main one. Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_is_main_thread(void);

/* Whether it has not ended; whether it is a daemon (adopted threads are). NULL: false. Any thread. Not interruption
 * points. Since 0.1. */
THRUM_API bool thrum_thread_is_alive(const thrum_thread *thread);
THRUM_API bool thrum_thread_is_daemon(const thrum_thread *thread);

/* A number for the thread that no other in this process ever has; never 0. NULL: 0. Any thread. Not an interruption
 * point. Since 0.1. */
THRUM_API uint64_t thrum_thread_id(const thrum_thread *thread);

/*
 * What the system's tools show (Linux: the kernel's thread number, macOS: the system-wide number, BSD: the kernel's
 * number, Windows: the thread identifier), and what the system's calls take for priority and affinity (a pthread_t or a
 * HANDLE). Of a thread that has just been started they wait the instant until it runs. The handle must not be used
 * after the thread has ended, nor joined, detached or closed. NULL: 0. Any thread. Not interruption points. Since 0.1.
 */
THRUM_API uint64_t thrum_thread_native_id(const thrum_thread *thread);
THRUM_API uintptr_t thrum_thread_native_handle(const thrum_thread *thread);

/* Copy the name, cut to the buffer and always ended by a 0 byte if size is not 0. Returns the whole name's length in
 * bytes, as snprintf. NULL thread: an empty name. Any thread. Not an interruption point. Since 0.1. */
THRUM_API size_t thrum_thread_name(const thrum_thread *thread, char *buffer, size_t size);

/* Rename it. The system's tools show the new name where the system lets one thread name another (not macOS), cut to
 * what it allows (Linux: 15 bytes). Returns THRUM_OK, or THRUM_INVALID (NULL, or not UTF-8) and nothing changed. Any
 * thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_thread_set_name(thrum_thread *thread, const char *name);

/* How many threads that thrum knows are alive, the main thread and adopted ones included. Any thread. Not an
 * interruption point. Since 0.1. */
THRUM_API size_t thrum_thread_count(void);

/* References to the threads that are alive, at most `capacity` of them, oldest first, each for the caller to release.
 * Returns how many are alive. threads may be NULL if capacity is 0. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API size_t thrum_thread_list(thrum_thread **threads, size_t capacity);

/*
 * Java's Thread.interrupt: the thread's present or next interruption point returns THRUM_INTERRUPTED, once. Two of them
 * before it gets there are one. For a thread that has ended nothing happens. Returns THRUM_OK, or THRUM_INVALID for
 * NULL. Any thread. Not an interruption point. Since 0.1.
 */
THRUM_API thrum_status thrum_thread_interrupt(thrum_thread *thread);

/* Whether an interrupt is pending for the calling thread, which is no longer; Java's Thread.interrupted(). Signals do
 * not count. Any thread. Not an interruption point. Since 0.1. */
THRUM_API bool thrum_thread_take_interrupt(void);

/* Let others run. Any thread. Not an interruption point. Since 0.1. */
THRUM_API void thrum_thread_yield(void);

/* How many processors this process may use, at least 1. Any thread. Not an interruption point. Since 0.1. */
THRUM_API unsigned thrum_cpu_count(void);

THRUM_END_DECLARATIONS

#endif
