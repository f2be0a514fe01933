/* What only POSIX has: signals on threads, cancellation, thread-specific data, limits. */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- The end of threads ---------------------------------------------------------------------------------------------- */

static pthread_key_t late_key;
static thrum_thread *adopted_late;

static void call_thrum_for_the_first_time(void *unused)
{
    (void)unused;
    adopted_late = thrum_thread_retain(thrum_thread_current());
}

static void *set_late_key(void *unused)
{
    pthread_setspecific(late_key, &late_key);
    return unused;
}

/* A thread that first calls thrum from a destructor of its thread-specific data is adopted there, and ends all the
 * same. */
static void a_thread_that_is_adopted_at_its_very_end_ends(void)
{
    size_t before = thrum_thread_count();
    CHECK_IS(pthread_key_create(&late_key, call_thrum_for_the_first_time), 0);
    support_foreign_join(support_foreign_start(set_late_key, NULL));
    CHECK(adopted_late != NULL);
    CHECK_STATUS(thrum_thread_join(adopted_late, support_in(5000), NULL), THRUM_OK);
    CHECK(!thrum_thread_is_alive(adopted_late));
    CHECK_IS(thrum_thread_count(), before);
    thrum_thread_release(adopted_late);
    pthread_key_delete(late_key);
}

static void *exit_with_pthread(void *result)
{
    pthread_exit(result);
}

static void a_thread_that_pthread_exit_ends_is_joined(void)
{
    thrum_thread *thread = support_start(exit_with_pthread, &late_key);
    CHECK(support_join(thread) == NULL); /* the system does not tell thrum the result */
}

static void *cancel_me(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void a_thread_that_was_cancelled_is_joined(void)
{
    if (support_sanitizer_cannot("follow a thread that is cancelled"))
        return;
    thrum_thread *thread = support_start(cancel_me, NULL);
    pthread_cancel((pthread_t)thrum_thread_native_handle(thread));
    CHECK(support_join(thread) == NULL);
}

/* ---- Cancellation ------------------------------------------------------------------------------------------------------ */

static thrum_event from_cancelled;

static void *set_event_with_a_cancel_pending(void *unused)
{
    int before;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
    support_await_sleepers(&from_cancelled, 1);
    pthread_cancel(pthread_self());
    thrum_event_set(&from_cancelled); /* no cancellation point: main is woken */
    pthread_testcancel();
    return unused;
}

static void a_waker_with_a_cancel_pending_wakes_all_the_same(void)
{
    for (int i = 0; i < 50; i++) {
        thrum_event_clear(&from_cancelled);
        support_foreign *foreign = support_foreign_start(set_event_with_a_cancel_pending, NULL);
        CHECK_STATUS(thrum_event_wait(&from_cancelled, support_in(10000)), THRUM_OK);
        support_foreign_join(foreign);
    }
}

static thrum_lock cancelled_lock;

static void *wait_with_a_cancel_pending(void *out)
{
    pthread_cancel(pthread_self());
    *(thrum_status *)out = thrum_lock_acquire_until(&cancelled_lock, support_in(50));
    pthread_testcancel();
    return NULL;
}

/* Unwound out of the queue it would leave a record on a stack that is gone. */
static void a_wait_is_not_a_cancellation_point(void)
{
    thrum_status status = THRUM_SYSTEM;
    thrum_lock_acquire(&cancelled_lock);
    support_foreign_join(support_foreign_start(wait_with_a_cancel_pending, &status));
    CHECK_STATUS(status, THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_lock_release(&cancelled_lock), THRUM_OK);
}

/* ---- Signals ------------------------------------------------------------------------------------------------------------ */

static uint32_t toggling_is_over;

static void *interrupt_without_end(void *unused)
{
    while (!thrum__load_u32_acquire(&toggling_is_over))
        thrum_interrupt_main(THRUM_SIGUSR1);
    return unused;
}

/* One that is on its way when the handler is taken away must not meet the default action, which would end us. */
static void a_signal_that_crosses_its_handlers_end_is_dropped(void)
{
    toggling_is_over = 0;
    thrum_thread *thread = support_start(interrupt_without_end, NULL);
    for (int i = 0; i < 3000; i++) {
        CHECK(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL) == THRUM_OK);
        (void)!thrum_signal_check();
        CHECK(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL) == THRUM_OK);
    }
    support_set_flag(&toggling_is_over);
    support_join(thread);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
}

