/* Done once. */
#include "support/support.h"

/* ---- What is done once ------------------------------------------------------------------------------------------ */

/* The fields are plain: the once orders all uses of them. */
typedef struct job {
    thrum_once once;
    unsigned runs;
    unsigned fail_until; /* runs that fail: with THRUM_BROKEN */
    unsigned wait_for;   /* unless 0: before a run ends, this many sleep at the once; one fewer for the next */
    unsigned data[64];
    thrum_status inner; /* what a call from inside itself said */
} job;

static thrum_status do_it(void *arg)
{
    job *j = arg;
    j->runs++;
    if (j->wait_for > 0)
        support_await_sleepers(&j->once, j->wait_for--);
    if (j->runs <= j->fail_until)
        return THRUM_BROKEN;
    for (unsigned i = 0; i < 64; i++)
        j->data[i] = i + 1;
    return THRUM_OK;
}

static bool is_complete(const job *j)
{
    for (unsigned i = 0; i < 64; i++)
        if (j->data[i] != i + 1)
            return false;
    return true;
}

typedef struct caller {
    job *job;
    const uint32_t *gate; /* NULL, or set when it is time */
    thrum_status status;
    bool saw_all;
    bool interrupted; /* afterwards an interrupt was pending */
} caller;

static void *call(void *arg)
{
    caller *c = arg;
    if (c->gate)
        support_await_flag(c->gate);
    c->status = thrum_once_run(&c->job->once, do_it, c->job);
    c->saw_all = c->status == THRUM_OK && is_complete(c->job);
    c->interrupted = thrum_thread_take_interrupt();
    return NULL;
}

/* ---- One thread ------------------------------------------------------------------------------------------------- */

static void it_is_at_most_1_byte(void)
{
    CHECK(sizeof(thrum_once) <= 1);
}

static void zero_bytes_are_not_done(void)
{
    static const thrum_once in_words = THRUM_ONCE_INIT;
    thrum_once once;
    memset(&once, 0, sizeof once);
    CHECK(!thrum_once_is_done(&once));
    CHECK(!thrum_once_is_done(&in_words));
}

static void it_runs_the_first_time_only(void)
{
    job j = {.once = THRUM_ONCE_INIT};
    CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_OK);
    CHECK(thrum_once_is_done(&j.once));
    CHECK(is_complete(&j));
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_OK);
    CHECK_IS(j.runs, 1);
}

static void a_failure_is_the_callers_and_the_next_tries_again(void)
{
    job j = {.once = THRUM_ONCE_INIT, .fail_until = 2};
    CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_BROKEN);
    CHECK(!thrum_once_is_done(&j.once));
    CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_BROKEN);
    CHECK(!thrum_once_is_done(&j.once));
    CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_OK);
    CHECK(thrum_once_is_done(&j.once));
    CHECK_IS(j.runs, 3);
}

static void nothing_to_run_is_invalid_unless_it_is_done(void)
{
    job j = {.once = THRUM_ONCE_INIT};
    CHECK_STATUS(thrum_once_run(&j.once, NULL, NULL), THRUM_INVALID);
    CHECK(!thrum_once_is_done(&j.once));
    CHECK_STATUS(thrum_once_run(&j.once, do_it, &j), THRUM_OK);
    CHECK_STATUS(thrum_once_run(&j.once, NULL, NULL), THRUM_OK);
}

/* ---- From inside itself ----------------------------------------------------------------------------------------- */

static thrum_status run_myself(void *arg)
{
    job *j = arg;
    j->runs++;
    CHECK(!thrum_once_is_done(&j->once));
    j->inner = thrum_once_run(&j->once, run_myself, j);
    return THRUM_OK;
}

static void from_inside_itself_it_would_deadlock(void)
{
    job j = {.once = THRUM_ONCE_INIT, .inner = THRUM_SYSTEM};
    CHECK_STATUS(thrum_once_run(&j.once, run_myself, &j), THRUM_OK);
    CHECK_STATUS(j.inner, THRUM_WOULD_DEADLOCK);
    CHECK_IS(j.runs, 1);
    CHECK(thrum_once_is_done(&j.once));
}

