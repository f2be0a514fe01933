/* Events, manual and auto reset. */
#include "support/support.h"

#include <stdlib.h>

/* ---- One thread that waits -------------------------------------------------------------------------------------- */

typedef struct event_waiter {
    thrum_event *event;
    thrum_status status;
    uint32_t *next_turn;
    uint32_t turn;
} event_waiter;

static void *wait_for_it(void *arg)
{
    event_waiter *w = arg;
    w->status = thrum_event_wait(w->event, support_in(20000));
    if (w->next_turn)
        w->turn = thrum__fetch_add_u32_acq_rel(w->next_turn, 1);
    return NULL;
}

static void put_to_sleep(thrum_event *event, event_waiter *waiters, thrum_thread **threads, unsigned n,
                         uint32_t *next_turn)
{
    for (unsigned i = 0; i < n; i++) {
        waiters[i] = (event_waiter){.event = event, .status = THRUM_SYSTEM, .next_turn = next_turn};
        threads[i] = support_start(wait_for_it, &waiters[i]);
        support_await_sleepers(event, i + 1);
    }
}

static void join_all_that_are_ok(event_waiter *waiters, thrum_thread **threads, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        support_join(threads[i]);
        CHECK_STATUS(waiters[i].status, THRUM_OK);
    }
}

/* ---- Making one ------------------------------------------------------------------------------------------------- */

static void it_is_at_most_2_bytes(void)
{
    CHECK(sizeof(thrum_event) <= 2);
}

