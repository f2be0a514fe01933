/* The monitor, and THRUM_SYNCHRONIZED. */
#include "support/support.h"

typedef struct place {
    thrum_monitor monitor;
    int order[32]; /* who came back, in that order; guarded by the monitor, as is all of this */
    int back;
} place;

typedef struct waiter {
    place *place;
    int index;
    uint32_t depth; /* how often it enters before it waits, */
    uint32_t again; /* and how deep it is afterwards */
    thrum_deadline deadline;
    thrum_status status;
    bool interrupt_pending;
    thrum_thread *thread;
} waiter;

static void *wait_once(void *to)
{
    waiter *w = (waiter *)to;
    place *p = w->place;
    for (uint32_t i = 0; i < w->depth; i++)
        thrum_monitor_enter(&p->monitor);
    w->status = thrum_monitor_wait(&p->monitor, w->deadline);
    w->again = thrum_rlock_depth(&p->monitor.lock_);
    w->interrupt_pending = thrum_thread_take_interrupt();
    p->order[p->back++] = w->index;
    for (uint32_t i = 0; i < w->depth; i++)
        if (thrum_monitor_exit(&p->monitor) != THRUM_OK)
            support_give_up("who is inside could not leave");
    return NULL;
}

static void start_waiters(place *p, waiter *waiters, int count)
{
    for (int i = 0; i < count; i++) {
        waiters[i] = (waiter){.place = p, .index = i, .depth = 1 + (uint32_t)i, .deadline = THRUM_FOREVER};
        waiters[i].status = THRUM_SYSTEM;
        waiters[i].thread = support_start(wait_once, &waiters[i]);
        support_await_sleepers(&p->monitor.cond_, (unsigned)i + 1);
    }
}

static void join_waiters(waiter *waiters, int count, thrum_status status)
{
    for (int i = 0; i < count; i++) {
        support_join(waiters[i].thread);
        CHECK_STATUS(waiters[i].status, status);
        CHECK_IS(waiters[i].again, waiters[i].depth);
    }
}

static bool came_in_order(const place *p, int count)
{
    for (int i = 0; i < count; i++)
        if (p->order[i] != i)
            return false;
    return p->back == count;
}

/* What a thread finds that is not inside. */
typedef struct stranger {
    thrum_monitor *monitor;
    thrum_deadline deadline;
    bool entered;
    thrum_status exited, waited, notified, notified_n, notified_all, entered_until;
} stranger;

static void *look(void *to)
{
    stranger *s = (stranger *)to;
    s->exited = thrum_monitor_exit(s->monitor);
    s->waited = thrum_monitor_wait(s->monitor, THRUM_FOREVER);
    s->notified = thrum_monitor_notify(s->monitor);
    s->notified_n = thrum_monitor_notify_n(s->monitor, 2);
    s->notified_all = thrum_monitor_notify_all(s->monitor);
    s->entered = thrum_monitor_try_enter(s->monitor);
    if (s->entered)
        thrum_monitor_exit(s->monitor);
    return NULL;
}

static void *enter_until(void *to)
{
    stranger *s = (stranger *)to;
    s->entered_until = thrum_monitor_enter_until(s->monitor, s->deadline);
    if (s->entered_until == THRUM_OK)
        thrum_monitor_exit(s->monitor);
    return NULL;
}

/* ---- Enter and exit -------------------------------------------------------------------------------------------------- */

static void zero_bytes_are_a_free_monitor(void)
{
    thrum_monitor monitor, said_in_words = THRUM_MONITOR_INIT;
    memset(&monitor, 0, sizeof monitor);
    CHECK(thrum_monitor_try_enter(&monitor));
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    CHECK(thrum_monitor_try_enter(&said_in_words));
    CHECK_STATUS(thrum_monitor_exit(&said_in_words), THRUM_OK);
}

static void it_is_32_bytes_at_most(void)
{
    CHECK(sizeof(thrum_monitor) <= 32);
}

