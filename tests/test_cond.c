/* The condition. */
#include "support/support.h"

/* ---- A waiter, and those who meet it --------------------------------------------------------------------------------- */

typedef struct place {
    thrum_lock lock;
    thrum_cond cond;
    int order[64];   /* who came back, in that order; guarded by the lock, as is all of this */
    int there, back; /* how many have come to wait, have come back */
} place;

typedef struct waiter {
    place *place;
    int index;
    thrum_deadline deadline;
    thrum_status status;
    bool held;              /* the lock, when the wait came back */
    bool early;             /* it timed out before its deadline */
    bool interrupt_pending; /* when it had come back */
    thrum_thread *thread;
} waiter;

static void *wait_once(void *to)
{
    waiter *w = (waiter *)to;
    place *p = w->place;
    thrum_lock_acquire(&p->lock);
    p->there++;
    w->status = thrum_cond_wait(&p->cond, &p->lock, w->deadline);
    w->early = w->status == THRUM_TIMED_OUT && thrum_now() < w->deadline.at;
    w->held = !thrum_lock_try_acquire(&p->lock);
    w->interrupt_pending = thrum_thread_take_interrupt();
    p->order[p->back++] = w->index;
    thrum_lock_release(&p->lock);
    return NULL;
}

/* Start waiters, each when the one before it sleeps, so that their order is known. */
static void start_waiters(place *p, waiter *waiters, int count)
{
    for (int i = 0; i < count; i++) {
        waiters[i] = (waiter){.place = p, .index = i, .deadline = THRUM_FOREVER, .status = THRUM_SYSTEM};
        waiters[i].thread = support_start(wait_once, &waiters[i]);
        support_await_sleepers(&p->cond, (unsigned)i + 1);
    }
}

static void join_waiters(waiter *waiters, int count, thrum_status status)
{
    for (int i = 0; i < count; i++) {
        support_join(waiters[i].thread);
        CHECK_STATUS(waiters[i].status, status);
        CHECK(waiters[i].held);
        CHECK(!waiters[i].early);
    }
}

static int how_many_are_back(place *p)
{
    thrum_lock_acquire(&p->lock);
    int back = p->back;
    thrum_lock_release(&p->lock);
    return back;
}

static void await_back(place *p, int count)
{
    thrum_deadline end = support_in(20000);
    while (how_many_are_back(p) < count) {
        if (thrum_left(end) == 0)
            support_give_up("a waiter that was notified did not come back");
        thrum_thread_yield();
    }
}

static bool came_in_order(const place *p, int count)
{
    for (int i = 0; i < count; i++)
        if (p->order[i] != i)
            return false;
    return p->back == count;
}

/* ---- What it is ---------------------------------------------------------------------------------------------------- */

static void zero_bytes_are_a_condition_where_nobody_waits(void)
{
    place p;
    thrum_cond said_in_words = THRUM_COND_INIT;
    memset(&p, 0, sizeof p);
    thrum_cond_notify(&p.cond);
    thrum_cond_notify_all(&said_in_words);
    waiter w;
    start_waiters(&p, &w, 1);
    thrum_cond_notify(&p.cond);
    join_waiters(&w, 1, THRUM_OK);
}

static void it_is_eight_bytes_at_most(void)
{
    CHECK(sizeof(thrum_cond) <= 8);
}

/* ---- Notify -------------------------------------------------------------------------------------------------------- */

static void notify_wakes_with_the_lock_and_without(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter w;
    start_waiters(&p, &w, 1);
    thrum_cond_notify(&p.cond);
    join_waiters(&w, 1, THRUM_OK);

    start_waiters(&p, &w, 1);
    THRUM_WITH (&p.lock) {
        thrum_cond_notify(&p.cond);
        CHECK_IS(p.back, 1); /* not before the lock is free */
    }
    join_waiters(&w, 1, THRUM_OK);
    CHECK(!thrum_lock_is_held(&p.lock));
}

static void a_foreign_thread_may_wait(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter w = {.place = &p, .deadline = THRUM_FOREVER, .status = THRUM_SYSTEM};
    support_foreign *thread = support_foreign_start(wait_once, &w);
    support_await_sleepers(&p.cond, 1);
    thrum_cond_notify(&p.cond);
    support_foreign_join(thread);
    CHECK_STATUS(w.status, THRUM_OK);
    CHECK(w.held);
}

static void notify_without_waiters_is_not_remembered(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_cond_notify(&p.cond);
    thrum_cond_notify_n(&p.cond, 5);
    thrum_cond_notify_all(&p.cond);
    thrum_lock_acquire(&p.lock);
    thrum_cond_notify(&p.cond);
    thrum_deadline deadline = support_in(20);
    CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, deadline), THRUM_TIMED_OUT);
    CHECK(thrum_now() >= deadline.at);
    thrum_lock_release(&p.lock);
}

