/*
 * Signals and interrupts: the main thread receives them, and its waits end. The numbers of the invariants are those of
 * docs/invariants.md.
 */
#include "support/support.h"
#include "support/waits.h"

#include <errno.h>
#include <stdlib.h>

/* What some tests wait for; the table of all waits has objects of its own. */
static thrum_event manual;
static thrum_lock cond_lock;
static thrum_cond cond;

/* ---- Handlers --------------------------------------------------------------------------------------------------- */

static int runs, runs_elsewhere, last_signum;
static thrum_status answer;

static thrum_status count_run(int signum, void *arg)
{
    (void)arg;
    runs++;
    last_signum = signum;
    if (!thrum_is_main_thread())
        runs_elsewhere++;
    return answer;
}

static void handle_with(thrum_signal_fn run, void *arg)
{
    if (thrum_signal_handle(THRUM_SIGINT, THRUM_VALUE_(thrum_signal_handler, run, arg), NULL) != THRUM_OK)
        support_give_up("no handler could be set");
}

static void count_with(thrum_status status)
{
    runs = runs_elsewhere = last_signum = 0;
    answer = status;
    handle_with(count_run, NULL);
}

static void handle_no_more(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- The roads of a signal -------------------------------------------------------------------------------------- */

static bool by_interrupt_main(int signum)
{
    return thrum_interrupt_main(signum) == THRUM_OK;
}

typedef struct road {
    const char *name;
    bool (*send)(int signum);
} road;

static const road roads[] = {
    {"thrum_interrupt_main", by_interrupt_main},
    {"a signal to the process", support_signal_process},
    {"a signal to a foreign thread", support_signal_foreign},
};

static bool send_by_road(void *way)
{
    return ((const road *)way)->send(THRUM_SIGINT);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { ROUNDS = 150 };

/* Interrupt main in this wait ROUNDS times; how long it took, in milliseconds from the sending, sorted. Not counted is
 * what a busy machine adds, by running something else when our threads are ready. */
static void measure(const support_wait *kind, const road *way, double latency[ROUNDS])
{
    support_sender s;
    support_sender_start(&s, send_by_road, (void *)way);
    int other = 0;
    for (int i = 0; i < ROUNDS; i++) {
        s.delay = (unsigned)(i % 3 == 0 ? i % 40 : 50 + i); /* before the wait, at its beginning, and in it */
        thrum_nanos busy = support_machine_busy();
        support_sender_tell(&s);
        thrum_status status = kind->wait(support_in(20000));
        thrum_nanos now = thrum_now();
        support_sender_settle(&s);
        if (now - s.sent > THRUM_MILLISECONDS(5))
            (void)!thrum_sleep(THRUM_MILLISECONDS(30)); /* the system counts once a tick */
        busy = support_machine_busy() - busy;
        latency[i] = now - s.sent > busy ? (double)(now - s.sent - busy) / 1e6 : 0;
        if (status != THRUM_INTERRUPTED)
            other++;
    }
    support_sender_end(&s);
    CHECK_IS(other, 0);
    CHECK(!s.failed);
    qsort(latency, ROUNDS, sizeof latency[0], compare);
}

/* Invariants 1, 4 and 5. */
static void every_road_ends_every_wait_at_once(void)
{
    support_waits_set_up();
    count_with(THRUM_INTERRUPTED);
    for (size_t r = 0; r < sizeof roads / sizeof roads[0]; r++) {
        if (!roads[r].send(THRUM_SIGINT)) {
            printf("  %s: this system has no such road here\n", roads[r].name);
            continue;
        }
        CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
        for (int w = 0; w < SUPPORT_WAITS; w++) {
            double latency[ROUNDS];
            runs = 0;
            measure(&support_waits[w], &roads[r], latency);
            printf("  %-28s %-20s median %.3f ms, worst %.3f ms of %d\n", roads[r].name, support_waits[w].name,
                   latency[ROUNDS / 2], latency[ROUNDS - 1], ROUNDS);
            CHECK_IS(runs, ROUNDS); /* each once */
            CHECK_IS(runs_elsewhere, 0);
            CHECK(latency[ROUNDS / 2] < 1.0 * support_slowness());
            CHECK(latency[ROUNDS - 1] < 20.0 * support_slowness());
        }
    }
    handle_no_more();
    support_waits_tear_down();
}

/* Invariant 1: what is pending before the wait. */
static void a_pending_signal_ends_each_wait_before_it_begins(void)
{
    support_waits_set_up();
    count_with(THRUM_INTERRUPTED);
    for (int w = 0; w < SUPPORT_WAITS; w++) {
        thrum_nanos start = thrum_now();
        CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
        CHECK_STATUS(support_waits[w].wait(support_in(20000)), THRUM_INTERRUPTED);
        CHECK(support_since(start) < 1000);
        CHECK_IS(runs, w + 1);
    }
    handle_no_more();
    support_waits_tear_down();
}

/* Invariant 1, for an interrupt and not a signal; it is taken once. */
static void a_pending_interrupt_ends_each_wait_but_one(void)
{
    support_waits_set_up();
    for (int w = 0; w < SUPPORT_WAITS; w++) {
        CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
        CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
        CHECK_STATUS(support_waits[w].wait(support_in(20000)), THRUM_INTERRUPTED);
        CHECK_STATUS(support_waits[w].wait(support_in(2)), support_waits[w].at_the_deadline);
    }
    support_waits_tear_down();
}

/* Invariant 1. Also with a deadline that has passed: a try is an interruption point too. */
static void an_interrupt_wins_over_what_could_be_taken(void)
{
    static thrum_semaphore one = THRUM_SEMAPHORE_INIT(1);
    static thrum_event set = THRUM_EVENT_INIT;
    static thrum_lock free_lock;
    static thrum_rlock free_rlock;
    thrum_event_set(&set);
    thrum_thread *me = thrum_thread_current();
    CHECK_STATUS(thrum_thread_interrupt(me), THRUM_OK);
    CHECK_STATUS(thrum_semaphore_acquire(&one, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK_IS(thrum_semaphore_value(&one), 1);
    CHECK_STATUS(thrum_thread_interrupt(me), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&set, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_thread_interrupt(me), THRUM_OK);
    CHECK_STATUS(thrum_lock_acquire_until(&free_lock, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK(!thrum_lock_is_held(&free_lock));
    CHECK_STATUS(thrum_thread_interrupt(me), THRUM_OK);
    CHECK_STATUS(thrum_rlock_acquire_until(&free_rlock, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK(!thrum_rlock_is_owned(&free_rlock));
}

/* ---- Invariant 2: granted or interrupted, never both, never neither --------------------------------------------- */

typedef struct duel {
    thrum_semaphore permits;
    int round;
} duel;

static bool release_and_interrupt(void *arg)
{
    duel *d = (duel *)arg;
    bool ok = true, permit_first = d->round % 2; /* main goes on to the next round meanwhile */
    if (permit_first)
        ok = thrum_semaphore_release(&d->permits, 1) == THRUM_OK;
    ok = thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK && ok;
    if (!permit_first)
        ok = thrum_semaphore_release(&d->permits, 1) == THRUM_OK && ok;
    return ok;
}

/* Invariant 2: a wait that took something says OK, and the signal stays pending; one that was interrupted took nothing.
 */
static void a_permit_and_a_signal_together_are_both_kept(void)
{
    enum { DUELS = 3000 };
    duel d = {.round = 0};
    support_sender s;
    int granted = 0, interrupted = 0, lost = 0;
    count_with(THRUM_INTERRUPTED);
    support_sender_start(&s, release_and_interrupt, &d);
    for (; d.round < DUELS; d.round++) {
        s.delay = (unsigned)d.round % 20;
        support_sender_tell(&s);
        thrum_status status = thrum_semaphore_acquire(&d.permits, support_in(20000));
        if (status == THRUM_OK) {
            granted++; /* then the signal is pending, or about to come */
            if (thrum_sleep(THRUM_SECONDS(20)) != THRUM_INTERRUPTED)
                lost++;
        } else {
            interrupted++; /* then the permit is there, or about to come */
            if (thrum_semaphore_acquire(&d.permits, support_in(20000)) != THRUM_OK)
                lost++;
        }
        support_sender_settle(&s);
        if (thrum_semaphore_value(&d.permits) != 0)
            lost++;
    }
    support_sender_end(&s);
    printf("  granted %d, interrupted %d\n", granted, interrupted);
    CHECK_IS(lost, 0);
    CHECK_IS(runs, DUELS);
    CHECK(!s.failed);
    handle_no_more();
}

static void *wait_for_one_notify(void *arg)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_WITH (&cond_lock) {
        status = thrum_cond_wait(&cond, &cond_lock, *(thrum_deadline *)arg);
    }
    return status == THRUM_OK ? arg : NULL;
}

/* Invariant 2. Who leaves by an interrupt has swallowed no notify. The first waiter is interrupted and one notify is
 * sent: either it was meant for the first, which then says OK, or the first has left and the second has it. Just one of
 * the two goes by it. */
static void a_notify_is_not_swallowed_by_an_interrupted_waiter(void)
{
    int lost = 0;
    for (int i = 0; i < 300; i++) {
        thrum_deadline end = support_in(20000);
        thrum_thread *first = support_start(wait_for_one_notify, &end);
        support_await_sleepers(&cond, 1);
        thrum_thread *second = support_start(wait_for_one_notify, &end);
        support_await_sleepers(&cond, 2);
        if (thrum_thread_interrupt(first) != THRUM_OK)
            lost++;
        thrum_cond_notify(&cond);
        bool first_was_notified = support_join(first) != NULL;
        if (first_was_notified)
            thrum_cond_notify(&cond); /* the second still waits: this one is for it */
        if (!support_join(second))
            lost++;
    }
    CHECK_IS(lost, 0);
}

/* ---- Invariant 3: how handlers run ------------------------------------------------------------------------------ */

static void *interrupt_ten_times(void *unused)
{
    for (int i = 0; i < 10; i++) {
        (void)!thrum_sleep(THRUM_MILLISECONDS(10));
        thrum_interrupt_main(THRUM_SIGINT);
    }
    return unused;
}

/* Invariant 3: a wait's deadline does not move. */
static void a_handler_that_says_ok_moves_no_deadline(void)
{
    support_waits_set_up();
    for (int w = 0; w < SUPPORT_WAITS; w++) {
        if (strcmp(support_waits[w].name, "pause") == 0)
            continue; /* a handler that has run ends it */
        count_with(THRUM_OK);
        thrum_nanos start = thrum_now();
        thrum_thread *thread = support_start(interrupt_ten_times, NULL);
        CHECK_STATUS(support_waits[w].wait(support_in(200)), support_waits[w].at_the_deadline);
        CHECK(support_since(start) >= 200);
        CHECK(support_since(start) < 200 + 200 * support_slowness());
        support_join(thread);
        CHECK_STATUS(thrum_signal_check(), THRUM_OK);
        CHECK(runs >= 1 && runs <= 10); /* two that come before main runs are one */
    }
    handle_no_more();
    support_waits_tear_down();
}

static int order[8], ordered;

static thrum_status note_order(int signum, void *arg)
{
    order[ordered++] = signum;
    return *(thrum_status *)arg;
}

/* Invariant 3: lowest number first, each once. */
static void pending_signals_run_lowest_first_and_once(void)
{
    static thrum_status ok = THRUM_OK, stop = THRUM_INTERRUPTED;
    static const int all[] = {THRUM_SIGTERM, THRUM_SIGUSR1, THRUM_SIGINT, THRUM_SIGALRM};
    for (int i = 0; i < 4; i++) {
        thrum_signal_handler handler = {note_order, all[i] == THRUM_SIGUSR1 ? &stop : &ok};
        CHECK_STATUS(thrum_signal_handle(all[i], handler, NULL), THRUM_OK);
    }
    for (int i = 0; i < 8; i++)
        CHECK_STATUS(thrum_interrupt_main(all[i % 4]), THRUM_OK); /* each twice: one is enough */
    ordered = 0;
    thrum_status first = thrum_signal_check();
    CHECK_STATUS(first, THRUM_INTERRUPTED);
    int before = ordered;
    CHECK(before < 4 || THRUM_SIGUSR1 > THRUM_SIGTERM); /* those behind SIGUSR1 are still pending */
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_IS(ordered, 4);
    for (int i = 1; i < 4; i++)
        CHECK(order[i - 1] < order[i]);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_IS(ordered, 4);
    for (int i = 0; i < 4; i++)
        CHECK_STATUS(thrum_signal_handle(all[i], THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static int depth, deepest, entered;

static thrum_status interrupt_and_wait(int signum, void *unused)
{
    (void)unused;
    depth++;
    entered++;
    deepest = depth > deepest ? depth : deepest;
    if (entered == 1)
        thrum_interrupt_main(signum); /* pending while we run */
    thrum_nanos start = thrum_now();
    thrum_status status = thrum_sleep(THRUM_MILLISECONDS(20));
    bool whole = status == THRUM_OK && thrum_now() - start >= THRUM_MILLISECONDS(20);
    depth--;
    return whole ? THRUM_OK : THRUM_INTERRUPTED;
}

/* Invariant 3: a handler may wait, and is not entered again for its own number. */
static void a_handler_waits_and_is_not_entered_again_meanwhile(void)
{
    depth = deepest = entered = 0;
    handle_with(interrupt_and_wait, NULL);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&manual, support_in(100)), THRUM_TIMED_OUT);
    CHECK_IS(entered, 2);
    CHECK_IS(deepest, 1);
    handle_no_more();
}

static thrum_lock *wanted;

static thrum_status take_what_main_waits_for(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum_lock_acquire(wanted);
    runs++;
    (void)thrum_lock_release(wanted);
    return THRUM_OK;
}

static void *interrupt_then_release(void *lock)
{
    support_await_sleepers(lock, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    (void)!thrum_sleep(THRUM_MILLISECONDS(5));
    (void)thrum_lock_release((thrum_lock *)lock);
    return NULL;
}

/* Hard point: who waits for a state stands aside while its handlers run. */
static void a_handler_may_take_the_lock_that_main_waits_for(void)
{
    static thrum_lock lock;
    runs = 0;
    wanted = &lock;
    handle_with(take_what_main_waits_for, NULL);
    for (int i = 0; i < 20; i++) {
        thrum_lock_acquire(&lock); /* released by the thread */
        thrum_thread *thread = support_start(interrupt_then_release, &lock);
        CHECK_STATUS(thrum_lock_acquire_until(&lock, support_in(20000)), THRUM_OK);
        CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
        support_join(thread);
    }
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_IS(runs, 20);
    handle_no_more();
}

static thrum_status notify_self_and_interrupt(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum_cond_notify(&cond); /* main is the only waiter: its wait is granted while this runs */
    return THRUM_INTERRUPTED;
}

/* Invariant 3: the wait was granted meanwhile, and says OK. */
static void an_interrupt_that_meets_a_grant_stays_pending(void)
{
    handle_with(notify_self_and_interrupt, NULL);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    thrum_lock_acquire(&cond_lock);
    CHECK_STATUS(thrum_cond_wait(&cond, &cond_lock, support_in(20000)), THRUM_OK);
    CHECK_STATUS(thrum_lock_release(&cond_lock), THRUM_OK);
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    handle_no_more();
}

static thrum_status is_cond_lock_free(int signum, void *out)
{
    (void)signum;
    *(bool *)out = thrum_lock_try_acquire(&cond_lock);
    if (*(bool *)out)
        (void)thrum_lock_release(&cond_lock);
    return THRUM_INTERRUPTED;
}

/* Invariant 3: with the condition's lock given up, and no other of thrum's held. */
static void handlers_in_a_condition_wait_run_with_the_lock_given_up(void)
{
    bool was_free = false;
    handle_with(is_cond_lock_free, &was_free);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    thrum_lock_acquire(&cond_lock);
    CHECK_STATUS(thrum_cond_wait(&cond, &cond_lock, support_in(20000)), THRUM_INTERRUPTED);
    CHECK(thrum_lock_is_held(&cond_lock));
    CHECK_STATUS(thrum_lock_release(&cond_lock), THRUM_OK);
    CHECK(was_free);
    handle_no_more();
}

static void *wait_for_cond(void *unused)
{
    THRUM_WITH (&cond_lock) {
        (void)!thrum_cond_wait(&cond, &cond_lock, support_in(20000));
    }
    return unused;
}

static thrum_status notify_other(int signum, void *other_is_there)
{
    (void)signum;
    thrum_thread *other = support_start(wait_for_cond, NULL);
    support_await_sleepers(&cond, 2); /* main, which came first but is in here, and the other */
    thrum_cond_notify(&cond);
    support_join(other); /* it got the notify: main has no use for one now */
    *(bool *)other_is_there = true;
    return THRUM_OK;
}

/* Hard point: a suspended waiter keeps its place, and others are notified before it. */
static void a_notify_prefers_waiters_that_are_not_in_a_handler(void)
{
    bool other_went = false;
    handle_with(notify_other, &other_went);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    thrum_lock_acquire(&cond_lock);
    CHECK_STATUS(thrum_cond_wait(&cond, &cond_lock, support_in(300)), THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_lock_release(&cond_lock), THRUM_OK);
    CHECK(other_went);
    handle_no_more();
}

/* ---- Invariants 4 and 6 ----------------------------------------------------------------------------------------- */

static void *see_mask(void *unused)
{
    static const int ours[] = {THRUM_SIGINT,  THRUM_SIGTERM, THRUM_SIGHUP,  THRUM_SIGQUIT, THRUM_SIGALRM,
                               THRUM_SIGUSR1, THRUM_SIGUSR2, THRUM_SIGCHLD, THRUM_SIGWINCH};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (!support_is_blocked(ours[i]))
            return NULL;
    return unused;
}

/* Invariant 4: they are blocked before the thread exists. */
static void threads_that_thrum_starts_are_not_given_signals(void)
{
    static int any;
    thrum_thread *thread = support_start(see_mask, &any);
    CHECK(support_join(thread) == &any);
#ifndef _WIN32
    CHECK(!support_is_blocked(THRUM_SIGINT)); /* main still is */
#endif
}

/* Wait until the handler has run so often. What the system gives to another thread comes when it comes; and under
 * valgrind, which looks for a signal's action only once that thread is the one that runs, it would meet what was set
 * since. */
static void await_runs(int count)
{
    thrum_deadline end = support_in(10000);
    while (runs < count && thrum_left(end) > 0) {
        CHECK(thrum_signal_check() == THRUM_OK);
        thrum_thread_yield();
    }
    CHECK_IS(runs, count);
}

/* Invariant 6. */
static void errno_is_kept(void)
{
    count_with(THRUM_OK);
    errno = 77;
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    CHECK_IS(errno, 77);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK_IS(runs, 1);
    errno = 78;
    if (support_signal_process(THRUM_SIGINT)) {
        CHECK_IS(errno, 78);
        await_runs(2);
    }
    handle_no_more();
}

/* ---- Setting and asking ----------------------------------------------------------------------------------------- */

static void handlers_are_set_and_told(void)
{
    thrum_signal_handler old = {count_run, &old}, now;
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_INTERRUPT, &old), THRUM_OK);
    CHECK(old.run == NULL);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGUSR1, &now), THRUM_OK);
    CHECK(now.run == thrum_signal_interrupt);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_IGNORE, &old), THRUM_OK);
    CHECK(old.run == thrum_signal_interrupt);
    CHECK_STATUS(thrum_signal_raise(THRUM_SIGUSR1), THRUM_OK); /* or we should end here */
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_NOT_HANDLED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, &old), THRUM_OK);
    CHECK(old.run == thrum_signal_ignore);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGUSR1, &now), THRUM_OK);
    CHECK(now.run == NULL);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_NOT_HANDLED);
}