static void it_may_be_entered_again_from_inside(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    stranger s = {.monitor = &monitor};
    thrum_monitor_enter(&monitor);
    CHECK(thrum_monitor_try_enter(&monitor));
    CHECK_STATUS(thrum_monitor_enter_until(&monitor, THRUM_IMMEDIATELY), THRUM_OK);
    for (int i = 0; i < 3; i++) {
        s.entered = true;
        support_join(support_start(look, &s));
        CHECK(!s.entered);
        CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    }
    support_join(support_start(look, &s));
    CHECK(s.entered);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_NOT_OWNER);
}

static void outside_nothing_but_entering_is_allowed(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    for (int occupied = 0; occupied < 2; occupied++) {
        stranger s = {.monitor = &monitor};
        if (occupied)
            thrum_monitor_enter(&monitor);
        support_join(support_start(look, &s));
        CHECK_STATUS(s.exited, THRUM_NOT_OWNER);
        CHECK_STATUS(s.waited, THRUM_NOT_OWNER);
        CHECK_STATUS(s.notified, THRUM_NOT_OWNER);
        CHECK_STATUS(s.notified_n, THRUM_NOT_OWNER);
        CHECK_STATUS(s.notified_all, THRUM_NOT_OWNER);
        CHECK(s.entered == !occupied);
        if (occupied)
            CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    }
}

static void a_refused_notify_wakes_nobody(void)
{
    place p = {.monitor = THRUM_MONITOR_INIT};
    waiter w;
    start_waiters(&p, &w, 1);
    CHECK_STATUS(thrum_monitor_notify(&p.monitor), THRUM_NOT_OWNER);
    CHECK_STATUS(thrum_monitor_notify_all(&p.monitor), THRUM_NOT_OWNER);
    support_await_sleepers(&p.monitor.cond_, 1);
    THRUM_SYNCHRONIZED (&p.monitor) {
        CHECK_IS(p.back, 0);
        CHECK_STATUS(thrum_monitor_notify(&p.monitor), THRUM_OK);
    }
    join_waiters(&w, 1, THRUM_OK);
}

static void enter_until_ends_at_its_deadline_and_not_before(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    stranger s = {.monitor = &monitor, .deadline = THRUM_IMMEDIATELY};
    thrum_monitor_enter(&monitor);
    support_join(support_start(enter_until, &s));
    CHECK_STATUS(s.entered_until, THRUM_TIMED_OUT);
    s.deadline = support_in(20);
    support_join(support_start(enter_until, &s));
    CHECK(thrum_now() >= s.deadline.at);
    CHECK_STATUS(s.entered_until, THRUM_TIMED_OUT);

    s.deadline = support_in(15000);
    thrum_thread *thread = support_start(enter_until, &s);
    support_await_sleepers(&monitor.lock_.lock_, 1);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    support_join(thread);
    CHECK_STATUS(s.entered_until, THRUM_OK);
}

