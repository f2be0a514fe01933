/*
 * Nesting and hard points where a thread must be held in a window that is a few instructions wide. Linked with the
 * library that has named stops (src/stops.h).
 *
 * The numbers of the invariants, and the hard points, are those of docs/invariants.md.
 */
#include "support/kinds.h"
#include "support/stops.h"
#include "support/support.h"

static void *main_token;

static void handle(int signum, thrum_signal_fn run, void *arg)
{
    thrum_signal_handler handler = {run, arg};
    main_token = thrum__port_token();
    if (thrum_signal_handle(signum, handler, NULL) != THRUM_OK)
        support_give_up("no handler could be set");
}

static void handle_no_more(int signum)
{
    CHECK_STATUS(thrum_signal_handle(signum, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void check_kind(bool right, const support_kind *kind, const char *what)
{
    if (!right)
        fprintf(stderr, "%s: %s\n", kind->name, what);
    CHECK(right);
}
#define CHECK_KIND(condition) check_kind((condition), kind, #condition)

/* For each kind of wait that another thread can grant, and see asleep. */
static void for_each_kind(void (*run)(const support_kind *))
{
    support_kinds_set_up();
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        if (!support_kinds[k].grant || !support_kinds[k].sleeps_at)
            continue;
        support_kind_prepare(&support_kinds[k], 0);
        run(&support_kinds[k]);
        support_kind_clean(&support_kinds[k], 0);
    }
    support_kinds_tear_down();
}

static int order[8], ordered;
static thrum_status says_ok = THRUM_OK, says_interrupted = THRUM_INTERRUPTED;

static thrum_status note_and_say(int signum, void *status)
{
    order[ordered++ % 8] = signum;
    return *(const thrum_status *)status;
}

/* Send it to main, which sleeps or is held at a stop, and return when it is in main's mailbox: on POSIX it is main that
 * puts it there, a moment later. */
static void post_to_main(int signum)
{
    thrum_deadline end = support_in(20000);
    stops_watch(main_token);
    thrum_interrupt_main(signum);
    while (support_main_has_signal_handlers() && !stops_passed(THRUM__STOP_MAIL_POSTED) && thrum_left(end) > 0)
        thrum_thread_yield();
}

/* ---- Between the end of the handlers and the next look -------------------------------------------------------------- */

static void *signal_as_handlers_end(void *arg)
{
    support_kind_await((const support_kind *)arg, 0, 1);
    stops_hold(THRUM__STOP_HANDLERS_DONE, main_token);
    thrum_interrupt_main(THRUM_SIGINT);
    stops_await(THRUM__STOP_HANDLERS_DONE);
    post_to_main(THRUM_SIGALRM);
    stops_let_go(THRUM__STOP_HANDLERS_DONE);
    return NULL;
}

static void be_signalled_as_handlers_end(const support_kind *kind)
{
    ordered = 0;
    handle(THRUM_SIGINT, note_and_say, &says_ok);
    handle(THRUM_SIGALRM, note_and_say, &says_interrupted);
    thrum_thread *director = support_start(signal_as_handlers_end, (void *)(uintptr_t)kind);
    CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
    CHECK_KIND(!stops_passed(THRUM__STOP_AFTER_SLEEP)); /* it did not have to be woken for that */
    stops_watch(NULL);
    support_join(director);
    CHECK_KIND(ordered == 2 && order[1] == THRUM_SIGALRM);
}

/* Invariant 1: a signal that comes as the handlers of another end is noticed before the wait sleeps again. */
static void a_signal_as_handlers_end_is_noticed_before_the_next_sleep(void)
{
    for_each_kind(be_signalled_as_handlers_end);
    handle_no_more(THRUM_SIGINT);
    handle_no_more(THRUM_SIGALRM);
}

/* ---- Two at once, to a main that sleeps ----------------------------------------------------------------------------- */

/* Main has looked at its mail for the last time before it sleeps, and is then woken by the first of the two. */
static void *send_two_to_the_sleeper(void *unused)
{
    stops_await(THRUM__STOP_BEFORE_SLEEP);
    stops_hold(THRUM__STOP_AFTER_SLEEP, main_token);
    stops_let_go(THRUM__STOP_BEFORE_SLEEP);
    post_to_main(THRUM_SIGALRM);
    stops_await(THRUM__STOP_AFTER_SLEEP);
    post_to_main(THRUM_SIGINT);
    stops_let_go(THRUM__STOP_AFTER_SLEEP);
    return unused;
}

static void be_sent_two(const support_kind *kind)
{
    for (int ends = 0; ends < 2; ends++) {
        ordered = 0;
        handle(THRUM_SIGINT, note_and_say, ends ? &says_interrupted : &says_ok);
        handle(THRUM_SIGALRM, note_and_say, &says_interrupted);
        stops_hold(THRUM__STOP_BEFORE_SLEEP, main_token);
        thrum_thread *director = support_start(send_two_to_the_sleeper, NULL);
        CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
        CHECK_KIND(ordered == (ends ? 1 : 2) && order[0] == THRUM_SIGINT);
        if (ends)
            CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
        CHECK_KIND(ordered == 2 && order[1] == THRUM_SIGALRM);
        support_join(director);
        CHECK_KIND(thrum_signal_check() == THRUM_OK && ordered == 2);
    }
}

/* Invariant 3: the lowest first, whichever was sent first; the rest stay pending after one INTERRUPTED. */
static void two_signals_that_wake_a_sleeper_run_the_lowest_first(void)
{
    for_each_kind(be_sent_two);
    handle_no_more(THRUM_SIGINT);
    handle_no_more(THRUM_SIGALRM);
}

/* ---- A deadline that passes in a handler ---------------------------------------------------------------------------- */

static thrum_status take_longer(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum_status status = thrum_sleep(THRUM_MILLISECONDS(6));
    stops_watch(main_token); /* from here on */
    return status;
}

static void let_the_deadline_pass_in(const support_kind *kind)
{
    handle(THRUM_SIGINT, take_longer, NULL);
    if (thrum_interrupt_main(THRUM_SIGINT) != THRUM_OK)
        support_give_up("main could not be interrupted");
    CHECK_KIND(kind->wait(0, support_in(5)) == THRUM_TIMED_OUT);
    CHECK_KIND(!stops_passed(THRUM__STOP_BEFORE_SLEEP));
    stops_watch(NULL);
}

/* Invariant 3: the deadline does not move, so there is no sleep after a handler that took longer. */
static void no_sleep_follows_a_handler_that_took_longer_than_the_wait(void)
{
    for_each_kind(let_the_deadline_pass_in);
    handle_no_more(THRUM_SIGINT);
}

/* ---- Invariant 9: what is no interruption point ---------------------------------------------------------------------- */

static thrum_lock lock;
static thrum_cond cond;
static thrum_rlock rlock;
static thrum_monitor monitor;
static thrum_once once;
static uint32_t once_may_end, director_has_it;

static thrum_status take_a_while(void *unused)
{
    (void)unused;
    support_set_flag(&director_has_it);
    support_await_flag(&once_may_end);
    return THRUM_OK;
}

/* A plain call of main's: how the director has it first, and gives it up; where main sleeps. */
typedef struct plain_call {
    const char *name;
    void (*call)(void);
    void (*back)(void);
    void (*take)(void);
    void (*give)(void);
    const void *sleeps_at;
    bool first_at_cond; /* main gives the lock up in a condition's wait, and is notified with the lock held */
} plain_call;

static thrum_status reacquired;

static void acquire(void)
{
    thrum_lock_acquire(&lock);
}
static void release(void)
{
    (void)thrum_lock_release(&lock);
}
static void acquire_rlock(void)
{
    thrum_rlock_acquire(&rlock);
}
static void release_rlock(void)
{
    (void)thrum_rlock_release(&rlock);
}
static void enter(void)
{
    thrum_monitor_enter(&monitor);
}
static void leave(void)
{
    (void)thrum_monitor_exit(&monitor);
}
static void run_once(void)
{
    (void)!thrum_once_run(&once, take_a_while, NULL);
}
static void end_once(void)
{
    support_set_flag(&once_may_end);
}
static void nothing(void)
{
}
static void wait_for_notify(void)
{
    thrum_lock_acquire(&lock);
    reacquired = thrum_cond_wait(&cond, &lock, support_in(20000));
}
static void wait_for_deadline(void)
{
    thrum_lock_acquire(&lock);
    stops_hold(THRUM__STOP_BEFORE_SLEEP, main_token);
    reacquired = thrum_cond_wait(&cond, &lock, support_in(5));
}
/* However late, for main is held before the sleep that its deadline ends. */
static void take_when_main_waits(void)
{
    stops_await(THRUM__STOP_BEFORE_SLEEP);
    thrum_lock_acquire(&lock);
    stops_let_go(THRUM__STOP_BEFORE_SLEEP);
}
static void take_when_main_waits_and_notify(void)
{
    support_await_sleepers(&cond, 1);
    thrum_lock_acquire(&lock);
    thrum_cond_notify(&cond);
}

static const plain_call plain_calls[] = {
    {"acquire", acquire, release, acquire, release, &lock, false},
    {"rlock_acquire", acquire_rlock, release_rlock, acquire_rlock, release_rlock, &rlock.lock_, false},
    {"monitor_enter", enter, leave, enter, leave, &monitor.lock_.lock_, false},
    {"once_run", run_once, nothing, nothing, end_once, &once, false},
    {"re-acquire, notified", wait_for_notify, release, take_when_main_waits_and_notify, release, &lock, true},
    {"re-acquire, timed out", wait_for_deadline, release, take_when_main_waits, release, &lock, true},
};

static bool ran_within;

static void *run_once_elsewhere(void *unused)
{
    run_once();
    return unused;
}

/* Main is woken by the signal and by an interrupt, has looked, and sleeps again, before it gets what it waits for. */
static void *interrupt_a_plain_call(void *arg)
{
    const plain_call *c = (const plain_call *)arg;
    c->take();
    if (!c->first_at_cond)
        support_set_flag(&director_has_it);
    support_await_sleepers(c->sleeps_at, 1);
    for (int i = 0; i < 2; i++) {
        stops_hold(THRUM__STOP_AFTER_SLEEP, main_token);
        if (i == 0)
            thrum_interrupt_main(THRUM_SIGINT);
        else
            (void)thrum_thread_interrupt(thrum_thread_main());
        stops_await(THRUM__STOP_AFTER_SLEEP);
        stops_hold(THRUM__STOP_BEFORE_SLEEP, main_token);
        stops_let_go(THRUM__STOP_AFTER_SLEEP);
        stops_await(THRUM__STOP_BEFORE_SLEEP); /* it has looked at all there is */
        stops_let_go(THRUM__STOP_BEFORE_SLEEP);
    }
    ran_within = ordered != 0;
    c->give();
    return NULL;
}

static void check_plain_call(const plain_call *c)
{
    thrum_thread *runner = NULL;
    ordered = 0;
    director_has_it = once_may_end = 0;
    once = (thrum_once)THRUM_ONCE_INIT;
    if (c->call == run_once) {
        runner = support_start(run_once_elsewhere, NULL);
        support_await_flag(&director_has_it);
    }
    thrum_thread *director = support_start(interrupt_a_plain_call, (void *)(uintptr_t)c);
    if (!c->first_at_cond)
        support_await_flag(&director_has_it);
    c->call();
    bool right = !ran_within && ordered == 0;
    c->back();
    support_join_deaf(director);
    right = right && thrum_signal_check() == THRUM_INTERRUPTED && ordered == 1;
    right = right && thrum_signal_check() == THRUM_INTERRUPTED && thrum_signal_check() == THRUM_OK && ordered == 1;
    if (runner)
        support_join(runner);
    if (!right)
        fprintf(stderr, "%s: %d, %d handlers\n", c->name, ran_within, ordered);
    CHECK(right);
}

/* Invariant 9: plain acquire, and what is like it, is not interrupted; the signal and the interrupt are seen after it.
 */
static void plain_calls_are_no_interruption_points(void)
{
    handle(THRUM_SIGINT, note_and_say, &says_interrupted);
    for (size_t i = 0; i < sizeof plain_calls / sizeof plain_calls[0]; i++) {
        reacquired = THRUM_SYSTEM;
        check_plain_call(&plain_calls[i]);
        if (plain_calls[i].first_at_cond)
            CHECK_STATUS(reacquired, plain_calls[i].call == wait_for_notify ? THRUM_OK : THRUM_TIMED_OUT);
    }
    handle_no_more(THRUM_SIGINT);
}

/* ---- A waker that is late ------------------------------------------------------------------------------------------------ */

/* A thread that waits for an event, and what it saw. */
typedef struct sleeper {
    thrum_event *event;
    void *token;
    uint32_t told, over;
    thrum_status status;
} sleeper;

static void *sleep_and_tell(void *arg)
{
    sleeper *s = (sleeper *)arg;
    s->token = thrum__port_token();
    support_set_flag(&s->told);
    s->status = thrum_event_wait(s->event, support_in(20000));
    support_set_flag(&s->over);
    return NULL;
}

static thrum_thread *start_sleeper(sleeper *s)
{
    s->told = s->over = 0;
    s->status = THRUM_SYSTEM;
    thrum_thread *thread = support_start(sleep_and_tell, s);
    support_await_flag(&s->told);
    return thread;
}

/* Who sets an event when it is told to, held at a stop when it does. */
typedef struct waker {
    thrum_event *event;
    void *token;
    uint32_t told, go;
} waker;

static void *set_when_told(void *arg)
{
    waker *w = (waker *)arg;
    w->token = thrum__port_token();
    support_set_flag(&w->told);
    support_await_flag(&w->go);
    thrum_event_set(w->event);
    return NULL;
}

/* Start it with the record that an ended thread had: it is the next to be used, once that thread is through. */
static thrum_thread *start_with_record(sleeper *s, const thrum_thread *record)
{
    for (int i = 0; i < 10000; i++) {
        thrum_thread *thread = start_sleeper(s);
        if (thread == record)
            return thread;
        thrum_event_set(s->event);
        support_join(thread);
        thrum_event_clear(s->event);
    }
    support_give_up("a record is not used again");
    return NULL;
}

/*
 * Hard point: records and parkers are type-stable. A waker is held before it wakes; the sleeper, granted, sees that
 * when an interrupt has it look, and its thread ends; the record serves another thread, which sleeps elsewhere when the
 * permit comes. It wakes for nothing, and sleeps on.
 */
static void a_late_permit_wakes_the_next_thread_for_nothing(void)
{
    static thrum_event first_event, other_event;
    sleeper first = {.event = &first_event}, next = {.event = &other_event};
    waker w = {.event = &first_event};
    thrum_event_clear(&first_event);
    thrum_event_clear(&other_event);
    thrum_thread *waking = support_start(set_when_told, &w);
    support_await_flag(&w.told);
    stops_hold(THRUM__STOP_BEFORE_WAKE, w.token);
    thrum_thread *ended = start_sleeper(&first);
    support_await_sleepers(&first_event, 1);
    support_set_flag(&w.go);
    stops_await(THRUM__STOP_BEFORE_WAKE);
    CHECK_STATUS(thrum_thread_interrupt(ended), THRUM_OK); /* it looks, and at its fate first */
    support_join(ended);
    CHECK_STATUS(first.status, THRUM_OK);

    thrum_thread *again = start_with_record(&next, ended);
    support_await_sleepers(&other_event, 1);
    stops_watch(next.token);
    stops_let_go(THRUM__STOP_BEFORE_WAKE);
    support_join(waking);
    thrum_deadline end = support_in(20000);
    while (!stops_passed(THRUM__STOP_AFTER_SLEEP) && thrum_left(end) > 0)
        thrum_thread_yield();
    CHECK(stops_passed(THRUM__STOP_AFTER_SLEEP));
    stops_watch(NULL);
    support_await_sleepers(&other_event, 1);
    CHECK(!thrum__load_u32_acquire(&next.over));
    thrum_event_set(&other_event);
    support_join(again);
    CHECK_STATUS(next.status, THRUM_OK);
}

static const support_test tests[] = {
    TEST(a_signal_as_handlers_end_is_noticed_before_the_next_sleep),
    TEST(two_signals_that_wake_a_sleeper_run_the_lowest_first),
    TEST(no_sleep_follows_a_handler_that_took_longer_than_the_wait),
    TEST(plain_calls_are_no_interruption_points),
    TEST(a_late_permit_wakes_the_next_thread_for_nothing),
};

SUITE("nested_stops", tests)