static void the_longest_waiter_is_notified_first(void)
{
    enum { N = 5 };
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    for (int i = 0; i < N; i++) {
        if (i % 2)
            thrum_lock_acquire(&p.lock);
        thrum_cond_notify(&p.cond);
        if (i % 2)
            thrum_lock_release(&p.lock);
        await_back(&p, i + 1);
        support_await_sleepers(&p.cond, (unsigned)(N - i - 1));
    }
    CHECK(came_in_order(&p, N));
    join_waiters(waiters, N, THRUM_OK);
}

static void notify_n_wakes_so_many_of_the_longest(void)
{
    enum { N = 5 };
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    thrum_cond_notify_n(&p.cond, 0);
    support_await_sleepers(&p.cond, N);
    thrum_cond_notify_n(&p.cond, 2);
    await_back(&p, 2);
    support_await_sleepers(&p.cond, N - 2);
    CHECK_IS(p.order[0] + p.order[1], 0 + 1);
    THRUM_WITH (&p.lock) {
        thrum_cond_notify_n(&p.cond, 2);
    }
    await_back(&p, 4);
    support_await_sleepers(&p.cond, 1);
    CHECK_IS(p.order[2] + p.order[3], 2 + 3);
    thrum_cond_notify_n(&p.cond, 100); /* more than there are */
    join_waiters(waiters, N, THRUM_OK);
    CHECK_IS(p.back, N);
}

static void notify_all_wakes_all_without_the_lock(void)
{
    enum { N = 20 };
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    thrum_cond_notify_all(&p.cond);
    join_waiters(waiters, N, THRUM_OK);
    CHECK_IS(p.back, N);
    CHECK(!thrum_lock_is_held(&p.lock));
}

static void notify_all_with_the_lock_moves_the_waiters_to_it(void)
{
    enum { N = 20 };
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[N];
    start_waiters(&p, waiters, N);
    thrum_lock_acquire(&p.lock);
    support_await_sleepers(&p.lock, 0);
    thrum_cond_notify_all(&p.cond);
    support_await_sleepers(&p.cond, 0);
    support_await_sleepers(&p.lock, N);
    CHECK_IS(p.back, 0);
    thrum_lock_release(&p.lock);
    join_waiters(waiters, N, THRUM_OK);
    CHECK(came_in_order(&p, N));
    CHECK(!thrum_lock_is_held(&p.lock));
}

/* The notified waiter goes from one queue to the other while somebody else, who knows nothing of it, lets the lock go.
 * The lock must not end up free with the waiter asleep for it: nobody need ever acquire it again. */
typedef struct crossing {
    thrum_lock lock;
    thrum_cond cond;
    uint32_t round;    /* atomic: the holder may take the lock for this round */
    uint32_t let_go;   /* atomic: the last round in which it has released the lock */
    uint32_t returned; /* atomic: the last round in which the waiter has come back */
    bool wrong;        /* the waiter's */
} crossing;

enum { CROSSINGS = SUPPORT_ROUNDS(10000) };

static void *wait_each_round(void *to)
{
    crossing *c = (crossing *)to;
    for (uint32_t i = 1; i <= CROSSINGS; i++) {
        thrum_lock_acquire(&c->lock);
        c->wrong |= thrum_cond_wait(&c->cond, &c->lock, THRUM_FOREVER) != THRUM_OK;
        thrum_lock_release(&c->lock);
        thrum__store_u32_release(&c->returned, i);
    }
    return NULL;
}

static void pause_for(uint32_t turns)
{
    while (turns-- > 0)
        THRUM__PAUSE();
}

static void *hold_a_moment_each_round(void *to)
{
    crossing *c = (crossing *)to;
    for (uint32_t i = 1; i <= CROSSINGS; i++) {
        while (thrum__load_u32_acquire(&c->round) < i)
            THRUM__PAUSE();
        thrum_lock_acquire(&c->lock);
        pause_for(i % 37);
        thrum_lock_release(&c->lock);
        thrum__store_u32_release(&c->let_go, i);
    }
    return NULL;
}

static bool reaches(const uint32_t *counter, uint32_t value, int milliseconds)
{
    thrum_deadline end = support_in(milliseconds);
    while (thrum__load_u32_acquire(counter) < value) {
        if (thrum_left(end) == 0)
            return false;
        thrum_thread_yield();
    }
    return true;
}

