/* Ways for a process to end, one an argument; test_process.c looks at the status. Links with thrum alone. */
#include <thrum/thrum.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t progress;

static void note(uint32_t bit)
{
    thrum__fetch_or_u32_acq_rel(&progress, bit);
}

/* Registered before thrum_init, so run after its shutdown. */
static void tell_progress(void)
{
    _Exit((int)thrum__load_u32_acquire(&progress));
}

static void *work_a_while(void *unused)
{
    (void)!thrum_sleep(THRUM_MILLISECONDS(100));
    note(2);
    return unused;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        (void)!thrum_sleep(THRUM_SECONDS(1000));
    return unused;
}

static void *interrupt_soon(void *unused)
{
    (void)!thrum_sleep(THRUM_MILLISECONDS(50));
    thrum_interrupt_main(THRUM_SIGINT);
    return unused;
}

static void *exit_from_here(void *unused)
{
    exit(5);
    return unused;
}

static bool start(void *(*run)(void *), bool daemon)
{
    const thrum_thread_options options = {NULL, 0, daemon};
    return thrum_thread_start(NULL, run, NULL, &options) == THRUM_OK;
}

/* The end of main waits for a thread that is no daemon: 1 | 2. */
static int waits_for_threads(void)
{
    atexit(tell_progress);
    thrum_init();
    note(1);
    return start(work_a_while, false) ? 0 : 99;
}

/* And not for a daemon: 1. */
static int leaves_daemons(void)
{
    atexit(tell_progress);
    thrum_init();
    note(1);
    return start(sleep_for_ever, true) ? 0 : 99;
}

/* Without thrum_init nothing is waited for: 1. */
static int without_init(void)
{
    atexit(tell_progress);
    note(1);
    return start(work_a_while, false) ? 0 : 99;
}

/* Without thrum_init an interrupt still ends a wait: 1 | 4. */
static int interrupt_without_init(void)
{
    atexit(tell_progress);
    note(1);
    thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL);
    if (start(interrupt_soon, true) && thrum_sleep(THRUM_SECONDS(20)) == THRUM_INTERRUPTED)
        note(4);
    return 0;
}

static int turn;

static void my_turn(void *number)
{
    if (++turn == *(int *)number)
        note(UINT32_C(1) << turn);
}

/* At-exit callbacks, last in first out, before the threads are joined: 1 | 2 (the thread) | 2 | 4 | 8 = 15. */
static int callbacks(void)
{
    static int third = 3, second = 2, first = 1;
    atexit(tell_progress);
    thrum_init();
    note(1);
    bool ok = thrum_at_exit(my_turn, &third) == THRUM_OK && thrum_at_exit(my_turn, &second) == THRUM_OK &&
              thrum_at_exit(my_turn, &first) == THRUM_OK;
    return ok ? 0 : 99;
}

/* A Ctrl-C in the wait for the last thread ends that wait and the process. */
static int interrupt_in_final_join(void)
{
    thrum_init();
    thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL);
    return start(sleep_for_ever, false) && start(interrupt_soon, true) ? 0 : 99;
}

/* exit() from a worker waits for nobody but the others: 5. */
static int exit_from_worker(void)
{
    thrum_init();
    if (!start(exit_from_here, false))
        return 99;
    for (;;)
        (void)!thrum_sleep(THRUM_SECONDS(1000));
}

/* The main thread's thrum_thread_exit is the end of main: 1 | 2, and 0 if nobody looks. */
static int main_exits(void)
{
    atexit(tell_progress);
    note(1);
    if (!start(work_a_while, false))
        return 99;
    thrum_thread_exit(NULL);
}

static void *call_in_late(void *event)
{
    (void)!thrum_event_wait((thrum_event *)event, THRUM_FOREVER);
    (void)!thrum_sleep(THRUM_MILLISECONDS(1)); /* the shutdown is over: this is for good */
    note(16);
    return NULL;
}

static void nothing(void *unused)
{
    (void)unused;
}

/* After the shutdown nothing more is started or registered, and a daemon that calls in sleeps for good: 1 | 2 | 4 | 8.
 */
