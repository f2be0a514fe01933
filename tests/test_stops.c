/*
 * Two events that meet in a wait. A thread is held at each named stop (src/stops.h) of a wait or a wake-up while others
 * act, so every pair of events meets in every window, in both orders, for every kind of wait; what the wait must say is
 * worked out beside it, and nothing may be lost: what was given is taken or still there, mail is told or still pending.
 *
 * Four parts are played. The waiter: the main thread, or a worker. The director, who arranges the rest. Two servants,
 * for what must be done by somebody who can be held: the waker, who holds what is waited for and gives it, and the
 * interrupter.
 */
#include "support/servant.h"
#include "support/stops.h"
#include "support/support.h"

/* ---- What is waited for ----------------------------------------------------------------------------------------- */

typedef struct objects {
    thrum_event manual, automatic;
    thrum_lock lock;
    thrum_rlock rlock;
    thrum_cond cond;
    thrum_monitor monitor;
    thrum_semaphore semaphore;
} objects;

static objects *o; /* on a page of their own */
static thrum_thread *ending;
static uint32_t may_end;

static void *end_when_told(void *unused)
{
    support_await_flag(&may_end);
    return unused;
}

static void nothing(void)
{
}

static thrum_status wait_sleep(thrum_deadline d)
{
    thrum_status status = thrum_sleep_until(d);
    return status == THRUM_OK ? THRUM_TIMED_OUT : status;
}
static thrum_status wait_pause(thrum_deadline d)
{
    return thrum_signal_pause(d);
}
static thrum_status wait_manual(thrum_deadline d)
{
    return thrum_event_wait(&o->manual, d);
}
static thrum_status wait_automatic(thrum_deadline d)
{
    return thrum_event_wait(&o->automatic, d);
}
static thrum_status wait_semaphore(thrum_deadline d)
{
    return thrum_semaphore_acquire(&o->semaphore, d);
}
static thrum_status wait_join(thrum_deadline d)
{
    return thrum_thread_join(ending, d, NULL);
}
static thrum_status wait_lock(thrum_deadline d)
{
    thrum_status status = thrum_lock_acquire_until(&o->lock, d);
    if (status == THRUM_OK)
        (void)thrum_lock_release(&o->lock);
    return status;
}
static thrum_status wait_rlock(thrum_deadline d)
{
    thrum_status status = thrum_rlock_acquire_until(&o->rlock, d);
    if (status == THRUM_OK)
        (void)thrum_rlock_release(&o->rlock);
    return status;
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

static void wake_manual(void)
{
    thrum_event_set(&o->manual);
}
static void wake_automatic(void)
{
    thrum_event_set(&o->automatic);
}
static void wake_semaphore(void)
{
    (void)thrum_semaphore_release(&o->semaphore, 1);
}
static void wake_join(void)
{
    support_set_flag(&may_end);
    while (thrum_thread_is_alive(ending))
        support_nap();
}
static void hold_lock(void)
{
    thrum_lock_acquire(&o->lock);
}
static void wake_lock(void)
{
    (void)thrum_lock_release(&o->lock);
}
static void hold_rlock(void)
{
    thrum_rlock_acquire(&o->rlock);
}
static void wake_rlock(void)
{
    (void)thrum_rlock_release(&o->rlock);
}
static void wake_cond(void)
{
    thrum_cond_notify(&o->cond);
}
static void notify_locked(void)
{
    thrum_lock_acquire(&o->lock);
    thrum_cond_notify(&o->cond);
}
static void notify_monitor(void)
{
    thrum_monitor_enter(&o->monitor);
    (void)thrum_monitor_notify(&o->monitor);
}
static void wake_monitor(void)
{
    (void)thrum_monitor_exit(&o->monitor);
}

/* Whether all is as it should be after a wait: what was given once, if it was, is taken, or there. */
static bool kept_nothing(bool given, bool taken)
{
    (void)given, (void)taken;
    return !thrum_lock_is_held(&o->lock);
}
static bool kept_manual(bool given, bool taken)
{
    (void)taken;
    return thrum_event_is_set(&o->manual) == given;
}
static bool kept_automatic(bool given, bool taken)
{
    return thrum_event_is_set(&o->automatic) == (given && !taken);
}
static bool kept_semaphore(bool given, bool taken)
{
    return thrum_semaphore_value(&o->semaphore) == (given && !taken);
}
static bool kept_join(bool given, bool taken)
{
    (void)taken;
    return thrum_thread_is_alive(ending) != given;
}
static bool kept_lock(bool given, bool taken)
{
    (void)taken;
    return thrum_lock_is_held(&o->lock) != given;
}
static bool kept_rlock(bool given, bool taken)
{
    (void)taken;
    bool is_free = thrum_rlock_try_acquire(&o->rlock);
    if (is_free)
        (void)thrum_rlock_release(&o->rlock);
    return is_free == given;
}

typedef struct kind {
    const char *name;
    thrum_status (*wait)(thrum_deadline);
    void (*hold)(void);    /* by the waker, before the wait */
    void (*prepare)(void); /* by the waker, in the wait: what goes before its last step */
    void (*wake)(void);    /* the last step; NULL: nothing can be given */
    bool (*kept)(bool given, bool taken);
    bool momentary;  /* what is given is given to who is queued */
    bool under_lock; /* it can be given only once the waiter is queued */
    bool retries;    /* the waiter is told to try */
    int age;         /* milliseconds for which the waiter sleeps before it is woken */
} kind;

static const kind kinds[] = {
    {"sleep", wait_sleep, nothing, nothing, NULL, kept_nothing, true, false, false, 0},
    {"pause", wait_pause, nothing, nothing, NULL, kept_nothing, false, false, false, 0},
    {"event", wait_manual, nothing, nothing, wake_manual, kept_manual, true, false, false, 0},
    {"auto event", wait_automatic, nothing, nothing, wake_automatic, kept_automatic, false, false, false, 0},
    {"semaphore", wait_semaphore, nothing, nothing, wake_semaphore, kept_semaphore, false, false, false, 0},
    {"join", wait_join, nothing, nothing, wake_join, kept_join, true, false, false, 0},
    {"lock", wait_lock, hold_lock, nothing, wake_lock, kept_lock, false, false, true, 0},
    {"lock, handed over", wait_lock, hold_lock, nothing, wake_lock, kept_lock, false, false, false, 2},
    {"rlock", wait_rlock, hold_rlock, nothing, wake_rlock, kept_rlock, false, false, true, 0},
    {"rlock, handed over", wait_rlock, hold_rlock, nothing, wake_rlock, kept_rlock, false, false, false, 2},
    {"condition", wait_cond, nothing, nothing, wake_cond, kept_nothing, true, true, false, 0},
    {"condition, moved", wait_cond, nothing, notify_locked, wake_lock, kept_nothing, true, true, true, 0},
    {"monitor", wait_monitor, nothing, notify_monitor, wake_monitor, kept_nothing, true, true, true, 0},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- Who plays --------------------------------------------------------------------------------------------------- */

typedef enum event { WAKE, TIMEOUT, SIGNAL, INTERRUPT, EVENTS } event;

/* One trial. Written by the test's own thread before the others are told, and by the waiter: told, then read. */
typedef struct trial {
    const kind *kind;
    enum thrum__stop stop;
    event first, second;
    thrum_status answer; /* the handler's */
    bool main_waits;
    int length; /* of the wait if it is to time out, in milliseconds */

    thrum_thread *waiter;
    void *token; /* the waiter's */
    thrum_deadline deadline;
    thrum_status status;
    uint32_t armed, begun, returned; /* atomic flags */
    bool in_vain;                    /* the deadline passed before somebody was at the stop */
} trial;

static trial t;
static uint32_t handler_runs; /* atomic */

static thrum_status answer(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum__fetch_add_u32_acq_rel(&handler_runs, 1);
    return t.answer;
}

static bool has_event(event e)
{
    return t.first == e || t.second == e;
}

/* What the wait had on the stack is gone. */
static void use_the_stack(void)
{
    volatile unsigned char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0xA5;
}

static void play_waiter(void)
{
    support_await_flag(&t.armed);
    t.deadline = support_in(has_event(TIMEOUT) ? t.length : 20000);
    support_set_flag(&t.begun);
    t.status = t.kind->wait(t.deadline);
    use_the_stack();
    support_set_flag(&t.returned);
}

/* The actor directs, or plays the waiter if a worker is to wait. */
static servant waker, interrupter, actor;

/* ---- The events --------------------------------------------------------------------------------------------------- */

static void interrupt_waiter(void)
{
    (void)thrum_thread_interrupt(t.waiter);
}

static void signal_main(void)
{
    (void)thrum_interrupt_main(THRUM_SIGINT);
}

static void await_deadline(void)
{
    while (thrum_left(t.deadline) > 0)
        support_nap();
}

static void make(event e)
{
    if (e == WAKE) {
        servant_do(&waker, t.kind->prepare);
        servant_do(&waker, t.kind->wake);
    } else if (e == TIMEOUT) {
        await_deadline();
    } else if (e == SIGNAL) {
        signal_main();
        while (!stops_is_pending(THRUM_SIGINT) && thrum__load_u32_acquire(&handler_runs) == 0)
            support_nap(); /* main receives it, in its own time */
    } else {
        interrupt_waiter();
    }
}

/* ---- The windows of who waits ------------------------------------------------------------------------------------- */

/* The stops that a waiter comes to by itself; to the others the first event brings it. */
static bool comes_by_itself(enum thrum__stop stop)
{
    return stop == THRUM__STOP_BEFORE_QUEUE || stop == THRUM__STOP_BEFORE_SLEEP || stop == THRUM__STOP_IN_PARKER;
}

static bool await_stop_or_end(void)
{
    thrum_deadline end = support_in(20000);
    while (!stops_is_held(t.stop)) {
        if (thrum__load_u32_acquire(&t.returned))
            return false;
        if (thrum_left(end) == 0)
            support_give_up("the waiter did not come to its stop");
        support_nap();
    }
    return true;
}

/* The waiter is queued, has looked at its mail, and sleeps or will; or its deadline came so soon that it does not. */
static void await_asleep(void)
{
    thrum_deadline end = support_in(20000);
    while (!stops_passed(THRUM__STOP_BEFORE_SLEEP) && !thrum__load_u32_acquire(&t.returned) && !stops_is_held(t.stop)) {
        if (thrum_left(end) == 0)
            support_give_up("the waiter does not go to sleep");
        support_nap();
    }
}

static void wait_until_old(void)
{
    thrum_nanos until = thrum_now() + THRUM_MILLISECONDS(t.kind->age);
    while (thrum_now() < until)
        support_nap();
}

static void direct_waiters_window(void)
{
    stops_watch(t.token);
    stops_hold(t.stop, t.token);
    support_set_flag(&t.armed);
    if (!comes_by_itself(t.stop)) {
        await_asleep();
        wait_until_old();
        make(t.first);
    }
    t.in_vain = !await_stop_or_end();
    if (comes_by_itself(t.stop)) {
        wait_until_old();
        make(t.first);
    }
    make(t.second);
    stops_let_go(t.stop);
}

/* What must come of it. */
typedef struct outcome {
    thrum_status status;
    int mail; /* how many interruption points return INTERRUPTED afterwards */
} outcome;

static outcome granted(void)
{
    return (outcome){THRUM_OK, has_event(SIGNAL) + has_event(INTERRUPT)};
}

/* The waiter looks at its fate, then its mail, then its deadline, after both events. */
static outcome looks_at_all(void)
{
    bool wake = has_event(WAKE) && !(t.stop == THRUM__STOP_BEFORE_QUEUE && t.kind->under_lock);
    int mail = has_event(SIGNAL) + has_event(INTERRUPT);
    if (wake)
        return granted();
    return mail ? (outcome){THRUM_INTERRUPTED, mail - 1} : (outcome){THRUM_TIMED_OUT, 0};
}

/* It goes out of the queue, unless it is granted first, and its handlers run. */
static outcome leaves_for_mail(void)
{
    return t.second == WAKE ? granted() : looks_at_all();
}

/* Its handlers have run, or it has taken its interrupt. */
static outcome has_taken_mail(void)
{
    bool ends = t.first == INTERRUPT || t.answer == THRUM_INTERRUPTED;
    if (t.second == WAKE && t.kind->momentary)
        return (outcome){THRUM_OK, ends}; /* and what it has taken is pending again */
    if (ends)
        return (outcome){THRUM_INTERRUPTED, t.second == SIGNAL || t.second == INTERRUPT};
    if (t.second == INTERRUPT)
        return (outcome){THRUM_INTERRUPTED, 0};
    return (outcome){t.second == WAKE ? THRUM_OK : THRUM_TIMED_OUT, 0};
}

static outcome leaves_at_its_deadline(void)
{
    return t.second == WAKE ? granted() : (outcome){THRUM_TIMED_OUT, 1};
}

static outcome waiters_outcome(void)
{
    switch (t.stop) {
    case THRUM__STOP_MAIL_SEEN:
        return leaves_for_mail();
    case THRUM__STOP_HANDLERS_DONE:
        return has_taken_mail();
    case THRUM__STOP_DEADLINE_SEEN:
        return leaves_at_its_deadline();
    default:
        return looks_at_all();
    }
}

/* ---- The windows of who wakes, or interrupts --------------------------------------------------------------------- */

static bool is_moved_before(void)
{
    return t.kind->prepare != nothing;
}

/* The waiter can come back from its wait while the other is held. Who is told to try must lock the bucket, and at
 * FATE_WRITTEN the waker has it. */
static bool goes_meanwhile(void)
{
    if (t.stop == THRUM__STOP_MAIL_POSTED)
        return t.first == INTERRUPT || !support_main_has_signal_handlers();
    if (t.stop == THRUM__STOP_BEFORE_UNPARK)
        return !is_moved_before();
    return t.stop == THRUM__STOP_BEFORE_WAKE || !t.kind->retries;
}

/* From then on the objects are the waiter's, who may free them. */
static bool is_the_waiters(void)
{
    return !t.in_vain && goes_meanwhile() && (t.stop == THRUM__STOP_FATE_WRITTEN || t.stop == THRUM__STOP_BEFORE_WAKE);
}

static void direct_wakers_window(void)
{
    servant *s = t.first == WAKE ? &waker : &interrupter;
    bool on_main = t.first == SIGNAL && support_main_has_signal_handlers();
    stops_watch(t.token);
    support_set_flag(&t.armed);
    await_asleep();
    wait_until_old();
    if (t.first == WAKE)
        servant_do(s, t.kind->prepare);
    stops_hold(t.stop, on_main ? t.token : s->token);
    servant_tell(s, t.first == WAKE ? t.kind->wake : t.first == SIGNAL ? signal_main : interrupt_waiter);
    t.in_vain = !await_stop_or_end() || (has_event(TIMEOUT) && thrum_left(t.deadline) == 0);
    make(t.second);
    if (goes_meanwhile() && !t.in_vain)
        support_await_flag(&t.returned);
    if (is_the_waiters())
        support_page_close(o);
    stops_let_go(t.stop);
    servant_await(s);
    if (is_the_waiters())
        support_page_open(o);
}

static outcome wakers_outcome(void)
{
    if (t.stop == THRUM__STOP_FATE_WRITTEN || t.stop == THRUM__STOP_BEFORE_WAKE)
        return granted();
    if (t.stop == THRUM__STOP_MAIL_POSTED || is_moved_before())
        return looks_at_all();
    return (outcome){t.second == TIMEOUT ? THRUM_TIMED_OUT : THRUM_INTERRUPTED, 0};
}

/* ---- One trial ---------------------------------------------------------------------------------------------------- */

static int trials, wrong, in_vain, mail;

static bool is_wakers(enum thrum__stop stop)
{
    return stop >= THRUM__STOP_MAIL_POSTED;
}

static void direct(void)
{
    if (is_wakers(t.stop))
        direct_wakers_window();
    else
        direct_waiters_window();
}

static void count_mail_of_main(void)
{
    for (mail = 0; mail < 10 && thrum_signal_check() == THRUM_INTERRUPTED; mail++) {}
}

static void count_mail_of_worker(void)
{
    for (mail = 0; thrum_thread_take_interrupt(); mail++) {}
}

/* Back to the beginning, whatever has come of it. */
static void clean(void)
{
    if (thrum_lock_is_held(&o->lock))
        (void)thrum_lock_release(&o->lock);
    while (thrum_rlock_release(&o->rlock) == THRUM_OK) {}
    while (thrum_monitor_exit(&o->monitor) == THRUM_OK) {}
}

static void begin_trial(void)
{
    t.waiter = t.main_waits ? thrum_thread_current() : actor.thread;
    t.token = t.main_waits ? thrum__port_token() : actor.token;
    t.armed = t.begun = t.returned = handler_runs = may_end = 0;
    t.in_vain = false;
    memset(o, 0, sizeof *o);
    (void)thrum_event_init(&o->automatic, true);
    if (t.kind->wait == wait_join)
        ending = support_start(end_when_told, NULL);
    servant_do(&waker, t.kind->hold);
}

static void play(void)
{
    if (t.main_waits) {
        servant_tell(&actor, direct);
        play_waiter();
    } else {
        servant_tell(&actor, play_waiter);
        direct();
    }
    servant_await(&actor);
}

static const char *name_of(event e)
{
    static const char *const names[] = {"wake", "timeout", "signal", "interrupt"};
    return names[e];
}

/* The mail was seen in the moment before the wake, by a sleep that ended for nothing: legal, and nothing is lost. */
static bool slept_badly(outcome is)
{
    return t.stop == THRUM__STOP_MAIL_POSTED && t.second == WAKE && is.status == THRUM_INTERRUPTED && is.mail == 0;
}

static void check_trial(void)
{
    bool given = has_event(WAKE), taken = t.status == THRUM_OK;
    outcome should_be = is_wakers(t.stop) ? wakers_outcome() : waiters_outcome(), is = {t.status, mail};
    bool right = is.status == should_be.status && is.mail == should_be.mail;
    if (!(right || slept_badly(is)) || !t.kind->kept(given, taken) || handler_runs != has_event(SIGNAL)) {
        printf("  %s, %s, stop %d, %s then %s: %s, %d in the mail, %u handlers run, and not %s, %d\n", t.kind->name,
               t.main_waits ? "main" : "worker", t.stop, name_of(t.first), name_of(t.second),
               thrum_status_name(is.status), is.mail, handler_runs, thrum_status_name(should_be.status),
               should_be.mail);
        wrong++;
    }
}

static void end_trial(void)
{
    support_set_flag(&may_end);
    if (t.kind->wait == wait_join)
        support_join(ending);
    servant_do(&waker, clean);
}

/* Again, with more time, if the deadline came before the waiter was where it should be held. */
static void try_out(const kind *k, enum thrum__stop stop, event first, event second, thrum_status handler_says)
{
    for (int main_waits = 0; main_waits < 2; main_waits++) {
        t = (trial){.kind = k,
                    .stop = stop,
                    .first = first,
                    .second = second,
                    .answer = handler_says,
                    .main_waits = main_waits != 0};
        if (!main_waits && has_event(SIGNAL))
            continue;
        if (!main_waits && stop == THRUM__STOP_IN_PARKER && strcmp(THRUM_TEST_PARKER, "pthread") == 0)
            continue; /* a condition's wait has no such window */
        for (t.length = 4; t.length < 10000; t.length *= 2) {
            begin_trial();
            play();
            if (t.main_waits)
                count_mail_of_main();
            else
                servant_do(&actor, count_mail_of_worker);
            if (!t.in_vain)
                check_trial();
            end_trial();
            trials += !t.in_vain;
            in_vain += t.in_vain;
            if (!t.in_vain)
                break;
        }
    }
}

/* ---- The tests ---------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
    const thrum_signal_handler handler = {answer, NULL};
    trials = wrong = in_vain = 0;
    o = (objects *)support_page_new();
    servant_start(&waker);
    servant_start(&interrupter);
    servant_start(&actor);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
}

static void tear_down(int at_least)
{
    servant_end(&waker);
    servant_end(&interrupter);
    servant_end(&actor);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    printf("  %d trials, %d wrong; %d more in vain, on a slow machine\n", trials, wrong, in_vain);
    CHECK_IS(wrong, 0);
    CHECK(trials >= at_least);
}

static bool is_possible(const kind *k, enum thrum__stop stop, event e)
{
    if (e != WAKE)
        return true;
    /* A lock that the waiter still holds cannot be taken to notify. */
    return k->wake && !(stop == THRUM__STOP_BEFORE_QUEUE && k->prepare != nothing);
}

static void every_pair_for_every_kind(enum thrum__stop stop, bool (*is_meant)(const kind *k, event first))
{
    for (int k = 0; k < KINDS; k++)
        for (int first = 0; first < EVENTS; first++)
            for (int second = 0; second < EVENTS; second++)
                if (first != second && is_meant(&kinds[k], (event)first) &&
                    is_possible(&kinds[k], stop, (event)first) && is_possible(&kinds[k], stop, (event)second))
                    try_out(&kinds[k], stop, (event)first, (event)second, THRUM_INTERRUPTED);
}

static bool any(const kind *k, event first)
{
    (void)k, (void)first;
    return true;
}
static bool only_wake(const kind *k, event first)
{
    return first == WAKE && k->wait != wait_join; /* an ending thread wakes who joins it */
}
static bool only_retry(const kind *k, event first)
{
    return first == WAKE && k->retries;
}
static bool only_mail(const kind *k, event first)
{
    (void)k;
    return first == SIGNAL || first == INTERRUPT;
}
static bool only_timeout(const kind *k, event first)
{
    (void)k;
    return first == TIMEOUT;
}

/* Invariants 1 and 2. */
static void two_events_meet_before_the_waiter_is_queued(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_BEFORE_QUEUE, any);
    tear_down(190);
}

