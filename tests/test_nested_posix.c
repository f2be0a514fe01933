/* Signal handlers of the program's own, POSIX's, that interrupt main: on main within its waits, and on a thread that
 * never called thrum. And what is not kept from threads. The numbers of the invariants are those of docs/invariants.md.
 */
#include "support/kinds.h"
#include "support/support.h"

#include <errno.h>
#include <signal.h>

/* Atomic, both. */
static uint32_t says, handler_is_over;

static void interrupt_from_here(int signum)
{
    (void)signum;
    int saved = errno;
    errno = EDOM;
    thrum_status status = thrum_interrupt_main(THRUM_SIGTERM);
    thrum__store_u32_release(&says, errno == EDOM ? (uint32_t)status : THRUM_SYSTEM);
    errno = saved;
    support_set_flag(&handler_is_over);
}

static uint32_t may_end, is_there;

static void *stay(void *unused)
{
    support_set_flag(&is_there);
    while (!thrum__load_u32_acquire(&may_end)) {}
    return unused;
}

typedef struct target {
    const support_kind *kind;
    support_foreign *foreign; /* NULL: main */
} target;

static void *signal_when_asleep(void *arg)
{
    const target *t = (const target *)arg;
    support_kind_await(t->kind, 0, 1);
    if (t->foreign)
        (void)support_foreign_signal(t->foreign, SIGUSR2);
    else
        (void)support_signal_main(SIGUSR2);
    return NULL;
}

static void interrupt_by_a_handler_on(support_foreign *foreign)
{
    support_kinds_set_up();
    signal(SIGUSR2, interrupt_from_here);
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        target t = {&support_kinds[k], foreign};
        thrum__store_u32_release(&handler_is_over, 0);
        support_kind_prepare(t.kind, 0);
        thrum_thread *sender = support_start(signal_when_asleep, &t);
        CHECK_STATUS(t.kind->wait(0, support_in(20000)), THRUM_INTERRUPTED);
        support_join(sender);
        support_await_flag(&handler_is_over);
        CHECK_STATUS((thrum_status)thrum__load_u32_acquire(&says), THRUM_OK);
        CHECK_IS(support_ends, k + 1);
        support_kind_clean(t.kind, 0);
    }
    signal(SIGUSR2, SIG_DFL);
    support_kinds_tear_down();
}

/* Invariants 1 and 5: thrum_interrupt_main is async-signal-safe, on main in whatever wait. */
static void a_signal_handler_on_main_may_interrupt_main(void)
{
    interrupt_by_a_handler_on(NULL);
}

/* And on a thread that thrum does not know. */
static void a_signal_handler_on_a_foreign_thread_may_interrupt_main(void)
{
    may_end = is_there = 0;
    size_t before = thrum_thread_count();
    support_foreign *foreign = support_foreign_start(stay, NULL);
    support_await_flag(&is_there);
    interrupt_by_a_handler_on(foreign);
    CHECK_IS(thrum_thread_count(), before); /* nor does it know it by that */
    support_set_flag(&may_end);
    support_foreign_join(foreign);
}

static void *see_what_is_left(void *right)
{
    static const int shared[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPIPE, SIGPROF, SIGVTALRM};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
        if (support_is_blocked(shared[i]))
            return NULL;
#if defined(SIGRTMIN)
    for (int signum = SIGRTMIN; signum <= SIGRTMAX; signum++)
        if (support_is_blocked(signum))
            return NULL;
#endif
    return right;
}

/* Invariant 4: faults, PIPE, PROF and real-time signals stay as they were on threads of thrum's. */
static void other_signals_are_blocked_for_no_thread(void)
{
    CHECK(support_join(support_start(see_what_is_left, &may_end)) == &may_end);
}

static const support_test tests[] = {
    TEST(a_signal_handler_on_main_may_interrupt_main),
    TEST(a_signal_handler_on_a_foreign_thread_may_interrupt_main),
    TEST(other_signals_are_blocked_for_no_thread),
};

SUITE("nested_posix", tests)