static void a_signal_ends_a_system_call_that_main_is_in(void)
{
    int ends[2];
    char byte;
    struct sigaction now;
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK_IS(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK_IS(now.sa_flags & SA_RESTART, 0);
    CHECK_IS(pipe(ends), 0);
    CHECK_IS(fcntl(ends[0], F_SETFL, 0), 0);
    toggling_is_over = 0;
    thrum_thread *thread = support_start(interrupt_without_end, NULL);
    errno = 0;
    CHECK_IS(read(ends[0], &byte, 1), -1);
    CHECK_IS(errno, EINTR);
    CHECK_STATUS(thrum_signal_check(), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_set_flag(&toggling_is_over);
    support_join(thread);
    close(ends[0]);
    close(ends[1]);
}

static void an_ignored_signal_that_was_inherited_is_told(void)
{
    thrum_signal_handler now = {NULL, NULL};
    signal(SIGUSR2, SIG_IGN);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGUSR2, &now), THRUM_OK);
    CHECK(now.run == thrum_signal_ignore);
    signal(SIGUSR2, SIG_DFL);
}

static volatile sig_atomic_t inner_status = -1;

static void interrupt_from_a_handler(int signum)
{
    (void)signum;
    inner_status = thrum_interrupt_main(THRUM_SIGUSR1);
}

static void main_can_be_interrupted_from_a_signal_handler(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    signal(SIGUSR2, interrupt_from_a_handler);
    CHECK_IS(raise(SIGUSR2), 0);
    CHECK_STATUS(inner_status, THRUM_OK);
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    signal(SIGUSR2, SIG_DFL);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- A handler of the program's own, put in thrum's place ----------------------------------------------------------------- */

static volatile sig_atomic_t own_runs;
static struct sigaction thrums;

static void own_handler(int signum)
{
    (void)signum;
    own_runs++;
}

static void own_handler_that_passes_it_on(int signum)
{
    own_runs++;
    thrums.sa_handler(signum);
}

static void replace_thrums(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    own_runs = 0;
    sigemptyset(&action.sa_mask);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK_IS(sigaction(SIGUSR1, &action, &thrums), 0);
}

static void check_action_is(void (*handler)(int))
{
    struct sigaction now;
    CHECK_IS(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler == handler);
}

static void *interrupt_once(void *out)
{
    *(thrum_status *)out = thrum_interrupt_main(THRUM_SIGUSR1);
    return NULL;
}

static thrum_status interrupt_from_a_worker(void)
{
    thrum_status status = THRUM_SYSTEM;
    support_join(support_start(interrupt_once, &status));
    return status;
}

static void a_handler_in_thrums_place_gets_what_main_is_sent(void)
{
    thrum_signal_handler now = THRUM_SIGNAL_IGNORE;
    replace_thrums(own_handler);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGUSR1, &now), THRUM_OK);
    CHECK(now.run == NULL);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    CHECK_STATUS(interrupt_from_a_worker(), THRUM_OK);
    CHECK_IS(raise(SIGUSR1), 0);
    CHECK_IS(own_runs, 3);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK); /* thrum has heard of none */
    check_action_is(own_handler);

    /* Who sets it by thrum says so: as Python's signal.signal, and sigaction. */
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, &now), THRUM_OK);
    CHECK(now.run == NULL);
    check_action_is(SIG_DFL);
}