static void two_events_meet_between_the_last_look_and_the_sleep(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_BEFORE_SLEEP, any);
    tear_down(200);
}

static void two_events_meet_in_the_parker_before_the_system_sleeps(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_IN_PARKER, any);
    tear_down(100);
}

static void one_event_wakes_the_waiter_and_another_comes_before_it_looks(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_AFTER_SLEEP, any);
    tear_down(200);
}

static void a_waiter_that_is_told_to_try_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_RETRY_SEEN, only_retry);
    tear_down(16);
}

static void a_waiter_that_has_seen_mail_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_MAIL_SEEN, only_mail);
    tear_down(80);
}

/* Invariant 3: the grant that comes while handlers run is looked at again. */
static void a_waiter_whose_handlers_have_run_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_HANDLERS_DONE, only_mail);
    for (int k = 0; k < KINDS; k++)
        for (int second = 0; second < EVENTS; second++)
            if (kinds[k].wait != wait_pause && second != SIGNAL &&
                is_possible(&kinds[k], THRUM__STOP_HANDLERS_DONE, (event)second))
                try_out(&kinds[k], THRUM__STOP_HANDLERS_DONE, SIGNAL, (event)second, THRUM_OK);
    tear_down(120);
}

static void a_waiter_at_its_deadline_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_DEADLINE_SEEN, only_timeout);
    tear_down(50);
}

