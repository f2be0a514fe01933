/* Counting semaphores, bounded and not. */
#include "support/support.h"

#include <stdlib.h>

static const uint32_t most = UINT32_MAX;

/* ---- One thread that acquires ----------------------------------------------------------------------------------- */

typedef struct acquirer {
    thrum_semaphore *semaphore;
    thrum_status status;
    uint32_t *next_turn; /* NULL, or counts those who were let go */
    uint32_t turn;
} acquirer;

static void *acquire_one(void *arg)
{
    acquirer *a = arg;
    a->status = thrum_semaphore_acquire(a->semaphore, support_in(20000));
    if (a->next_turn)
        a->turn = thrum__fetch_add_u32_acq_rel(a->next_turn, 1);
    return NULL;
}

/* Start threads that sleep at the semaphore, in the order of the array. */
static void put_to_sleep(thrum_semaphore *semaphore, acquirer *acquirers, thrum_thread **threads, unsigned n,
                         uint32_t *next_turn)
{
    for (unsigned i = 0; i < n; i++) {
        acquirers[i] = (acquirer){.semaphore = semaphore, .status = THRUM_SYSTEM, .next_turn = next_turn};
        threads[i] = support_start(acquire_one, &acquirers[i]);
        support_await_sleepers(semaphore, i + 1);
    }
}

static void await_turns(const uint32_t *next_turn, uint32_t n)
{
    thrum_deadline end = support_in(20000);
    while (thrum__load_u32_acquire(next_turn) < n) {
        if (thrum_left(end) == 0)
            support_give_up("a thread that was let go did not go");
        thrum_thread_yield();
    }
}

/* ---- Making one ------------------------------------------------------------------------------------------------- */

static void it_is_at_most_16_bytes(void)
{
    CHECK(sizeof(thrum_semaphore) <= 16);
}

static void zero_bytes_are_no_permits_and_no_bound(void)
{
    thrum_semaphore s;
    memset(&s, 0, sizeof s);
    CHECK_IS(thrum_semaphore_value(&s), 0);
    CHECK(!thrum_semaphore_try_acquire(&s));
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_semaphore_release(&s, most), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), most);
}

static void the_initialisers_say_value_and_bound(void)
{
    static thrum_semaphore constant = THRUM_SEMAPHORE_INIT(3);
    thrum_semaphore bounded = THRUM_SEMAPHORE_BOUNDED_INIT(2, 4);
    thrum_semaphore large = THRUM_SEMAPHORE_INIT(4294967295u);
    CHECK_IS(thrum_semaphore_value(&constant), 3);
    CHECK_STATUS(thrum_semaphore_release(&constant, 100), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&constant), 103);
    CHECK_IS(thrum_semaphore_value(&bounded), 2);
    CHECK_STATUS(thrum_semaphore_release(&bounded, 3), THRUM_OVERFLOW);
    CHECK_STATUS(thrum_semaphore_release(&bounded, 2), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&bounded), 4);
    CHECK_IS(thrum_semaphore_value(&large), most);
    CHECK(thrum_semaphore_try_acquire(&large));
}

static void init_makes_one_of_any_bytes(void)
{
    thrum_semaphore s;
    memset(&s, 0xA5, sizeof s);
    CHECK_STATUS(thrum_semaphore_init(&s, 2, 2), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), 2);
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OVERFLOW);
    CHECK_STATUS(thrum_semaphore_init(&s, most, 0), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), most);
    CHECK_STATUS(thrum_semaphore_init(&s, 0, 1), THRUM_OK);
    CHECK(!thrum_semaphore_try_acquire(&s));
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OK);
}

static void init_above_the_bound_is_invalid_and_changes_nothing(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_BOUNDED_INIT(1, 5), before = s;
    CHECK_STATUS(thrum_semaphore_init(&s, 3, 2), THRUM_INVALID);
    CHECK(memcmp(&s, &before, sizeof s) == 0);
    CHECK_STATUS(thrum_semaphore_init(&s, most, most - 1), THRUM_INVALID);
    CHECK(memcmp(&s, &before, sizeof s) == 0);
}

/* ---- Taking ----------------------------------------------------------------------------------------------------- */

static void permits_can_be_taken_until_none_is_left(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(3);
    CHECK(thrum_semaphore_try_acquire(&s));
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_FOREVER), THRUM_OK);
    CHECK(!thrum_semaphore_try_acquire(&s));
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_semaphore_acquire(&s, support_in(1)), THRUM_TIMED_OUT);
    CHECK_IS(thrum_semaphore_value(&s), 0);
}

