/* Thread-local values made at run time. */
#include "support/support.h"

static thrum_local make(void (*destructor)(void *))
{
    thrum_local local;
    memset(&local, 0, sizeof local);
    if (thrum_local_create(&local, destructor) != THRUM_OK)
        support_give_up("no thread-local value could be made");
    return local;
}

/* A value that counts its destructions. What worker threads write in it, the test reads after the join. */
typedef struct cell {
    thrum_local local;
    unsigned destroyed;
    unsigned set_again; /* this often its destructor sets it again */
    uint64_t destroyed_by;
    void *seen;          /* what `get` gave in the destructor */
    thrum_status status; /* of what the destructor called */
    struct cell *other;  /* another that the destructor sets, or NULL */
} cell;

static void destroy(void *value)
{
    cell *c = value;
    c->destroyed++;
    c->destroyed_by = thrum_thread_id(thrum_thread_current());
    c->seen = thrum_local_get(c->local);
    c->status = THRUM_OK;
    if (c->set_again > 0) {
        c->set_again--;
        c->status = thrum_local_set(c->local, c);
    }
    if (c->other)
        c->status = thrum_local_set(c->other->local, c->other);
}

typedef struct worker {
    cell *cell; /* set in the thread */
    bool by_exit;
    uint64_t id;
    thrum_status status;
    void *at_first, *afterwards;
    uint32_t *ready, *go; /* NULL, or flags between set and end */
} worker;

static void *set_and_end(void *arg)
{
    worker *w = arg;
    w->id = thrum_thread_id(thrum_thread_current());
    w->at_first = thrum_local_get(w->cell->local);
    w->status = thrum_local_set(w->cell->local, w->cell);
    w->afterwards = thrum_local_get(w->cell->local);
    if (w->ready) {
        support_set_flag(w->ready);
        support_await_flag(w->go);
    }
    if (w->by_exit)
        thrum_thread_exit(w);
    return NULL;
}

static void run_worker(worker *w, bool foreign)
{
    if (foreign)
        support_foreign_join(support_foreign_start(set_and_end, w));
    else
        support_join(support_start(set_and_end, w));
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static void each_thread_has_its_own_value(void)
{
    enum { N = 4 };
    thrum_local local = make(NULL);
    cell cells[N];
    worker workers[N];
    thrum_thread *threads[N];
    uint32_t ready[N] = {0}, go = 0;
    int mine;
    CHECK(thrum_local_get(local) == NULL);
    CHECK_STATUS(thrum_local_set(local, &mine), THRUM_OK);
    for (int i = 0; i < N; i++) {
        cells[i] = (cell){.local = local};
        workers[i] = (worker){.cell = &cells[i], .ready = &ready[i], .go = &go};
        threads[i] = support_start(set_and_end, &workers[i]);
    }
    for (int i = 0; i < N; i++)
        support_await_flag(&ready[i]);
    CHECK(thrum_local_get(local) == &mine); /* with all four set elsewhere */
    support_set_flag(&go);
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_STATUS(workers[i].status, THRUM_OK);
        CHECK(workers[i].at_first == NULL);
        CHECK(workers[i].afterwards == &cells[i]);
    }
    CHECK(thrum_local_get(local) == &mine);
    CHECK_STATUS(thrum_local_set(local, NULL), THRUM_OK);
    CHECK(thrum_local_get(local) == NULL);
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
}

static void to_set_another_value_destroys_none(void)
{
    thrum_local local = make(destroy);
    cell first = {.local = local}, second = first;
    CHECK_STATUS(thrum_local_set(local, &first), THRUM_OK);
    CHECK_STATUS(thrum_local_set(local, &second), THRUM_OK);
    CHECK(thrum_local_get(local) == &second);
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
    CHECK_IS(first.destroyed, 0);
    CHECK_IS(second.destroyed, 0);
}

/* ---- Destructors ------------------------------------------------------------------------------------------------ */

