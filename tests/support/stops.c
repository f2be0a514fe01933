/* Named stops. A thread is held by looking, again and again, whether it may go: that needs no lock, and so may be done
 * in a signal handler and under a lock of thrum's. */
#include "stops.h"

#include "../../src/interrupt.h"
#include "support.h"

enum { NOBODY, EXPECTED, HELD };

typedef struct stop_state {
    void *token;    /* atomic: who is to be held */
    uint32_t state; /* atomic */
} stop_state;

static stop_state stops[THRUM__STOPS];
static void *watched;   /* atomic */
static uint32_t passed; /* atomic: a bit a stop */

static uint32_t state_of(enum thrum__stop stop)
{
    return thrum__load_u32_acquire(&stops[stop].state);
}

static void watch(enum thrum__stop stop)
{
    if (thrum__load_pointer_acquire(&watched) == thrum__port_token())
        thrum__fetch_or_u32_acq_rel(&passed, UINT32_C(1) << stop);
}

void thrum__stop_at(enum thrum__stop stop)
{
    stop_state *s = &stops[stop];
    watch(stop);
    if (state_of(stop) != EXPECTED || thrum__load_pointer_acquire(&s->token) != thrum__port_token())
        return;
    if (!thrum__cas_u32_acq_rel(&s->state, EXPECTED, HELD))
        return;
    int64_t end = thrum__port_now() + THRUM_SECONDS(30);
    while (state_of(stop) == HELD) {
        if (thrum__port_now() >= end)
            support_give_up("a thread was held too long");
        support_nap();
    }
}

void stops_hold(enum thrum__stop stop, const void *token)
{
    thrum__store_pointer_release(&stops[stop].token, (void *)(uintptr_t)token);
    thrum__exchange_u32_acq_rel(&stops[stop].state, EXPECTED);
}

bool stops_is_held(enum thrum__stop stop)
{
    return state_of(stop) == HELD;
}

void stops_await(enum thrum__stop stop)
{
    int64_t end = thrum__port_now() + THRUM_SECONDS(20);
    while (!stops_is_held(stop)) {
        if (thrum__port_now() >= end)
            support_give_up("a thread did not come to its stop");
        support_nap();
    }
}

void stops_let_go(enum thrum__stop stop)
{
    thrum__exchange_u32_acq_rel(&stops[stop].state, NOBODY);
}

void stops_watch(const void *token)
{
    thrum__exchange_u32_acq_rel(&passed, 0);
    thrum__store_pointer_release(&watched, (void *)(uintptr_t)token);
}

bool stops_passed(enum thrum__stop stop)
{
    return (thrum__load_u32_acquire(&passed) >> stop & 1) != 0;
}

bool stops_is_pending(int signum)
{
    return (thrum__load_u32_acquire(&thrum__main()->mail) >> signum & 1) != 0;
}