static void a_notify_that_crosses_a_release_loses_nobody(void)
{
    crossing c = {.lock = THRUM_LOCK_INIT};
    thrum_thread *one = support_start(wait_each_round, &c);
    thrum_thread *another = support_start(hold_a_moment_each_round, &c);
    thrum_deadline enough = support_in(1500); /* on slow machines fewer rounds are looked at */
    unsigned lost = 0, rounds = 0;
    for (uint32_t i = 1; i <= CROSSINGS; i++) {
        support_await_sleepers(&c.cond, 1);
        thrum__store_u32_release(&c.round, i);
        bool look = lost == 0 && thrum_left(enough) > 0;
        rounds += look;
        pause_for(look ? i % 41 : 0);
        thrum_cond_notify(&c.cond);
        if (!reaches(&c.let_go, i, 20000))
            support_give_up("the lock was not to be had");
        if (look && reaches(&c.returned, i, 2000))
            continue;
        lost += look;
        while (thrum__load_u32_acquire(&c.returned) < i) { /* help it out */
            thrum_lock_acquire(&c.lock);
            thrum_lock_release(&c.lock);
            thrum_thread_yield();
        }
    }
    support_join(one);
    support_join(another);
    if (lost)
        fprintf(stderr, "the waiter was lost in round %u\n", rounds);
    CHECK_IS(lost, 0);
    CHECK(!c.wrong);
}

/* ---- Misuse -------------------------------------------------------------------------------------------------------- */

static bool never(void *unused)
{
    (void)unused;
    return false;
}

static void waiting_without_the_lock_is_refused(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_rlock rlock = THRUM_RLOCK_INIT;
    CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, THRUM_FOREVER), THRUM_NOT_OWNER);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, never, NULL, THRUM_FOREVER), THRUM_NOT_OWNER);
    CHECK_STATUS(thrum_cond_wait_rlock(&p.cond, &rlock, THRUM_FOREVER), THRUM_NOT_OWNER);
    CHECK(!thrum_lock_is_held(&p.lock));
    CHECK(!thrum_rlock_is_owned(&rlock));
    support_await_sleepers(&p.cond, 0);
}

static void waiting_with_another_lock_than_the_others_is_refused(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_lock another = THRUM_LOCK_INIT;
    thrum_rlock rlock = THRUM_RLOCK_INIT;
    waiter w;
    start_waiters(&p, &w, 1);
    thrum_lock_acquire(&another);
    CHECK_STATUS(thrum_cond_wait(&p.cond, &another, THRUM_FOREVER), THRUM_INVALID);
    CHECK(thrum_lock_is_held(&another));
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &another, never, NULL, THRUM_FOREVER), THRUM_INVALID);
    CHECK(thrum_lock_is_held(&another));
    thrum_rlock_acquire(&rlock);
    thrum_rlock_acquire(&rlock);
    CHECK_STATUS(thrum_cond_wait_rlock(&p.cond, &rlock, THRUM_FOREVER), THRUM_INVALID);
    CHECK_IS(thrum_rlock_depth(&rlock), 2);
    support_await_sleepers(&p.cond, 1);
    thrum_cond_notify(&p.cond);
    join_waiters(&w, 1, THRUM_OK);

    /* nobody is there now: another lock may be used */
    CHECK_STATUS(thrum_cond_wait(&p.cond, &another, support_in(5)), THRUM_TIMED_OUT);
    CHECK(thrum_lock_is_held(&another));
    thrum_lock_release(&another);
}

/* ---- wait_for ------------------------------------------------------------------------------------------------------ */

typedef struct question {
    thrum_lock *lock;
    int calls;
    int true_from; /* the call that first says true */
    bool unlocked; /* a call found the lock free */
} question;

static bool answer(void *to)
{
    question *q = (question *)to;
    q->unlocked |= !thrum_lock_is_held(q->lock);
    return ++q->calls >= q->true_from;
}

static void wait_for_looks_first(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    question q = {.lock = &p.lock, .true_from = 1};
    thrum_lock_acquire(&p.lock);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, answer, &q, THRUM_FOREVER), THRUM_OK);
    CHECK_IS(q.calls, 1);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, answer, &q, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK(thrum_lock_is_held(&p.lock));
    CHECK(!q.unlocked);
    thrum_lock_release(&p.lock);
}

static void wait_for_refuses_no_predicate(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_lock_acquire(&p.lock);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, NULL, NULL, THRUM_FOREVER), THRUM_INVALID);
    CHECK(thrum_lock_is_held(&p.lock));
    thrum_lock_release(&p.lock);
}

typedef struct asking {
    place *place;
    question question;
    thrum_deadline deadline;
    thrum_status status;
    bool held, interrupt_pending;
} asking;

static void *wait_for_once(void *to)
{
    asking *a = (asking *)to;
    thrum_lock_acquire(&a->place->lock);
    a->status = thrum_cond_wait_for(&a->place->cond, &a->place->lock, answer, &a->question, a->deadline);
    a->held = !thrum_lock_try_acquire(&a->place->lock);
    a->interrupt_pending = thrum_thread_take_interrupt();
    thrum_lock_release(&a->place->lock);
    return NULL;
}