/* Invariant 6: the mail is written, the waiter is not woken yet. */
static void mail_that_is_posted_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_MAIL_POSTED, only_mail);
    tear_down(80);
}

static void a_waker_that_has_seen_the_mark_meets_another_event(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_BEFORE_UNPARK, only_wake);
    tear_down(40);
}

/* The waiter may go, and free the object, and use its stack for other things, before the waker is through. */
static void a_waiter_goes_once_its_fate_is_written(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_FATE_WRITTEN, only_wake);
    tear_down(40);
}

static void a_waiter_goes_before_it_is_woken(void)
{
    set_up();
    every_pair_for_every_kind(THRUM__STOP_BEFORE_WAKE, only_wake);
    tear_down(40);
}

static const support_test tests[] = {
    TEST(two_events_meet_before_the_waiter_is_queued),
    TEST(two_events_meet_between_the_last_look_and_the_sleep),
    TEST(two_events_meet_in_the_parker_before_the_system_sleeps),
    TEST(one_event_wakes_the_waiter_and_another_comes_before_it_looks),
    TEST(a_waiter_that_is_told_to_try_meets_another_event),
    TEST(a_waiter_that_has_seen_mail_meets_another_event),
    TEST(a_waiter_whose_handlers_have_run_meets_another_event),
    TEST(a_waiter_at_its_deadline_meets_another_event),
    TEST(mail_that_is_posted_meets_another_event),
    TEST(a_waker_that_has_seen_the_mark_meets_another_event),
    TEST(a_waiter_goes_once_its_fate_is_written),
    TEST(a_waiter_goes_before_it_is_woken),
};

SUITE("stops", tests)
