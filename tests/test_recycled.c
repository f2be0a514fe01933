/*
 * The records of threads are recycled, and with them their parkers: a wake-up that comes late, for a thread that is
 * gone, reaches another, who wakes for nothing and sleeps on.
 */
#include "support/stops.h"
#include "support/support.h"

#include "../src/threads.h"

typedef struct sleeper {
    thrum_event event;
    void *token;
    uint32_t ready; /* atomic: token is written */
    uint32_t back;  /* atomic: the wait has ended */
    thrum_status status;
} sleeper;

static void *sleep_there(void *given)
{
    sleeper *s = (sleeper *)given;
    s->token = thrum__port_token();
    support_set_flag(&s->ready);
    s->status = thrum_event_wait(&s->event, support_in(20000));
    support_set_flag(&s->back);
    return NULL;
}

static thrum_thread *start_sleeper(sleeper *s)
{
    thrum_thread *thread = support_start(sleep_there, s);
    support_await_flag(&s->ready);
    support_await_sleepers(&s->event, 1);
    return thread;
}

typedef struct waker {
    thrum_event *event;
    void *token;
    uint32_t ready, go; /* atomic */
} waker;

static void *set_when_told(void *given)
{
    waker *w = (waker *)given;
    w->token = thrum__port_token();
    support_set_flag(&w->ready);
    support_await_flag(&w->go);
    thrum_event_set(w->event);
    return NULL;
}

/* Wait until the thread has dropped its own reference, and let go of the last. */
static void release_last(thrum_thread *thread)
{
    thrum_deadline end = support_in(20000);
    while (thrum__load_u32_acquire(&thread->references) != 1) {
        if (thrum_left(end) == 0)
            support_give_up("a thread that was joined keeps its reference");
        thrum_thread_yield();
    }
    thrum_thread_release(thread);
}

static void await_passed(enum thrum__stop stop)
{
    thrum_deadline end = support_in(20000);
    while (!stops_passed(stop)) {
        if (thrum_left(end) == 0)
            support_give_up("a stop is not passed");
        thrum_thread_yield();
    }
}

static void a_wake_up_for_a_thread_that_is_gone_makes_no_other_return(void)
{
    static sleeper first, next;
    waker w = {.event = &first.event};
    first = next = (sleeper){.status = THRUM_SYSTEM};
    thrum_thread *gone = start_sleeper(&first);

    /* The wait is granted and its thread is not woken yet. An interrupt wakes it: it sees the grant, and ends. */
    thrum_thread *waking = support_start(set_when_told, &w);
    support_await_flag(&w.ready);
    stops_hold(THRUM__STOP_BEFORE_WAKE, w.token);
    support_set_flag(&w.go);
    stops_await(THRUM__STOP_BEFORE_WAKE);
    CHECK_STATUS(thrum_thread_interrupt(gone), THRUM_OK);
    CHECK_STATUS(thrum_thread_join(gone, support_in(20000), NULL), THRUM_OK);
    CHECK_STATUS(first.status, THRUM_OK);
    release_last(gone);

    /* Its record is another thread's, who sleeps. */
    thrum_thread *other = start_sleeper(&next);
    CHECK(other == gone);
    stops_watch(next.token);
    stops_let_go(THRUM__STOP_BEFORE_WAKE);
    support_join(waking);
    await_passed(THRUM__STOP_AFTER_SLEEP);
    await_passed(THRUM__STOP_BEFORE_SLEEP);
    CHECK_IS(thrum__load_u32_acquire(&next.back), 0);
    stops_watch(NULL);

    thrum_event_set(&next.event);
    support_join(other);
    CHECK_STATUS(next.status, THRUM_OK); /* nor has it the interrupt that was for the first */
}

static const support_test tests[] = {
    TEST(a_wake_up_for_a_thread_that_is_gone_makes_no_other_return),
};

SUITE("recycled", tests)