static void wait_for_looks_after_each_notify(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    asking a = {.place = &p, .question = {&p.lock, 0, 3, false}, .deadline = THRUM_FOREVER};
    thrum_thread *thread = support_start(wait_for_once, &a);
    for (int calls = 1; calls < 3; calls++) {
        for (bool there = false; !there; thrum_thread_yield()) /* until it sleeps again */
            THRUM_WITH (&p.lock)
                there = a.question.calls == calls;
        support_await_sleepers(&p.cond, 1);
        thrum_cond_notify(&p.cond);
    }
    support_join(thread);
    CHECK_STATUS(a.status, THRUM_OK);
    CHECK_IS(a.question.calls, 3);
    CHECK(!a.question.unlocked);
    CHECK(a.held);
}

static void wait_for_times_out_if_it_stays_false(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_deadline deadline = support_in(20);
    thrum_lock_acquire(&p.lock);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, never, NULL, deadline), THRUM_TIMED_OUT);
    CHECK(thrum_now() >= deadline.at);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, never, NULL, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    CHECK(thrum_lock_is_held(&p.lock));
    thrum_lock_release(&p.lock);
}

static void wait_for_is_ok_if_it_is_true_at_the_deadline(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    question q = {.lock = &p.lock, .true_from = 2};
    thrum_deadline deadline = support_in(20);
    thrum_lock_acquire(&p.lock);
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, answer, &q, deadline), THRUM_OK);
    CHECK(thrum_now() >= deadline.at);
    CHECK_IS(q.calls, 2);
    CHECK(thrum_lock_is_held(&p.lock));
    thrum_lock_release(&p.lock);
}

static void an_interrupt_ends_wait_for(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    asking a = {.place = &p, .question = {&p.lock, 0, 100, false}, .deadline = THRUM_FOREVER};
    thrum_thread *thread = support_start(wait_for_once, &a);
    support_await_sleepers(&p.cond, 1);
    thrum_thread_interrupt(thread);
    support_join(thread);
    CHECK_STATUS(a.status, THRUM_INTERRUPTED);
    CHECK(a.held);
    CHECK(!a.interrupt_pending);
}

/* Invariant 2. */
static void wait_for_keeps_an_interrupt_if_it_is_true(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    asking a = {.place = &p, .question = {&p.lock, 0, 2, false}, .deadline = THRUM_FOREVER};
    thrum_thread *thread = support_start(wait_for_once, &a);
    support_await_sleepers(&p.cond, 1);
    thrum_thread_interrupt(thread);
    support_join(thread);
    CHECK_STATUS(a.status, THRUM_OK);
    CHECK(a.held);
    CHECK(a.interrupt_pending);

    question at_once = {.lock = &p.lock, .true_from = 1};
    thrum_lock_acquire(&p.lock);
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_cond_wait_for(&p.cond, &p.lock, answer, &at_once, THRUM_FOREVER), THRUM_OK);
    CHECK(thrum_thread_take_interrupt());
    thrum_lock_release(&p.lock);
}

/* ---- Deadlines ----------------------------------------------------------------------------------------------------- */

static void a_timed_wait_never_ends_early(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    const thrum_nanos lengths[] = {-1,
                                   1,
                                   THRUM_MICROSECONDS(1),
                                   THRUM_MICROSECONDS(100),
                                   THRUM_MICROSECONDS(999),
                                   THRUM_MICROSECONDS(1001),
                                   THRUM_MILLISECONDS(20)};
    thrum_lock_acquire(&p.lock);
    for (int i = 0; i < 7; i++) {
        thrum_deadline deadline = thrum_after(lengths[i]);
        CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, deadline), THRUM_TIMED_OUT);
        CHECK(thrum_now() >= deadline.at);
        CHECK(thrum_lock_is_held(&p.lock));
    }
    CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_lock_release(&p.lock), THRUM_OK);
}

static void timed_waits_after_a_broadcast_each_wait(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[3];
    start_waiters(&p, waiters, 3);
    thrum_cond_notify_all(&p.cond);
    join_waiters(waiters, 3, THRUM_OK);
    thrum_lock_acquire(&p.lock);
    for (int i = 0; i < 5; i++) {
        thrum_deadline deadline = support_in(15);
        CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, deadline), THRUM_TIMED_OUT);
        CHECK(thrum_now() >= deadline.at);
    }
    thrum_lock_release(&p.lock);
}

