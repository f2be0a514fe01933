/* The life of the process: beginning, at-exit callbacks, shutdown, and ending by a signal. */
#include <thrum/process.h>

#include "event.h"
#include "fork.h"
#include "interrupt.h"
#include "process.h"
#include "threads.h"

typedef struct callback {
    void (*run)(void *);
    void *arg;
    struct callback *next;
} callback;

static thrum__port_lock process_lock; /* guards all of this: */
static callback *callbacks;           /* the last in first */
static bool callbacks_over;
static void *shutting_down;          /* the token of the thread that is in thrum_shutdown */
static thrum_event shutdown_is_over; /* set when none is, once one was */
static bool at_exit_told;

void thrum__process_begin(void)
{
    thrum__port_lock_init(&process_lock);
}

void thrum__process_hold(void)
{
    thrum__port_lock_acquire(&process_lock);
}

void thrum__process_let_go(void)
{
    thrum__port_lock_release(&process_lock);
}

void thrum__process_reborn(void)
{
    shutting_down = NULL;
    thrum_event_init(&shutdown_is_over, false); /* who waits for it looks again, once the lot is made anew */
    thrum_event_set(&shutdown_is_over);
}

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

thrum_status thrum_init_with(int (*at_exit)(void (*)(void)))
{
    if (!at_exit)
        return THRUM_INVALID;
    thrum__begin();
    thrum__port_lock_acquire(&process_lock);
    bool told = at_exit_told;
    at_exit_told = true;
    thrum__port_lock_release(&process_lock);

    if (told)
        return thrum_is_main_thread() ? THRUM_OK : THRUM_NOT_MAIN;
    thrum_status status = thrum__claim_main() ? THRUM_OK : THRUM_NOT_MAIN;
    if (status == THRUM_OK && at_exit(thrum__process_end) != 0)
        status = THRUM_NO_MEMORY;
    if (status != THRUM_OK) {
        thrum__port_lock_acquire(&process_lock);
        at_exit_told = false;
        thrum__port_lock_release(&process_lock);
    }
    return status;
}

thrum_status thrum_at_exit(void (*run)(void *), void *arg)
{
    if (!run)
        return THRUM_INVALID;
    thrum__begin();
    callback *added = (callback *)thrum__port_allocate(sizeof *added);
    if (!added)
        return thrum__failed(THRUM_NO_MEMORY);
    thrum__port_lock_acquire(&process_lock);
    bool over = callbacks_over;
    if (!over) {
        *added = (callback){run, arg, callbacks};
        callbacks = added;
    }
    thrum__port_lock_release(&process_lock);
    if (over)
        thrum__port_free(added);
    return over ? THRUM_SHUTTING_DOWN : THRUM_OK;
}

/* ---- Shutdown --------------------------------------------------------------------------------------------------- */

/* The last in, taken out. With none left no more are let in. */
static callback *take_callback(void)
{
    thrum__port_lock_acquire(&process_lock);
    callback *last = callbacks;
    if (last)
        callbacks = last->next;
    else
        callbacks_over = true;
    thrum__port_lock_release(&process_lock);
    return last;
}

static void run_callbacks(void)
{
    for (callback *next = take_callback(); next; next = take_callback()) {
        next->run(next->arg);
        thrum__port_free(next);
    }
}

static thrum_status join_threads(thrum_deadline deadline)
{
    thrum_status status = thrum__interruption_point();
    while (status == THRUM_OK && !thrum__port_is_alone()) {
        thrum_thread *thread = thrum__record_to_join();
        if (!thread)
            break;
        status = thrum_thread_join(thread, deadline, NULL);
        thrum_thread_release(thread);
    }
    return status;
}

thrum_status thrum_shutdown(thrum_deadline deadline)
{
    thrum__begin();
    thrum__port_lock_acquire(&process_lock);
    bool busy = shutting_down != NULL;
    if (!busy) {
        shutting_down = thrum__port_token();
        thrum_event_clear(&shutdown_is_over);
    }
    thrum__port_lock_release(&process_lock);
    if (busy)
        return THRUM_WOULD_DEADLOCK;

    run_callbacks();
    thrum_status status = join_threads(deadline);
    if (status == THRUM_OK)
        thrum__port_shutdown_done();

    thrum__port_lock_acquire(&process_lock);
    shutting_down = NULL;
    thrum_event_set(&shutdown_is_over);
    thrum__port_lock_release(&process_lock);
    return status;
}

/* Main waits for a shutdown that another thread is in, or was in a moment ago, and then goes on with its own. Not a
 * worker that calls exit(): the other may be waiting for it. */
static bool another_shuts_down(void)
{
    thrum__port_lock_acquire(&process_lock);
    bool own = shutting_down == thrum__port_token();
    thrum__port_lock_release(&process_lock);
    return !own && thrum_is_main_thread();
}

static thrum_status shut_down_at_the_end(void)
{
    thrum_status status = thrum_shutdown(THRUM_FOREVER);
    while (status == THRUM_WOULD_DEADLOCK && another_shuts_down()) {
        status = thrum_event_wait(&shutdown_is_over, THRUM_FOREVER);
        if (status == THRUM_OK)
            status = thrum_shutdown(THRUM_FOREVER);
    }
    return status;
}

void thrum__process_end(void)
{
    if (thrum__port_is_alone()) {
        run_callbacks(); /* thrum_init was told a DLL's atexit: there is nobody left to wait for, or to tell */
        return;
    }
    thrum__port_process_ends();
    thrum__blocking_leave();
    if (thrum_is_main_thread())
        thrum__leave_handlers(thrum__self());
    if (shut_down_at_the_end() != THRUM_INTERRUPTED)
        return;
    const thrum_thread *self = thrum__self();
    thrum_exit_by_signal(self && self->interrupted_by ? self->interrupted_by : THRUM_SIGINT);
}

/* ---- Ending by a signal ----------------------------------------------------------------------------------------- */

static thrum_event flushed;

static void *flush(void *unused)
{
    thrum__port_flush_all();
    thrum_event_set(&flushed);
    return unused;
}

/*
 * Another thread may be inside a stream for long, reading from a terminal, say, and hold that stream's lock: so the
 * flushing is done by a thread of its own, and waited for no longer than a second. Meanwhile the same signal, come
 * again, ends the process at once.
 */
void thrum_exit_by_signal(int signum)
{
    thrum__record_outlives(thrum__self());
    thrum__port_process_ends();
    thrum__blocking_leave();
    thrum__port_signal_let_kill(signum);
    if (thrum__thread_start_late(flush, NULL) == THRUM_OK)
        (void)!thrum__event_wait_deaf(&flushed, thrum_after(THRUM_SECONDS(1)));
    else
        thrum__port_flush_standard();
    thrum__port_die_by(signum);
}
