/* The re-entrant lock. */
#include "support/support.h"

/* What another thread finds at the lock. */
typedef struct stranger {
    thrum_rlock *lock;
    thrum_deadline deadline;
    bool got, owned;
    bool interrupt_pending;
    uint32_t depth;
    uint32_t may_have; /* flag: set before the lock is released */
    bool too_soon;
    thrum_status status, released;
} stranger;

static void *look(void *to)
{
    stranger *s = (stranger *)to;
    s->owned = thrum_rlock_is_owned(s->lock);
    s->depth = thrum_rlock_depth(s->lock);
    s->released = thrum_rlock_release(s->lock);
    s->got = thrum_rlock_try_acquire(s->lock);
    if (s->got)
        thrum_rlock_release(s->lock);
    return NULL;
}

static void *acquire_until(void *to)
{
    stranger *s = (stranger *)to;
    s->status = thrum_rlock_acquire_until(s->lock, s->deadline);
    s->interrupt_pending = thrum_thread_take_interrupt();
    s->owned = thrum_rlock_is_owned(s->lock);
    s->depth = thrum_rlock_depth(s->lock);
    if (s->status == THRUM_OK)
        s->released = thrum_rlock_release(s->lock);
    return NULL;
}

static void *acquire(void *to)
{
    stranger *s = (stranger *)to;
    thrum_rlock_acquire(s->lock);
    s->too_soon = !thrum__load_u32_acquire(&s->may_have);
    s->interrupt_pending = thrum_thread_take_interrupt();
    s->owned = thrum_rlock_is_owned(s->lock);
    s->depth = thrum_rlock_depth(s->lock);
    s->released = thrum_rlock_release(s->lock);
    return NULL;
}

/* ---- What it is ------------------------------------------------------------------------------------------------- */

static void zero_bytes_are_a_free_rlock(void)
{
    thrum_rlock lock, said_in_words = THRUM_RLOCK_INIT;
    memset(&lock, 0, sizeof lock);
    CHECK(!thrum_rlock_is_owned(&lock));
    CHECK_IS(thrum_rlock_depth(&lock), 0);
    CHECK(thrum_rlock_try_acquire(&lock));
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK(thrum_rlock_try_acquire(&said_in_words));
    CHECK_STATUS(thrum_rlock_release(&said_in_words), THRUM_OK);
}

static void it_is_sixteen_bytes_at_most(void)
{
    CHECK(sizeof(thrum_rlock) <= 16);
}

static void it_is_free_when_released_as_often_as_acquired(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock};
    thrum_rlock_acquire(&lock);
    CHECK(thrum_rlock_try_acquire(&lock));
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_OK);
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_IMMEDIATELY), THRUM_OK);
    for (uint32_t depth = 4; depth > 0; depth--) {
        CHECK(thrum_rlock_is_owned(&lock));
        CHECK_IS(thrum_rlock_depth(&lock), depth);
        s.got = true;
        support_join(support_start(look, &s));
        CHECK(!s.got);
        CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    }
    CHECK(!thrum_rlock_is_owned(&lock));
    CHECK_IS(thrum_rlock_depth(&lock), 0);
    support_join(support_start(look, &s));
    CHECK(s.got);
}

static void only_the_owner_owns_it_and_may_release_it(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock, .owned = true, .depth = 77};
    thrum_rlock_acquire(&lock);
    thrum_rlock_acquire(&lock);
    support_join(support_start(look, &s));
    CHECK(!s.owned);
    CHECK_IS(s.depth, 0);
    CHECK_STATUS(s.released, THRUM_NOT_OWNER);
    CHECK(!s.got);
    s = (stranger){.lock = &lock, .owned = true, .depth = 77};
    support_foreign_join(support_foreign_start(look, &s));
    CHECK(!s.owned);
    CHECK_IS(s.depth, 0);
    CHECK_STATUS(s.released, THRUM_NOT_OWNER);
    CHECK(!s.got);
    CHECK_IS(thrum_rlock_depth(&lock), 2); /* and nothing changed */
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
}

static void release_of_a_free_one_is_refused(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_NOT_OWNER);
    thrum_rlock_acquire(&lock);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_NOT_OWNER);
    thrum_rlock_acquire(&lock);
    CHECK_IS(thrum_rlock_depth(&lock), 1);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
}

/* Nobody acquires 2^32 - 1 times: the depth is written by hand. */
static void one_hold_too_many_is_refused(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    thrum_rlock_acquire(&lock);
    lock.depth_ = UINT32_MAX - 1;
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_OK);
    CHECK_IS(thrum_rlock_depth(&lock), UINT32_MAX);
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_OVERFLOW);
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_IMMEDIATELY), THRUM_OVERFLOW);
    CHECK(!thrum_rlock_try_acquire(&lock));
    CHECK_IS(thrum_rlock_depth(&lock), UINT32_MAX);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK(thrum_rlock_try_acquire(&lock));
    CHECK_IS(thrum_rlock_depth(&lock), UINT32_MAX);
    lock.depth_ = 1;
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK(!thrum_rlock_is_owned(&lock));
}

/* ---- Waiting for it --------------------------------------------------------------------------------------------- */

static void a_waiter_gets_it_after_the_last_release_only(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock};
    thrum_rlock_acquire(&lock);
    thrum_rlock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire, &s);
    support_await_sleepers(&lock.lock_, 1);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    support_await_sleepers(&lock.lock_, 1);
    support_set_flag(&s.may_have);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    support_join(waiter);
    CHECK(!s.too_soon);
    CHECK(s.owned);
    CHECK_IS(s.depth, 1);
    CHECK_STATUS(s.released, THRUM_OK);
}

