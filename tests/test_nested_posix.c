/* Signal handlers of the program's own, POSIX's, that interrupt main: on main within its waits, and on a thread that
 * never called thrum. The numbers of the invariants are those of docs/invariants.md. */
#include "support/kinds.h"
#include "support/support.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t says = -1;
static uint32_t handler_is_over; /* atomic */

static void interrupt_from_here(int signum)
{
    (void)signum;
    int saved = errno;
    errno = EDOM;
    says = thrum_interrupt_main(THRUM_SIGTERM);
    if (errno != EDOM)
        says = THRUM_SYSTEM;
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
        handler_is_over = 0;
        says = THRUM_SYSTEM;
        support_kind_prepare(t.kind, 0);
        thrum_thread *sender = support_start(signal_when_asleep, &t);
        CHECK_STATUS(t.kind->wait(0, support_in(20000)), THRUM_INTERRUPTED);
        support_join(sender);
        support_await_flag(&handler_is_over);
        CHECK_STATUS(says, THRUM_OK);
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

static const support_test tests[] = {
    TEST(a_signal_handler_on_main_may_interrupt_main),
    TEST(a_signal_handler_on_a_foreign_thread_may_interrupt_main),
};

SUITE("nested_posix", tests)
