/*
 * Waits within waits: a signal's handler runs in a wait of main's, and waits itself. A director, another thread, sees
 * to the order: it interrupts main when main sleeps in the outer wait, and grants, or does not, when main sleeps in the
 * inner one.
 *
 * The numbers of the invariants, and the hard points, are those of docs/invariants.md.
 */
#include "support/kinds.h"
#include "support/support.h"

#include "../src/parking_lot.h" /* who sleeps where */

/* ---- Every wait in every wait ------------------------------------------------------------------------------------ */

enum inner_end { IS_GRANTED, TIMES_OUT, IS_INTERRUPTED };

typedef struct nesting {
    const support_kind *outer, *inner;
    enum inner_end how;
    bool outer_first;                          /* the outer wait is granted while main sleeps in the inner one */
    uint32_t in_outer, in_handler, inner_over; /* atomic */
    thrum_status inner_says;
    bool early;
} nesting;

static thrum_status wait_within(int signum, void *arg)
{
    nesting *n = (nesting *)arg;
    thrum_nanos length = THRUM_MILLISECONDS(2), start = thrum_now();
    bool until_deadline = n->how == TIMES_OUT || (n->how == IS_GRANTED && !n->inner->grant);
    (void)signum;
    support_kind_prepare(n->inner, 1);
    support_set_flag(&n->in_handler);
    n->inner_says = n->inner->wait(1, until_deadline ? thrum_after(length) : support_in(20000));
    n->early = until_deadline && thrum_now() - start < length;
    support_kind_clean(n->inner, 1);
    support_set_flag(&n->inner_over);
    return THRUM_OK;
}

