/*
 * What a waiter that leaves passes on, and what a waker leaves behind: nobody sleeps for what is there, nobody is woken
 * twice, and nothing is touched that another may have freed. The first waiter is the main thread, held at a stop of its
 * wait; a second one sleeps behind it.
 */
#include "support/servant.h"
#include "support/stops.h"
#include "support/support.h"

#include "../src/parking_lot.h"

static servant director, waker, second_waiter;
static void *main_token;
static thrum_status second_status, third_status;

typedef struct objects {
    thrum_event automatic, manual;
    thrum_semaphore semaphore;
    thrum_lock lock;
    thrum_cond cond;
    thrum_monitor monitor;
} objects;

static objects *o; /* on a page of their own */

static thrum_status say_interrupted(int signum, void *unused)
{
    (void)signum, (void)unused;
    return THRUM_INTERRUPTED;
}

static void set_up(void)
{
    const thrum_signal_handler handler = {say_interrupted, NULL};
    if (!o)
        o = (objects *)support_page_new();
    memset(o, 0, sizeof *o);
    (void)thrum_event_init(&o->automatic, true);
    main_token = thrum__port_token();
    servant_start(&director);
    servant_start(&waker);
    servant_start(&second_waiter);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
}

static void tear_down(void)
{
    servant_end(&director);
    servant_end(&waker);
    servant_end(&second_waiter);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void drain_mail(void)
{
    while (thrum_signal_check() == THRUM_INTERRUPTED) {}
}

/* ---- One wake-up, two waiters ------------------------------------------------------------------------------------- */

typedef struct kind {
    const char *name;
    thrum_status (*wait)(thrum_deadline);
    void (*wake_one)(void);
    const void *(*object)(void);
} kind;

static thrum_status wait_automatic(thrum_deadline d)
{
    return thrum_event_wait(&o->automatic, d);
}
static thrum_status wait_semaphore(thrum_deadline d)
{
    return thrum_semaphore_acquire(&o->semaphore, d);
}
static thrum_status wait_cond(thrum_deadline d)
{
    thrum_lock_acquire(&o->lock);
    thrum_status status = thrum_cond_wait(&o->cond, &o->lock, d);
    return thrum_lock_release(&o->lock) == THRUM_OK ? status : THRUM_SYSTEM;
}
static thrum_status wait_monitor(thrum_deadline d)
{
    thrum_monitor_enter(&o->monitor);
    thrum_status status = thrum_monitor_wait(&o->monitor, d);
    return thrum_monitor_exit(&o->monitor) == THRUM_OK ? status : THRUM_SYSTEM;
}
static void wake_automatic(void)
{
    thrum_event_set(&o->automatic);
}
static void wake_semaphore(void)
{
    (void)thrum_semaphore_release(&o->semaphore, 1);
}
static void wake_cond(void)
{
    thrum_cond_notify(&o->cond);
}
static void wake_cond_locked(void)
{
    thrum_lock_acquire(&o->lock);
    thrum_cond_notify(&o->cond);
    (void)thrum_lock_release(&o->lock);
}
static void wake_monitor(void)
{
    thrum_monitor_enter(&o->monitor);
    (void)thrum_monitor_notify(&o->monitor);
    (void)thrum_monitor_exit(&o->monitor);
}
static const void *at_automatic(void)
{
    return &o->automatic;
}
static const void *at_semaphore(void)
{
    return &o->semaphore;
}
static const void *at_cond(void)
{
    return &o->cond;
}
static const void *at_monitor(void)
{
    return &o->monitor.cond_;
}

static const kind kinds[] = {
    {"auto event", wait_automatic, wake_automatic, at_automatic},
    {"semaphore", wait_semaphore, wake_semaphore, at_semaphore},
    {"condition", wait_cond, wake_cond, at_cond},
    {"condition, under its lock", wait_cond, wake_cond_locked, at_cond},
    {"monitor", wait_monitor, wake_monitor, at_monitor},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

typedef enum reason { BY_DEADLINE, BY_SIGNAL, BY_INTERRUPT } reason;

static struct {
    const kind *kind;
    enum thrum__stop stop;
    reason reason;
    thrum_deadline deadline;
    uint32_t ready; /* atomic flag: main may begin */
    uint32_t back;  /* atomic flag: main's wait is over */
    bool second_was_first;
} trial;

static void wait_second(void)
{
    second_status = trial.kind->wait(support_in(20000));
}

static void wait_third(void)
{
    third_status = trial.kind->wait(support_in(20000));
}

static void send(reason r)
{
    if (r == BY_SIGNAL)
        (void)thrum_interrupt_main(THRUM_SIGINT);
    else if (r == BY_INTERRUPT)
        (void)thrum_thread_interrupt(thrum_thread_main());
}

/* Main sleeps first, the second behind it. Main's reason to leave brings it to its stop; then one wake-up is sent. */
static void direct_one_wake_up(void)
{
    stops_watch(main_token);
    stops_hold(trial.stop, main_token);
    support_set_flag(&trial.ready);
    while (!stops_passed(THRUM__STOP_BEFORE_SLEEP) && !stops_is_held(trial.stop))
        support_nap();
    servant_tell(&second_waiter, wait_second);
    uint32_t others = trial.stop == THRUM__STOP_HANDLERS_DONE && trial.kind->object() != at_cond() ? 1 : 2;
    send(trial.reason);
    stops_await(trial.stop);
    while (thrum__sleepers_at(trial.kind->object()) < others && !servant_is_idle(&second_waiter))
        support_nap();
    servant_do(&waker, trial.kind->wake_one);
    stops_let_go(trial.stop);
}

static int check_one_wake_up(thrum_status first)
{
    int wrong = 0;
    if (first == THRUM_OK) { /* it was meant for main, and the second still waits */
        wrong += servant_is_idle(&second_waiter);
        servant_do(&waker, trial.kind->wake_one);
    } else {
        wrong += first != (trial.reason == BY_DEADLINE ? THRUM_TIMED_OUT : THRUM_INTERRUPTED);
    }
    servant_await(&second_waiter); /* 20 s at most: a wake-up that was swallowed would leave it there */
    wrong += second_status != THRUM_OK;
    if (wrong)
        printf("  %s, stop %d, reason %d: main %s, the second %s\n", trial.kind->name, trial.stop, trial.reason,
               thrum_status_name(first), thrum_status_name(second_status));
    return wrong;
}

static int try_one_wake_up(const kind *k, enum thrum__stop stop, reason r)
{
    trial.kind = k;
    trial.stop = stop;
    trial.reason = r;
    trial.ready = trial.back = 0;
    servant_tell(&director, direct_one_wake_up);
    support_await_flag(&trial.ready);
    thrum_status first = k->wait(support_in(r == BY_DEADLINE ? 30 : 20000));
    servant_await(&director);
    int wrong = check_one_wake_up(first);
    drain_mail();
    return wrong;
}

/* Invariant 2: a waiter that leaves passes on the wake-up that was meant for it. */
static void one_wake_up_and_a_waiter_that_leaves_go_to_one_of_two(void)
{
    int wrong = 0;
    set_up();
    for (int k = 0; k < KINDS; k++) {
        wrong += try_one_wake_up(&kinds[k], THRUM__STOP_DEADLINE_SEEN, BY_DEADLINE);
        for (int r = BY_SIGNAL; r <= BY_INTERRUPT; r++) {
            wrong += try_one_wake_up(&kinds[k], THRUM__STOP_MAIL_SEEN, (reason)r);
            wrong += try_one_wake_up(&kinds[k], THRUM__STOP_HANDLERS_DONE, (reason)r);
        }
    }
    CHECK_IS(wrong, 0);
    tear_down();
}

/* ---- The lock: told to try, and another was quicker ---------------------------------------------------------------- */

static void hold_lock(void)
{
    thrum_lock_acquire(&o->lock);
}
static void release_lock(void)
{
    (void)thrum_lock_release(&o->lock);
}
static void acquire_second(void)
{
    second_status = thrum_lock_acquire_until(&o->lock, support_in(20000));
    trial.second_was_first = thrum__load_u32_acquire(&trial.ready) != 2; /* 2: main has had it */
    (void)thrum_lock_release(&o->lock);
}

static void sleep_until_old(void)
{
    thrum_nanos until = thrum_now() + THRUM_MILLISECONDS(2);
    while (thrum_now() < until)
        support_nap();
}

/* The first is told to try. With a thief that takes the lock before it can, or with none. False: this time it was
 * handed the lock, for it had waited long on a slow machine. */
static bool bring_main_to_its_try(bool with_thief)
{
    stops_watch(main_token);
    stops_hold(THRUM__STOP_RETRY_SEEN, main_token);
    support_set_flag(&trial.ready);
    while (!stops_passed(THRUM__STOP_BEFORE_SLEEP) && !thrum__load_u32_acquire(&trial.back))
        support_nap();
    servant_do(&waker, release_lock);
    while (!stops_is_held(THRUM__STOP_RETRY_SEEN) && !thrum__load_u32_acquire(&trial.back))
        support_nap();
    if (!stops_is_held(THRUM__STOP_RETRY_SEEN)) {
        stops_let_go(THRUM__STOP_RETRY_SEEN);
        return false;
    }
    if (with_thief)
        servant_do(&waker, hold_lock);
    return true;
}

static bool came_to_its_try;

static void direct_thief_and_reason(void)
{
    came_to_its_try = bring_main_to_its_try(true);
    if (!came_to_its_try)
        return;
    servant_tell(&second_waiter, acquire_second);
    support_await_sleepers(&o->lock, 1);
    send(trial.reason);
    while (trial.reason == BY_DEADLINE && thrum_left(trial.deadline) > 0)
        support_nap();
    stops_let_go(THRUM__STOP_RETRY_SEEN);
}

/* Nobody sleeps behind a free lock: main leaves, and the thief's release is the second's. */
static int try_thief_and_reason(reason r)
{
    int wrong = 0;
    do {
        trial.reason = r;
        trial.ready = trial.back = 0;
        servant_do(&waker, hold_lock);
        trial.deadline = support_in(r == BY_DEADLINE ? 50 : 20000);
        servant_tell(&director, direct_thief_and_reason);
        support_await_flag(&trial.ready);
        thrum_status first = thrum_lock_acquire_until(&o->lock, trial.deadline);
        support_set_flag(&trial.back);
        servant_await(&director);
        if (!came_to_its_try) {
            (void)thrum_lock_release(&o->lock);
            continue;
        }
        wrong += first != (r == BY_DEADLINE ? THRUM_TIMED_OUT : THRUM_INTERRUPTED);
        servant_do(&waker, release_lock);
        servant_await(&second_waiter);
        wrong += second_status != THRUM_OK;
        drain_mail();
    } while (!came_to_its_try);
    return wrong;
}

static void a_waiter_that_leaves_after_a_try_leaves_nobody_behind(void)
{
    set_up();
    for (int r = BY_DEADLINE; r <= BY_INTERRUPT; r++)
        CHECK_IS(try_thief_and_reason((reason)r), 0);
    tear_down();
}

static void direct_no_thief_but_mail(void)
{
    came_to_its_try = bring_main_to_its_try(false);
    if (!came_to_its_try)
        return;
    send(BY_INTERRUPT);
    stops_let_go(THRUM__STOP_RETRY_SEEN);
}

/* Hard point: a woken waiter tries to take the lock before it looks at an interrupt; else it would be free with others
 * asleep behind. */
static void a_waiter_that_is_told_to_try_does_so_before_it_looks_at_mail(void)
{
    set_up();
    do {
        trial.ready = trial.back = 0;
        servant_do(&waker, hold_lock);
        servant_tell(&director, direct_no_thief_but_mail);
        support_await_flag(&trial.ready);
        thrum_status first = thrum_lock_acquire_until(&o->lock, support_in(20000));
        support_set_flag(&trial.back);
        servant_await(&director);
        CHECK_STATUS(first, THRUM_OK);
        CHECK_STATUS(thrum_lock_release(&o->lock), THRUM_OK);
        CHECK_IS(thrum_signal_check() == THRUM_INTERRUPTED, came_to_its_try);
    } while (!came_to_its_try);
    tear_down();
}

static void direct_thief_and_age(void)
{
    came_to_its_try = bring_main_to_its_try(true);
    if (!came_to_its_try)
        return;
    servant_tell(&second_waiter, acquire_second);
    support_await_sleepers(&o->lock, 1);
    sleep_until_old();
    stops_watch(main_token);
    stops_let_go(THRUM__STOP_RETRY_SEEN);
    support_await_sleepers(&o->lock, 2);
    servant_do(&waker, release_lock);
}

/* Hard point: the age survives a wake-up that was lost to another, and that waiter goes to the front. */
static void a_waiter_that_lost_its_try_is_first_again(void)
{
    set_up();
    do {
        trial.ready = trial.back = 0;
        servant_do(&waker, hold_lock);
        servant_tell(&director, direct_thief_and_age);
        support_await_flag(&trial.ready);
        thrum_status first = thrum_lock_acquire_until(&o->lock, support_in(20000));
        support_set_flag(&trial.back);
        if (thrum__load_u32_acquire(&trial.ready) == 1)
            thrum__store_u32_release(&trial.ready, 2);
        CHECK_STATUS(first, THRUM_OK);
        CHECK_STATUS(thrum_lock_release(&o->lock), THRUM_OK);
        servant_await(&director);
        servant_await(&second_waiter);
    } while (!came_to_its_try);
    CHECK_STATUS(second_status, THRUM_OK);
    CHECK(!trial.second_was_first);
    tear_down();
}

/* ---- Wakers that are not through ----------------------------------------------------------------------------------- */

static void release_two(void)
{
    (void)thrum_semaphore_release(&o->semaphore, 2);
}

static uint32_t through; /* atomic: waits that are over, in these tests */

static void wait_for_semaphore(void)
{
    second_status = thrum_semaphore_acquire(&o->semaphore, support_in(20000));
    thrum__fetch_add_u32_acq_rel(&through, 1);
}

static void await_through(uint32_t n)
{
    thrum_deadline end = support_in(20000);
    while (thrum__load_u32_acquire(&through) < n) {
        if (thrum_left(end) == 0)
            support_give_up("a waiter that was woken does not come");
        support_nap();
    }
}

/* Hard point: what a release has over goes into the value before anybody is granted. Who was granted takes the rest too
 * and frees the semaphore while the waker is still at it. */
static void a_semaphores_remainder_is_there_before_the_grant(void)
{
    set_up();
    through = 0;
    servant_tell(&second_waiter, wait_for_semaphore);
    support_await_sleepers(&o->semaphore, 1);
    stops_hold(THRUM__STOP_FATE_WRITTEN, waker.token);
    servant_tell(&waker, release_two);
    stops_await(THRUM__STOP_FATE_WRITTEN);
    (void)thrum_thread_interrupt(second_waiter.thread); /* it looks, and sees that it is granted */
    await_through(1);
    CHECK_IS(thrum_semaphore_value(&o->semaphore), 1);
    CHECK(thrum_semaphore_try_acquire(&o->semaphore));
    support_page_close(o);
    stops_let_go(THRUM__STOP_FATE_WRITTEN);
    servant_await(&waker);
    support_page_open(o);
    CHECK_STATUS(second_status, THRUM_OK);
    servant_await(&second_waiter);
    tear_down();
}

static void *wait_for_manual(void *unused)
{
    if (thrum_event_wait(&o->manual, support_in(20000)) != THRUM_OK)
        return NULL;
    volatile unsigned char over_the_record[4096];
    for (size_t i = 0; i < sizeof over_the_record; i++)
        over_the_record[i] = 0xA5;
    thrum__fetch_add_u32_acq_rel(&through, 1);
    return unused;
}

static void set_manual(void)
{
    thrum_event_set(&o->manual);
}

/* Hard point: who wakes all reads the next record before it lets one go. */
static void waking_all_reads_no_record_that_was_let_go(void)
{
    static int any;
    thrum_thread *threads[3];
    set_up();
    through = 0;
    for (int i = 0; i < 3; i++) {
        threads[i] = support_start(wait_for_manual, &any);
        support_await_sleepers(&o->manual, (unsigned)i + 1);
    }
    stops_hold(THRUM__STOP_FATE_WRITTEN, waker.token);
    servant_tell(&waker, set_manual);
    stops_await(THRUM__STOP_FATE_WRITTEN);
    for (int i = 0; i < 3; i++)
        (void)thrum_thread_interrupt(threads[i]); /* the one that was let go looks; the others cannot leave */
    await_through(1);
    stops_let_go(THRUM__STOP_FATE_WRITTEN);
    servant_await(&waker);
    for (int i = 0; i < 3; i++)
        CHECK(support_join(threads[i]) == &any);
    tear_down();
}

static void wake_by_first(void)
{
    trial.kind->wake_one();
}

/* Two wake-ups at once are two: the second comes while the first waker is held, before it looks and after it has. */
static void two_wakers_wake_two(void)
{
    static const enum thrum__stop stops[] = {THRUM__STOP_BEFORE_UNPARK, THRUM__STOP_BEFORE_WAKE};
    set_up();
    for (int k = 0; k < KINDS; k++)
        for (int s = 0; s < 2; s++) {
            if (kinds[k].wake_one == wake_cond_locked || kinds[k].wake_one == wake_monitor)
                continue; /* the first waker is held with the lock that the second needs */
            trial.kind = &kinds[k];
            servant_tell(&second_waiter, wait_second);
            support_await_sleepers(kinds[k].object(), 1);
            servant_tell(&director, wait_third);
            support_await_sleepers(kinds[k].object(), 2);
            stops_hold(stops[s], waker.token);
            servant_tell(&waker, wake_by_first);
            stops_await(stops[s]);
            kinds[k].wake_one();
            stops_let_go(stops[s]);
            servant_await(&waker);
            servant_await(&second_waiter);
            servant_await(&director);
            CHECK_STATUS(second_status, THRUM_OK);
            CHECK_STATUS(third_status, THRUM_OK);
        }
    CHECK_IS(thrum_semaphore_value(&o->semaphore), 0);
    CHECK(!thrum_event_is_set(&o->automatic));
    tear_down();
}

/* ---- Waiters in handlers -------------------------------------------------------------------------------------------- */

static void notify_and_hold_long(void)
{
    thrum_lock_acquire(&o->lock);
    thrum_cond_notify(&o->cond);
    sleep_until_old(); /* a waiter in the lock's queue would be handed it now */
    (void)thrum_lock_release(&o->lock);
}

static thrum_status notify_and_take(int signum, void *unused)
{
    (void)signum, (void)unused;
    servant_do(&waker, notify_and_hold_long); /* main, suspended, is the only waiter: granted, and moved nowhere */
    second_status = thrum_lock_acquire_until(&o->lock, support_in(2000));
    if (second_status == THRUM_OK)
        (void)thrum_lock_release(&o->lock);
    return THRUM_OK;
}

static void interrupt_main_now(void)
{
    support_await_sleepers(&o->cond, 1);
    (void)thrum_interrupt_main(THRUM_SIGINT);
}

/* Hard point: a suspended waiter is never moved or handed a lock: its handler may need that lock. */
static void a_waiter_in_a_handler_is_not_moved_to_the_lock(void)
{
    const thrum_signal_handler handler = {notify_and_take, NULL};
    set_up();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    servant_tell(&director, interrupt_main_now);
    CHECK_STATUS(wait_cond(support_in(10000)), THRUM_OK);
    CHECK_STATUS(second_status, THRUM_OK);
    servant_await(&director);
    tear_down();
}

static thrum_status release_and_take(int signum, void *unused)
{
    (void)signum, (void)unused;
    servant_do(&waker, release_lock); /* main waits for it, and has waited long */
    second_status = thrum_lock_acquire_until(&o->lock, support_in(2000));
    if (second_status == THRUM_OK)
        (void)thrum_lock_release(&o->lock);
    return THRUM_OK;
}

static void interrupt_main_when_old(void)
{
    support_await_sleepers(&o->lock, 1);
    sleep_until_old();
    (void)thrum_interrupt_main(THRUM_SIGINT);
}

/* The same for a lock that main waits for itself: it stands aside while its handlers run. */
static void a_waiter_in_a_handler_is_not_handed_its_lock(void)
{
    const thrum_signal_handler handler = {release_and_take, NULL};
    set_up();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    servant_do(&waker, hold_lock);
    servant_tell(&director, interrupt_main_when_old);
    CHECK_STATUS(thrum_lock_acquire_until(&o->lock, support_in(10000)), THRUM_OK);
    CHECK_STATUS(thrum_lock_release(&o->lock), THRUM_OK);
    CHECK_STATUS(second_status, THRUM_OK);
    servant_await(&director);
    tear_down();
}

static const support_test tests[] = {
    TEST(one_wake_up_and_a_waiter_that_leaves_go_to_one_of_two),
    TEST(a_waiter_that_leaves_after_a_try_leaves_nobody_behind),
    TEST(a_waiter_that_is_told_to_try_does_so_before_it_looks_at_mail),
    TEST(a_waiter_that_lost_its_try_is_first_again),
    TEST(a_semaphores_remainder_is_there_before_the_grant),
    TEST(waking_all_reads_no_record_that_was_let_go),
    TEST(two_wakers_wake_two),
    TEST(a_waiter_in_a_handler_is_not_moved_to_the_lock),
    TEST(a_waiter_in_a_handler_is_not_handed_its_lock),
};

SUITE("passing", tests)