static void zero_bytes_are_a_clear_event(void)
{
    thrum_event event;
    memset(&event, 0, sizeof event);
    CHECK(!thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    thrum_event_set(&event);
    CHECK(thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
}

static void init_makes_a_clear_one_of_any_bytes(void)
{
    thrum_event event;
    memset(&event, 0xFF, sizeof event);
    CHECK_STATUS(thrum_event_init(&event, false), THRUM_OK);
    CHECK(!thrum_event_is_set(&event));
    thrum_event_set(&event);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
    memset(&event, 0xFF, sizeof event);
    CHECK_STATUS(thrum_event_init(&event, true), THRUM_OK);
    CHECK(!thrum_event_is_set(&event));
    thrum_event_set(&event);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
}

/* ---- Set, clear ------------------------------------------------------------------------------------------------- */

static void a_manual_one_stays_set_until_cleared(void)
{
    thrum_event event = THRUM_EVENT_INIT;
    thrum_event_set(&event);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(thrum_event_wait(&event, THRUM_FOREVER), THRUM_OK);
    CHECK(thrum_event_is_set(&event));
    thrum_event_clear(&event);
    CHECK(!thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    thrum_event_clear(&event);
    CHECK(!thrum_event_is_set(&event));
}

static void to_set_a_set_one_changes_nothing(void)
{
    thrum_event manual = THRUM_EVENT_INIT, automatic = THRUM_EVENT_AUTO_INIT;
    for (int i = 0; i < 3; i++) {
        thrum_event_set(&manual);
        thrum_event_set(&automatic);
    }
    CHECK(thrum_event_is_set(&manual));
    thrum_event_clear(&manual);
    CHECK(!thrum_event_is_set(&manual));
    CHECK(thrum_event_is_set(&automatic));
    CHECK_STATUS(thrum_event_wait(&automatic, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&automatic, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
}

static void is_set_does_not_reset_an_auto_one(void)
{
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    thrum_event_set(&event);
    CHECK(thrum_event_is_set(&event));
    CHECK(thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK(!thrum_event_is_set(&event));
    thrum_event_set(&event);
    thrum_event_clear(&event);
    CHECK(!thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, support_in(1)), THRUM_TIMED_OUT);
}

/* ---- Sleepers --------------------------------------------------------------------------------------------------- */

static void a_manual_one_lets_all_go_and_stays_set(void)
{
    enum { N = 20 };
    thrum_event event = THRUM_EVENT_INIT;
    event_waiter waiters[N];
    thrum_thread *threads[N];
    put_to_sleep(&event, waiters, threads, N, NULL);
    CHECK(!thrum_event_is_set(&event));
    thrum_event_set(&event);
    CHECK(thrum_event_is_set(&event));
    join_all_that_are_ok(waiters, threads, N);
    CHECK(thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_FOREVER), THRUM_OK);
}

static void who_waited_goes_though_it_is_cleared_at_once(void)
{
    enum { N = 8 };
    thrum_event event = THRUM_EVENT_INIT;
    event_waiter waiters[N];
    thrum_thread *threads[N];
    for (int round = 0; round < 5; round++) {
        put_to_sleep(&event, waiters, threads, N, NULL);
        thrum_event_set(&event);
        thrum_event_clear(&event);
        CHECK(!thrum_event_is_set(&event));
        join_all_that_are_ok(waiters, threads, N);
        CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    }
}

static void an_auto_one_lets_the_longest_waiter_go_and_no_other(void)
{
    enum { N = 5 };
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    event_waiter waiters[N];
    thrum_thread *threads[N];
    uint32_t next_turn = 0;
    put_to_sleep(&event, waiters, threads, N, &next_turn);
    for (unsigned i = 0; i < N; i++) {
        thrum_event_set(&event);
        CHECK(!thrum_event_is_set(&event));
        support_join(threads[i]); /* it is this one that goes: to join another would take 20 s */
        CHECK_STATUS(waiters[i].status, THRUM_OK);
        CHECK_IS(waiters[i].turn, i);
        support_await_sleepers(&event, N - 1 - i);
    }
    CHECK_IS(next_turn, N);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
}

static void an_auto_one_is_set_for_the_next_if_nobody_waits(void)
{
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    event_waiter waiter;
    thrum_thread *thread;
    put_to_sleep(&event, &waiter, &thread, 1, NULL);
    thrum_event_set(&event); /* for the waiter */
    thrum_event_set(&event); /* for the next */
    CHECK(thrum_event_is_set(&event));
    join_all_that_are_ok(&waiter, &thread, 1);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK(!thrum_event_is_set(&event));
}

/* ---- Deadlines, interrupts -------------------------------------------------------------------------------------- */

static void a_timed_wait_is_never_early(void)
{
    thrum_event events[] = {THRUM_EVENT_INIT, THRUM_EVENT_AUTO_INIT};
    static const thrum_nanos lengths[] = {1000, 300000, 999999, 3000000, 10000000};
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            thrum_nanos start = thrum_now();
            CHECK_STATUS(thrum_event_wait(&events[round % 2], thrum_after(lengths[i])), THRUM_TIMED_OUT);
            CHECK(thrum_now() - start >= lengths[i]);
        }
}

/* tinycthread: the broadcast stayed, and later waits returned at once. */
static void timed_waits_after_a_set_and_clear_really_wait(void)
{
    thrum_event event = THRUM_EVENT_INIT;
    event_waiter waiters[3];
    thrum_thread *threads[3];
    put_to_sleep(&event, waiters, threads, 3, NULL);
    thrum_event_set(&event);
    thrum_event_clear(&event);
    join_all_that_are_ok(waiters, threads, 3);
    for (int i = 0; i < 5; i++) {
        thrum_nanos start = thrum_now();
        CHECK_STATUS(thrum_event_wait(&event, support_in(20)), THRUM_TIMED_OUT);
        CHECK(support_since(start) >= 20);
    }
}

/* Invariant 2. */
static void a_wait_that_timed_out_takes_no_set_with_it(void)
{
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    event_waiter waiter;
    thrum_thread *thread;
    CHECK_STATUS(thrum_event_wait(&event, support_in(1)), THRUM_TIMED_OUT);
    put_to_sleep(&event, &waiter, &thread, 1, NULL);
    CHECK_STATUS(thrum_event_wait(&event, support_in(1)), THRUM_TIMED_OUT);
    thrum_event_set(&event);
    join_all_that_are_ok(&waiter, &thread, 1);
    CHECK(!thrum_event_is_set(&event));
}

static void an_interrupt_ends_one_wait(void)
{
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    event_waiter waiters[2];
    thrum_thread *threads[2];
    put_to_sleep(&event, waiters, threads, 2, NULL);
    CHECK_STATUS(thrum_thread_interrupt(threads[0]), THRUM_OK);
    support_join(threads[0]);
    CHECK_STATUS(waiters[0].status, THRUM_INTERRUPTED);
    support_await_sleepers(&event, 1);
    thrum_event_set(&event);
    join_all_that_are_ok(waiters + 1, threads + 1, 1);
    CHECK(!thrum_event_is_set(&event));
}

/* Invariant 1. */
static void a_pending_interrupt_leaves_an_auto_one_set(void)
{
    thrum_event event = THRUM_EVENT_AUTO_INIT;
    thrum_event_set(&event);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&event, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK(thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
}

/* ---- Two threads in turn ---------------------------------------------------------------------------------------- */

enum { TURNS = 3000 };

typedef struct table {
    thrum_event ping, pong;
    unsigned ball; /* plain: the events order all uses of it */
    unsigned failures;
} table;

static void *answer(void *arg)
{
    table *t = arg;
    for (unsigned i = 0; i < TURNS; i++) {
        if (thrum_event_wait(&t->ping, support_in(20000)) != THRUM_OK || t->ball != 2 * i + 1)
            t->failures++;
        t->ball++;
        thrum_event_set(&t->pong);
    }
    return NULL;
}

static void two_auto_ones_hand_a_ball_to_and_fro(void)
{
    table t = {THRUM_EVENT_AUTO_INIT, THRUM_EVENT_AUTO_INIT, 0, 0};
    unsigned failures = 0;
    thrum_thread *thread = support_start(answer, &t);
    for (unsigned i = 0; i < TURNS; i++) {
        t.ball++;
        thrum_event_set(&t.ping);
        if (thrum_event_wait(&t.pong, support_in(20000)) != THRUM_OK || t.ball != 2 * i + 2)
            failures++;
    }
    support_join(thread);
    CHECK_IS(failures, 0);
    CHECK_IS(t.failures, 0);
}

/* ---- Freed by who waits ----------------------------------------------------------------------------------------- */

typedef struct freeing {
    void *event; /* atomic: handed to the waiter, NULL again once it has been freed */
    uint32_t rounds, failures;
} freeing;

static void *wait_and_free(void *arg)
{
    freeing *f = arg;
    for (uint32_t i = 0; i < f->rounds; i++) {
        thrum_event *event;
        while (!(event = thrum__load_pointer_acquire(&f->event)))
            thrum_thread_yield();
        if (thrum_event_wait(event, support_in(20000)) != THRUM_OK)
            f->failures++;
        memset(event, 0xDD, sizeof *event);
        free(event);
        thrum__store_pointer_release(&f->event, NULL);
    }
    return NULL;
}

static void free_after_wait(uint32_t rounds, bool asleep)
{
    freeing f = {.rounds = rounds};
    thrum_thread *thread = support_start(wait_and_free, &f);
    for (uint32_t i = 0; i < rounds; i++) {
        thrum_event *event = malloc(sizeof *event);
        if (!event)
            support_give_up("no memory");
        thrum_event_init(event, i % 2 == 1);
        thrum__store_pointer_release(&f.event, event);
        if (asleep)
            support_await_sleepers(event, 1);
        thrum_event_set(event);
        while (thrum__load_pointer_acquire(&f.event))
            thrum_thread_yield();
    }
    support_join(thread);
    CHECK_IS(f.failures, 0);
}

static void who_slept_may_free_it(void)
{
    free_after_wait(2000, true);
}

static void who_comes_as_it_is_set_may_free_it(void)
{
    free_after_wait(5000, false);
}

static void foreign_threads_can_wait(void)
{
    thrum_event event = THRUM_EVENT_INIT;
    event_waiter waiter = {.event = &event, .status = THRUM_SYSTEM};
    support_foreign *thread = support_foreign_start(wait_for_it, &waiter);
    support_await_sleepers(&event, 1);
    thrum_event_set(&event);
    support_foreign_join(thread);
    CHECK_STATUS(waiter.status, THRUM_OK);
}

static const support_test tests[] = {
    {"it_is_at_most_2_bytes", it_is_at_most_2_bytes},
    {"zero_bytes_are_a_clear_event", zero_bytes_are_a_clear_event},
    {"init_makes_a_clear_one_of_any_bytes", init_makes_a_clear_one_of_any_bytes},
    {"a_manual_one_stays_set_until_cleared", a_manual_one_stays_set_until_cleared},
    {"to_set_a_set_one_changes_nothing", to_set_a_set_one_changes_nothing},
    {"is_set_does_not_reset_an_auto_one", is_set_does_not_reset_an_auto_one},
    {"a_manual_one_lets_all_go_and_stays_set", a_manual_one_lets_all_go_and_stays_set},
    {"who_waited_goes_though_it_is_cleared_at_once", who_waited_goes_though_it_is_cleared_at_once},
    {"an_auto_one_lets_the_longest_waiter_go_and_no_other", an_auto_one_lets_the_longest_waiter_go_and_no_other},
    {"an_auto_one_is_set_for_the_next_if_nobody_waits", an_auto_one_is_set_for_the_next_if_nobody_waits},
    {"a_timed_wait_is_never_early", a_timed_wait_is_never_early},
    {"timed_waits_after_a_set_and_clear_really_wait", timed_waits_after_a_set_and_clear_really_wait},
    {"a_wait_that_timed_out_takes_no_set_with_it", a_wait_that_timed_out_takes_no_set_with_it},
    {"an_interrupt_ends_one_wait", an_interrupt_ends_one_wait},
    {"a_pending_interrupt_leaves_an_auto_one_set", a_pending_interrupt_leaves_an_auto_one_set},
    {"two_auto_ones_hand_a_ball_to_and_fro", two_auto_ones_hand_a_ball_to_and_fro},
    {"who_slept_may_free_it", who_slept_may_free_it},
    {"who_comes_as_it_is_set_may_free_it", who_comes_as_it_is_set_may_free_it},
    {"foreign_threads_can_wait", foreign_threads_can_wait},
};

SUITE("event", tests)