static void *direct(void *arg)
{
    nesting *n = (nesting *)arg;
    support_await_flag(&n->in_outer);
    support_kind_await(n->outer, 0, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    support_await_flag(&n->in_handler);
    if (n->how != TIMES_OUT)
        support_kind_await(n->inner, 1, 1);
    if (n->outer_first && !n->outer->ends_by_run)
        support_kind_grant(n->outer, 0);
    if (n->how == IS_GRANTED && n->inner->grant)
        n->inner->grant(1);
    if (n->how == IS_INTERRUPTED)
        thrum_interrupt_main(THRUM_SIGTERM);
    support_await_flag(&n->inner_over);
    if (!n->outer_first && !n->outer->ends_by_run)
        support_kind_grant(n->outer, 0);
    return NULL;
}

/* The outer wait is granted in the end. A sleep, which cannot be, is slept again until the handler has run. */
static thrum_status wait_outside(nesting *n)
{
    if (n->outer->grant)
        return n->outer->wait(0, support_in(20000));
    thrum_status status = THRUM_OK;
    while (status == THRUM_OK && !thrum__load_u32_acquire(&n->inner_over))
        status = n->outer->wait(0, support_in(5));
    return status;
}

static void nest(nesting *n)
{
    static const thrum_status inner_says[] = {THRUM_OK, THRUM_TIMED_OUT, THRUM_INTERRUPTED};
    int ends = support_ends;
    thrum_signal_handler handler = {wait_within, n};
    thrum_nanos start = thrum_now();
    support_kind_prepare(n->outer, 0);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    thrum_thread *director = support_start(direct, n);
    support_set_flag(&n->in_outer);
    thrum_status status = wait_outside(n);
    support_join(director);
    support_kind_clean(n->outer, 0);

    bool right = status == THRUM_OK && !n->early && support_since(start) < 15000 &&
                 n->inner_says == (n->how == TIMES_OUT ? n->inner->at_the_deadline : inner_says[n->how]) &&
                 support_ends - ends == (n->how == IS_INTERRUPTED);
    if (!right)
        fprintf(stderr, "%s in %s: %s in %s\n", n->inner->name, n->outer->name, thrum_status_name(n->inner_says),
                thrum_status_name(status));
    CHECK(right);
}

static void nest_all(enum inner_end how, bool outer_first)
{
    support_kinds_set_up();
    for (int outer = 0; outer < SUPPORT_KINDS; outer++)
        for (int inner = 0; inner < SUPPORT_KINDS; inner++) {
            nesting n = {&support_kinds[outer], &support_kinds[inner], how, outer_first, 0, 0, 0, THRUM_SYSTEM, false};
            nest(&n);
        }
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_kinds_tear_down();
}

/* Hard point: waits nest. Invariant 3: a handler may wait. */
static void every_wait_is_granted_within_every_wait(void)
{
    nest_all(IS_GRANTED, false);
}

static void every_wait_times_out_within_every_wait(void)
{
    nest_all(TIMES_OUT, false);
}

static void every_wait_is_interrupted_within_every_wait(void)
{
    nest_all(IS_INTERRUPTED, false);
}

/* Hard point: after handlers return the grant is looked at again, for an inner wait may have taken the permit. */
static void a_grant_that_came_within_an_inner_wait_is_not_lost(void)
{
    nest_all(IS_GRANTED, true);
    nest_all(TIMES_OUT, true);
    nest_all(IS_INTERRUPTED, true);
}

/* ---- Both wait for the same ---------------------------------------------------------------------------------------- */

static thrum_lock lock;
static thrum_cond cond;
static thrum_rlock rlock;
static thrum_monitor monitor;
static thrum_semaphore semaphore;
static thrum_event automatic = THRUM_EVENT_AUTO_INIT;

static bool take_lock(void)
{
    return thrum_lock_acquire_until(&lock, support_in(20000)) == THRUM_OK;
}
static bool take_lock_plainly(void)
{
    thrum_lock_acquire(&lock);
    return true;
}
static bool give_lock(void)
{
    return thrum_lock_release(&lock) == THRUM_OK;
}
static bool wait_for_cond(void)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_WITH (&lock) {
        status = thrum_cond_wait(&cond, &lock, support_in(20000));
    }
    return status == THRUM_OK;
}
static bool take_rlock(void)
{
    return thrum_rlock_acquire_until(&rlock, support_in(20000)) == THRUM_OK;
}
static bool give_rlock(void)
{
    return thrum_rlock_release(&rlock) == THRUM_OK;
}
static bool enter(void)
{
    return thrum_monitor_enter_until(&monitor, support_in(20000)) == THRUM_OK;
}
static bool leave(void)
{
    return thrum_monitor_exit(&monitor) == THRUM_OK;
}
static bool wait_in_monitor(void)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_SYNCHRONIZED (&monitor) {
        status = thrum_monitor_wait(&monitor, support_in(20000));
    }
    return status == THRUM_OK;
}
static bool take_permit(void)
{
    return thrum_semaphore_acquire(&semaphore, support_in(20000)) == THRUM_OK;
}
static bool give_permit(void)
{
    return thrum_semaphore_release(&semaphore, 1) == THRUM_OK;
}
static bool take_event(void)
{
    return thrum_event_wait(&automatic, support_in(20000)) == THRUM_OK;
}
static bool give_event(void)
{
    thrum_event_set(&automatic);
    return true;
}
static bool notify_cond(void)
{
    thrum_cond_notify(&cond);
    return true;
}
static bool notify_monitor(void)
{
    return enter() && thrum_monitor_notify(&monitor) == THRUM_OK && leave();
}
static bool nothing(void)
{
    return true;
}

/* What main waits for, and what its handler needs meanwhile. It is the director who has it first. */
typedef struct prize {
    const char *name;
    bool (*wait)(void);       /* main */
    bool (*after_wait)(void); /* main: give back what it has by that */
    bool (*first)(void);      /* the director, before main waits, or when it does: */
    bool first_is_late;
    bool (*take)(void); /* the handler, or a thread that the handler joins */
    bool (*give)(void);
    bool (*last)(void); /* the director, when the handler is over: main's wait may end */
    const void *outer_at, *inner_at;
} prize;