static void check_destroyed_at_the_end(bool by_exit, bool foreign)
{
    cell c = {.local = make(destroy), .seen = &c};
    worker w = {.cell = &c, .by_exit = by_exit};
    run_worker(&w, foreign);
    CHECK_STATUS(w.status, THRUM_OK);
    CHECK_IS(c.destroyed, 1);
    CHECK_IS(c.destroyed_by, w.id); /* on that thread */
    CHECK(c.seen == NULL);          /* cleared first */
    CHECK_STATUS(thrum_local_delete(c.local), THRUM_OK);
}

static void a_value_is_destroyed_when_its_thread_returns(void)
{
    check_destroyed_at_the_end(false, false);
}

static void a_value_is_destroyed_when_its_thread_exits(void)
{
    check_destroyed_at_the_end(true, false);
}

static void a_value_is_destroyed_when_a_foreign_thread_ends(void)
{
    check_destroyed_at_the_end(false, true);
}

static void check_rounds(unsigned set_again, unsigned destroyed, bool by_exit, bool foreign)
{
    cell c = {.local = make(destroy), .set_again = set_again};
    worker w = {.cell = &c, .by_exit = by_exit};
    run_worker(&w, foreign);
    CHECK_IS(c.destroyed, destroyed);
    CHECK_STATUS(c.status, THRUM_OK);
    CHECK_STATUS(thrum_local_delete(c.local), THRUM_OK);
}

static void a_destructor_that_sets_again_is_called_again(void)
{
    for (int foreign = 0; foreign <= 1; foreign++) {
        check_rounds(1, 2, false, foreign);
        check_rounds(2, 3, false, foreign);
    }
    check_rounds(1, 2, true, false);
}

static void but_no_more_than_4_times(void)
{
    CHECK_IS(THRUM_LOCAL_ROUNDS, 4);
    check_rounds(1000, 4, false, false);
    check_rounds(1000, 4, true, false);
    check_rounds(1000, 4, false, true);
}

static void a_destructor_may_set_another_value(void)
{
    for (int foreign = 0; foreign <= 1; foreign++) {
        cell before = {.local = make(destroy)};
        cell middle = {.local = make(destroy), .other = &before};
        cell first = {.local = make(destroy), .other = &middle};
        worker w = {.cell = &first};
        run_worker(&w, foreign);
        CHECK_IS(first.destroyed, 1);
        CHECK_IS(middle.destroyed, 1);
        CHECK_IS(before.destroyed, 1);
        CHECK_IS(before.destroyed_by, w.id);
        CHECK_STATUS(thrum_local_delete(first.local), THRUM_OK);
        CHECK_STATUS(thrum_local_delete(middle.local), THRUM_OK);
        CHECK_STATUS(thrum_local_delete(before.local), THRUM_OK);
    }
}

static thrum_event never = THRUM_EVENT_INIT;

static void wait_a_little(void *value)
{
    cell *c = value;
    c->destroyed++;
    c->status = thrum_event_wait(&never, thrum_after(THRUM_MICROSECONDS(500)));
}

static void a_destructor_may_wait(void)
{
    cell c = {.local = make(wait_a_little), .status = THRUM_SYSTEM};
    worker w = {.cell = &c};
    run_worker(&w, false);
    CHECK_IS(c.destroyed, 1);
    CHECK_STATUS(c.status, THRUM_TIMED_OUT);
    CHECK_STATUS(thrum_local_delete(c.local), THRUM_OK);
}

static void *set_and_clear(void *arg)
{
    cell *c = arg;
    c->status = thrum_local_set(c->local, c);
    if (c->status == THRUM_OK)
        c->status = thrum_local_set(c->local, NULL);
    return NULL;
}

static void null_is_not_destroyed(void)
{
    cell c = {.local = make(destroy), .status = THRUM_SYSTEM};
    support_join(support_start(set_and_clear, &c));
    CHECK_STATUS(c.status, THRUM_OK);
    CHECK_IS(c.destroyed, 0);
    CHECK_STATUS(thrum_local_delete(c.local), THRUM_OK);
}

