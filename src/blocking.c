/*
 * Regions in which main is in a system call that blocks.
 *
 * A signal that comes while main is in the call ends it; one that comes just before does not, and on Windows none does.
 * So whoever posts mail for a main thread in a region wakes the nudger, a thread of thrum's own that is in no list, and
 * that one breaks main's call (thrum__port_break_main), again and again, until the region has been left.
 *
 * That main is in a region is a bit in its mailbox: begin sets it and sees in the same step what is pending; a poster
 * adds its mail and sees in the same step whether to nudge. One of the two always sees the other.
 */
#include "interrupt.h"

#include "fork.h"

#define FIRST_PAUSE THRUM_MICROSECONDS(200)
#define LAST_PAUSE  THRUM_MILLISECONDS(10)

static thrum_thread *nudger; /* written once, by main, before its first region */
static uint32_t nudging;     /* atomic: it is looking at the region, or breaking a call that it saw in one */
static uint32_t masked;      /* atomic: main's `running` in this region: mail for which nothing need be broken */

static bool is_in_region(const thrum_thread *thread)
{
    return (thrum__load_u32_acquire(&thread->mail) & THRUM__MAIL_REGION) != 0;
}

/* With `nudging` raised before the look: main, which takes the region's bit away and then waits until it is not, is
 * broken nowhere else than in the region. */
static bool nudge_once(thrum_thread *main)
{
    thrum__exchange_u32_acq_rel(&nudging, 1);
    uint32_t mail = thrum__fetch_or_u32_acq_rel(&main->mail, 0);
    bool needed = (mail & THRUM__MAIL_REGION) && (mail & ~thrum__load_u32_acquire(&masked));
    if (needed)
        thrum__port_break_main();
    thrum__store_u32_release(&nudging, 0);
    return needed;
}

static void *nudge(void *unused)
{
    thrum_thread *self = thrum__self();
    for (;;) {
        thrum_nanos pause = FIRST_PAUSE;
        while (nudge_once(thrum__main())) {
            thrum__port_park(&self->parker, thrum__port_now() + pause);
            pause = pause < LAST_PAUSE / 2 ? 2 * pause : LAST_PAUSE;
        }
        thrum__port_park(&self->parker, INT64_MAX);
    }
    return unused;
}

void thrum__blocking_nudge(void)
{
    if (nudger)
        thrum__port_unpark(&nudger->parker);
}

void thrum__blocking_reborn(void)
{
    if (nudger) /* its thread is not here */
        thrum__port_parker_forget(&nudger->parker);
    nudger = NULL;
    nudging = 0;
}

static thrum_status need_nudger(void)
{
    if (!thrum__port_break_begin())
        return thrum__failed(THRUM_SYSTEM);
    if (nudger)
        return THRUM_OK;
    thrum_thread *made = NULL;
    thrum_status status = thrum__thread_start_hidden(&made, nudge);
    if (status == THRUM_OK)
        nudger = made;
    return status;
}

static void leave(thrum_thread *self)
{
    thrum__fetch_and_u32_acq_rel(&self->mail, ~THRUM__MAIL_REGION);
    while (thrum__fetch_or_u32_acq_rel(&nudging, 0))
        thrum__port_yield(); /* it is within one system call of the end */
    thrum__port_break_end();
}

void thrum__blocking_leave(void)
{
    if (thrum_is_main_thread() && is_in_region(thrum__self()))
        leave(thrum__self());
}

thrum_status thrum_blocking_begin(void)
{
    if (!thrum_is_main_thread())
        return THRUM_NOT_MAIN;
    thrum_thread *self = thrum__self();
    if (is_in_region(self))
        return THRUM_INVALID;
    thrum_status status = need_nudger();
    thrum__store_u32_release(&masked, self->running); /* before the region's bit is there */
    while (status == THRUM_OK) {
        uint32_t mail = thrum__fetch_or_u32_acq_rel(&self->mail, THRUM__MAIL_REGION);
        if ((mail & ~self->running) == 0)
            break;
        thrum__fetch_and_u32_acq_rel(&self->mail, ~THRUM__MAIL_REGION);
        status = thrum__take_mail(self);
    }
    return status;
}

thrum_status thrum_blocking_end(void)
{
    if (!thrum_is_main_thread())
        return THRUM_NOT_MAIN;
    thrum_thread *self = thrum__self();
    if (!is_in_region(self))
        return THRUM_INVALID;
    uint64_t reason = thrum__port_keep_reason();
    leave(self);
    thrum_status status = thrum__interruption_point();
    thrum__port_restore_reason(reason);
    return status;
}