static const prize prizes[] = {
    {"lock", take_lock, give_lock, take_lock, false, take_lock, give_lock, nothing, &lock, &lock},
    {"lock, plainly", take_lock, give_lock, take_lock, false, take_lock_plainly, give_lock, nothing, &lock, &lock},
    {"condition's lock", wait_for_cond, nothing, take_lock, true, take_lock, give_lock, notify_cond, &cond, &lock},
    {"rlock", take_rlock, give_rlock, take_rlock, false, take_rlock, give_rlock, nothing, &rlock.lock_, &rlock.lock_},
    {"monitor", enter, leave, enter, false, enter, leave, nothing, &monitor.lock_.lock_, &monitor.lock_.lock_},
    {"monitor, waited in", wait_in_monitor, nothing, enter, true, enter, leave, notify_monitor, &monitor.cond_,
     &monitor.lock_.lock_},
    {"permit", take_permit, give_permit, nothing, false, take_permit, give_permit, nothing, &semaphore, &semaphore},
    {"auto event", take_event, give_event, nothing, false, take_event, give_event, nothing, &automatic, &automatic},
};

enum { PRIZES = sizeof prizes / sizeof prizes[0] };

typedef struct contest {
    const prize *prize;
    bool aged;  /* both have waited for so long that the lock is handed over */
    bool joins; /* the handler joins a thread that needs it */
    uint32_t director_has_it, handler_over;
    bool handler_had_it, director_failed;
} contest;

static void *need_it(void *arg)
{
    contest *c = (contest *)arg;
    return c->prize->take() && c->prize->give() ? arg : NULL;
}

static thrum_status have_it(int signum, void *arg)
{
    contest *c = (contest *)arg;
    (void)signum;
    c->handler_had_it = (c->joins ? support_join(support_start(need_it, c)) : need_it(c)) != NULL;
    support_set_flag(&c->handler_over);
    return THRUM_OK;
}

/* Past the millisecond after which a lock is handed over to who has waited for it. */
static void let_it_age(const contest *c)
{
    thrum_nanos end = thrum_now() + THRUM_MILLISECONDS(2);
    while (c->aged && thrum_now() < end)
        thrum_thread_yield();
}

static void *have_it_first(void *arg)
{
    contest *c = (contest *)arg;
    bool late = c->prize->first_is_late, ok = late || c->prize->first();
    support_set_flag(&c->director_has_it);
    support_await_sleepers(c->prize->outer_at, 1);
    ok = (!late || c->prize->first()) && ok;
    let_it_age(c);
    thrum_interrupt_main(THRUM_SIGINT);
    support_await_sleepers(c->prize->inner_at, 1);
    let_it_age(c);
    ok = c->prize->give() && ok;
    support_await_flag(&c->handler_over);
    c->director_failed = !(c->prize->last() && ok);
    return NULL;
}

static void hold_contest(contest *c)
{
    thrum_signal_handler handler = {have_it, c};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    thrum_thread *director = support_start(have_it_first, c);
    support_await_flag(&c->director_has_it);
    bool main_had_it = c->prize->wait() && c->prize->after_wait();
    support_join(director);
    while (thrum_semaphore_try_acquire(&semaphore)) {}
    thrum_event_clear(&automatic);
    if (!main_had_it || !c->handler_had_it || c->director_failed)
        fprintf(stderr, "%s: main %d, handler %d\n", c->prize->name, main_had_it, c->handler_had_it);
    CHECK(main_had_it && c->handler_had_it && !c->director_failed);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void hold_contests(bool aged, bool joins)
{
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < PRIZES; i++) {
            contest c = {&prizes[i], aged, joins, 0, 0, false, false};
            hold_contest(&c);
        }
}

/* Hard point: a record is out of the queue while its handlers run, for they may need what it would be handed. */
static void a_handler_may_take_what_main_waits_for(void)
{
    hold_contests(false, false);
}

static void a_handler_may_take_what_is_handed_over_by_age(void)
{
    hold_contests(true, false);
}

static void a_handler_may_join_a_thread_that_needs_what_main_waits_for(void)
{
    hold_contests(false, true);
    hold_contests(true, true);
}

/* Hard point: a suspended record is never moved to the lock's queue. Notified with the lock held, it would be, before
 * its handler comes for that lock, and would be given what the handler waits for. */