static void a_timed_wait_ends_at_its_deadline_and_not_before(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock};
    thrum_rlock_acquire(&lock);
    for (int i = 0; i < 3; i++) {
        s.deadline = support_in(20);
        support_join(support_start(acquire_until, &s));
        CHECK(thrum_now() >= s.deadline.at);
        CHECK_STATUS(s.status, THRUM_TIMED_OUT);
        CHECK(!s.owned);
        CHECK_IS(s.depth, 0);
    }
    s.deadline = THRUM_IMMEDIATELY;
    support_join(support_start(acquire_until, &s));
    CHECK_STATUS(s.status, THRUM_TIMED_OUT);
    CHECK_IS(thrum_rlock_depth(&lock), 1);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    support_join(support_start(acquire_until, &s));
    CHECK_STATUS(s.status, THRUM_OK);
    CHECK_IS(s.depth, 1);
}

static void an_interrupt_ends_acquire_until(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock, .deadline = THRUM_FOREVER};
    thrum_rlock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire_until, &s);
    support_await_sleepers(&lock.lock_, 1);
    thrum_thread_interrupt(waiter);
    support_join(waiter);
    CHECK_STATUS(s.status, THRUM_INTERRUPTED);
    CHECK(!s.interrupt_pending);
    CHECK(!s.owned);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
}

static void a_pending_interrupt_wins_also_over_one_s_own_lock(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK(!thrum_rlock_is_owned(&lock));
    thrum_rlock_acquire(&lock);
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK_IS(thrum_rlock_depth(&lock), 1);
    CHECK_STATUS(thrum_rlock_acquire_until(&lock, THRUM_FOREVER), THRUM_OK);
    CHECK_IS(thrum_rlock_depth(&lock), 2);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
}

/* Invariant 9. */
static void acquire_keeps_an_interrupt_for_later(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    stranger s = {.lock = &lock};
    thrum_rlock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire, &s);
    support_await_sleepers(&lock.lock_, 1);
    thrum_thread_interrupt(waiter);
    support_set_flag(&s.may_have);
    CHECK_STATUS(thrum_rlock_release(&lock), THRUM_OK);
    support_join(waiter);
    CHECK(!s.too_soon);
    CHECK(s.owned);
    CHECK(s.interrupt_pending);
}

/* ---- One owner at a time ---------------------------------------------------------------------------------------- */

enum { THREADS = 4, TURNS = 20000 };

typedef struct counting {
    thrum_rlock lock;
    uint32_t begin; /* flag */
    long count;     /* plain: the lock is all that guards it */
    long wrong;     /* depths that were not what they should be; guarded, too */
} counting;

static void *count_up(void *to)
{
    counting *c = (counting *)to;
    support_await_flag(&c->begin);
    for (int i = 0; i < TURNS; i++) {
        uint32_t holds = 1 + (uint32_t)i % 3;
        for (uint32_t h = 0; h < holds; h++)
            thrum_rlock_acquire(&c->lock);
        c->count++;
        c->wrong += thrum_rlock_depth(&c->lock) != holds;
        if (i % 64 == 0)
            thrum_thread_yield(); /* long enough for others to sleep */
        for (uint32_t h = 1; h < holds; h++)
            c->wrong += thrum_rlock_release(&c->lock) != THRUM_OK;
        if (thrum_rlock_release(&c->lock) != THRUM_OK)
            support_give_up("the owner could not release its lock");
    }
    return NULL;
}

static void one_thread_owns_it_at_a_time(void)
{
    counting c = {.lock = THRUM_RLOCK_INIT};
    thrum_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = support_start(count_up, &c);
    support_set_flag(&c.begin);
    for (int i = 0; i < THREADS; i++)
        support_join(threads[i]);
    CHECK_IS(c.count, (long)THREADS * TURNS);
    CHECK_IS(c.wrong, 0);
    CHECK(!thrum_rlock_is_owned(&c.lock));
    CHECK(thrum_rlock_try_acquire(&c.lock));
    CHECK_STATUS(thrum_rlock_release(&c.lock), THRUM_OK);
}

static const support_test tests[] = {
    {"zero_bytes_are_a_free_rlock", zero_bytes_are_a_free_rlock},
    {"it_is_sixteen_bytes_at_most", it_is_sixteen_bytes_at_most},
    {"it_is_free_when_released_as_often_as_acquired", it_is_free_when_released_as_often_as_acquired},
    {"only_the_owner_owns_it_and_may_release_it", only_the_owner_owns_it_and_may_release_it},
    {"release_of_a_free_one_is_refused", release_of_a_free_one_is_refused},
    {"one_hold_too_many_is_refused", one_hold_too_many_is_refused},
    {"a_waiter_gets_it_after_the_last_release_only", a_waiter_gets_it_after_the_last_release_only},
    {"a_timed_wait_ends_at_its_deadline_and_not_before", a_timed_wait_ends_at_its_deadline_and_not_before},
    {"an_interrupt_ends_acquire_until", an_interrupt_ends_acquire_until},
    {"a_pending_interrupt_wins_also_over_one_s_own_lock", a_pending_interrupt_wins_also_over_one_s_own_lock},
    {"acquire_keeps_an_interrupt_for_later", acquire_keeps_an_interrupt_for_later},
    {"one_thread_owns_it_at_a_time", one_thread_owns_it_at_a_time},
};

SUITE("rlock", tests)