static void a_pending_signal_is_dropped_with_its_handler(void)
{
    count_with(THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    handle_no_more();
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_IS(runs, 0);
}

static void *misuse_elsewhere(void *out)
{
    thrum_status *statuses = (thrum_status *)out;
    statuses[0] = thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_IGNORE, NULL);
    statuses[1] = thrum_signal_check();
    return NULL;
}

static void misuse_has_its_status_and_changes_nothing(void)
{
    static const int bad[] = {0, -1, 9, 11, 32, 64, 1000, -2147483647 - 1, 2147483647};
    thrum_status elsewhere[2] = {THRUM_OK, THRUM_OK};
    thrum_signal_handler handler = {count_run, NULL}, old = {count_run, &old};
    support_join(support_start(misuse_elsewhere, elsewhere));
    CHECK_STATUS(elsewhere[0], THRUM_NOT_MAIN);
    CHECK_STATUS(elsewhere[1], THRUM_NOT_MAIN);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGINT, &handler), THRUM_OK);
    CHECK(handler.run == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        handler = (thrum_signal_handler){count_run, &old};
        CHECK_STATUS(thrum_signal_handle(bad[i], handler, &old), THRUM_INVALID);
        CHECK_STATUS(thrum_signal_handler_of(bad[i], &handler), THRUM_INVALID);
        CHECK(handler.run == count_run && handler.arg == &old);
        thrum_status status = thrum_interrupt_main(bad[i]);
        CHECK(status == THRUM_INVALID || (status == THRUM_NOT_HANDLED && (bad[i] == 9 || bad[i] == 11)));
    }
    CHECK(old.run == count_run && old.arg == &old);
    CHECK_STATUS(thrum_signal_handler_of(THRUM_SIGINT, NULL), THRUM_INVALID);
    CHECK_STATUS(thrum_signal_raise(0), THRUM_INVALID);
    CHECK_STATUS(thrum_signal_raise(1000), THRUM_INVALID);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGTERM), THRUM_NOT_HANDLED);
    CHECK(strcmp(thrum_signal_name(THRUM_SIGINT), "SIGINT") == 0);
    CHECK(thrum_signal_name(1000) == NULL);
    CHECK(thrum_signal_name(0) == NULL);
}

