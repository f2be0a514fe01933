/* The end of the process from a signal's handler, within each kind of wait: each is a program of its own,
 * programs/ends_in_handler.c. Hard point: a handler may call anything, and so thrum_thread_exit, exit and
 * thrum_shutdown. */
#include "support/kinds.h"
#include "support/support.h"

enum { IN_HANDLER = 1, CALLBACK = 2, JOINED = 4, QUEUE_WENT = 8, WENT_ON = 16 };

/* How a process looks that this signal has ended. */
#ifdef _WIN32
#define ENDED_BY(signum) ((int)0xC000013A)
#else
#define ENDED_BY(signum) (128 + (signum))
#endif

static void check_way(const char *way, const support_kind *kind, int status)
{
    char argument[100];
    snprintf(argument, sizeof argument, "%s.%s", way, kind->name);
    int is = support_run_program(support_self, "ends_in_handler_" THRUM_TEST_PARKER, argument);
    if (is != status)
        fprintf(stderr, "%s: %d and not %d\n", argument, is, status);
    CHECK(is == status);
}

static void check_in_every_wait(const char *way, int status)
{
    for (int k = 0; k < SUPPORT_KINDS; k++)
        check_way(way, &support_kinds[k], status);
}

static void thread_exit_in_a_handler_is_the_end_of_main(void)
{
    check_in_every_wait("thread_exit", IN_HANDLER | CALLBACK | JOINED);
}

static void exit_in_a_handler_ends_the_process(void)
{
    check_in_every_wait("process_exit", IN_HANDLER | CALLBACK | JOINED);
}

static void exit_by_signal_in_a_handler_ends_as_the_signal_would(void)
{
    check_in_every_wait("by_signal", ENDED_BY(THRUM_SIGINT));
}

/* Main's record is out of the queue, or suspended in it for good: those behind it are served. */
static void who_waits_behind_a_main_that_ended_in_its_handler_is_served(void)
{
    static const char *const kinds[] = {"auto_event", "semaphore", "lock", "condition", "monitor", "event"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        check_way("thread_exit_with_a_queue", support_kind_named(kinds[i]),
                  IN_HANDLER | CALLBACK | JOINED | QUEUE_WENT);
}

static void a_handler_may_shut_down_and_its_wait_goes_on(void)
{
    check_in_every_wait("shutdown_goes_on", IN_HANDLER | CALLBACK | JOINED | WENT_ON);
}

static void main_may_end_two_handlers_deep(void)
{
    check_in_every_wait("thread_exit_two_deep", IN_HANDLER | CALLBACK | JOINED);
}

/* A handler that ended main has been left: come again, its signal ends the wait for the last threads. */
static void a_signal_whose_handler_ended_main_still_ends_the_final_join(void)
{
    check_way("again_in_the_final_join", support_kind_named("lock"), IN_HANDLER);
    check_way("again_in_the_final_join", support_kind_named("sleep"), IN_HANDLER);
}

/* Invariant 3: the interrupt that a granted wait could not say is pending, and it is that signal's still. */
static void an_interrupt_kept_over_a_grant_ends_the_process_as_its_signal(void)
{
    check_way("end_with_a_kept_interrupt", support_kind_named("condition"), ENDED_BY(THRUM_SIGTERM));
    check_way("end_with_a_kept_interrupt", support_kind_named("event"), ENDED_BY(THRUM_SIGTERM));
}

/* Invariant 5: thrum_interrupt_main works from an at-exit callback. */
static void an_at_exit_callback_may_interrupt_main(void)
{
    check_way("callback_interrupts", support_kind_named("sleep"), ENDED_BY(THRUM_SIGTERM));
}

static const support_test tests[] = {
    TEST(thread_exit_in_a_handler_is_the_end_of_main),
    TEST(exit_in_a_handler_ends_the_process),
    TEST(exit_by_signal_in_a_handler_ends_as_the_signal_would),
    TEST(who_waits_behind_a_main_that_ended_in_its_handler_is_served),
    TEST(a_handler_may_shut_down_and_its_wait_goes_on),
    TEST(main_may_end_two_handlers_deep),
    TEST(a_signal_whose_handler_ended_main_still_ends_the_final_join),
    TEST(an_interrupt_kept_over_a_grant_ends_the_process_as_its_signal),
    TEST(an_at_exit_callback_may_interrupt_main),
};

SUITE("handler_ends", tests)