typedef struct nest {
    thrum_once outer, middle, inner;
    thrum_status of_outer, of_middle, of_inner; /* what was said from within the innermost */
    thrum_status middle_said, inner_said;
    thrum_status innermost_says;
} nest;

static thrum_status run_innermost(void *arg)
{
    nest *n = arg;
    n->of_outer = thrum_once_run(&n->outer, run_innermost, n);
    n->of_middle = thrum_once_run(&n->middle, run_innermost, n);
    n->of_inner = thrum_once_run(&n->inner, run_innermost, n);
    return n->innermost_says;
}

static thrum_status run_middle(void *arg)
{
    nest *n = arg;
    n->inner_said = thrum_once_run(&n->inner, run_innermost, n);
    return THRUM_OK;
}

static thrum_status run_outer(void *arg)
{
    nest *n = arg;
    n->middle_said = thrum_once_run(&n->middle, run_middle, n);
    return THRUM_OK;
}

static void also_by_way_of_others(void)
{
    nest n;
    memset(&n, 0, sizeof n);
    n.innermost_says = THRUM_BROKEN;
    CHECK_STATUS(thrum_once_run(&n.outer, run_outer, &n), THRUM_OK);
    CHECK_STATUS(n.of_outer, THRUM_WOULD_DEADLOCK);
    CHECK_STATUS(n.of_middle, THRUM_WOULD_DEADLOCK);
    CHECK_STATUS(n.of_inner, THRUM_WOULD_DEADLOCK);
    CHECK_STATUS(n.inner_said, THRUM_BROKEN);
    CHECK_STATUS(n.middle_said, THRUM_OK);
    CHECK(thrum_once_is_done(&n.outer) && thrum_once_is_done(&n.middle) && !thrum_once_is_done(&n.inner));

    job j = {.once = THRUM_ONCE_INIT}; /* and nothing of it stays with the thread */
    CHECK_STATUS(thrum_once_run(&n.inner, do_it, &j), THRUM_OK);
}

/* ---- Many threads ----------------------------------------------------------------------------------------------- */

static void others_sleep_until_it_is_done_and_see_the_writes(void)
{
    enum { N = 8 };
    job j = {.once = THRUM_ONCE_INIT, .wait_for = N - 1};
    caller callers[N];
    thrum_thread *threads[N];
    for (int i = 0; i < N; i++) {
        callers[i] = (caller){.job = &j, .status = THRUM_SYSTEM};
        threads[i] = support_start(call, &callers[i]);
    }
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_STATUS(callers[i].status, THRUM_OK);
        CHECK(callers[i].saw_all);
    }
    CHECK_IS(j.runs, 1);
}

static void it_runs_once_under_contention(void)
{
    enum { N = 4, ROUNDS = 60 };
    for (int round = 0; round < ROUNDS; round++) {
        job j = {.once = THRUM_ONCE_INIT};
        uint32_t gate = 0;
        caller callers[N];
        thrum_thread *threads[N];
        bool good = true;
        for (int i = 0; i < N; i++) {
            callers[i] = (caller){.job = &j, .gate = &gate, .status = THRUM_SYSTEM};
            threads[i] = support_start(call, &callers[i]);
        }
        support_set_flag(&gate);
        for (int i = 0; i < N; i++) {
            support_join(threads[i]);
            good = good && callers[i].status == THRUM_OK && callers[i].saw_all;
        }
        CHECK(good);
        CHECK_IS(j.runs, 1);
    }
}

/* Each of them runs it while all the others sleep; the last succeeds. */
static void a_failure_lets_one_that_waits_try_next(void)
{
    enum { N = 5 };
    job j = {.once = THRUM_ONCE_INIT, .fail_until = N - 2, .wait_for = N - 1};
    caller callers[N];
    thrum_thread *threads[N];
    int failed = 0, well = 0;
    for (int i = 0; i < N; i++) {
        callers[i] = (caller){.job = &j, .status = THRUM_SYSTEM};
        threads[i] = support_start(call, &callers[i]);
    }
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        failed += callers[i].status == THRUM_BROKEN;
        well += callers[i].status == THRUM_OK && callers[i].saw_all;
    }
    CHECK_IS(failed, N - 2);
    CHECK_IS(well, 2); /* the one that ran it, and one that still slept */
    CHECK_IS(j.runs, N - 1);
    CHECK(thrum_once_is_done(&j.once));
}