/* ---- Pause ------------------------------------------------------------------------------------------------------ */

static void *pause_elsewhere(void *out)
{
    *(thrum_status *)out = thrum_signal_pause(support_in(20000));
    return NULL;
}

static void pause_ends_when_a_handler_has_run(void)
{
    thrum_status elsewhere = THRUM_SYSTEM;
    CHECK_STATUS(thrum_signal_pause(support_in(5)), THRUM_TIMED_OUT);
    count_with(THRUM_OK);
    thrum_thread *interrupter = support_start(interrupt_ten_times, NULL);
    CHECK_STATUS(thrum_signal_pause(support_in(20000)), THRUM_OK);
    CHECK(runs >= 1);
    support_join(interrupter);
    thrum_thread *thread = support_start(pause_elsewhere, &elsewhere);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    while (thrum_thread_join(thread, support_in(5), NULL) == THRUM_TIMED_OUT)
        thrum_interrupt_main(THRUM_SIGINT);
    thrum_thread_release(thread);
    CHECK_STATUS(elsewhere, THRUM_OK);
    (void)!thrum_signal_check();
    handle_no_more();
}

static void raise_is_as_the_system_would(void)
{
    count_with(THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_raise(THRUM_SIGINT), THRUM_OK);
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    CHECK_IS(runs, 1);
    CHECK_IS(last_signum, THRUM_SIGINT);
    CHECK_STATUS(thrum_signal_raise(THRUM_SIGWINCH), THRUM_OK); /* its default is to do nothing */
    handle_no_more();
}