static int after_shutdown(void)
{
    static thrum_event go;
    thrum_thread *daemon;
    const thrum_thread_options options = {NULL, 0, true};
    note(1);
    if (thrum_thread_start(&daemon, call_in_late, &go, &options) != THRUM_OK)
        return 99;
    if (thrum_shutdown(THRUM_FOREVER) == THRUM_OK && thrum_shutdown(THRUM_FOREVER) == THRUM_OK)
        note(2);
    if (thrum_thread_start(NULL, work_a_while, NULL, NULL) == THRUM_SHUTTING_DOWN)
        note(4);
    if (thrum_at_exit(nothing, NULL) == THRUM_SHUTTING_DOWN)
        note(8);
    thrum_event_set(&go);
    if (thrum_thread_join(daemon, thrum_after(THRUM_MILLISECONDS(200)), NULL) == THRUM_OK)
        note(32);
    tell_progress();
    return 0;
}

static thrum_lock late_lock;
static thrum_cond late_cond;

static void *wait_again_and_again(void *unused)
{
    thrum_lock_acquire(&late_lock);
    for (;;)
        (void)!thrum_cond_wait(&late_cond, &late_lock, THRUM_FOREVER);
    return unused;
}

/* A daemon that comes to a condition after the shutdown sleeps for good, but not with its lock: 1 | 2. */
static int late_daemon_at_a_condition(void)
{
    note(1);
    if (!start(wait_again_and_again, true) || thrum_shutdown(THRUM_FOREVER) != THRUM_OK)
        return 99;
    for (int i = 0; i < 50; i++) {
        if (thrum_lock_acquire_until(&late_lock, thrum_after(THRUM_SECONDS(5))) != THRUM_OK)
            tell_progress();
        thrum_cond_notify(&late_cond);
        (void)thrum_lock_release(&late_lock);
        (void)!thrum_sleep(THRUM_MILLISECONDS(1));
    }
    note(2);
    tell_progress();
    return 0;
}

/* A shutdown with a deadline says so and may be called again: 1 | 2 | 4. */
static int timed_shutdown(void)
{
    note(1);
    if (!start(work_a_while, false))
        return 99;
    if (thrum_shutdown(thrum_after(THRUM_MILLISECONDS(5))) == THRUM_TIMED_OUT &&
        thrum_shutdown(THRUM_FOREVER) == THRUM_OK)
        note(4);
    tell_progress();
    return 0;
}

static void *shut_down_for_a_while(void *unused)
{
    if (thrum_shutdown(thrum_after(THRUM_MILLISECONDS(50))) == THRUM_TIMED_OUT)
        note(4);
    return unused;
}

/* The end of main waits for its threads also if another thread is in the shutdown: 1 | 2 | 4. */
static int main_ends_in_a_shutdown(void)
{
    atexit(tell_progress);
    thrum_init();
    note(1);
    if (!start(work_a_while, false) || !start(shut_down_for_a_while, false))
        return 99;
    return thrum_sleep(THRUM_MILLISECONDS(20)) == THRUM_OK ? 0 : 99;
}

static int by_sigtstp(void)
{
    thrum_exit_by_signal(THRUM_SIGTSTP);
}

static int by_sigint(void)
{
    thrum_exit_by_signal(THRUM_SIGINT);
}

static int by_sigterm(void)
{
    thrum_exit_by_signal(THRUM_SIGTERM);
}

/* Nobody handles it: the system's action stands. */
static int raise_unhandled(void)
{
    thrum_signal_raise(THRUM_SIGINT);
    return 0;
}

/* Its default is to do nothing, so the process ends with 128 and the number: 156. */
static int by_sigwinch(void)
{
    thrum_exit_by_signal(THRUM_SIGWINCH);
}

static const struct {
    const char *name;
    int (*run)(void);
} ways[] = {
    {"waits_for_threads", waits_for_threads},
    {"leaves_daemons", leaves_daemons},
    {"without_init", without_init},
    {"interrupt_without_init", interrupt_without_init},
    {"callbacks", callbacks},
    {"interrupt_in_final_join", interrupt_in_final_join},
    {"exit_from_worker", exit_from_worker},
    {"main_exits", main_exits},
    {"after_shutdown", after_shutdown},
    {"late_daemon_at_a_condition", late_daemon_at_a_condition},
    {"timed_shutdown", timed_shutdown},
    {"main_ends_in_a_shutdown", main_ends_in_a_shutdown},
    {"by_sigtstp", by_sigtstp},
    {"by_sigint", by_sigint},
    {"by_sigterm", by_sigterm},
    {"raise_unhandled", raise_unhandled},
    {"by_sigwinch", by_sigwinch},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].name) == 0)
            return ways[i].run();
    fprintf(stderr, "usage: ends WAY\n");
    return 98;
}
