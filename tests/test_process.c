/* The life of the process: each way to end is a program of its own, programs/ends.c. */
#include "support/support.h"

static int status_of(const char *way)
{
    return support_run_program(support_self, "ends_" THRUM_TEST_PARKER, way);
}

/* How a process looks that SIGINT, or SIGTERM, has ended. */
#ifdef _WIN32
#define ENDED_BY(signum) ((int)0xC000013A)
#else
#define ENDED_BY(signum) (128 + (signum))
#endif

static void the_end_of_main_waits_for_threads(void)
{
    CHECK_IS(status_of("waits_for_threads"), 1 | 2);
}

static void and_not_for_daemons(void)
{
    CHECK_IS(status_of("leaves_daemons"), 1);
}

static void without_init_exit_waits_for_nothing(void)
{
    CHECK_IS(status_of("without_init"), 1);
}

/* Invariant 10: no thrum_init is needed for thrum_interrupt_main. */
static void without_init_an_interrupt_ends_a_wait(void)
{
    CHECK_IS(status_of("interrupt_without_init"), 1 | 4);
}

static void callbacks_run_last_in_first_out(void)
{
    CHECK_IS(status_of("callbacks"), 1 | 2 | 4 | 8);
}

static void an_interrupt_ends_the_final_join_and_the_process(void)
{
    CHECK_IS(status_of("interrupt_in_final_join"), ENDED_BY(THRUM_SIGINT));
}

static void exit_from_a_worker_does_not_wait_for_itself(void)
{
    CHECK_IS(status_of("exit_from_worker"), 5);
}

static void thread_exit_on_main_is_the_end_of_main(void)
{
    CHECK_IS(status_of("main_exits"), 1 | 2);
}

static void after_the_shutdown_nothing_begins(void)
{
    CHECK_IS(status_of("after_shutdown"), 1 | 2 | 4 | 8);
}

static void a_daemon_that_comes_too_late_keeps_no_conditions_lock(void)
{
    CHECK_IS(status_of("late_daemon_at_a_condition"), 1 | 2);
}

static void a_shutdown_that_timed_out_may_be_called_again(void)
{
    CHECK_IS(status_of("timed_shutdown"), 1 | 2 | 4);
}

static void exit_by_signal_ends_as_the_signal_would(void)
{
    CHECK_IS(status_of("by_sigint"), ENDED_BY(THRUM_SIGINT));
    CHECK_IS(status_of("by_sigterm"), ENDED_BY(THRUM_SIGTERM));
    CHECK_IS(status_of("raise_unhandled"), ENDED_BY(THRUM_SIGINT));
    CHECK_IS(status_of("by_sigwinch"), 128 + THRUM_SIGWINCH);
    CHECK_IS(status_of("by_sigtstp"), 128 + THRUM_SIGTSTP); /* it would stop the process, which is no end */
}

static void the_end_of_main_waits_for_anothers_shutdown(void)
{
    CHECK_IS(status_of("main_ends_in_a_shutdown"), 1 | 2 | 4);
}

static int refuse(void (*run)(void))
{
    (void)run;
    return 1;
}

static void *init_elsewhere(void *out)
{
    *(thrum_status *)out = thrum_init();
    return NULL;
}

static void misuse_has_its_status(void)
{
    thrum_status elsewhere = THRUM_OK;
    CHECK_STATUS(thrum_init(), THRUM_OK); /* once more */
    CHECK_STATUS(thrum_init_with(NULL), THRUM_INVALID);
    CHECK_STATUS(thrum_init_with(refuse), THRUM_OK); /* it is not asked again */
    CHECK_STATUS(thrum_at_exit(NULL, NULL), THRUM_INVALID);
    support_join(support_start(init_elsewhere, &elsewhere));
    CHECK_STATUS(elsewhere, THRUM_NOT_MAIN);
}

static const support_test tests[] = {
    TEST(the_end_of_main_waits_for_threads),
    TEST(and_not_for_daemons),
    TEST(without_init_exit_waits_for_nothing),
    TEST(without_init_an_interrupt_ends_a_wait),
    TEST(callbacks_run_last_in_first_out),
    TEST(an_interrupt_ends_the_final_join_and_the_process),
    TEST(exit_from_a_worker_does_not_wait_for_itself),
    TEST(thread_exit_on_main_is_the_end_of_main),
    TEST(after_the_shutdown_nothing_begins),
    TEST(a_daemon_that_comes_too_late_keeps_no_conditions_lock),
    TEST(a_shutdown_that_timed_out_may_be_called_again),
    TEST(the_end_of_main_waits_for_anothers_shutdown),
    TEST(exit_by_signal_ends_as_the_signal_would),
    TEST(misuse_has_its_status),
};

SUITE("process", tests)