/* Invariant 2: a waiter that leaves passes on what was meant for it. */
static void who_timed_out_has_swallowed_no_notify(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter a = {.place = &p, .index = 0, .deadline = support_in(50)};
    waiter b = {.place = &p, .index = 1, .deadline = THRUM_FOREVER};
    a.thread = support_start(wait_once, &a);
    support_await_sleepers(&p.cond, 1);
    b.thread = support_start(wait_once, &b);
    join_waiters(&a, 1, THRUM_TIMED_OUT);
    support_await_sleepers(&p.cond, 1);
    thrum_cond_notify(&p.cond);
    join_waiters(&b, 1, THRUM_OK);
}

/* One notify, sent about when the first waiter's deadline passes: one of the two gets it. */
static void a_notify_at_the_deadline_is_for_one_of_the_two(void)
{
    enum { ROUNDS = 300 };
    for (int round = 0; round < ROUNDS; round++) {
        place p = {.lock = THRUM_LOCK_INIT};
        waiter a = {.place = &p, .index = 0, .deadline = thrum_after(THRUM_MICROSECONDS(300))};
        waiter b = {.place = &p, .index = 1, .deadline = THRUM_FOREVER};
        a.thread = support_start(wait_once, &a);
        b.thread = support_start(wait_once, &b);
        thrum_deadline end = support_in(20000);
        for (int there = 0; there < 2; thrum_thread_yield()) {
            THRUM_WITH (&p.lock)
                there = p.there;
            if (thrum_left(end) == 0)
                support_give_up("nobody waits");
        }
        while (thrum_left(a.deadline) > THRUM_NANOSECONDS(round % 40) * 1000)
            THRUM__PAUSE();
        thrum_cond_notify(&p.cond);
        support_join(a.thread);
        if (a.status == THRUM_OK) {
            support_await_sleepers(&p.cond, 1);
            thrum_cond_notify(&p.cond);
        } else {
            CHECK_STATUS(a.status, THRUM_TIMED_OUT);
        }
        join_waiters(&b, 1, THRUM_OK);
    }
}

static void a_deadline_that_passes_after_the_notify_is_too_late(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter w = {.place = &p, .deadline = support_in(200), .status = THRUM_SYSTEM};
    w.thread = support_start(wait_once, &w);
    support_await_sleepers(&p.cond, 1);
    thrum_lock_acquire(&p.lock);
    thrum_cond_notify(&p.cond);
    bool in_time = thrum_left(w.deadline) > 0;
    CHECK_STATUS(thrum_sleep_until(thrum_after(thrum_left(w.deadline) + THRUM_MILLISECONDS(20))), THRUM_OK);
    thrum_lock_release(&p.lock);
    support_join(w.thread);
    CHECK_STATUS(w.status, in_time ? THRUM_OK : w.status);
    CHECK(w.held);
}

/* ---- Interrupts ---------------------------------------------------------------------------------------------------- */

static void an_interrupt_ends_the_wait(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter waiters[2];
    start_waiters(&p, waiters, 2);
    thrum_thread_interrupt(waiters[0].thread);
    join_waiters(waiters, 1, THRUM_INTERRUPTED);
    CHECK(!waiters[0].interrupt_pending);
    support_await_sleepers(&p.cond, 1);
    thrum_cond_notify(&p.cond); /* it has swallowed no notify either */
    join_waiters(waiters + 1, 1, THRUM_OK);
}

static void a_pending_interrupt_ends_the_wait_at_once(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    thrum_lock_acquire(&p.lock);
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK(thrum_lock_is_held(&p.lock));
    CHECK(!thrum_thread_take_interrupt());
    support_await_sleepers(&p.cond, 0);
    thrum_lock_release(&p.lock);
}

/* Invariant 2: the wait was granted, and the interrupt stays pending. */
static void an_interrupt_after_the_notify_stays_pending(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter w;
    start_waiters(&p, &w, 1);
    thrum_lock_acquire(&p.lock);
    thrum_cond_notify(&p.cond);
    thrum_thread_interrupt(w.thread);
    support_await_sleepers(&p.lock, 1);
    thrum_lock_release(&p.lock);
    join_waiters(&w, 1, THRUM_OK);
    CHECK(w.interrupt_pending);
}

/* Invariant 9: the condition's lock is taken again whatever comes. */
static void an_interrupted_wait_waits_for_the_lock(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    waiter w;
    start_waiters(&p, &w, 1);
    thrum_lock_acquire(&p.lock);
    thrum_thread_interrupt(w.thread);
    support_await_sleepers(&p.lock, 1);
    thrum_thread_interrupt(w.thread); /* acquiring the lock again is not interrupted */
    support_await_sleepers(&p.lock, 1);
    CHECK_IS(p.back, 0);
    thrum_lock_release(&p.lock);
    join_waiters(&w, 1, THRUM_INTERRUPTED);
    CHECK(w.interrupt_pending);
}