static void a_timed_acquire_is_never_early(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    static const thrum_nanos lengths[] = {1000, 300000, 999999, 3000000, 20000000};
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            thrum_nanos start = thrum_now();
            CHECK_STATUS(thrum_semaphore_acquire(&s, thrum_after(lengths[i])), THRUM_TIMED_OUT);
            CHECK(thrum_now() - start >= lengths[i]);
        }
    CHECK_IS(thrum_semaphore_value(&s), 0);
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OK); /* and who timed out took no place in the queue with it */
    CHECK_IS(thrum_semaphore_value(&s), 1);
}

static void the_longest_waiter_is_first(void)
{
    enum { N = 6 };
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer acquirers[N];
    thrum_thread *threads[N];
    uint32_t next_turn = 0;
    put_to_sleep(&s, acquirers, threads, N, &next_turn);
    for (uint32_t i = 0; i < N; i++) {
        CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OK);
        await_turns(&next_turn, i + 1);
        support_await_sleepers(&s, N - 1 - i);
    }
    for (uint32_t i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_STATUS(acquirers[i].status, THRUM_OK);
        CHECK_IS(acquirers[i].turn, i);
    }
    CHECK_IS(thrum_semaphore_value(&s), 0);
}

/* ---- Interrupts ------------------------------------------------------------------------------------------------- */

/* Invariant 2. */
static void an_interrupt_ends_the_wait_and_takes_nothing(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer acquirers[3];
    thrum_thread *threads[3];
    put_to_sleep(&s, acquirers, threads, 3, NULL);
    CHECK_STATUS(thrum_thread_interrupt(threads[1]), THRUM_OK);
    support_join(threads[1]);
    CHECK_STATUS(acquirers[1].status, THRUM_INTERRUPTED);
    support_await_sleepers(&s, 2);
    CHECK_STATUS(thrum_semaphore_release(&s, 3), THRUM_OK);
    support_join(threads[0]);
    support_join(threads[2]);
    CHECK_STATUS(acquirers[0].status, THRUM_OK);
    CHECK_STATUS(acquirers[2].status, THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), 1);
}

static void a_pending_interrupt_is_told_before_a_permit_is_taken(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(2);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK(thrum_semaphore_try_acquire(&s)); /* no interruption point */
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK_IS(thrum_semaphore_value(&s), 1);
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_semaphore_acquire(&s, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
}

/* ---- Releasing -------------------------------------------------------------------------------------------------- */

static void to_release_none_is_invalid(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(1);
    CHECK_STATUS(thrum_semaphore_release(&s, 0), THRUM_INVALID);
    CHECK_IS(thrum_semaphore_value(&s), 1);
}

static void a_release_above_the_bound_overflows_and_changes_nothing(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_BOUNDED_INIT(1, 3);
    CHECK_STATUS(thrum_semaphore_release(&s, 3), THRUM_OVERFLOW);
    CHECK_STATUS(thrum_semaphore_release(&s, most), THRUM_OVERFLOW);
    CHECK_IS(thrum_semaphore_value(&s), 1);
    CHECK_STATUS(thrum_semaphore_release(&s, 2), THRUM_OK);
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OVERFLOW);
    CHECK_IS(thrum_semaphore_value(&s), 3);
}

static void without_a_bound_it_overflows_above_32_bits(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(1);
    CHECK_STATUS(thrum_semaphore_release(&s, most), THRUM_OVERFLOW);
    CHECK_IS(thrum_semaphore_value(&s), 1);
    CHECK_STATUS(thrum_semaphore_release(&s, most - 1), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), most);
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OVERFLOW);
    CHECK_STATUS(thrum_semaphore_release(&s, most), THRUM_OVERFLOW);
    CHECK_IS(thrum_semaphore_value(&s), most);
}

static void an_overflow_wakes_no_sleeper(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_BOUNDED_INIT(0, 2);
    acquirer acquirers[3];
    thrum_thread *threads[3];
    put_to_sleep(&s, acquirers, threads, 3, NULL);
    CHECK_STATUS(thrum_semaphore_release(&s, 3), THRUM_OVERFLOW); /* value + n > max, whoever waits */
    support_await_sleepers(&s, 3);
    CHECK_IS(thrum_semaphore_value(&s), 0);
    CHECK_STATUS(thrum_semaphore_release(&s, 2), THRUM_OK);
    support_join(threads[0]);
    support_join(threads[1]);
    support_await_sleepers(&s, 1);
    CHECK_STATUS(thrum_semaphore_release(&s, 2), THRUM_OK);
    support_join(threads[2]);
    CHECK_IS(thrum_semaphore_value(&s), 1);
}