static void a_handler_in_thrums_place_may_pass_it_on(void)
{
    replace_thrums(own_handler_that_passes_it_on);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    CHECK_IS(own_runs, 1);
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_IGNORE, NULL), THRUM_OK);
    check_action_is(SIG_IGN);
    thrums.sa_handler(SIGUSR1); /* one that comes late, of a signal that is thrum's no longer */
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* Sent all the same, the first would end this program. */
static void what_the_program_gave_back_to_the_system_is_not_sent(void)
{
    replace_thrums(SIG_DFL);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_NOT_HANDLED);
    CHECK_STATUS(interrupt_from_a_worker(), THRUM_NOT_HANDLED);
    replace_thrums(SIG_IGN);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_NOT_HANDLED);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK); /* and again thrum's */
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* It came while the signal was thrum's. */
static void a_signal_that_is_pending_when_thrum_is_replaced_is_handled(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    signal(SIGUSR1, own_handler);
    CHECK_STATUS(thrum_sleep(0), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- Blocking regions -------------------------------------------------------------------------------------------------- */

static int nothing_comes[2], listener;

static int in_read(void)
{
    char byte;
    return (int)read(nothing_comes[0], &byte, 1);
}
static int in_accept(void)
{
    return accept(listener, NULL, NULL);
}
static int in_poll(void)
{
    struct pollfd file = {nothing_comes[0], POLLIN, 0};
    return poll(&file, 1, 20000);
}
static int in_nanosleep(void)
{
    struct timespec length = {20, 0};
    return nanosleep(&length, NULL);
}

static void set_up_calls(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (pipe(nothing_comes) != 0 || bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
        listen(listener, 1) != 0)
        support_give_up("no pipe or socket");
}

static void tear_down_calls(void)
{
    close(nothing_comes[0]);
    close(nothing_comes[1]);
    close(listener);
}

static bool interrupt_main(void *by_thread_interrupt)
{
    if (*(bool *)by_thread_interrupt)
        return thrum_thread_interrupt(thrum_thread_main()) == THRUM_OK;
    return thrum_interrupt_main(THRUM_SIGUSR1) == THRUM_OK;
}

/* Invariant 5: in the call, or just before it, an interrupt ends it. */
static void an_interrupt_ends_a_system_call_in_a_region(void)
{
    int (*const calls[])(void) = {in_read, in_accept, in_poll, in_nanosleep};
    support_sender sender;
    bool by_thread_interrupt = false;
    int refused = 0, wrong = 0, late = 0;
    set_up_calls();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    support_sender_start(&sender, interrupt_main, &by_thread_interrupt);
    for (int round = 0; round < 1200; round++) {
        support_sender_settle(&sender);
        sender.delay = (unsigned)round % 60;
        by_thread_interrupt = round % 3 == 0;
        thrum_nanos start = thrum_now();
        support_sender_tell(&sender);
        if (thrum_blocking_begin() != THRUM_OK) {
            refused++; /* it came before the region */
            continue;
        }
        int result = calls[round % 4]();
        int reason = errno;
        if (thrum_blocking_end() != THRUM_INTERRUPTED || result != -1 || reason != EINTR || errno != EINTR)
            wrong++;
        if (support_since(start) > 1000)
            late++;
    }
    support_sender_end(&sender);
    CHECK_IS(wrong, 0);
    CHECK_IS(late, 0);
    CHECK(refused < 1200);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK); /* nothing is left over */
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    tear_down_calls();
}

static int whole_calls;

static thrum_status call_in_a_handler(int signum, void *unused)
{
    const struct timespec length = {0, 30000000};
    (void)unused;
    if (whole_calls > 0)
        return THRUM_OK;                /* the second signal's turn */
    (void)thrum_interrupt_main(signum); /* pending, but not for as long as we are in here */
    for (int i = 0; i < 3; i++)
        if (thrum_blocking_begin() == THRUM_OK) {
            whole_calls += nanosleep(&length, NULL) == 0;
            (void)!thrum_blocking_end();
        }
    return THRUM_OK;
}

/* Mail that main may not act on, for it is in that signal's handler, breaks no call. */
static void a_region_in_a_handler_is_not_broken_for_its_own_signal(void)
{
    const thrum_signal_handler handler = {call_in_a_handler, NULL};
    whole_calls = 0;
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, handler, NULL), THRUM_OK);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_IS(whole_calls, 3);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void *begin_elsewhere(void *out)
{
    ((thrum_status *)out)[0] = thrum_blocking_begin();
    ((thrum_status *)out)[1] = thrum_blocking_end();
    return NULL;
}

