/*
 * Ways for a process to end, or to shut down, from a signal's handler that runs within a wait of main's. The argument
 * is WAY.KIND, KIND one of support/kinds.c; test_handler_ends.c looks at the status, a sum of what was reached.
 */
#include "../support/kinds.h"
#include "../support/support.h"

#include <stdlib.h>

enum {
    IN_HANDLER = 1, /* it was entered */
    CALLBACK = 2,   /* the at-exit callback ran, before the thread was joined */
    JOINED = 4,     /* the end waited for the thread that is no daemon */
    QUEUE_WENT = 8, /* those behind main in the queue had what they waited for */
    WENT_ON = 16,   /* main came out of its wait */
    WRONG = 128
};

static uint32_t progress;

static void note(uint32_t bits)
{
    thrum__fetch_or_u32_acq_rel(&progress, bits);
}

/* Registered before thrum_init, so run after its shutdown. */
static void tell_progress(void)
{
    _Exit((int)thrum__load_u32_acquire(&progress));
}

static bool has(uint32_t bits)
{
    return (thrum__load_u32_acquire(&progress) & bits) == bits;
}

static void callback(void *unused)
{
    (void)unused;
    note(has(JOINED) ? WRONG : CALLBACK);
}

static void *work_a_while(void *unused)
{
    while (!has(CALLBACK))
        (void)!thrum_sleep(THRUM_MILLISECONDS(1));
    note(JOINED);
    return unused;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        (void)!thrum_sleep(THRUM_SECONDS(1000));
    return unused;
}

static void start(void *(*run)(void *), void *arg, bool daemon)
{
    const thrum_thread_options options = {NULL, 0, daemon};
    if (thrum_thread_start(NULL, run, arg, &options) != THRUM_OK)
        support_give_up("a thread could not be started");
}

/* What the way does in the handler. */
static const support_kind *kind;
static void (*in_handler)(void);

static thrum_status end_here(int signum, void *unused)
{
    (void)signum, (void)unused;
    note(IN_HANDLER);
    in_handler();
    return THRUM_OK;
}