typedef struct hold {
    thrum_once once;
    uint32_t inside, go;
} hold;

static thrum_status hold_it(void *arg)
{
    hold *h = arg;
    support_set_flag(&h->inside);
    support_await_flag(&h->go);
    return THRUM_OK;
}

typedef struct holder {
    hold *hold;
    thrum_status status;
    bool interrupted;
} holder;

static void *run_hold(void *arg)
{
    holder *h = arg;
    h->status = thrum_once_run(&h->hold->once, hold_it, h->hold);
    h->interrupted = thrum_thread_take_interrupt();
    return NULL;
}

static void it_is_not_done_while_it_runs(void)
{
    hold h = {THRUM_ONCE_INIT, 0, 0};
    holder runs = {.hold = &h, .status = THRUM_SYSTEM};
    thrum_thread *thread = support_start(run_hold, &runs);
    support_await_flag(&h.inside);
    CHECK(!thrum_once_is_done(&h.once));
    support_set_flag(&h.go);
    support_join(thread);
    CHECK(thrum_once_is_done(&h.once));
}

/* Invariant 9: nor is the wait for another thread that runs it. */
static void the_wait_for_another_is_no_interruption_point(void)
{
    hold h = {THRUM_ONCE_INIT, 0, 0};
    holder runs = {.hold = &h, .status = THRUM_SYSTEM}, waits = runs;
    thrum_thread *first = support_start(run_hold, &runs);
    support_await_flag(&h.inside);
    thrum_thread *second = support_start(run_hold, &waits);
    support_await_sleepers(&h.once, 1);
    CHECK_STATUS(thrum_thread_interrupt(second), THRUM_OK);
    CHECK_STATUS(thrum_thread_join(second, support_in(10), NULL), THRUM_TIMED_OUT);
    support_await_sleepers(&h.once, 1);
    support_set_flag(&h.go);
    support_join(first);
    support_join(second);
    CHECK_STATUS(runs.status, THRUM_OK);
    CHECK_STATUS(waits.status, THRUM_OK);
    CHECK(!runs.interrupted);
    CHECK(waits.interrupted); /* it is pending still */
}

static void a_foreign_thread_can_run_it(void)
{
    job j = {.once = THRUM_ONCE_INIT, .fail_until = 1};
    caller c = {.job = &j, .status = THRUM_SYSTEM};
    support_foreign_join(support_foreign_start(call, &c));
    CHECK_STATUS(c.status, THRUM_BROKEN);
    support_foreign_join(support_foreign_start(call, &c));
    CHECK_STATUS(c.status, THRUM_OK);
    CHECK(c.saw_all);
    CHECK(thrum_once_is_done(&j.once));
}

static const support_test tests[] = {
    {"it_is_at_most_1_byte", it_is_at_most_1_byte},
    {"zero_bytes_are_not_done", zero_bytes_are_not_done},
    {"it_runs_the_first_time_only", it_runs_the_first_time_only},
    {"a_failure_is_the_callers_and_the_next_tries_again", a_failure_is_the_callers_and_the_next_tries_again},
    {"nothing_to_run_is_invalid_unless_it_is_done", nothing_to_run_is_invalid_unless_it_is_done},
    {"from_inside_itself_it_would_deadlock", from_inside_itself_it_would_deadlock},
    {"also_by_way_of_others", also_by_way_of_others},
    {"others_sleep_until_it_is_done_and_see_the_writes", others_sleep_until_it_is_done_and_see_the_writes},
    {"it_runs_once_under_contention", it_runs_once_under_contention},
    {"a_failure_lets_one_that_waits_try_next", a_failure_lets_one_that_waits_try_next},
    {"it_is_not_done_while_it_runs", it_is_not_done_while_it_runs},
    {"the_wait_for_another_is_no_interruption_point", the_wait_for_another_is_no_interruption_point},
    {"a_foreign_thread_can_run_it", a_foreign_thread_can_run_it},
};

SUITE("once", tests)
