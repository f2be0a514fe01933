/* The lock, and THRUM_WITH. */
#include "support/support.h"

#include <stdlib.h>

/* ---- What it is ------------------------------------------------------------------------------------------------- */

static void zero_bytes_are_a_free_lock(void)
{
    thrum_lock lock;
    static thrum_lock in_static_memory;
    thrum_lock said_in_words = THRUM_LOCK_INIT;
    memset(&lock, 0, sizeof lock);
    CHECK(!thrum_lock_is_held(&lock));
    CHECK(thrum_lock_try_acquire(&lock));
    CHECK(thrum_lock_is_held(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK(!thrum_lock_is_held(&lock));
    CHECK(thrum_lock_try_acquire(&in_static_memory));
    CHECK_STATUS(thrum_lock_release(&in_static_memory), THRUM_OK);
    CHECK(thrum_lock_try_acquire(&said_in_words));
    CHECK_STATUS(thrum_lock_release(&said_in_words), THRUM_OK);
}

_Static_assert(sizeof(thrum_lock) == 1, "a lock of one byte");

static void it_touches_no_byte_but_its_own(void)
{
    struct {
        unsigned char before;
        thrum_lock lock;
        unsigned char after;
    } three = {0x5A, THRUM_LOCK_INIT, 0xA5};
    thrum_lock_acquire(&three.lock);
    CHECK(!thrum_lock_try_acquire(&three.lock));
    CHECK_STATUS(thrum_lock_release(&three.lock), THRUM_OK);
    CHECK_IS(three.before, 0x5A);
    CHECK_IS(three.after, 0xA5);
}

static void release_of_a_free_lock_is_refused_and_changes_nothing(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_NOT_OWNER);
    CHECK(!thrum_lock_is_held(&lock));
    thrum_lock_acquire(&lock);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_NOT_OWNER);
    CHECK(thrum_lock_try_acquire(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void the_exported_functions_are_reached_past_the_macros(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    void (*acquire)(thrum_lock *) = thrum_lock_acquire;
    bool (*try_acquire)(thrum_lock *) = thrum_lock_try_acquire;
    thrum_status (*release)(thrum_lock *) = thrum_lock_release;

    (thrum_lock_acquire)(&lock);
    CHECK(!(thrum_lock_try_acquire)(&lock));
    CHECK_STATUS((thrum_lock_release)(&lock), THRUM_OK);
    CHECK_STATUS((thrum_lock_release)(&lock), THRUM_NOT_OWNER);

    acquire(&lock);
    CHECK(!try_acquire(&lock));
    CHECK_STATUS(release(&lock), THRUM_OK);
    CHECK_STATUS(release(&lock), THRUM_NOT_OWNER);
    CHECK(try_acquire(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK); /* the fast path undoes what the function did */
}

/* ---- One holder at a time --------------------------------------------------------------------------------------- */

enum { THREADS = 4, TURNS = 20000 };

typedef struct counting {
    thrum_lock lock;
    uint32_t begin;       /* flag: all of them at once, or the first would be done before the last is there */
    long count;           /* plain: the lock is all that guards it */
    uint32_t inside;      /* how many are, with the lock held */
    uint32_t met_another; /* set if ever more than one */
} counting;

static void *count_up(void *to)
{
    counting *c = (counting *)to;
    support_await_flag(&c->begin);
    for (int i = 0; i < TURNS; i++) {
        thrum_lock_acquire(&c->lock);
        if (thrum__fetch_add_u32_acq_rel(&c->inside, 1) != 0)
            support_set_flag(&c->met_another);
        c->count++;
        if (i % 64 == 0)
            thrum_thread_yield(); /* long enough for others to sleep */
        thrum__fetch_add_u32_acq_rel(&c->inside, (uint32_t)-1);
        thrum_lock_release(&c->lock);
    }
    return NULL;
}

static void *count_up_by_trying(void *to)
{
    counting *c = (counting *)to;
    support_await_flag(&c->begin);
    for (int i = 0; i < TURNS;) {
        if (!thrum_lock_try_acquire(&c->lock)) {
            thrum_thread_yield();
            continue;
        }
        c->count++;
        i++;
        thrum_lock_release(&c->lock);
    }
    return NULL;
}

static void *count_up_with_deadlines(void *to)
{
    counting *c = (counting *)to;
    support_await_flag(&c->begin);
    for (int i = 0; i < TURNS;) {
        if (thrum_lock_acquire_until(&c->lock, thrum_after(THRUM_MICROSECONDS(50))) != THRUM_OK)
            continue;
        c->count++;
        i++;
        thrum_lock_release(&c->lock);
    }
    return NULL;
}

static void one_thread_holds_it_at_a_time(void)
{
    counting c = {.lock = THRUM_LOCK_INIT};
    thrum_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = support_start(count_up, &c);
    support_set_flag(&c.begin);
    for (int i = 0; i < THREADS; i++)
        support_join(threads[i]);
    CHECK_IS(c.count, (long)THREADS * TURNS);
    CHECK(!c.met_another);
    CHECK(!thrum_lock_is_held(&c.lock));
}

static void all_ways_to_acquire_exclude_each_other(void)
{
    counting c = {.lock = THRUM_LOCK_INIT};
    thrum_thread *blocking = support_start(count_up, &c);
    thrum_thread *trying = support_start(count_up_by_trying, &c);
    thrum_thread *timed = support_start(count_up_with_deadlines, &c);
    support_foreign *foreign = support_foreign_start(count_up, &c);
    support_set_flag(&c.begin);
    support_join(blocking);
    support_join(trying);
    support_join(timed);
    support_foreign_join(foreign);
    CHECK_IS(c.count, 4L * TURNS);
    CHECK(!thrum_lock_is_held(&c.lock));
}

static void *pass_once(void *to)
{
    counting *c = (counting *)to;
    thrum_lock_acquire(&c->lock);
    c->count++;
    thrum_lock_release(&c->lock);
    return NULL;
}

static void many_sleepers_all_get_through(void)
{
    enum { MANY = 40 };
    counting c = {.lock = THRUM_LOCK_INIT};
    thrum_thread *threads[MANY];
    thrum_lock_acquire(&c.lock);
    for (int i = 0; i < MANY; i++)
        threads[i] = support_start(pass_once, &c);
    support_await_sleepers(&c.lock, MANY);
    thrum_lock_release(&c.lock);
    for (int i = 0; i < MANY; i++)
        support_join(threads[i]);
    CHECK_IS(c.count, MANY);
    CHECK(thrum_lock_try_acquire(&c.lock));
    thrum_lock_release(&c.lock);
}

typedef struct visit {
    thrum_lock *lock;
    thrum_deadline deadline;
    bool got;
    bool interrupt_pending; /* after the call */
    uint32_t may_have;      /* flag: set before the lock is released */
    bool too_soon;          /* it was acquired before that */
    thrum_status status;
} visit;

static void *try_once(void *to)
{
    visit *v = (visit *)to;
    v->got = thrum_lock_try_acquire(v->lock);
    return NULL;
}

static void *release_once(void *to)
{
    visit *v = (visit *)to;
    v->status = thrum_lock_release(v->lock);
    return NULL;
}

static void *acquire_until(void *to)
{
    visit *v = (visit *)to;
    v->status = thrum_lock_acquire_until(v->lock, v->deadline);
    v->interrupt_pending = thrum_thread_take_interrupt();
    return NULL;
}

static void try_fails_when_it_is_held_also_by_oneself(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    visit other = {.lock = &lock, .got = true};
    CHECK(thrum_lock_try_acquire(&lock));
    CHECK(!thrum_lock_try_acquire(&lock));
    support_join(support_start(try_once, &other));
    CHECK(!other.got);
    thrum_lock_release(&lock);
    support_join(support_start(try_once, &other));
    CHECK(other.got);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void any_thread_may_release_it(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    visit other = {.lock = &lock, .status = THRUM_SYSTEM};
    thrum_lock_acquire(&lock);
    support_join(support_start(release_once, &other));
    CHECK_STATUS(other.status, THRUM_OK);
    CHECK(!thrum_lock_is_held(&lock));
    other.status = THRUM_SYSTEM;
    thrum_lock_acquire(&lock);
    support_foreign_join(support_foreign_start(release_once, &other));
    CHECK_STATUS(other.status, THRUM_OK);
    CHECK(thrum_lock_try_acquire(&lock));
    thrum_lock_release(&lock);
}

/* ---- Deadlines -------------------------------------------------------------------------------------------------- */

static void acquire_until_takes_a_free_lock_whatever_the_deadline(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    const thrum_deadline deadlines[] = {THRUM_FOREVER, THRUM_IMMEDIATELY, support_in(10)};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(thrum_lock_acquire_until(&lock, deadlines[i]), THRUM_OK);
        CHECK(thrum_lock_is_held(&lock));
        CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    }
}

static void acquire_until_immediately_does_not_wait(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_lock_acquire(&lock);
    thrum_nanos start = thrum_now();
    CHECK_STATUS(thrum_lock_acquire_until(&lock, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_lock_acquire_until(&lock, thrum_after(-1)), THRUM_TIMED_OUT);
    CHECK(support_since(start) < 2000);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void a_timed_wait_never_ends_early(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    const thrum_nanos lengths[] = {1,
                                   THRUM_MICROSECONDS(1),
                                   THRUM_MICROSECONDS(100),
                                   THRUM_MICROSECONDS(999),
                                   THRUM_MICROSECONDS(1001),
                                   THRUM_MILLISECONDS(20)};
    thrum_lock_acquire(&lock);
    for (int i = 0; i < 6; i++) {
        thrum_deadline deadline = thrum_after(lengths[i]);
        CHECK_STATUS(thrum_lock_acquire_until(&lock, deadline), THRUM_TIMED_OUT);
        CHECK(thrum_now() >= deadline.at);
    }
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void timed_waits_in_a_row_each_wait(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_lock_acquire(&lock);
    for (int i = 0; i < 5; i++) {
        thrum_nanos start = thrum_now();
        CHECK_STATUS(thrum_lock_acquire_until(&lock, thrum_after(THRUM_MILLISECONDS(15))), THRUM_TIMED_OUT);
        CHECK(thrum_now() - start >= THRUM_MILLISECONDS(15));
        CHECK(support_since(start) < 5000);
    }
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void a_timed_wait_uses_no_processor(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_lock_acquire(&lock);
    double before = support_cpu_milliseconds();
    CHECK_STATUS(thrum_lock_acquire_until(&lock, support_in(1000)), THRUM_TIMED_OUT);
    CHECK(support_cpu_milliseconds() - before < 50);
    thrum_lock_release(&lock);
}

static void a_timed_wait_gets_the_lock_when_it_is_released(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    visit v = {.lock = &lock, .deadline = support_in(15000), .status = THRUM_SYSTEM};
    thrum_lock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire_until, &v);
    support_await_sleepers(&lock, 1);
    thrum_lock_release(&lock);
    support_join(waiter);
    CHECK_STATUS(v.status, THRUM_OK);
    CHECK(thrum_lock_is_held(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void who_times_out_leaves_nothing_that_hangs_others(void)
{
    counting c = {.lock = THRUM_LOCK_INIT};
    visit v = {.lock = &c.lock, .deadline = support_in(30), .status = THRUM_SYSTEM};

    /* alone: the mark that it left meets one that comes, and one that sleeps, after it */
    thrum_lock_acquire(&c.lock);
    support_join(support_start(acquire_until, &v));
    CHECK_STATUS(v.status, THRUM_TIMED_OUT);
    thrum_thread *after = support_start(pass_once, &c);
    support_await_sleepers(&c.lock, 1);
    thrum_lock_release(&c.lock);
    support_join(after);

    /* as the first of two: the second is woken all the same */
    thrum_lock_acquire(&c.lock);
    v.deadline = support_in(100);
    thrum_thread *first = support_start(acquire_until, &v);
    support_await_sleepers(&c.lock, 1);
    thrum_thread *second = support_start(pass_once, &c);
    support_join(first);
    CHECK_STATUS(v.status, THRUM_TIMED_OUT);
    support_await_sleepers(&c.lock, 1);
    thrum_lock_release(&c.lock);
    support_join(second);

    CHECK_IS(c.count, 2);
    CHECK(thrum_lock_try_acquire(&c.lock));
    CHECK_STATUS(thrum_lock_release(&c.lock), THRUM_OK);
    CHECK(!thrum_lock_is_held(&c.lock));
}

/* ---- Interrupts ------------------------------------------------------------------------------------------------- */

/* Invariant 9: acquire_until is one. */
static void an_interrupt_ends_acquire_until(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    visit v = {.lock = &lock, .deadline = THRUM_FOREVER, .status = THRUM_SYSTEM};
    thrum_lock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire_until, &v);
    support_await_sleepers(&lock, 1);
    CHECK_STATUS(thrum_thread_interrupt(waiter), THRUM_OK);
    support_join(waiter);
    CHECK_STATUS(v.status, THRUM_INTERRUPTED);
    CHECK(!v.interrupt_pending);
    support_await_sleepers(&lock, 0);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK(thrum_lock_try_acquire(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void a_pending_interrupt_wins_over_a_free_lock(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_lock_acquire_until(&lock, THRUM_FOREVER), THRUM_INTERRUPTED);
    CHECK(!thrum_lock_is_held(&lock));
    thrum_thread_interrupt(thrum_thread_current());
    CHECK_STATUS(thrum_lock_acquire_until(&lock, THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK(!thrum_lock_is_held(&lock));
    CHECK_STATUS(thrum_lock_acquire_until(&lock, THRUM_FOREVER), THRUM_OK); /* once only */
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
}

static void *acquire_deaf(void *to)
{
    visit *v = (visit *)to;
    thrum_lock_acquire(v->lock);
    v->too_soon = !thrum__load_u32_acquire(&v->may_have);
    v->interrupt_pending = thrum_thread_take_interrupt();
    thrum_lock_release(v->lock);
    return NULL;
}

/* Invariant 9: acquire is no interruption point. */
static void acquire_keeps_an_interrupt_for_later(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    visit v = {.lock = &lock};
    thrum_lock_acquire(&lock);
    thrum_thread *waiter = support_start(acquire_deaf, &v);
    support_await_sleepers(&lock, 1);
    thrum_thread_interrupt(waiter);
    support_await_sleepers(&lock, 1);
    support_set_flag(&v.may_have);
    thrum_lock_release(&lock);
    support_join(waiter);
    CHECK(!v.too_soon);
    CHECK(v.interrupt_pending);

    thrum_thread_interrupt(thrum_thread_current());
    thrum_lock_acquire(&lock);
    CHECK(!thrum_lock_try_acquire(&lock));
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK(thrum_thread_take_interrupt());
}

typedef struct poke {
    thrum_lock *lock;
    uint32_t ran; /* flag: the handler ran */
} poke;

static void *interrupt_main_when_it_sleeps(void *to)
{
    poke *p = (poke *)to;
    support_await_sleepers(p->lock, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    return NULL;
}

static thrum_status note_it_ran(int signum, void *to)
{
    (void)signum;
    support_set_flag(&((poke *)to)->ran);
    return THRUM_OK;
}

/* Invariants 1 and 9. */
static void a_signal_ends_acquire_until_of_the_main_thread(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    poke p = {&lock, 0};
    thrum_signal_handler old;
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, &old), THRUM_OK);
    thrum_lock_acquire(&lock);
    thrum_thread *helper = support_start(interrupt_main_when_it_sleeps, &p);
    CHECK_STATUS(thrum_lock_acquire_until(&lock, support_in(15000)), THRUM_INTERRUPTED);
    support_join(helper);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, old, NULL), THRUM_OK);
}

static void a_signal_whose_handler_goes_on_does_not_shorten_the_wait(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    poke p = {&lock, 0};
    thrum_signal_handler old, handler = {note_it_ran, &p};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, &old), THRUM_OK);
    thrum_lock_acquire(&lock);
    thrum_thread *helper = support_start(interrupt_main_when_it_sleeps, &p);
    thrum_deadline deadline = support_in(300);
    CHECK_STATUS(thrum_lock_acquire_until(&lock, deadline), THRUM_TIMED_OUT);
    CHECK(thrum_now() >= deadline.at);
    CHECK(thrum_lock_is_held(&lock));
    thrum_deadline end = support_in(15000);
    while (!thrum__load_u32_acquire(&p.ran) && thrum_left(end) > 0) /* on a slow machine it comes only now */
        if (thrum_lock_acquire_until(&lock, support_in(100)) != THRUM_TIMED_OUT)
            break;
    CHECK(p.ran);
    support_join(helper);
    CHECK_STATUS(thrum_lock_release(&lock), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, old, NULL), THRUM_OK);
}

/* ---- Fairness, and the end of a lock ---------------------------------------------------------------------------- */

typedef struct hammer {
    thrum_lock lock;
    uint32_t stop;
    unsigned turns; /* guarded by the lock */
} hammer;

/* Held all the time but for the instant between release and acquire. */
static void *hammer_away(void *to)
{
    hammer *h = (hammer *)to;
    while (!thrum__load_u32_acquire(&h->stop)) {
        thrum_lock_acquire(&h->lock);
        thrum_nanos until = thrum_now() + THRUM_MICROSECONDS(20);
        while (thrum_now() < until)
            THRUM__PAUSE();
        h->turns++;
        thrum_lock_release(&h->lock);
    }
    return NULL;
}

static unsigned hammer_turns(hammer *h)
{
    thrum_lock_acquire(&h->lock);
    unsigned turns = h->turns;
    thrum_lock_release(&h->lock);
    return turns;
}

/* The parking lot: who has waited a millisecond is handed the lock, and nobody starves. */
static void a_waiter_gets_a_lock_that_others_hammer(void)
{
    enum { WANTED = 20 };
    hammer h = {THRUM_LOCK_INIT, 0, 0};
    thrum_thread *first = support_start(hammer_away, &h);
    thrum_thread *second = support_start(hammer_away, &h);
    thrum_deadline end = support_in(15000);
    while (hammer_turns(&h) < 10 && thrum_left(end) > 0)
        thrum_thread_yield();
    int got = 0;
    for (; got < WANTED; got++) {
        if (thrum_lock_acquire_until(&h.lock, support_in(2000)) != THRUM_OK)
            break;
        thrum_lock_release(&h.lock);
    }
    support_set_flag(&h.stop);
    support_join(first);
    support_join(second);
    CHECK_IS(got, WANTED);
}

typedef struct freeing {
    void *handed; /* atomic: the lock of this round; NULL: the last one has been freed */
} freeing;

enum { ROUNDS = 2000 };

static void *acquire_and_free(void *to)
{
    freeing *f = (freeing *)to;
    for (int i = 0; i < ROUNDS; i++) {
        thrum_lock *lock = NULL;
        while (!(lock = (thrum_lock *)thrum__load_pointer_acquire(&f->handed)))
            thrum_thread_yield();
        thrum_lock_acquire(lock);
        thrum_lock_release(lock);
        memset(lock, 0xff, sizeof *lock); /* so that a late look finds nonsense without ASan, too */
        free(lock);
        thrum__store_pointer_release(&f->handed, NULL);
    }
    return NULL;
}

/* The words are the allocator's to hand out again: meaningful under AddressSanitizer. */
static void who_acquires_it_may_free_it(void)
{
    freeing f = {NULL};
    thrum_thread *other = support_start(acquire_and_free, &f);
    for (int i = 0; i < ROUNDS; i++) {
        thrum_lock *lock = (thrum_lock *)calloc(1, sizeof *lock);
        if (!lock)
            support_give_up("no memory");
        thrum_lock_acquire(lock);
        thrum__store_pointer_release(&f.handed, lock);
        if (i % 4 == 0)
            support_await_sleepers(lock, 1); /* the release that wakes; else the fast one, or whatever comes */
        if (thrum_lock_release(lock) != THRUM_OK)
            support_give_up("a held lock was not released");
        while (thrum__load_pointer_acquire(&f.handed))
            thrum_thread_yield();
    }
    support_join(other);
    CHECK(f.handed == NULL);
}

/* ---- THRUM_WITH ------------------------------------------------------------------------------------------------- */

static void with_holds_it_for_the_block_and_runs_once(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    int runs = 0;
    THRUM_WITH (&lock) {
        runs++;
        CHECK(thrum_lock_is_held(&lock));
    }
    CHECK_IS(runs, 1);
    CHECK(!thrum_lock_is_held(&lock));
}

static void with_evaluates_its_argument_once(void)
{
    thrum_lock locks[2] = {THRUM_LOCK_INIT, THRUM_LOCK_INIT};
    int next = 0;
    THRUM_WITH (&locks[next++])
        CHECK(thrum_lock_is_held(&locks[0])); /* a statement will do for a block */
    CHECK_IS(next, 1);
    CHECK(!thrum_lock_is_held(&locks[0]));
}

static void with_releases_on_break_and_continue(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    int after = 0;
    for (int i = 0; i < 2; i++) {
        THRUM_WITH (&lock) {
            if (i == 0)
                break; /* out of the block, not of the loop around it */
            if (i == 1)
                continue;
            after = 100;
        }
        CHECK(!thrum_lock_is_held(&lock));
        after++;
    }
    CHECK_IS(after, 2);
}

static void with_may_be_nested(void)
{
    thrum_lock outer = THRUM_LOCK_INIT, inner = THRUM_LOCK_INIT;
    int runs = 0;
    THRUM_WITH (&outer)
        THRUM_WITH (&inner) {
            runs++;
            CHECK(thrum_lock_is_held(&outer));
            CHECK(thrum_lock_is_held(&inner));
        }
    CHECK_IS(runs, 1);
    CHECK(!thrum_lock_is_held(&outer));
    CHECK(!thrum_lock_is_held(&inner));

    THRUM_WITH (&outer) {
        THRUM_WITH (&inner) {
            break;
        }
        CHECK(thrum_lock_is_held(&outer));
        CHECK(!thrum_lock_is_held(&inner));
        runs++;
    }
    CHECK_IS(runs, 2);
    CHECK(!thrum_lock_is_held(&outer));
}

#if defined(__GNUC__) || defined(__clang__)
static int return_from_within(thrum_lock *lock)
{
    THRUM_WITH (lock) {
        return thrum_lock_is_held(lock) ? 7 : 8; /* the value is made before the lock is released */
    }
    return 9;
}

static int return_from_within_two(thrum_lock *outer, thrum_lock *inner)
{
    THRUM_WITH (outer)
        THRUM_WITH (inner) {
            return 7;
        }
    return 9;
}

static void with_releases_on_return(void)
{
    thrum_lock lock = THRUM_LOCK_INIT, another = THRUM_LOCK_INIT;
    CHECK_IS(return_from_within(&lock), 7);
    CHECK(!thrum_lock_is_held(&lock));
    CHECK_IS(return_from_within_two(&lock, &another), 7);
    CHECK(!thrum_lock_is_held(&lock));
    CHECK(!thrum_lock_is_held(&another));
}

static void with_releases_on_goto(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    int reached = 0;
    THRUM_WITH (&lock) {
        goto out;
    }
    reached = 1;
out:
    CHECK_IS(reached, 0);
    CHECK(!thrum_lock_is_held(&lock));
}
#endif

static const support_test tests[] = {
    {"zero_bytes_are_a_free_lock", zero_bytes_are_a_free_lock},
    {"it_touches_no_byte_but_its_own", it_touches_no_byte_but_its_own},
    {"release_of_a_free_lock_is_refused_and_changes_nothing", release_of_a_free_lock_is_refused_and_changes_nothing},
    {"the_exported_functions_are_reached_past_the_macros", the_exported_functions_are_reached_past_the_macros},
    {"one_thread_holds_it_at_a_time", one_thread_holds_it_at_a_time},
    {"all_ways_to_acquire_exclude_each_other", all_ways_to_acquire_exclude_each_other},
    {"many_sleepers_all_get_through", many_sleepers_all_get_through},
    {"try_fails_when_it_is_held_also_by_oneself", try_fails_when_it_is_held_also_by_oneself},
    {"any_thread_may_release_it", any_thread_may_release_it},
    {"acquire_until_takes_a_free_lock_whatever_the_deadline", acquire_until_takes_a_free_lock_whatever_the_deadline},
    {"acquire_until_immediately_does_not_wait", acquire_until_immediately_does_not_wait},
    {"a_timed_wait_never_ends_early", a_timed_wait_never_ends_early},
    {"timed_waits_in_a_row_each_wait", timed_waits_in_a_row_each_wait},
    {"a_timed_wait_uses_no_processor", a_timed_wait_uses_no_processor},
    {"a_timed_wait_gets_the_lock_when_it_is_released", a_timed_wait_gets_the_lock_when_it_is_released},
    {"who_times_out_leaves_nothing_that_hangs_others", who_times_out_leaves_nothing_that_hangs_others},
    {"an_interrupt_ends_acquire_until", an_interrupt_ends_acquire_until},
    {"a_pending_interrupt_wins_over_a_free_lock", a_pending_interrupt_wins_over_a_free_lock},
    {"acquire_keeps_an_interrupt_for_later", acquire_keeps_an_interrupt_for_later},
    {"a_signal_ends_acquire_until_of_the_main_thread", a_signal_ends_acquire_until_of_the_main_thread},
    {"a_signal_whose_handler_goes_on_does_not_shorten_the_wait",
     a_signal_whose_handler_goes_on_does_not_shorten_the_wait},
    {"a_waiter_gets_a_lock_that_others_hammer", a_waiter_gets_a_lock_that_others_hammer},
    {"who_acquires_it_may_free_it", who_acquires_it_may_free_it},
    {"with_holds_it_for_the_block_and_runs_once", with_holds_it_for_the_block_and_runs_once},
    {"with_evaluates_its_argument_once", with_evaluates_its_argument_once},
    {"with_releases_on_break_and_continue", with_releases_on_break_and_continue},
    {"with_may_be_nested", with_may_be_nested},
#if defined(__GNUC__) || defined(__clang__)
    {"with_releases_on_return", with_releases_on_return},
    {"with_releases_on_goto", with_releases_on_goto},
#endif
};

SUITE("lock", tests)
