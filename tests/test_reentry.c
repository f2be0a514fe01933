/*
 * Handlers and what comes while they run: the same signal again, another one, two at once, bursts, a grant, a thread
 * interrupt, a new handler. Each in every kind of wait where the kind may matter.
 *
 * The numbers of the invariants, and the hard points, are those of docs/invariants.md.
 */
#include "support/kinds.h"
#include "support/support.h"

static void handle(int signum, thrum_signal_fn run, void *arg)
{
    thrum_signal_handler handler = {run, arg};
    if (thrum_signal_handle(signum, handler, NULL) != THRUM_OK)
        support_give_up("no handler could be set");
}

static void handle_no_more(int signum)
{
    CHECK_STATUS(thrum_signal_handle(signum, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void interrupt_main(int signum)
{
    if (thrum_interrupt_main(signum) != THRUM_OK)
        support_give_up("main could not be interrupted");
}

/* Name the kind of wait if a check of it failed. */
static void check_kind(bool right, const support_kind *kind, const char *what)
{
    if (!right)
        fprintf(stderr, "%s: %s\n", kind->name, what);
    CHECK(right);
}
#define CHECK_KIND(condition) check_kind((condition), kind, #condition)

/* With nothing pending a wait lasts until its deadline. */
static bool nothing_is_left(void)
{
    return thrum_signal_check() == THRUM_OK && thrum_sleep(0) == THRUM_OK;
}

/* A test for each kind of wait, with what it waits for prepared. */
static void for_each_kind(void (*run)(const support_kind *))
{
    support_kinds_set_up();
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        support_kind_prepare(&support_kinds[k], 0);
        run(&support_kinds[k]);
        support_kind_clean(&support_kinds[k], 0);
    }
    support_kinds_tear_down();
}

/* ---- The same signal again --------------------------------------------------------------------------------------- */

static bool by_interrupt_main(int signum)
{
    return thrum_interrupt_main(signum) == THRUM_OK;
}
static bool by_raise(int signum)
{
    return thrum_signal_raise(signum) == THRUM_OK;
}
static void *interrupt_from_a_worker(void *signum)
{
    interrupt_main(*(const int *)signum);
    return NULL;
}
static bool by_a_worker(int signum)
{
    support_join_deaf(support_start(interrupt_from_a_worker, &signum)); /* what it sends is for a later wait */
    return true;
}

static bool (*const roads[])(int) = {by_interrupt_main, by_raise, by_a_worker, support_signal_from_outside};
enum { ROADS = sizeof roads / sizeof roads[0] };

typedef struct again {
    bool (*send)(int signum);
    int runs, depth, deepest;
    bool no_such_road;
} again;

static thrum_status send_again(int signum, void *arg)
{
    again *a = (again *)arg;
    a->depth++;
    a->deepest = a->depth > a->deepest ? a->depth : a->deepest;
    if (++a->runs == 1)
        for (int i = 0; i < 3; i++)
            a->no_such_road = !a->send(signum) || a->no_such_road;
    bool slept = thrum_sleep(THRUM_MICROSECONDS(300)) == THRUM_OK && thrum_signal_check() == THRUM_OK;
    a->depth--;
    return slept ? THRUM_OK : THRUM_INTERRUPTED;
}

static void send_again_in(const support_kind *kind)
{
    for (int r = 0; r < ROADS; r++) {
        again a = {roads[r], 0, 0, 0, false};
        handle(THRUM_SIGINT, send_again, &a);
        interrupt_main(THRUM_SIGINT);
        thrum_status status = kind->wait(0, support_in(5));
        CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
        CHECK_KIND(nothing_is_left());
        CHECK_KIND(a.deepest == 1);
        CHECK_KIND(a.runs == (a.no_such_road ? 1 : 2)); /* three that are pending are one */
    }
    handle_no_more(THRUM_SIGINT);
}

/* Invariant 3: a handler is not entered again for its own number; what came meanwhile runs after it. */
static void its_own_signal_waits_until_a_handler_is_over(void)
{
    for_each_kind(send_again_in);
}

/* ---- Another signal ------------------------------------------------------------------------------------------------ */

typedef struct other {
    bool (*send)(int signum);
    bool no_such_road, passed, ended;
} other;

static thrum_status send_others(int signum, void *arg)
{
    other *o = (other *)arg;
    int passes = support_passes, ends = support_ends;
    (void)signum;
    o->no_such_road = !o->send(THRUM_SIGUSR1);
    if (o->no_such_road)
        return THRUM_OK;
    o->passed = thrum_sleep(THRUM_MICROSECONDS(300)) == THRUM_OK && support_passes == passes + 1;
    o->no_such_road = !o->send(THRUM_SIGTERM);
    o->ended = thrum_sleep(THRUM_SECONDS(20)) == THRUM_INTERRUPTED && support_ends == ends + 1;
    return THRUM_OK;
}

static void send_others_in(const support_kind *kind)
{
    for (int r = 0; r < ROADS; r++) {
        other o = {roads[r], false, false, false};
        handle(THRUM_SIGINT, send_others, &o);
        interrupt_main(THRUM_SIGINT);
        thrum_status status = kind->wait(0, support_in(5));
        CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
        CHECK_KIND(o.no_such_road || (o.passed && o.ended));
        CHECK_KIND(nothing_is_left());
    }
    handle_no_more(THRUM_SIGINT);
}

/* Invariant 3: another signal's handler runs within a wait of this one's, and what it says is that wait's alone. */
static void another_signal_runs_within_a_handlers_wait(void)
{
    for_each_kind(send_others_in);
}

/* ---- Several at once ------------------------------------------------------------------------------------------------ */

static int order[8], ordered;

static thrum_status note_and_say(int signum, void *status)
{
    order[ordered++ % 8] = signum;
    return *(const thrum_status *)status;
}

static thrum_status says_ok = THRUM_OK, says_interrupted = THRUM_INTERRUPTED;

static void send_two_in(const support_kind *kind)
{
    handle(THRUM_SIGINT, note_and_say, &says_ok);
    handle(THRUM_SIGALRM, note_and_say, &says_ok);
    ordered = 0;
    interrupt_main(THRUM_SIGALRM);
    interrupt_main(THRUM_SIGINT);
    thrum_status status = kind->wait(0, support_in(3));
    CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
    CHECK_KIND(ordered == 2 && order[0] == THRUM_SIGINT && order[1] == THRUM_SIGALRM);
    CHECK_KIND(nothing_is_left() && ordered == 2);
}

/* Invariant 3: the lowest number first, each once. */
static void two_signals_at_once_both_run_the_lowest_first(void)
{
    for_each_kind(send_two_in);
    handle_no_more(THRUM_SIGINT);
    handle_no_more(THRUM_SIGALRM);
}

static void end_by_the_first_of_three_in(const support_kind *kind)
{
    static const int all[] = {THRUM_SIGINT, THRUM_SIGALRM, THRUM_SIGTERM};
    for (int i = 0; i < 3; i++)
        handle(all[i], note_and_say, &says_interrupted);
    ordered = 0;
    for (int i = 2; i >= 0; i--)
        interrupt_main(all[i]);
    for (int i = 0; i < 3; i++) {
        CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
        CHECK_KIND(ordered == i + 1 && order[i] == all[i]);
    }
    CHECK_KIND(nothing_is_left() && ordered == 3);
}

/* Invariant 3: after one that says INTERRUPTED the rest stay pending. */
static void after_one_interrupted_the_rest_stay_pending(void)
{
    for_each_kind(end_by_the_first_of_three_in);
    handle_no_more(THRUM_SIGINT);
    handle_no_more(THRUM_SIGALRM);
}

/* ---- A thread interrupt and a signal -------------------------------------------------------------------------------- */

static bool interrupt_thread_first;

static void *interrupt_in_both_ways(void *where)
{
    const support_kind *kind = (const support_kind *)where;
    if (kind)
        support_kind_await(kind, 0, 1);
    if (interrupt_thread_first)
        (void)thrum_thread_interrupt(thrum_thread_main());
    interrupt_main(THRUM_SIGINT);
    if (!interrupt_thread_first)
        (void)thrum_thread_interrupt(thrum_thread_main());
    return NULL;
}

static void interrupt_in_both_ways_in(const support_kind *kind)
{
    for (int i = 0; i < 8; i++) {
        bool ends = i & 1, before = i & 2;
        interrupt_thread_first = i & 4;
        handle(THRUM_SIGINT, note_and_say, ends ? &says_interrupted : &says_ok);
        ordered = 0;
        thrum_thread *sender = NULL;
        if (before)
            interrupt_in_both_ways(NULL);
        else
            sender = support_start(interrupt_in_both_ways, (void *)(uintptr_t)kind);
        thrum_status first = kind->wait(0, support_in(20000));
        if (sender)
            support_join_deaf(sender);
        if (first == THRUM_OK && kind->ends_by_run) /* the handler's run was the first news */
            first = kind->wait(0, support_in(20000));
        CHECK_KIND(first == THRUM_INTERRUPTED);
        if (ends)
            CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
        CHECK_KIND(thrum_signal_check() == THRUM_OK);
        CHECK_KIND(ordered == 1);
        CHECK_KIND(nothing_is_left() && ordered == 1);
    }
}

/* Invariant 1: both are noticed, in two waits if the handler says INTERRUPTED. */
static void a_signal_and_a_thread_interrupt_are_both_noticed(void)
{
    for_each_kind(interrupt_in_both_ways_in);
    handle_no_more(THRUM_SIGINT);
}

/* ---- Bursts --------------------------------------------------------------------------------------------------------- */

enum { BURST = 10000, SENDERS = 3 };

static uint32_t sent, seen; /* atomic */
static int burst_runs;

static thrum_status see_how_many(int signum, void *unused)
{
    (void)signum, (void)unused;
    thrum__store_u32_release(&seen, thrum__load_u32_acquire(&sent));
    burst_runs++;
    return THRUM_OK;
}

static void *send_many(void *by_the_system)
{
    for (int i = 0; i < BURST / SENDERS + 1; i++) {
        thrum__fetch_add_u32_acq_rel(&sent, 1);
        if (!by_the_system || !(i % 2 ? support_signal_foreign : support_signal_process)(THRUM_SIGINT))
            interrupt_main(THRUM_SIGINT);
    }
    return NULL;
}

/* Whoever counts before it sends is seen by the handler that runs for it: after the last one, all of them. */
static void *send_all_then_end_the_wait(void *unused)
{
    thrum_thread *threads[SENDERS];
    bool real = support_signal_foreign(THRUM_SIGWINCH);
    for (int i = 0; i < SENDERS; i++)
        threads[i] = support_start(send_many, real && i == 0 ? &sent : NULL);
    for (int i = 0; i < SENDERS; i++)
        support_join(threads[i]);
    thrum_deadline end = support_in(20000);
    uint32_t all = thrum__load_u32_acquire(&sent);
    while (thrum__load_u32_acquire(&seen) != all && thrum_left(end) > 0)
        thrum_thread_yield();
    uint32_t last = thrum__load_u32_acquire(&seen);
    interrupt_main(THRUM_SIGTERM);
    return last == all ? &sent : unused;
}

static void send_a_burst_in(const support_kind *kind)
{
    sent = seen = 0;
    burst_runs = 0;
    handle(THRUM_SIGINT, see_how_many, NULL);
    thrum_thread *director = support_start(send_all_then_end_the_wait, NULL);
    thrum_status status = THRUM_OK;
    while (status == THRUM_OK)
        status = kind->wait(0, support_in(60000));
    bool last_was_seen = support_join(director) != NULL;
    support_signal_foreign_settle(); /* what it has not sent on yet shall meet no later test */
    CHECK_KIND(status == THRUM_INTERRUPTED);
    CHECK_KIND(last_was_seen);
    CHECK_KIND(burst_runs >= 1 && burst_runs <= (int)sent);
    CHECK_KIND((int)sent >= BURST);
    CHECK_KIND(nothing_is_left());
    printf("  %-12s %d signals, %d runs\n", kind->name, (int)sent, burst_runs);
}

/* Invariants 1 and 5: of ten thousand, from several threads and the system, the last is seen, and none runs twice. */
static void the_last_of_a_burst_is_seen_in_every_wait(void)
{
    for_each_kind(send_a_burst_in);
    handle_no_more(THRUM_SIGINT);
}

/* ---- INTERRUPTED meets a grant -------------------------------------------------------------------------------------- */

static uint32_t wants_the_grant, granted;
static bool granted_by_another;

static void *interrupt_and_grant(void *arg)
{
    const support_kind *kind = (const support_kind *)arg;
    support_kind_await(kind, 0, 1);
    interrupt_main(THRUM_SIGINT);
    support_await_flag(&wants_the_grant);
    if (granted_by_another && !kind->ends_by_run)
        support_kind_grant(kind, 0);
    support_set_flag(&granted);
    return NULL;
}

static thrum_status be_granted_and_interrupt(int signum, void *arg)
{
    const support_kind *kind = (const support_kind *)arg;
    (void)signum;
    support_set_flag(&wants_the_grant);
    if (granted_by_another)
        support_await_flag(&granted);
    if (!granted_by_another || kind->ends_by_run)
        support_kind_grant(kind, 0);
    if (kind->ends_by_run)
        (void)!thrum_signal_check(); /* and another handler runs within this one */
    return THRUM_INTERRUPTED;
}

static void be_granted_and_interrupted_in(const support_kind *kind)
{
    wants_the_grant = granted = 0;
    handle(THRUM_SIGINT, be_granted_and_interrupt, (void *)(uintptr_t)kind);
    thrum_thread *director = support_start(interrupt_and_grant, (void *)(uintptr_t)kind);
    thrum_status status = kind->wait(0, support_in(20000));
    bool news = kind->momentary && kind->grant; /* it keeps its place, and so can be granted */
    CHECK_KIND(status == (news ? THRUM_OK : THRUM_INTERRUPTED));
    CHECK_KIND(thrum_sleep(0) == (news ? THRUM_INTERRUPTED : THRUM_OK));
    CHECK_KIND(nothing_is_left());
    support_join(director);
    if (!kind->momentary && !kind->ends_by_run) /* it took nothing: whoever comes next has it */
        CHECK_KIND(support_kind_is_there(kind, 0));
}

/* Invariants 2 and 3: a wait that was granted meanwhile says OK, and the interrupt stays pending. One that takes
 * nothing before its handlers are over says INTERRUPTED, and what was given is still there. */
static void interrupted_that_meets_a_grant_loses_neither(void)
{
    granted_by_another = false;
    for_each_kind(be_granted_and_interrupted_in);
    granted_by_another = true;
    for_each_kind(be_granted_and_interrupted_in);
    handle_no_more(THRUM_SIGINT);
}

/* ---- Handlers set and taken away by handlers ----------------------------------------------------------------------- */

typedef struct change {
    const support_kind *kind;
    bool right;
} change;

static thrum_status become_another(int signum, void *arg)
{
    change *c = (change *)arg;
    thrum_signal_handler successor = {note_and_say, &says_interrupted}, old = {NULL, NULL}, now;
    interrupt_main(signum);
    c->right = thrum_signal_handle(signum, successor, &old) == THRUM_OK && old.run == become_another &&
               thrum_signal_handler_of(signum, &now) == THRUM_OK && now.run == note_and_say &&
               thrum_sleep(THRUM_MICROSECONDS(300)) == THRUM_OK; /* nor is the new one entered while we run */
    return THRUM_OK;
}

static void change_handlers_in(const support_kind *kind)
{
    change c = {kind, false};
    ordered = 0;
    handle(THRUM_SIGINT, become_another, &c);
    interrupt_main(THRUM_SIGINT);
    thrum_status status = kind->wait(0, support_in(20000));
    if (status == THRUM_OK && kind->ends_by_run)
        status = kind->wait(0, support_in(20000));
    CHECK_KIND(status == THRUM_INTERRUPTED); /* the successor said so, to what came in its predecessor's time */
    CHECK_KIND(c.right && ordered == 1);
    CHECK_KIND(nothing_is_left());
}

static thrum_status take_all_away(int signum, void *arg)
{
    change *c = (change *)arg;
    interrupt_main(signum);
    interrupt_main(THRUM_SIGALRM);
    c->right = thrum_signal_handle(signum, THRUM_SIGNAL_DEFAULT, NULL) == THRUM_OK &&
               thrum_signal_handle(THRUM_SIGALRM, THRUM_SIGNAL_IGNORE, NULL) == THRUM_OK &&
               thrum_interrupt_main(signum) == THRUM_NOT_HANDLED &&
               thrum_interrupt_main(THRUM_SIGALRM) == THRUM_NOT_HANDLED && thrum_signal_check() == THRUM_OK;
    return THRUM_OK;
}

static void take_handlers_away_in(const support_kind *kind)
{
    change c = {kind, false};
    ordered = 0;
    handle(THRUM_SIGINT, take_all_away, &c);
    handle(THRUM_SIGALRM, note_and_say, &says_interrupted);
    interrupt_main(THRUM_SIGINT);
    thrum_status status = kind->wait(0, support_in(5));
    CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
    CHECK_KIND(c.right && ordered == 0);
    handle(THRUM_SIGINT, note_and_say, &says_interrupted); /* what was pending is not there for the next */
    CHECK_KIND(nothing_is_left() && ordered == 0);
}

/* Invariant 3: handlers may call anything, and so change handlers, their own too. */
static void a_handler_may_set_another_for_its_own_number(void)
{
    for_each_kind(change_handlers_in);
    handle_no_more(THRUM_SIGINT);
}

static void a_handler_may_take_itself_and_others_away(void)
{
    for_each_kind(take_handlers_away_in);
    handle_no_more(THRUM_SIGINT);
    handle_no_more(THRUM_SIGALRM);
}

/* ---- Deadlines ------------------------------------------------------------------------------------------------------ */

static thrum_status take_longer(int signum, void *whole)
{
    thrum_nanos start = thrum_now(), length = THRUM_MILLISECONDS(10);
    (void)signum;
    *(bool *)whole = thrum_sleep(length) == THRUM_OK && thrum_now() - start >= length;
    return THRUM_OK;
}

static void take_longer_in(const support_kind *kind)
{
    bool whole = false;
    handle(THRUM_SIGINT, take_longer, &whole);
    interrupt_main(THRUM_SIGINT);
    thrum_nanos start = thrum_now();
    thrum_status status = kind->wait(0, support_in(5));
    double took = support_since(start);
    CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
    CHECK_KIND(whole);
    CHECK_KIND(took >= 10 && took < 3000);
    CHECK_KIND(nothing_is_left());
}

/* Invariant 3: a wait's deadline does not move; one that passes within a handler is past. */
static void a_deadline_that_passes_in_a_handler_is_past(void)
{
    for_each_kind(take_longer_in);
    handle_no_more(THRUM_SIGINT);
}

static uint32_t storm_is_over;
static thrum_nanos storm_began;

static void *storm(void *unused)
{
    while (!thrum__load_u32_acquire(&storm_is_over)) {
        interrupt_main(THRUM_SIGINT);
        thrum_thread_yield();
    }
    return unused;
}

/* Slower than the signals come; the way out is for a library in which this would go on for ever. */
static thrum_status be_slow(int signum, void *unused)
{
    (void)signum, (void)unused;
    interrupt_main(signum);
    for (thrum_nanos start = thrum_now(); thrum_now() - start < THRUM_MICROSECONDS(200);) {}
    return support_since(storm_began) > 5000 ? THRUM_INTERRUPTED : THRUM_OK;
}

static void wait_in_a_storm(const support_kind *kind)
{
    storm_is_over = 0;
    storm_began = thrum_now();
    handle(THRUM_SIGINT, be_slow, NULL);
    thrum_thread *thread = support_start(storm, NULL);
    thrum_nanos start = thrum_now();
    thrum_status status = kind->wait(0, support_in(10));
    double took = support_since(start);
    CHECK_KIND(thrum_signal_check() == THRUM_OK);
    handle(THRUM_SIGINT, note_and_say, &says_ok);
    support_set_flag(&storm_is_over);
    support_join(thread);
    CHECK_KIND(status == kind->at_the_deadline || kind->ends_by_run);
    CHECK_KIND(took >= 10 || kind->ends_by_run);
    CHECK_KIND(took < 3000);
    CHECK_KIND(nothing_is_left());
}

/* Invariant 3: nor is it held up by signals that come faster than their handler runs. */
static void a_storm_of_signals_moves_no_deadline(void)
{
    for_each_kind(wait_in_a_storm);
    handle_no_more(THRUM_SIGINT);
}

/* ---- Outside of waits ------------------------------------------------------------------------------------------------ */

static void *send_and_tell(void *told)
{
    interrupt_main(THRUM_SIGINT);
    support_set_flag((uint32_t *)told);
    return NULL;
}

static void come_with_a_signal(const support_kind *kind)
{
    uint32_t told = 0;
    ordered = 0;
    handle(THRUM_SIGINT, note_and_say, &says_interrupted);
    thrum_thread *sender = support_start(send_and_tell, &told);
    while (!thrum__load_u32_acquire(&told)) {} /* main computes, and is not in thrum */
    CHECK_KIND(ordered == 0);
    thrum_nanos start = thrum_now();
    CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
    CHECK_KIND(support_since(start) < 5000);
    CHECK_KIND(ordered == 1);
    support_join(sender);
    CHECK_KIND(nothing_is_left());
}

/* Invariant 1: what comes while main is not in thrum is noticed by the next wait. */
static void what_comes_while_main_computes_ends_its_next_wait(void)
{
    for_each_kind(come_with_a_signal);
    handle_no_more(THRUM_SIGINT);
}

static thrum_local with_destructor;

static void interrupt_at_the_end(void *unused)
{
    (void)unused;
    interrupt_main(THRUM_SIGINT);
}

static void *set_local(void *value)
{
    return thrum_local_set(with_destructor, value) == THRUM_OK ? value : NULL;
}

static void destroy_in(const support_kind *kind)
{
    ordered = 0;
    handle(THRUM_SIGINT, note_and_say, &says_interrupted);
    thrum_thread *thread = support_start(set_local, &ordered);
    CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
    CHECK_KIND(ordered == 1);
    CHECK(support_join(thread) == &ordered);
    CHECK_KIND(kind->wait(0, support_in(1)) == kind->at_the_deadline);
    support_foreign *foreign = support_foreign_start(set_local, &ordered);
    CHECK_KIND(kind->wait(0, support_in(20000)) == THRUM_INTERRUPTED);
    CHECK_KIND(ordered == 2);
    support_foreign_join(foreign);
    CHECK_KIND(nothing_is_left());
}

/* Invariant 5: thrum_interrupt_main works from a thread-local destructor, on threads of thrum's and foreign ones. */
static void a_thread_local_destructor_may_interrupt_main(void)
{
    CHECK_STATUS(thrum_local_create(&with_destructor, interrupt_at_the_end), THRUM_OK);
    for_each_kind(destroy_in);
    CHECK_STATUS(thrum_local_delete(with_destructor), THRUM_OK);
    handle_no_more(THRUM_SIGINT);
}

static const support_test tests[] = {
    TEST(its_own_signal_waits_until_a_handler_is_over),
    TEST(another_signal_runs_within_a_handlers_wait),
    TEST(two_signals_at_once_both_run_the_lowest_first),
    TEST(after_one_interrupted_the_rest_stay_pending),
    TEST(a_signal_and_a_thread_interrupt_are_both_noticed),
    TEST(the_last_of_a_burst_is_seen_in_every_wait),
    TEST(interrupted_that_meets_a_grant_loses_neither),
    TEST(a_handler_may_set_another_for_its_own_number),
    TEST(a_handler_may_take_itself_and_others_away),
    TEST(a_deadline_that_passes_in_a_handler_is_past),
    TEST(a_storm_of_signals_moves_no_deadline),
    TEST(what_comes_while_main_computes_ends_its_next_wait),
    TEST(a_thread_local_destructor_may_interrupt_main),
};

SUITE("reentry", tests)