static void a_release_of_n_lets_n_sleepers_go_and_no_more(void)
{
    enum { N = 5 };
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer acquirers[N];
    thrum_thread *threads[N];
    put_to_sleep(&s, acquirers, threads, N, NULL);
    CHECK_STATUS(thrum_semaphore_release(&s, 3), THRUM_OK);
    for (int i = 0; i < 3; i++) {
        support_join(threads[i]);
        CHECK_STATUS(acquirers[i].status, THRUM_OK);
    }
    support_await_sleepers(&s, 2);
    CHECK_IS(thrum_semaphore_value(&s), 0);
    CHECK(!thrum_semaphore_try_acquire(&s));
    CHECK_STATUS(thrum_semaphore_release(&s, 2), THRUM_OK);
    support_join(threads[3]);
    support_join(threads[4]);
    CHECK_IS(thrum_semaphore_value(&s), 0);
}

static void what_no_sleeper_takes_goes_into_the_value(void)
{
    enum { N = 3 };
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer acquirers[N];
    thrum_thread *threads[N];
    put_to_sleep(&s, acquirers, threads, N, NULL);
    CHECK_STATUS(thrum_semaphore_release(&s, 10), THRUM_OK);
    CHECK_IS(thrum_semaphore_value(&s), 7); /* at once: the three have been granted, whether they run yet or not */
    for (int i = 0; i < N; i++)
        support_join(threads[i]);
    CHECK_IS(thrum_semaphore_value(&s), 7);
}

/* More than the lot wakes in one batch. */
static void many_sleepers_go_at_once(void)
{
    enum { N = 40 };
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer acquirers[N];
    thrum_thread *threads[N];
    put_to_sleep(&s, acquirers, threads, N, NULL);
    CHECK_STATUS(thrum_semaphore_release(&s, N), THRUM_OK);
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_STATUS(acquirers[i].status, THRUM_OK);
    }
    CHECK_IS(thrum_semaphore_value(&s), 0);
}

/* ---- Freed by who acquires -------------------------------------------------------------------------------------- */

typedef struct freeing {
    void *semaphore; /* atomic: handed to the acquirer, NULL again once it has been freed */
    uint32_t rounds;
    uint32_t failures;
} freeing;

static void *acquire_and_free(void *arg)
{
    freeing *f = arg;
    for (uint32_t i = 0; i < f->rounds; i++) {
        thrum_semaphore *s;
        while (!(s = thrum__load_pointer_acquire(&f->semaphore)))
            thrum_thread_yield();
        if (thrum_semaphore_acquire(s, support_in(20000)) != THRUM_OK)
            f->failures++;
        memset(s, 0xDD, sizeof *s); /* so that a release that still uses it fails without a sanitizer too */
        free(s);
        thrum__store_pointer_release(&f->semaphore, NULL);
    }
    return NULL;
}

static void free_after_acquire(uint32_t rounds, bool asleep)
{
    freeing f = {.rounds = rounds};
    uint32_t refused = 0;
    thrum_thread *thread = support_start(acquire_and_free, &f);
    for (uint32_t i = 0; i < rounds; i++) {
        thrum_semaphore *s = malloc(sizeof *s);
        if (!s)
            support_give_up("no memory");
        thrum_semaphore_init(s, 0, 0);
        thrum__store_pointer_release(&f.semaphore, s);
        if (asleep)
            support_await_sleepers(s, 1);
        refused += thrum_semaphore_release(s, 1) != THRUM_OK;
        while (thrum__load_pointer_acquire(&f.semaphore))
            thrum_thread_yield();
    }
    support_join(thread);
    CHECK_IS(refused, 0);
    CHECK_IS(f.failures, 0);
}

static void who_slept_for_a_permit_may_free_it(void)
{
    free_after_acquire(2000, true);
}

static void who_comes_as_it_is_released_may_free_it(void)
{
    free_after_acquire(5000, false);
}

/* ---- All at once ------------------------------------------------------------------------------------------------ */

enum { STRESS_THREADS = 4, STRESS_ROUNDS = 1500, STRESS_PERMITS = 2 };

typedef struct stress {
    thrum_semaphore semaphore;
    uint32_t holders, too_many, strange, acquired;
    uint32_t stop;
} stress;

static bool acquire_somehow(stress *s, int round)
{
    thrum_status status;
    switch (round % 4) {
    case 0:
        return thrum_semaphore_try_acquire(&s->semaphore);
    case 1:
        status = thrum_semaphore_acquire(&s->semaphore, thrum_after(THRUM_MICROSECONDS(20)));
        break;
    case 2:
        status = thrum_semaphore_acquire(&s->semaphore, THRUM_IMMEDIATELY);
        break;
    default:
        status = thrum_semaphore_acquire(&s->semaphore, support_in(20000));
        if (status == THRUM_TIMED_OUT)
            thrum__fetch_add_u32_acq_rel(&s->strange, 1);
    }
    if (status != THRUM_OK && status != THRUM_TIMED_OUT && status != THRUM_INTERRUPTED)
        thrum__fetch_add_u32_acq_rel(&s->strange, 1);
    return status == THRUM_OK;
}