/* Invariant 5: a handler runs once for what was sent, and never more often. */
static void a_burst_is_seen_and_coalesced(void)
{
    int burst = 10000;
    count_with(THRUM_OK);
    for (int i = 0; i < burst; i++)
        CHECK(thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK);
    CHECK_STATUS(thrum_signal_check(), THRUM_OK);
    CHECK(runs >= 1 && runs <= burst);
    int so_far = runs;
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_IS(runs, so_far);
    handle_no_more();
}

static const support_test tests[] = {
    TEST(every_road_ends_every_wait_at_once),
    TEST(a_pending_signal_ends_each_wait_before_it_begins),
    TEST(a_pending_interrupt_ends_each_wait_but_one),
    TEST(an_interrupt_wins_over_what_could_be_taken),
    TEST(a_permit_and_a_signal_together_are_both_kept),
    TEST(a_notify_is_not_swallowed_by_an_interrupted_waiter),
    TEST(a_handler_that_says_ok_moves_no_deadline),
    TEST(pending_signals_run_lowest_first_and_once),
    TEST(a_handler_waits_and_is_not_entered_again_meanwhile),
    TEST(a_handler_may_take_the_lock_that_main_waits_for),
    TEST(an_interrupt_that_meets_a_grant_stays_pending),
    TEST(handlers_in_a_condition_wait_run_with_the_lock_given_up),
    TEST(a_notify_prefers_waiters_that_are_not_in_a_handler),
    TEST(threads_that_thrum_starts_are_not_given_signals),
    TEST(errno_is_kept),
    TEST(handlers_are_set_and_told),
    TEST(a_pending_signal_is_dropped_with_its_handler),
    TEST(misuse_has_its_status_and_changes_nothing),
    TEST(pause_ends_when_a_handler_has_run),
    TEST(raise_is_as_the_system_would),
    TEST(a_burst_is_seen_and_coalesced),
};

SUITE("signal", tests)