static void regions_are_mains_and_do_not_nest(void)
{
    thrum_status elsewhere[2] = {THRUM_OK, THRUM_OK};
    CHECK_STATUS(thrum_blocking_end(), THRUM_INVALID);
    CHECK_STATUS(thrum_blocking_begin(), THRUM_OK);
    CHECK_STATUS(thrum_blocking_begin(), THRUM_INVALID);
    CHECK_STATUS(thrum_blocking_end(), THRUM_OK);
    CHECK_STATUS(thrum_blocking_end(), THRUM_INVALID);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_NOT_HANDLED);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
    CHECK_STATUS(thrum_blocking_begin(), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_blocking_end(), THRUM_INVALID);
    support_join(support_start(begin_elsewhere, elsewhere));
    CHECK_STATUS(elsewhere[0], THRUM_NOT_MAIN);
    CHECK_STATUS(elsewhere[1], THRUM_NOT_MAIN);
}

static void the_signal_that_breaks_calls_is_not_the_programs(void)
{
    thrum_signal_handler now = {NULL, &now};
    CHECK_STATUS(thrum_blocking_begin(), THRUM_OK);
    CHECK_STATUS(thrum_blocking_end(), THRUM_OK);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGURG, &now), THRUM_OK);
    CHECK(now.run == NULL);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGURG, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_signal_raise(THRUM_SIGURG), THRUM_OK); /* a real one is handled */
    CHECK_STATUS(thrum_signal_check(), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGURG, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_signal_raise(THRUM_SIGURG), THRUM_OK);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
}

/* ---- When the system has nothing left -------------------------------------------------------------------------------------- */

static void *nothing(void *unused)
{
    return unused;
}

#if !defined(RLIMIT_AS)
#define RLIMIT_AS RLIMIT_DATA /* OpenBSD, where this limits what is mapped */
#endif

static void a_thread_that_the_system_refuses_is_not_counted(void)
{
    struct rlimit limit, tight;
    thrum_thread *thread = NULL;
    size_t before = thrum_thread_count();
    if (support_sanitizer_cannot("live within a limit on memory"))
        return;
    CHECK_IS(getrlimit(RLIMIT_AS, &limit), 0);
    tight = limit;
    tight.rlim_cur = 1;
    CHECK_IS(setrlimit(RLIMIT_AS, &tight), 0);
    if (support_is_emulated() && getrlimit(RLIMIT_AS, &tight) == 0 && tight.rlim_cur == limit.rlim_cur) {
        support_emulator_cannot("limit memory: it was asked to, said yes, and set no limit");
        return;
    }
    const thrum_thread_options large = {NULL, 256 * 1048576, false};
    thrum_status status = thrum_thread_start(&thread, nothing, NULL, &large);
    int error = thrum_last_system_error();
    CHECK_IS(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK_STATUS(status, THRUM_INVALID); /* such a stack cannot be mapped */
    CHECK(error != 0);
    CHECK(thread == NULL);
    CHECK_IS(thrum_thread_count(), before);
    support_join(support_start(nothing, NULL));
}

static const support_test tests[] = {
    TEST(a_thread_that_is_adopted_at_its_very_end_ends),
    TEST(a_thread_that_pthread_exit_ends_is_joined),
    TEST(a_thread_that_was_cancelled_is_joined),
    TEST(a_waker_with_a_cancel_pending_wakes_all_the_same),
    TEST(a_wait_is_not_a_cancellation_point),
    TEST(a_signal_that_crosses_its_handlers_end_is_dropped),
    TEST(a_signal_ends_a_system_call_that_main_is_in),
    TEST(an_ignored_signal_that_was_inherited_is_told),
    TEST(main_can_be_interrupted_from_a_signal_handler),
    TEST(a_handler_in_thrums_place_gets_what_main_is_sent),
    TEST(a_handler_in_thrums_place_may_pass_it_on),
    TEST(what_the_program_gave_back_to_the_system_is_not_sent),
    TEST(a_signal_that_is_pending_when_thrum_is_replaced_is_handled),
    TEST(an_interrupt_ends_a_system_call_in_a_region),
    TEST(a_region_in_a_handler_is_not_broken_for_its_own_signal),
    TEST(regions_are_mains_and_do_not_nest),
    TEST(the_signal_that_breaks_calls_is_not_the_programs),
    TEST(a_thread_that_the_system_refuses_is_not_counted),
};

SUITE("posix", tests)