static uint32_t in_handler, notified;

static thrum_status have_it_once_notified(int signum, void *arg)
{
    support_set_flag(&in_handler);
    support_await_flag(&notified);
    return have_it(signum, arg);
}

static void *notify_with_the_lock(void *arg)
{
    contest *c = (contest *)arg;
    support_await_sleepers(&cond, 1);
    thrum_lock_acquire(&lock);
    thrum_interrupt_main(THRUM_SIGINT);
    support_await_flag(&in_handler);
    thrum_cond_notify(&cond);
    bool moved = thrum__sleepers_at(&lock) != 0;
    support_set_flag(&notified);
    if (!moved)
        support_await_sleepers(&lock, 1);
    let_it_age(c);
    c->director_failed = thrum_lock_release(&lock) != THRUM_OK || moved;
    return NULL;
}

static void a_notify_hands_no_lock_to_who_is_in_a_handler(void)
{
    for (int round = 0; round < 50; round++) {
        contest c = {&prizes[0], round % 2, round % 3 == 0, 0, 0, false, false};
        thrum_signal_handler handler = {have_it_once_notified, &c};
        in_handler = notified = 0;
        CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
        thrum_thread *director = support_start(notify_with_the_lock, &c);
        CHECK(wait_for_cond());
        support_join(director);
        CHECK(c.handler_had_it && !c.director_failed);
    }
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- Three deep ---------------------------------------------------------------------------------------------------- */

static const int levels[] = {THRUM_SIGINT, THRUM_SIGUSR1, THRUM_SIGTERM};
static const support_kind *level_kind;
static int entered, overlapping;
static bool deep_right;

/* Each level waits in the same wait as the others, is interrupted by the next, and times out, never early. */
static thrum_status go_deeper(int signum, void *level)
{
    int next = *(const int *)level + 1;
    static int numbers[] = {0, 1, 2, 3};
    (void)signum;
    entered++;
    overlapping++;
    if (next < 3)
        thrum_interrupt_main(levels[next]);
    thrum_nanos start = thrum_now(), length = THRUM_MILLISECONDS(2);
    thrum_status status = level_kind->wait(0, thrum_after(length));
    if (!level_kind->ends_by_run || next == 3)
        deep_right = deep_right && status == level_kind->at_the_deadline && thrum_now() - start >= length;
    deep_right = deep_right && overlapping == numbers[next];
    overlapping--;
    return THRUM_OK;
}

/* Hard point: each wait has its own record and trusts only that. */
static void waits_nest_three_deep_at_one_object(void)
{
    static int numbers[] = {0, 1, 2};
    for (int i = 0; i < 3; i++) {
        thrum_signal_handler handler = {go_deeper, &numbers[i]};
        CHECK_STATUS(thrum_signal_handle(levels[i], handler, NULL), THRUM_OK);
    }
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        level_kind = &support_kinds[k];
        entered = overlapping = 0;
        deep_right = true;
        support_kind_prepare(level_kind, 0);
        CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
        thrum_status status = level_kind->wait(0, support_in(20));
        CHECK(status == level_kind->at_the_deadline || level_kind->ends_by_run);
        support_kind_clean(level_kind, 0);
        CHECK_IS(entered, 3);
        if (!deep_right)
            fprintf(stderr, "three deep in %s\n", level_kind->name);
        CHECK(deep_right);
    }
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(thrum_signal_handle(levels[i], THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static const support_test tests[] = {
    TEST(every_wait_is_granted_within_every_wait),
    TEST(every_wait_times_out_within_every_wait),
    TEST(every_wait_is_interrupted_within_every_wait),
    TEST(a_grant_that_came_within_an_inner_wait_is_not_lost),
    TEST(a_handler_may_take_what_main_waits_for),
    TEST(a_handler_may_take_what_is_handed_over_by_age),
    TEST(a_handler_may_join_a_thread_that_needs_what_main_waits_for),
    TEST(a_notify_hands_no_lock_to_who_is_in_a_handler),
    TEST(waits_nest_three_deep_at_one_object),
};

SUITE("nested", tests)