/* ---- Deleted ---------------------------------------------------------------------------------------------------- */

static void what_was_deleted_is_not_destroyed(void)
{
    for (int foreign = 0; foreign <= 1; foreign++) {
        uint32_t ready = 0, go = 0;
        cell c = {.local = make(destroy)};
        worker w = {.cell = &c, .ready = &ready, .go = &go};
        thrum_thread *ours = foreign ? NULL : support_start(set_and_end, &w);
        support_foreign *theirs = foreign ? support_foreign_start(set_and_end, &w) : NULL;
        support_await_flag(&ready);
        CHECK_STATUS(thrum_local_delete(c.local), THRUM_OK);
        thrum_local reused = make(destroy); /* nor by a new one in its place */
        support_set_flag(&go);
        if (ours)
            support_join(ours);
        else
            support_foreign_join(theirs);
        CHECK_IS(c.destroyed, 0);
        CHECK_STATUS(thrum_local_delete(reused), THRUM_OK);
    }
}

static void after_delete_there_is_none(void)
{
    thrum_local local = make(NULL);
    int value;
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
    CHECK(thrum_local_get(local) == NULL);
    CHECK_STATUS(thrum_local_set(local, &value), THRUM_INVALID);
    CHECK(thrum_local_get(local) == NULL);
    CHECK_STATUS(thrum_local_delete(local), THRUM_INVALID);
}

/* <thrum/local.h>, get: "NULL if it has set none, or there is no such local". */
static void a_value_set_before_delete_is_gone_too(void)
{
    thrum_local local = make(NULL);
    int value;
    CHECK_STATUS(thrum_local_set(local, &value), THRUM_OK);
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
    CHECK(thrum_local_get(local) == NULL);
}

static void a_slot_used_again_does_not_show_the_old_value(void)
{
    int old_value, new_value;
    for (int i = 0; i < 5; i++) {
        thrum_local old = make(destroy);
        CHECK_STATUS(thrum_local_set(old, &old_value), THRUM_OK);
        CHECK_STATUS(thrum_local_delete(old), THRUM_OK);
        thrum_local new = make(NULL);
        CHECK(memcmp(&old, &new, sizeof old) != 0);
        CHECK(thrum_local_get(new) == NULL);
        CHECK_STATUS(thrum_local_set(new, &new_value), THRUM_OK);
        CHECK_STATUS(thrum_local_set(old, &old_value), THRUM_INVALID);
        CHECK(thrum_local_get(old) == NULL);
        CHECK_STATUS(thrum_local_delete(old), THRUM_INVALID);
        CHECK(thrum_local_get(new) == &new_value);
        CHECK_STATUS(thrum_local_delete(new), THRUM_OK);
    }
}

/* ---- Handles that are none -------------------------------------------------------------------------------------- */

static void no_handle_is_invalid_and_holds_nothing(void)
{
    thrum_local none, wild, local = make(NULL);
    int value;
    memset(&none, 0, sizeof none);
    memset(&wild, 0xFF, sizeof wild);
    CHECK_STATUS(thrum_local_set(local, &value), THRUM_OK);
    CHECK(thrum_local_get(none) == NULL);
    CHECK_STATUS(thrum_local_set(none, &value), THRUM_INVALID);
    CHECK_STATUS(thrum_local_delete(none), THRUM_INVALID);
    CHECK(thrum_local_get(wild) == NULL);
    CHECK_STATUS(thrum_local_set(wild, &value), THRUM_INVALID);
    CHECK_STATUS(thrum_local_delete(wild), THRUM_INVALID);
    CHECK_STATUS(thrum_local_create(NULL, NULL), THRUM_INVALID);
    CHECK(thrum_local_get(local) == &value);
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
}

/* ---- Many ------------------------------------------------------------------------------------------------------- */

enum { THREADS = 3 };

static thrum_local many[THRUM_LOCAL_MAX];