static void an_interrupt_ends_enter_until(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    stranger s = {.monitor = &monitor, .deadline = THRUM_FOREVER};
    thrum_monitor_enter(&monitor);
    thrum_thread *thread = support_start(enter_until, &s);
    support_await_sleepers(&monitor.lock_.lock_, 1);
    thrum_thread_interrupt(thread);
    support_join(thread);
    CHECK_STATUS(s.entered_until, THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
}

static void entering_too_often_is_refused(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    thrum_monitor_enter(&monitor);
    monitor.lock_.depth_ = UINT32_MAX; /* nobody enters so often: by hand */
    CHECK_STATUS(thrum_monitor_enter_until(&monitor, THRUM_FOREVER), THRUM_OVERFLOW);
    CHECK(!thrum_monitor_try_enter(&monitor));
    monitor.lock_.depth_ = 1;
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
}

/* ---- Wait and notify ------------------------------------------------------------------------------------------------- */

static void wait_leaves_however_deep_and_is_as_deep_again(void)
{
    place p = {.monitor = THRUM_MONITOR_INIT};
    waiter waiters[4]; /* 1 to 4 deep */
    start_waiters(&p, waiters, 4);
    /* The last is queued a moment before it leaves. */
    CHECK_STATUS(thrum_monitor_enter_until(&p.monitor, support_in(15000)), THRUM_OK);
    CHECK_STATUS(thrum_monitor_notify_all(&p.monitor), THRUM_OK);
    support_await_sleepers(&p.monitor.cond_, 0);
    support_await_sleepers(&p.monitor.lock_.lock_, 4); /* they enter once we have left */
    CHECK_IS(p.back, 0);
    CHECK_STATUS(thrum_monitor_exit(&p.monitor), THRUM_OK);
    join_waiters(waiters, 4, THRUM_OK);
    CHECK(came_in_order(&p, 4));
    CHECK(thrum_monitor_try_enter(&p.monitor));
    CHECK_STATUS(thrum_monitor_exit(&p.monitor), THRUM_OK);
}

static void the_longest_waiter_is_notified_first(void)
{
    enum { N = 4 };
    place p = {.monitor = THRUM_MONITOR_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    for (int i = 0; i < N; i++) {
        THRUM_SYNCHRONIZED (&p.monitor)
            CHECK_STATUS(thrum_monitor_notify(&p.monitor), THRUM_OK);
        support_await_sleepers(&p.monitor.cond_, (unsigned)(N - i - 1));
        join_waiters(&waiters[i], 1, THRUM_OK);
    }
    CHECK(came_in_order(&p, N));
}

static void notify_n_wakes_so_many_of_the_longest(void)
{
    enum { N = 5 };
    place p = {.monitor = THRUM_MONITOR_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    THRUM_SYNCHRONIZED (&p.monitor) {
        CHECK_STATUS(thrum_monitor_notify_n(&p.monitor, 0), THRUM_OK);
        support_await_sleepers(&p.monitor.cond_, N);
        CHECK_STATUS(thrum_monitor_notify_n(&p.monitor, 3), THRUM_OK);
        support_await_sleepers(&p.monitor.cond_, N - 3);
    }
    join_waiters(waiters, 3, THRUM_OK);
    support_await_sleepers(&p.monitor.cond_, N - 3);
    THRUM_SYNCHRONIZED (&p.monitor) {
        CHECK(came_in_order(&p, 3));
        CHECK_STATUS(thrum_monitor_notify_n(&p.monitor, 100), THRUM_OK); /* more than there are */
    }
    join_waiters(waiters + 3, N - 3, THRUM_OK);
    CHECK(came_in_order(&p, N));
}

static void notify_without_waiters_is_not_remembered(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    THRUM_SYNCHRONIZED (&monitor) {
        CHECK_STATUS(thrum_monitor_notify(&monitor), THRUM_OK);
        CHECK_STATUS(thrum_monitor_notify_n(&monitor, 3), THRUM_OK);
        CHECK_STATUS(thrum_monitor_notify_all(&monitor), THRUM_OK);
        CHECK_STATUS(thrum_monitor_wait(&monitor, support_in(15)), THRUM_TIMED_OUT);
    }
}

static void a_timed_wait_never_ends_early(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    const thrum_nanos lengths[] = {0, THRUM_MICROSECONDS(1), THRUM_MICROSECONDS(999), THRUM_MILLISECONDS(15)};
    thrum_monitor_enter(&monitor);
    thrum_monitor_enter(&monitor);
    for (int i = 0; i < 8; i++) {
        thrum_deadline deadline = thrum_after(lengths[i % 4]);
        CHECK_STATUS(thrum_monitor_wait(&monitor, deadline), THRUM_TIMED_OUT);
        CHECK(thrum_now() >= deadline.at);
        CHECK_IS(thrum_rlock_depth(&monitor.lock_), 2);
    }
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
}

static void an_interrupt_ends_the_wait(void)
{
    place p = {.monitor = THRUM_MONITOR_INIT};
    waiter waiters[2];
    start_waiters(&p, waiters, 2);
    thrum_thread_interrupt(waiters[0].thread);
    join_waiters(waiters, 1, THRUM_INTERRUPTED);
    CHECK(!waiters[0].interrupt_pending);
    THRUM_SYNCHRONIZED (&p.monitor)
        CHECK_STATUS(thrum_monitor_notify(&p.monitor), THRUM_OK); /* it has swallowed no notify */
    join_waiters(waiters + 1, 1, THRUM_OK);
}

static void *interrupt_main(void *to)
{
    thrum_monitor *monitor = (thrum_monitor *)to;
    support_await_sleepers(&monitor->cond_, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    return NULL;
}

/* A handler is inside on its own account: the depth of the wait that it runs in is no business of its. */
typedef struct visit {
    thrum_monitor *monitor;
    bool entered;
    uint32_t depth;
} visit;

static thrum_status enter_from_handler(int signum, void *to)
{
    visit *v = (visit *)to;
    (void)signum;
    v->entered = thrum_monitor_try_enter(v->monitor);
    v->depth = thrum_rlock_depth(&v->monitor->lock_);
    if (v->entered)
        thrum_monitor_exit(v->monitor);
    return THRUM_INTERRUPTED;
}

/* Invariant 3: with the monitor left. */
static void a_handler_runs_with_the_monitor_left(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    visit v = {&monitor, false, 0};
    thrum_signal_handler old, handler = {enter_from_handler, &v};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, &old), THRUM_OK);
    thrum_monitor_enter(&monitor);
    thrum_monitor_enter(&monitor);
    thrum_thread *helper = support_start(interrupt_main, &monitor);
    CHECK_STATUS(thrum_monitor_wait(&monitor, support_in(15000)), THRUM_INTERRUPTED);
    CHECK_IS(thrum_rlock_depth(&monitor.lock_), 2);
    support_join(helper);
    CHECK(v.entered);
    CHECK_IS(v.depth, 1);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    CHECK_STATUS(thrum_monitor_exit(&monitor), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, old, NULL), THRUM_OK);
}

/* ---- THRUM_SYNCHRONIZED ---------------------------------------------------------------------------------------------- */

static void synchronized_is_inside_for_the_block(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    int runs = 0;
    THRUM_SYNCHRONIZED (&monitor) {
        THRUM_SYNCHRONIZED (&monitor) {
            CHECK_IS(thrum_rlock_depth(&monitor.lock_), 2);
            runs++;
        }
        CHECK_IS(thrum_rlock_depth(&monitor.lock_), 1);
    }
    CHECK_IS(runs, 1);
    CHECK_IS(thrum_rlock_depth(&monitor.lock_), 0);
}

static void synchronized_leaves_on_break_and_continue(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    int after = 0;
    for (int i = 0; i < 2; i++) {
        THRUM_SYNCHRONIZED (&monitor) {
            if (i == 0)
                break; /* out of the block, not of the loop around it */
            if (i == 1)
                continue;
            after = 100;
        }
        CHECK_IS(thrum_rlock_depth(&monitor.lock_), 0);
        after++;
    }
    CHECK_IS(after, 2);
}

#if defined(__GNUC__) || defined(__clang__)
static int return_from_within(thrum_monitor *monitor)
{
    THRUM_SYNCHRONIZED (monitor)
        THRUM_SYNCHRONIZED (monitor) {
            return (int)thrum_rlock_depth(&monitor->lock_);
        }
    return -1;
}

static void synchronized_leaves_on_return(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    CHECK_IS(return_from_within(&monitor), 2);
    CHECK_IS(thrum_rlock_depth(&monitor.lock_), 0);
}
#endif

/* ---- Many ---------------------------------------------------------------------------------------------------------- */

enum { PAIRS = 4, ITEMS = SUPPORT_ROUNDS(3000), SLOTS = 4 };

typedef struct store {
    thrum_monitor monitor;
    int count;
    long put, got, failed; /* sums; guarded */
} store;

static void *produce(void *to)
{
    store *s = (store *)to;
    for (int i = 1; i <= ITEMS; i++)
        THRUM_SYNCHRONIZED (&s->monitor) {
            while (s->count == SLOTS)
                s->failed += thrum_monitor_wait(&s->monitor, THRUM_FOREVER) != THRUM_OK;
            s->count++;
            s->put++;
            s->failed += thrum_monitor_notify_all(&s->monitor) != THRUM_OK;
        }
    return NULL;
}

static void *consume(void *to)
{
    store *s = (store *)to;
    for (int i = 1; i <= ITEMS; i++)
        THRUM_SYNCHRONIZED (&s->monitor)
            THRUM_SYNCHRONIZED (&s->monitor) {
                while (s->count == 0)
                    s->failed += thrum_monitor_wait(&s->monitor, THRUM_FOREVER) != THRUM_OK;
                s->count--;
                s->got++;
                s->failed += thrum_monitor_notify_all(&s->monitor) != THRUM_OK;
            }
    return NULL;
}

static void producers_and_consumers_pass_all_items_on(void)
{
    store s = {.monitor = THRUM_MONITOR_INIT};
    thrum_thread *threads[2 * PAIRS];
    for (int i = 0; i < 2 * PAIRS; i++)
        threads[i] = support_start(i % 2 ? produce : consume, &s);
    for (int i = 0; i < 2 * PAIRS; i++)
        support_join(threads[i]);
    CHECK_IS(s.put, (long)PAIRS * ITEMS);
    CHECK_IS(s.got, (long)PAIRS * ITEMS);
    CHECK_IS(s.count, 0);
    CHECK_IS(s.failed, 0);
}

static const support_test tests[] = {
    {"zero_bytes_are_a_free_monitor", zero_bytes_are_a_free_monitor},
    {"it_is_32_bytes_at_most", it_is_32_bytes_at_most},
    {"it_may_be_entered_again_from_inside", it_may_be_entered_again_from_inside},
    {"outside_nothing_but_entering_is_allowed", outside_nothing_but_entering_is_allowed},
    {"a_refused_notify_wakes_nobody", a_refused_notify_wakes_nobody},
    {"enter_until_ends_at_its_deadline_and_not_before", enter_until_ends_at_its_deadline_and_not_before},
    {"an_interrupt_ends_enter_until", an_interrupt_ends_enter_until},
    {"entering_too_often_is_refused", entering_too_often_is_refused},
    {"wait_leaves_however_deep_and_is_as_deep_again", wait_leaves_however_deep_and_is_as_deep_again},
    {"the_longest_waiter_is_notified_first", the_longest_waiter_is_notified_first},
    {"notify_n_wakes_so_many_of_the_longest", notify_n_wakes_so_many_of_the_longest},
    {"notify_without_waiters_is_not_remembered", notify_without_waiters_is_not_remembered},
    {"a_timed_wait_never_ends_early", a_timed_wait_never_ends_early},
    {"an_interrupt_ends_the_wait", an_interrupt_ends_the_wait},
    {"a_handler_runs_with_the_monitor_left", a_handler_runs_with_the_monitor_left},
    {"synchronized_is_inside_for_the_block", synchronized_is_inside_for_the_block},
    {"synchronized_leaves_on_break_and_continue", synchronized_leaves_on_break_and_continue},
#if defined(__GNUC__) || defined(__clang__)
    {"synchronized_leaves_on_return", synchronized_leaves_on_return},
#endif
    {"producers_and_consumers_pass_all_items_on", producers_and_consumers_pass_all_items_on},
};

SUITE("monitor", tests)
