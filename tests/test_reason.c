/*
 * The system's reason, errno or GetLastError(): what interrupts main, wakes it, or makes it wait leaves the program's
 * own as it was. On POSIX a signal's handler of thrum's runs between any two instructions of main's or of a foreign
 * thread's.
 *
 * The numbers of the invariants are those of docs/invariants.md.
 */
#include "support/kinds.h"
#include "support/support.h"

#include "../src/port.h" /* how the reason is read and set on every system */

enum { MINE = 77 };

static void set_reason(void)
{
    thrum__port_restore_reason(MINE);
}

static bool is_kept(void)
{
    return thrum__port_keep_reason() == MINE;
}

static void check_kept(bool kept, const char *what)
{
    if (!kept)
        fprintf(stderr, "not kept over: %s\n", what);
    CHECK(kept);
}

/* ---- Waits --------------------------------------------------------------------------------------------------------- */

static thrum_status look_at_reason(int signum, void *kept)
{
    (void)signum;
    *(bool *)kept = is_kept();
    return THRUM_INTERRUPTED;
}

typedef struct happening {
    const support_kind *kind;
    bool interrupts;
} happening;

static void *interrupt_or_grant(void *arg)
{
    const happening *h = (const happening *)arg;
    support_kind_await(h->kind, 0, 1);
    if (h->interrupts)
        thrum_interrupt_main(THRUM_SIGINT);
    else
        h->kind->grant(0);
    return NULL;
}

static void check_wait(const support_kind *kind)
{
    bool in_handler = false;
    thrum_signal_handler handler = {look_at_reason, &in_handler};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    set_reason();
    thrum_status status = kind->wait(0, support_in(2));
    check_kept(is_kept() && status == kind->at_the_deadline, kind->name);
    for (int interrupts = 1; interrupts >= 0; interrupts--) {
        if (!interrupts && !kind->grant)
            continue;
        happening h = {kind, interrupts};
        thrum_thread *thread = support_start(interrupt_or_grant, &h);
        set_reason();
        status = kind->wait(0, support_in(20000));
        check_kept(is_kept() && status == (interrupts ? THRUM_INTERRUPTED : THRUM_OK), kind->name);
        support_join(thread);
    }
    check_kept(in_handler, "the way into a handler");
}

/* Invariant 6: also in the handlers that run in a wait, which see the reason that was there before it. */
static void every_wait_keeps_the_reason(void)
{
    support_kinds_set_up();
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        support_kind_prepare(&support_kinds[k], 0);
        check_wait(&support_kinds[k]);
        support_kind_clean(&support_kinds[k], 0);
    }
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_kinds_tear_down();
}

/* ---- What wakes ---------------------------------------------------------------------------------------------------- */

static void *wait_in(void *kind)
{
    return ((const support_kind *)kind)->wait(0, support_in(20000)) == THRUM_OK ? kind : NULL;
}

/* Invariant 6: with somebody asleep, so that the system is called. */
static void what_wakes_a_sleeper_keeps_the_reason(void)
{
    support_kinds_set_up();
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        const support_kind *kind = &support_kinds[k];
        if (!kind->grant || !kind->sleeps_at || kind->by_a_keeper)
            continue;
        support_kind_prepare(kind, 0);
        thrum_thread *thread = support_start(wait_in, (void *)(uintptr_t)kind);
        support_kind_await(kind, 0, 1);
        set_reason();
        kind->grant(0);
        check_kept(is_kept(), kind->name);
        CHECK(support_join(thread) == kind);
        support_kind_clean(kind, 0);
    }
    support_kinds_tear_down();
}

static void interrupt_main_keeps_the_reason_whatever_it_says(void)
{
    support_kinds_set_up();
    set_reason();
    thrum_status handled = thrum_interrupt_main(THRUM_SIGUSR1), not_handled = thrum_interrupt_main(THRUM_SIGALRM),
                 invalid = thrum_interrupt_main(1000), thread = thrum_thread_interrupt(thrum_thread_main());
    check_kept(is_kept(), "thrum_interrupt_main");
    CHECK_STATUS(handled, THRUM_OK);
    CHECK_STATUS(not_handled, THRUM_NOT_HANDLED);
    CHECK_STATUS(invalid, THRUM_INVALID);
    CHECK_STATUS(thread, THRUM_OK);
    set_reason();
    thrum_status status = thrum_signal_check();
    check_kept(is_kept(), "thrum_signal_check");
    CHECK_STATUS(status, THRUM_INTERRUPTED);
    support_kinds_tear_down();
}

/* ---- At any instant ------------------------------------------------------------------------------------------------ */

static uint32_t storm_is_over, bystander_is_there;

/* A thread that never calls thrum: signals that land on it are sent on to main. */
static void *compute_aside(void *changed)
{
    set_reason();
    support_set_flag(&bystander_is_there);
    while (!thrum__load_u32_acquire(&storm_is_over))
        if (!is_kept())
            *(bool *)changed = true;
    return NULL;
}

static void *send_without_end(void *bystander)
{
    while (!thrum__load_u32_acquire(&storm_is_over)) {
        thrum_interrupt_main(THRUM_SIGUSR1);
        (void)support_foreign_signal((support_foreign *)bystander, THRUM_SIGUSR1);
        (void)!thrum_sleep(THRUM_MICROSECONDS(20));
    }
    return NULL;
}

/* Invariant 6, for main that computes, and for a foreign thread. */
static void signals_change_no_reason_at_any_instant(void)
{
    bool changed_aside = false, changed = false;
    support_kinds_set_up();
    storm_is_over = bystander_is_there = 0;
    support_foreign *bystander = support_foreign_start(compute_aside, &changed_aside);
    support_await_flag(&bystander_is_there);
    thrum_thread *sender = support_start(send_without_end, bystander);
    thrum_deadline end = support_in(300);
    while (thrum_left(end) > 0) {
        for (int i = 0; i < 100; i++) {
            set_reason();
            for (int j = 0; j < 100; j++)
                changed = changed || !is_kept();
        }
        (void)!thrum_signal_check();
    }
    support_set_flag(&storm_is_over);
    support_join_deaf(sender);
    support_foreign_join(bystander);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK(support_passes > 0);
    check_kept(!changed, "signals to main");
    check_kept(!changed_aside, "signals to a foreign thread");
    support_kinds_tear_down();
}

static const support_test tests[] = {
    TEST(every_wait_keeps_the_reason),
    TEST(what_wakes_a_sleeper_keeps_the_reason),
    TEST(interrupt_main_keeps_the_reason_whatever_it_says),
    TEST(signals_change_no_reason_at_any_instant),
};

SUITE("reason", tests)