typedef struct all_values {
    uint32_t destroyed[THRUM_LOCAL_MAX];
    unsigned failures;
} all_values;

static all_values values[THREADS];

static void count_destruction(void *value)
{
    ++*(uint32_t *)value;
}

static void *set_all(void *arg)
{
    all_values *v = arg;
    for (int i = 0; i < THRUM_LOCAL_MAX; i++)
        v->failures += thrum_local_set(many[i], &v->destroyed[i]) != THRUM_OK;
    for (int i = 0; i < THRUM_LOCAL_MAX; i++)
        v->failures += thrum_local_get(many[i]) != &v->destroyed[i];
    return NULL;
}

static void all_1024_are_destroyed_once_in_each_thread(void)
{
    thrum_local one_more = make(NULL), before;
    CHECK_STATUS(thrum_local_delete(one_more), THRUM_OK);
    CHECK_IS(THRUM_LOCAL_MAX, 1024);
    for (int i = 0; i < THRUM_LOCAL_MAX; i++)
        many[i] = make(count_destruction);
    memset(&one_more, 0x5A, sizeof one_more);
    before = one_more;
    CHECK_STATUS(thrum_local_create(&one_more, NULL), THRUM_NO_MEMORY);
    CHECK(memcmp(&one_more, &before, sizeof before) == 0);

    thrum_thread *threads[THREADS - 1];
    for (int i = 0; i < THREADS - 1; i++)
        threads[i] = support_start(set_all, &values[i]);
    support_foreign *foreign = support_foreign_start(set_all, &values[THREADS - 1]);
    for (int i = 0; i < THREADS - 1; i++)
        support_join(threads[i]);
    support_foreign_join(foreign);

    for (int t = 0; t < THREADS; t++) {
        int wrong = 0;
        for (int i = 0; i < THRUM_LOCAL_MAX; i++)
            wrong += values[t].destroyed[i] != 1;
        CHECK_IS(wrong, 0);
        CHECK_IS(values[t].failures, 0);
    }

    CHECK_STATUS(thrum_local_delete(many[500]), THRUM_OK);
    many[500] = make(NULL); /* one was free again, and one only */
    CHECK_STATUS(thrum_local_create(&one_more, NULL), THRUM_NO_MEMORY);
    for (int i = 0; i < THRUM_LOCAL_MAX; i++)
        CHECK_STATUS(thrum_local_delete(many[i]), THRUM_OK);
}

static const support_test tests[] = {
    {"each_thread_has_its_own_value", each_thread_has_its_own_value},
    {"to_set_another_value_destroys_none", to_set_another_value_destroys_none},
    {"a_value_is_destroyed_when_its_thread_returns", a_value_is_destroyed_when_its_thread_returns},
    {"a_value_is_destroyed_when_its_thread_exits", a_value_is_destroyed_when_its_thread_exits},
    {"a_value_is_destroyed_when_a_foreign_thread_ends", a_value_is_destroyed_when_a_foreign_thread_ends},
    {"a_destructor_that_sets_again_is_called_again", a_destructor_that_sets_again_is_called_again},
    {"but_no_more_than_4_times", but_no_more_than_4_times},
    {"a_destructor_may_set_another_value", a_destructor_may_set_another_value},
    {"a_destructor_may_wait", a_destructor_may_wait},
    {"null_is_not_destroyed", null_is_not_destroyed},
    {"what_was_deleted_is_not_destroyed", what_was_deleted_is_not_destroyed},
    {"after_delete_there_is_none", after_delete_there_is_none},
    {"a_value_set_before_delete_is_gone_too", a_value_set_before_delete_is_gone_too},
    {"a_slot_used_again_does_not_show_the_old_value", a_slot_used_again_does_not_show_the_old_value},
    {"no_handle_is_invalid_and_holds_nothing", no_handle_is_invalid_and_holds_nothing},
    {"all_1024_are_destroyed_once_in_each_thread", all_1024_are_destroyed_once_in_each_thread},
};

SUITE("local", tests)