static void *take_and_give_back(void *arg)
{
    stress *s = arg;
    for (int i = 0; i < STRESS_ROUNDS; i++) {
        if (!acquire_somehow(s, i))
            continue;
        thrum__fetch_add_u32_acq_rel(&s->acquired, 1);
        if (thrum__fetch_add_u32_acq_rel(&s->holders, 1) >= STRESS_PERMITS)
            thrum__fetch_add_u32_acq_rel(&s->too_many, 1);
        if (i % 8 == 3)
            thrum_thread_yield();
        thrum__fetch_add_u32_acq_rel(&s->holders, (uint32_t)-1);
        if (thrum_semaphore_release(&s->semaphore, 1) != THRUM_OK)
            thrum__fetch_add_u32_acq_rel(&s->strange, 1);
    }
    thrum__fetch_add_u32_acq_rel(&s->stop, 1);
    return NULL;
}

/* Invariant 2: a waiter that leaves takes no permit with it. */
static void permits_are_conserved_with_timeouts_and_interrupts(void)
{
    stress s = {.semaphore = THRUM_SEMAPHORE_BOUNDED_INIT(STRESS_PERMITS, STRESS_PERMITS)};
    thrum_thread *threads[STRESS_THREADS];
    for (int i = 0; i < STRESS_THREADS; i++)
        threads[i] = support_start(take_and_give_back, &s);
    for (unsigned i = 0; thrum__load_u32_acquire(&s.stop) < STRESS_THREADS; i++) {
        thrum_thread_interrupt(threads[i % STRESS_THREADS]);
        (void)!thrum_sleep(THRUM_MICROSECONDS(100));
    }
    for (int i = 0; i < STRESS_THREADS; i++)
        support_join(threads[i]);
    CHECK_IS(s.too_many, 0);
    CHECK_IS(s.strange, 0);
    CHECK(s.acquired > 0);
    CHECK_IS(thrum_semaphore_value(&s.semaphore), STRESS_PERMITS);
}

/* ---- Between foreign threads ------------------------------------------------------------------------------------ */

static void foreign_threads_can_use_it(void)
{
    thrum_semaphore s = THRUM_SEMAPHORE_INIT(0);
    acquirer a = {.semaphore = &s, .status = THRUM_SYSTEM};
    support_foreign *thread = support_foreign_start(acquire_one, &a);
    support_await_sleepers(&s, 1);
    CHECK_STATUS(thrum_semaphore_release(&s, 1), THRUM_OK);
    support_foreign_join(thread);
    CHECK_STATUS(a.status, THRUM_OK);
}

static const support_test tests[] = {
    {"it_is_at_most_16_bytes", it_is_at_most_16_bytes},
    {"zero_bytes_are_no_permits_and_no_bound", zero_bytes_are_no_permits_and_no_bound},
    {"the_initialisers_say_value_and_bound", the_initialisers_say_value_and_bound},
    {"init_makes_one_of_any_bytes", init_makes_one_of_any_bytes},
    {"init_above_the_bound_is_invalid_and_changes_nothing", init_above_the_bound_is_invalid_and_changes_nothing},
    {"permits_can_be_taken_until_none_is_left", permits_can_be_taken_until_none_is_left},
    {"a_timed_acquire_is_never_early", a_timed_acquire_is_never_early},
    {"the_longest_waiter_is_first", the_longest_waiter_is_first},
    {"an_interrupt_ends_the_wait_and_takes_nothing", an_interrupt_ends_the_wait_and_takes_nothing},
    {"a_pending_interrupt_is_told_before_a_permit_is_taken", a_pending_interrupt_is_told_before_a_permit_is_taken},
    {"to_release_none_is_invalid", to_release_none_is_invalid},
    {"a_release_above_the_bound_overflows_and_changes_nothing",
     a_release_above_the_bound_overflows_and_changes_nothing},
    {"without_a_bound_it_overflows_above_32_bits", without_a_bound_it_overflows_above_32_bits},
    {"an_overflow_wakes_no_sleeper", an_overflow_wakes_no_sleeper},
    {"a_release_of_n_lets_n_sleepers_go_and_no_more", a_release_of_n_lets_n_sleepers_go_and_no_more},
    {"what_no_sleeper_takes_goes_into_the_value", what_no_sleeper_takes_goes_into_the_value},
    {"many_sleepers_go_at_once", many_sleepers_go_at_once},
    {"who_slept_for_a_permit_may_free_it", who_slept_for_a_permit_may_free_it},
    {"who_comes_as_it_is_released_may_free_it", who_comes_as_it_is_released_may_free_it},
    {"permits_are_conserved_with_timeouts_and_interrupts", permits_are_conserved_with_timeouts_and_interrupts},
    {"foreign_threads_can_use_it", foreign_threads_can_use_it},
};

SUITE("semaphore", tests)
