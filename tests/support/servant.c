/* Servants. */
#include "servant.h"

#include "stops.h"
#include "support.h"

static void *serve(void *arg)
{
    servant *s = (servant *)arg;
    s->token = thrum__port_token();
    for (uint32_t done = 0;; done++) {
        thrum__store_u32_release(&s->obeyed, done);
        while (thrum__load_u32_acquire(&s->ordered) == done)
            thrum_thread_yield();
        if (s->over)
            return NULL;
        s->order();
    }
}

void servant_start(servant *s)
{
    *s = (servant){.obeyed = UINT32_MAX}; /* until it has begun */
    s->thread = support_start(serve, s);
    servant_await(s);
}

void servant_tell(servant *s, void (*order)(void))
{
    s->order = order;
    thrum__store_u32_release(&s->ordered, s->ordered + 1);
}

bool servant_is_idle(servant *s)
{
    return thrum__load_u32_acquire(&s->obeyed) == s->ordered;
}

void servant_await(servant *s)
{
    thrum_deadline end = support_in(20000);
    while (!servant_is_idle(s)) {
        if (thrum_left(end) == 0)
            support_give_up("somebody does not do as told");
        thrum_thread_yield();
    }
}

void servant_do(servant *s, void (*order)(void))
{
    servant_tell(s, order);
    servant_await(s);
}

void servant_end(servant *s)
{
    s->over = true;
    servant_tell(s, NULL);
    support_join(s->thread);
}