/* What a handler on the main thread does while that waits. */
typedef struct handling {
    place *place;
    bool could_have_the_lock;
    bool notifies;
    thrum_status says;
    uint32_t ran; /* flag */
} handling;

static thrum_status handle(int signum, void *to)
{
    handling *h = (handling *)to;
    (void)signum;
    h->could_have_the_lock = thrum_lock_try_acquire(&h->place->lock);
    if (h->notifies)
        thrum_cond_notify(&h->place->cond);
    if (h->could_have_the_lock)
        thrum_lock_release(&h->place->lock);
    support_set_flag(&h->ran);
    return h->says;
}

static void *interrupt_main(void *to)
{
    handling *h = (handling *)to;
    support_await_sleepers(&h->place->cond, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    return NULL;
}

static void *interrupt_main_and_notify(void *to)
{
    handling *h = (handling *)to;
    interrupt_main(h);
    support_await_flag(&h->ran);
    thrum_cond_notify(&h->place->cond);
    return NULL;
}

static thrum_status wait_with_handler(handling *h, void *(*helper)(void *))
{
    thrum_signal_handler old, handler = {handle, h};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, &old), THRUM_OK);
    thrum_lock_acquire(&h->place->lock);
    thrum_thread *thread = support_start(helper, h);
    thrum_status status = thrum_cond_wait(&h->place->cond, &h->place->lock, support_in(15000));
    CHECK(thrum_lock_is_held(&h->place->lock));
    thrum_lock_release(&h->place->lock);
    support_join(thread);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, old, NULL), THRUM_OK);
    CHECK(h->ran);
    CHECK(h->could_have_the_lock);
    return status;
}

static void a_handler_runs_with_the_lock_given_up_and_may_end_the_wait(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    handling h = {.place = &p, .says = THRUM_INTERRUPTED};
    CHECK_STATUS(wait_with_handler(&h, interrupt_main), THRUM_INTERRUPTED);
}

static void the_wait_goes_on_after_a_handler_that_lets_it(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    handling h = {.place = &p, .says = THRUM_OK};
    CHECK_STATUS(wait_with_handler(&h, interrupt_main_and_notify), THRUM_OK);
}

/* Invariant 3: the wait was granted meanwhile. */
static void a_handler_may_notify_the_wait_that_it_runs_in(void)
{
    place p = {.lock = THRUM_LOCK_INIT};
    handling h = {.place = &p, .notifies = true, .says = THRUM_OK};
    CHECK_STATUS(wait_with_handler(&h, interrupt_main), THRUM_OK);

    /* the notify was first: the interrupt is the next one's */
    h = (handling){.place = &p, .notifies = true, .says = THRUM_INTERRUPTED};
    thrum_signal_handler old, handler = {handle, &h};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, &old), THRUM_OK);
    thrum_lock_acquire(&p.lock);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    CHECK_STATUS(thrum_cond_wait(&p.cond, &p.lock, support_in(15000)), THRUM_OK);
    CHECK(thrum_thread_take_interrupt());
    thrum_lock_release(&p.lock);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, old, NULL), THRUM_OK);
}

/* ---- With a re-entrant lock ------------------------------------------------------------------------------------------ */

typedef struct deep {
    thrum_rlock lock;
    thrum_cond cond;
    bool notify, was_free;
} deep;

static void *visit_deep(void *to)
{
    deep *d = (deep *)to;
    support_await_sleepers(&d->cond, 1);
    d->was_free = thrum_rlock_try_acquire(&d->lock);
    if (d->notify)
        thrum_cond_notify(&d->cond);
    if (d->was_free)
        thrum_rlock_release(&d->lock);
    return NULL;
}