static void *interrupt_when_asleep(void *unused)
{
    support_kind_await(kind, 0, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    return unused;
}

static thrum_status wait_and_be_interrupted(void)
{
    start(interrupt_when_asleep, NULL, true);
    return kind->wait(0, support_in(20000));
}

static void set_up(void)
{
    atexit(tell_progress);
    thrum_init();
    support_kinds_set_up();
    support_kind_prepare(kind, 0);
    thrum_signal_handler handler = {end_here, NULL};
    if (thrum_signal_handle(THRUM_SIGINT, handler, NULL) != THRUM_OK)
        support_give_up("no handler could be set");
}

/* Whoever keeps what main waits for is no daemon, and is joined too. */
static void let_keeper_end(void *unused)
{
    (void)unused;
    if (kind->by_a_keeper)
        kind->grant(0);
}

static void set_up_end(void)
{
    set_up();
    if (thrum_at_exit(callback, NULL) != THRUM_OK || thrum_at_exit(let_keeper_end, NULL) != THRUM_OK)
        support_give_up("no callback could be registered");
    start(work_a_while, NULL, false);
}

/* ---- The ways ------------------------------------------------------------------------------------------------------ */

static void exit_thread(void)
{
    thrum_thread_exit(NULL);
}

static void exit_process(void)
{
    exit(3);
}

static void end_by_signal(void)
{
    thrum_exit_by_signal(THRUM_SIGINT);
}

/* The end of main, from within its wait: IN_HANDLER | CALLBACK | JOINED. */
static int thread_exit(void)
{
    set_up_end();
    in_handler = exit_thread;
    (void)!wait_and_be_interrupted();
    return WRONG;
}

static int process_exit(void)
{
    set_up_end();
    in_handler = exit_process;
    (void)!wait_and_be_interrupted();
    return WRONG;
}

/* Killed by SIGINT; nothing is waited for. */
static int by_signal(void)
{
    set_up();
    in_handler = end_by_signal;
    start(sleep_for_ever, NULL, false);
    (void)!wait_and_be_interrupted();
    return WRONG;
}

/* Others wait for what main waits for, and have it while and after main ends: | QUEUE_WENT. */
static uint32_t served;
enum { OTHERS = 3 };

static void *wait_behind_main(void *unused)
{
    if (kind->wait(0, support_in(20000)) != THRUM_OK)
        note(WRONG);
    if (thrum__fetch_add_u32_acq_rel(&served, 1) + 1 == OTHERS)
        note(QUEUE_WENT);
    if (!kind->by_a_keeper)
        kind->grant(0); /* to the next */
    return unused;
}

static void *grant_when_main_ends(void *unused)
{
    while (!has(CALLBACK))
        (void)!thrum_sleep(THRUM_MILLISECONDS(1));
    kind->grant(0);
    return unused;
}

static int thread_exit_with_a_queue(void)
{
    set_up_end();
    in_handler = exit_thread;
    for (int i = 0; i < OTHERS; i++)
        start(wait_behind_main, NULL, false);
    support_kind_await(kind, 0, OTHERS);
    start(grant_when_main_ends, NULL, false);
    thrum_interrupt_main(THRUM_SIGINT);
    (void)!kind->wait(0, support_in(20000));
    return WRONG;
}

/* A handler shuts down, and its wait goes on: the thread is joined, and no other can be started. IN_HANDLER | CALLBACK
 * | JOINED | WENT_ON. */
static void shut_down(void)
{
    if (thrum_shutdown(support_in(20000)) != THRUM_OK)
        note(WRONG);
    if (thrum_thread_start(NULL, sleep_for_ever, NULL, NULL) != THRUM_SHUTTING_DOWN)
        note(WRONG);
    thrum_interrupt_main(THRUM_SIGTERM); /* which ends main's wait, if its keeper's end has not granted it */
}

static int shutdown_goes_on(void)
{
    set_up_end();
    in_handler = shut_down;
    thrum_status status = wait_and_be_interrupted();
    if (status == THRUM_INTERRUPTED || (status == THRUM_OK && (kind->by_a_keeper || kind->ends_by_run)))
        note(WENT_ON);
    (void)!thrum_signal_check(); /* what a granted wait has kept would end the process */
    return 0;
}

/* A handler ends main, a thread does not end, and the signal comes again: its handler is over, and may be entered, and
 * this time does not wait. IN_HANDLER. */
static uint32_t entered;

static void *interrupt_in_the_final_join(void *unused)
{
    for (int i = 0; i < 300; i++) {
        (void)!thrum_sleep(THRUM_MILLISECONDS(30));
        thrum_interrupt_main(THRUM_SIGINT);
    }
    support_give_up("main does not end");
    return unused;
}

static void exit_thread_again(void)
{
    thrum__fetch_add_u32_acq_rel(&entered, 1);
    thrum_thread_exit(NULL);
}

static int again_in_the_final_join(void)
{
    set_up();
    in_handler = exit_thread_again;
    start(sleep_for_ever, NULL, false);
    start(interrupt_in_the_final_join, NULL, true);
    (void)!wait_and_be_interrupted();
    return WRONG;
}

/* Two handlers deep, the inner one ends main: IN_HANDLER | CALLBACK | JOINED. */
static thrum_status end_two_deep(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum_interrupt_main(THRUM_SIGINT);
    (void)!kind->wait(0, support_in(20000));
    note(WRONG);
    return THRUM_OK;
}

static int thread_exit_two_deep(void)
{
    set_up_end();
    in_handler = exit_thread;
    thrum_signal_handler handler = {end_two_deep, NULL};
    if (thrum_signal_handle(THRUM_SIGALRM, handler, NULL) != THRUM_OK)
        return WRONG;
    thrum_interrupt_main(THRUM_SIGALRM);
    (void)!kind->wait(0, support_in(20000));
    return WRONG;
}

/* An at-exit callback interrupts main: that ends the final join, and the process as the signal would. */
static void interrupt_from_callback(void *unused)
{
    (void)unused;
    thrum_interrupt_main(THRUM_SIGTERM);
}

static int callback_interrupts(void)
{
    set_up();
    start(sleep_for_ever, NULL, false);
    if (thrum_at_exit(interrupt_from_callback, NULL) != THRUM_OK)
        return WRONG;
    return 0;
}

/* A handler says INTERRUPTED in a wait that was granted meanwhile; then main ends, with a thread still there. */
static thrum_status grant_and_interrupt(int signum, void *unused)
{
    (void)signum, (void)unused;
    kind->grant(0);
    return THRUM_INTERRUPTED;
}

static void *terminate_when_asleep(void *unused)
{
    support_kind_await(kind, 0, 1);
    thrum_interrupt_main(THRUM_SIGTERM);
    return unused;
}

static int end_with_a_kept_interrupt(void)
{
    thrum_signal_handler handler = {grant_and_interrupt, NULL};
    set_up();
    start(sleep_for_ever, NULL, false);
    if (thrum_signal_handle(THRUM_SIGTERM, handler, NULL) != THRUM_OK)
        return WRONG;
    start(terminate_when_asleep, NULL, true);
    if (kind->wait(0, support_in(20000)) != THRUM_OK)
        note(WRONG);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} ways[] = {
    {"thread_exit", thread_exit},
    {"process_exit", process_exit},
    {"by_signal", by_signal},
    {"thread_exit_with_a_queue", thread_exit_with_a_queue},
    {"shutdown_goes_on", shutdown_goes_on},
    {"again_in_the_final_join", again_in_the_final_join},
    {"thread_exit_two_deep", thread_exit_two_deep},
    {"callback_interrupts", callback_interrupts},
    {"end_with_a_kept_interrupt", end_with_a_kept_interrupt},
};

int main(int argc, char **argv)
{
    char *dot = argc == 2 ? strchr(argv[1], '.') : NULL;
    if (!dot)
        support_give_up("usage: ends_in_handler WAY.KIND");
    *dot = 0;
    kind = support_kind_named(dot + 1);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].name) == 0)
            return ways[i].run();
    support_give_up("there is no such way");
    return WRONG;
}
