/* Servants. */
#include "servant.h"

#include "support.h"

/* The next order, slept for; NULL: no more come. */
static void (*next_order(servant *s))(void)
{
    thrum__port_lock_acquire(&s->lock);
    while (s->ordered == s->obeyed && !s->over)
        thrum__port_cond_wait(&s->cond, &s->lock, INT64_MAX);
    void (*order)(void) = s->over ? NULL : s->order;
    thrum__port_lock_release(&s->lock);
    return order;
}

static void *serve(void *arg)
{
    servant *s = (servant *)arg;
    s->token = thrum__port_token();
    for (void (*order)(void) = next_order(s); order; order = next_order(s)) {
        order();
        thrum__port_lock_acquire(&s->lock);
        s->obeyed++;
        thrum__port_cond_broadcast(&s->cond);
        thrum__port_lock_release(&s->lock);
    }
    return NULL;
}

static void nothing(void)
{
}

void servant_start(servant *s)
{
    *s = (servant){.order = NULL};
    thrum__port_lock_init(&s->lock);
    thrum__port_cond_init(&s->cond);
    s->thread = support_start(serve, s);
    servant_do(s, nothing); /* then its token is there */
}

void servant_tell(servant *s, void (*order)(void))
{
    thrum__port_lock_acquire(&s->lock);
    s->order = order;
    s->ordered++;
    thrum__port_cond_broadcast(&s->cond);
    thrum__port_lock_release(&s->lock);
}

bool servant_is_idle(servant *s)
{
    thrum__port_lock_acquire(&s->lock);
    bool is_idle = s->obeyed == s->ordered;
    thrum__port_lock_release(&s->lock);
    return is_idle;
}

void servant_await(servant *s)
{
    thrum_deadline end = support_in(20000 * support_slowness());
    thrum__port_lock_acquire(&s->lock);
    while (s->obeyed != s->ordered) {
        if (thrum_left(end) == 0)
            support_give_up("somebody does not do as told");
        thrum__port_cond_wait(&s->cond, &s->lock, end.at);
    }
    thrum__port_lock_release(&s->lock);
}

void servant_do(servant *s, void (*order)(void))
{
    servant_tell(s, order);
    servant_await(s);
}

void servant_end(servant *s)
{
    servant_await(s);
    thrum__port_lock_acquire(&s->lock);
    s->over = true;
    thrum__port_cond_broadcast(&s->cond);
    thrum__port_lock_release(&s->lock);
    support_join(s->thread);
}