static void wait_rlock_gives_up_all_holds_and_has_them_again(void)
{
    deep d = {.lock = THRUM_RLOCK_INIT};
    for (int i = 0; i < 3; i++)
        thrum_rlock_acquire(&d.lock);

    d.notify = true;
    thrum_thread *visitor = support_start(visit_deep, &d);
    CHECK_STATUS(thrum_cond_wait_rlock(&d.cond, &d.lock, support_in(15000)), THRUM_OK);
    CHECK_IS(thrum_rlock_depth(&d.lock), 3);
    support_join(visitor);
    CHECK(d.was_free);

    thrum_deadline deadline = support_in(20);
    CHECK_STATUS(thrum_cond_wait_rlock(&d.cond, &d.lock, deadline), THRUM_TIMED_OUT);
    CHECK(thrum_now() >= deadline.at);
    CHECK_IS(thrum_rlock_depth(&d.lock), 3);

    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_cond_wait_rlock(&d.cond, &d.lock, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK_IS(thrum_rlock_depth(&d.lock), 3);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(thrum_rlock_release(&d.lock), THRUM_OK);
    CHECK(!thrum_rlock_is_owned(&d.lock));
}

static void *wait_deep(void *to)
{
    static thrum_status status; /* one thread at a time; NULL says that it could not wait at all */
    deep *d = (deep *)to;
    thrum_rlock_acquire(&d->lock);
    status = thrum_cond_wait_rlock(&d->cond, &d->lock, THRUM_FOREVER);
    return thrum_rlock_release(&d->lock) == THRUM_OK ? &status : NULL;
}

static void wait_rlock_of_another_s_lock_is_refused(void)
{
    deep d = {.lock = THRUM_RLOCK_INIT};
    thrum_rlock_acquire(&d.lock);
    CHECK_STATUS(thrum_rlock_release(&d.lock), THRUM_OK);
    thrum_thread *other = support_start(wait_deep, &d);
    support_await_sleepers(&d.cond, 1);
    CHECK_STATUS(thrum_cond_wait_rlock(&d.cond, &d.lock, THRUM_FOREVER), THRUM_NOT_OWNER);
    thrum_cond_notify(&d.cond);
    thrum_status *status = (thrum_status *)support_join(other);
    CHECK(status != NULL);
    if (status)
        CHECK_STATUS(*status, THRUM_OK);
}

/* ---- Many ---------------------------------------------------------------------------------------------------------- */

typedef struct census {
    thrum_lock lock;
    thrum_cond cond;
    bool over;
    long waiting; /* threads that no notify was sent for */
    long wakes, strange;
} census;

static void *wait_and_count(void *to)
{
    census *c = (census *)to;
    thrum_lock_acquire(&c->lock);
    while (!c->over) {
        c->waiting++;
        thrum_status status = thrum_cond_wait(&c->cond, &c->lock, THRUM_FOREVER);
        c->wakes += status == THRUM_OK;
        c->strange += status != THRUM_OK;
    }
    thrum_lock_release(&c->lock);
    return NULL;
}

/* Each notify is for one that waits, so there must be as many wakes as notifies, no more and no fewer. */
static void nobody_wakes_without_a_notify(void)
{
    enum { THREADS = 3, NOTIFIES = SUPPORT_ROUNDS(5000) };
    census c = {.lock = THRUM_LOCK_INIT};
    thrum_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = support_start(wait_and_count, &c);
    long sent = 0;
    thrum_deadline end = support_in(15000);
    while (sent < NOTIFIES && thrum_left(end) > 0) {
        bool with_lock = sent % 2 == 0, send = false;
        THRUM_WITH (&c.lock) {
            send = c.waiting > 0;
            c.waiting -= send;
            sent += send;
            if (send && with_lock)
                thrum_cond_notify(&c.cond);
        }
        if (send && !with_lock)
            thrum_cond_notify(&c.cond);
        if (!send)
            thrum_thread_yield();
    }
    CHECK_IS(sent, NOTIFIES);
    THRUM_WITH (&c.lock) {
        c.over = true;
        sent += c.waiting;
        thrum_cond_notify_all(&c.cond);
    }
    for (int i = 0; i < THREADS; i++)
        support_join(threads[i]);
    CHECK_IS(c.wakes, sent);
    CHECK_IS(c.strange, 0);
}

enum { PRODUCERS = 4, CONSUMERS = 4, ITEMS = SUPPORT_ROUNDS(5000), SLOTS = 4 };

typedef struct store {
    thrum_lock lock;
    thrum_cond filled, emptied;
    int slots[SLOTS], first, count;
    long taken, sum; /* guarded */
    long failed;
} store;

static void *produce(void *to)
{
    store *s = (store *)to;
    for (int i = 1; i <= ITEMS; i++) {
        thrum_lock_acquire(&s->lock);
        while (s->count == SLOTS)
            s->failed += thrum_cond_wait(&s->emptied, &s->lock, THRUM_FOREVER) != THRUM_OK;
        s->slots[(s->first + s->count++) % SLOTS] = i;
        if (i % 2)
            thrum_cond_notify(&s->filled);
        thrum_lock_release(&s->lock);
        if (i % 2 == 0)
            thrum_cond_notify(&s->filled);
    }
    return NULL;
}

static void *consume(void *to)
{
    store *s = (store *)to;
    for (int i = 1; i <= ITEMS; i++) {
        thrum_lock_acquire(&s->lock);
        while (s->count == 0)
            s->failed += thrum_cond_wait(&s->filled, &s->lock, THRUM_FOREVER) != THRUM_OK;
        s->sum += s->slots[s->first];
        s->first = (s->first + 1) % SLOTS;
        s->count--;
        s->taken++;
        if (i % 2)
            thrum_cond_notify(&s->emptied);
        thrum_lock_release(&s->lock);
        if (i % 2 == 0)
            thrum_cond_notify(&s->emptied);
    }
    return NULL;
}

static void producers_and_consumers_pass_all_items_on(void)
{
    store s = {.lock = THRUM_LOCK_INIT};
    thrum_thread *threads[PRODUCERS + CONSUMERS];
    for (int i = 0; i < PRODUCERS; i++)
        threads[i] = support_start(produce, &s);
    for (int i = 0; i < CONSUMERS; i++)
        threads[PRODUCERS + i] = support_start(consume, &s);
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        support_join(threads[i]);
    CHECK_IS(s.taken, (long)PRODUCERS * ITEMS);
    CHECK_IS(s.sum, (long)PRODUCERS * ITEMS * (ITEMS + 1) / 2);
    CHECK_IS(s.failed, 0);
    CHECK_IS(s.count, 0);
}

static const support_test tests[] = {
    {"zero_bytes_are_a_condition_where_nobody_waits", zero_bytes_are_a_condition_where_nobody_waits},
    {"it_is_eight_bytes_at_most", it_is_eight_bytes_at_most},
    {"notify_wakes_with_the_lock_and_without", notify_wakes_with_the_lock_and_without},
    {"a_foreign_thread_may_wait", a_foreign_thread_may_wait},
    {"notify_without_waiters_is_not_remembered", notify_without_waiters_is_not_remembered},
    {"the_longest_waiter_is_notified_first", the_longest_waiter_is_notified_first},
    {"notify_n_wakes_so_many_of_the_longest", notify_n_wakes_so_many_of_the_longest},
    {"notify_all_wakes_all_without_the_lock", notify_all_wakes_all_without_the_lock},
    {"notify_all_with_the_lock_moves_the_waiters_to_it", notify_all_with_the_lock_moves_the_waiters_to_it},
    {"a_notify_that_crosses_a_release_loses_nobody", a_notify_that_crosses_a_release_loses_nobody},
    {"waiting_without_the_lock_is_refused", waiting_without_the_lock_is_refused},
    {"waiting_with_another_lock_than_the_others_is_refused", waiting_with_another_lock_than_the_others_is_refused},
    {"wait_for_looks_first", wait_for_looks_first},
    {"wait_for_refuses_no_predicate", wait_for_refuses_no_predicate},
    {"wait_for_looks_after_each_notify", wait_for_looks_after_each_notify},
    {"wait_for_times_out_if_it_stays_false", wait_for_times_out_if_it_stays_false},
    {"wait_for_is_ok_if_it_is_true_at_the_deadline", wait_for_is_ok_if_it_is_true_at_the_deadline},
    {"an_interrupt_ends_wait_for", an_interrupt_ends_wait_for},
    {"wait_for_keeps_an_interrupt_if_it_is_true", wait_for_keeps_an_interrupt_if_it_is_true},
    {"a_timed_wait_never_ends_early", a_timed_wait_never_ends_early},
    {"timed_waits_after_a_broadcast_each_wait", timed_waits_after_a_broadcast_each_wait},
    {"who_timed_out_has_swallowed_no_notify", who_timed_out_has_swallowed_no_notify},
    {"a_notify_at_the_deadline_is_for_one_of_the_two", a_notify_at_the_deadline_is_for_one_of_the_two},
    {"a_deadline_that_passes_after_the_notify_is_too_late", a_deadline_that_passes_after_the_notify_is_too_late},
    {"an_interrupt_ends_the_wait", an_interrupt_ends_the_wait},
    {"a_pending_interrupt_ends_the_wait_at_once", a_pending_interrupt_ends_the_wait_at_once},
    {"an_interrupt_after_the_notify_stays_pending", an_interrupt_after_the_notify_stays_pending},
    {"an_interrupted_wait_waits_for_the_lock", an_interrupted_wait_waits_for_the_lock},
    {"a_handler_runs_with_the_lock_given_up_and_may_end_the_wait",
     a_handler_runs_with_the_lock_given_up_and_may_end_the_wait},
    {"the_wait_goes_on_after_a_handler_that_lets_it", the_wait_goes_on_after_a_handler_that_lets_it},
    {"a_handler_may_notify_the_wait_that_it_runs_in", a_handler_may_notify_the_wait_that_it_runs_in},
    {"wait_rlock_gives_up_all_holds_and_has_them_again", wait_rlock_gives_up_all_holds_and_has_them_again},
    {"wait_rlock_of_another_s_lock_is_refused", wait_rlock_of_another_s_lock_is_refused},
    {"nobody_wakes_without_a_notify", nobody_wakes_without_a_notify},
    {"producers_and_consumers_pass_all_items_on", producers_and_consumers_pass_all_items_on},
};

SUITE("cond", tests)
