/* Who is interrupted, what is pending, which handlers run. In this order: the mailbox; the handlers; running them;
 * setting and asking; pause. */
#include "interrupt.h"

#include "fork.h"
#include "parking_lot.h"

#define SIGNALS 32 /* numbers 1 to 31: one bit each beside the interrupt's */

static thrum__port_lock handlers_lock; /* guards this table: */
static thrum_signal_handler handlers[SIGNALS];
static uint32_t caught; /* atomic: the signals that are passed to us */

/* How many handlers have run, times two; plus one if somebody sleeps in thrum_signal_pause. */
static uint32_t handler_runs;

void thrum__interrupts_begin(void)
{
    thrum__port_lock_init(&handlers_lock);
}

void thrum__interrupts_hold(void)
{
    thrum__port_lock_acquire(&handlers_lock);
}

void thrum__interrupts_let_go(void)
{
    thrum__port_lock_release(&handlers_lock);
}

/* ---- The mailbox ------------------------------------------------------------------------------------------------ */

void thrum__post(thrum_thread *thread, uint32_t bits)
{
    uint32_t before =
        thrum__fetch_or_u32_acq_rel(&thread->mail, bits); /* first the news; release, for thrum__has_mail */
    THRUM__STOP(MAIL_POSTED);
    if (thrum__has_parker(thread))
        thrum__port_unpark(&thread->parker);
    if (before & THRUM__MAIL_REGION)
        thrum__blocking_nudge();
}

/* Where thrum_init can name another thread main, it may do so at this moment. It names it, then takes the old one's
 * mail; here the mail is posted, then main asked for again: one of the two sees the other. */
void thrum__signal_arrived(int signum)
{
    uint32_t bit = UINT32_C(1) << signum;
    thrum_thread *main = thrum__main();
    thrum__post(main, bit);
    thrum_thread *now = thrum__main();
    if (now != main && (thrum__fetch_and_u32_acq_rel(&main->mail, ~bit) & bit))
        thrum__post(now, bit);
}

static uint32_t bit_of(int signum)
{
    return UINT32_C(1) << signum;
}

static bool take_bit(thrum_thread *self, uint32_t bit)
{
    return (thrum__fetch_and_u32_acq_rel(&self->mail, ~bit) & bit) != 0;
}

/* ---- Running handlers ------------------------------------------------------------------------------------------- */

static thrum_signal_handler handler_of(int signum)
{
    thrum__port_lock_acquire(&handlers_lock);
    thrum_signal_handler handler = handlers[signum];
    thrum__port_lock_release(&handlers_lock);
    return handler;
}

static bool end_pause(void *word, const thrum__sleepers *sleepers, void *arg, uint32_t *fate)
{
    (void)word, (void)sleepers, (void)arg;
    *fate = THRUM__RETRY; /* one that has come since begins with the new count, and sleeps on */
    return true;
}

/* One more has run: let those go who sleep in thrum_signal_pause. Both sides change one word, so either the sleeper
 * sees the new count or we see its mark. */
static void count_run(void)
{
    uint32_t before;
    do
        before = thrum__load_u32_relaxed(&handler_runs);
    while (!thrum__cas_u32_acq_rel(&handler_runs, before, (before & ~UINT32_C(1)) + 2));
    if (before & 1)
        thrum__unpark(&handler_runs, UINT32_MAX, end_pause, NULL);
}

static thrum_status run_handler(thrum_thread *self, int signum)
{
    thrum_signal_handler handler = handler_of(signum);
    if (!handler.run || handler.run == thrum_signal_ignore)
        return THRUM_OK; /* it was pending when its handler was taken away */
    self->running |= bit_of(signum);
    thrum_status status = handler.run(signum, handler.arg);
    self->running &= ~bit_of(signum);
    count_run();
    return status == THRUM_INTERRUPTED ? THRUM_INTERRUPTED : THRUM_OK;
}

/* Each handler once: a signal that comes faster than its handler runs would keep the thread here for good, past its
 * deadline. What comes again meanwhile stays pending for the next look. */
thrum_status thrum__take_mail(thrum_thread *self)
{
    uint32_t have_run = 0;
    for (int signum = 1; signum < SIGNALS; signum++) {
        uint32_t open = thrum__load_u32_acquire(&self->mail) & ~self->running & ~have_run;
        if ((open >> signum) == 0)
            break; /* none with this number or a higher one */
        if ((open & bit_of(signum)) == 0 || !take_bit(self, bit_of(signum)))
            continue;
        have_run |= bit_of(signum);
        if (run_handler(self, signum) == THRUM_INTERRUPTED) {
            self->interrupted_by = signum;
            return THRUM_INTERRUPTED;
        }
        signum = 0; /* a handler may have taken its time: begin with the lowest again */
    }
    if (!take_bit(self, THRUM__MAIL_INTERRUPT))
        return THRUM_OK;
    self->interrupted_by = self->kept_by;
    self->kept_by = 0;
    return THRUM_INTERRUPTED;
}

void thrum__keep_interrupt(thrum_thread *self)
{
    self->kept_by = self->interrupted_by;
    thrum__post(self, THRUM__MAIL_INTERRUPT);
}

void thrum__leave_handlers(thrum_thread *self)
{
    self->running = THRUM__MAIL_REGION;
}

thrum_status thrum_signal_ignore(int signum, void *arg)
{
    (void)signum, (void)arg;
    return THRUM_OK;
}

thrum_status thrum_signal_interrupt(int signum, void *arg)
{
    (void)signum, (void)arg;
    return THRUM_INTERRUPTED;
}

/* ---- Setting and asking ----------------------------------------------------------------------------------------- */

static thrum__disposition disposition_of(thrum_signal_handler handler)
{
    if (!handler.run)
        return THRUM__DEFAULT;
    return handler.run == thrum_signal_ignore ? THRUM__IGNORED : THRUM__CAUGHT;
}

/* What happens on a signal: as the table says if the system still sends it to us, else as the system says. */
static thrum_signal_handler handler_now(int signum)
{
    thrum__disposition now = thrum__port_signal_now(signum);
    if (now == THRUM__CAUGHT)
        return handler_of(signum);
    return now == THRUM__IGNORED ? THRUM_SIGNAL_IGNORE : THRUM_SIGNAL_DEFAULT;
}

static void set_table(int signum, thrum_signal_handler handler)
{
    thrum__port_lock_acquire(&handlers_lock);
    handlers[signum] = handler;
    thrum__port_lock_release(&handlers_lock);
}

thrum_status thrum_signal_handle(int signum, thrum_signal_handler handler, thrum_signal_handler *old)
{
    if (!thrum_is_main_thread())
        return THRUM_NOT_MAIN;
    if (!thrum__port_signal_can(signum))
        return THRUM_INVALID;
    if (!thrum__main_can_be_woken())
        return thrum__failed(THRUM_SYSTEM);

    thrum_signal_handler before = handler_now(signum);
    thrum_signal_handler table = handler_of(signum);
    thrum__disposition wanted = disposition_of(handler);
    if (wanted == THRUM__CAUGHT)
        set_table(signum, handler); /* before the first signal can come */
    else
        thrum__fetch_and_u32_acq_rel(&caught, ~bit_of(signum));
    if (!thrum__port_signal_set(signum, wanted)) {
        set_table(signum, table);
        if (before.run && before.run != thrum_signal_ignore)
            thrum__fetch_or_u32_acq_rel(&caught, bit_of(signum));
        return thrum__failed(THRUM_SYSTEM);
    }
    set_table(signum, handler);
    if (wanted == THRUM__CAUGHT)
        thrum__fetch_or_u32_acq_rel(&caught, bit_of(signum));
    else
        take_bit(thrum__main(), bit_of(signum));
    if (old)
        *old = before;
    return THRUM_OK;
}

thrum_status thrum_signal_handler_of(int signum, thrum_signal_handler *handler)
{
    if (!handler || !thrum__port_signal_can(signum))
        return THRUM_INVALID;
    thrum__begin();
    *handler = handler_now(signum);
    return THRUM_OK;
}

thrum_status thrum_interrupt_main(int signum)
{
    if (!thrum__port_signal_name(signum))
        return THRUM_INVALID;
    if ((thrum__load_u32_acquire(&caught) & bit_of(signum)) == 0)
        return THRUM_NOT_HANDLED;
    return thrum__port_signal_main(signum) ? THRUM_OK : THRUM_NOT_HANDLED;
}

thrum_status thrum_signal_raise(int signum)
{
    thrum__begin();
    thrum_status status = thrum__port_signal_raise(signum);
    return status == THRUM_SYSTEM ? thrum__failed(status) : status;
}

thrum_status thrum_signal_start_mask(void *sigset)
{
    if (!sigset)
        return THRUM_INVALID;
    thrum__begin();
    return thrum__port_start_mask(sigset) ? THRUM_OK : THRUM_UNSUPPORTED;
}

const char *thrum_signal_name(int signum)
{
    return thrum__port_signal_name(signum);
}

thrum_status thrum_signal_check(void)
{
    return thrum_is_main_thread() ? thrum__interruption_point() : THRUM_NOT_MAIN;
}

thrum_status thrum_thread_interrupt(thrum_thread *thread)
{
    if (!thread)
        return THRUM_INVALID;
    if (thrum_thread_is_alive(thread))
        thrum__post(thread, THRUM__MAIL_INTERRUPT);
    return THRUM_OK;
}

bool thrum_thread_take_interrupt(void)
{
    thrum_thread *self = thrum__self();
    if (!self || !take_bit(self, THRUM__MAIL_INTERRUPT))
        return false;
    self->kept_by = 0;
    return true;
}

/* ---- Pause ------------------------------------------------------------------------------------------------------ */

typedef struct pause_state {
    thrum__wait wait;
    uint32_t runs; /* when the pause began */
} pause_state;

/* Over once a handler has run; else leave the mark that somebody sleeps. */
static bool has_run(void *word, void *arg)
{
    const pause_state *pause = (const pause_state *)arg;
    uint32_t now;
    do {
        now = thrum__load_u32_acquire((uint32_t *)word);
        if ((now & ~UINT32_C(1)) != pause->runs)
            return true;
    } while (!thrum__cas_u32_acq_rel((uint32_t *)word, now, now | 1));
    return false;
}

thrum_status thrum_signal_pause(thrum_deadline deadline)
{
    pause_state pause = {
        .wait = {.object = &handler_runs, .take = has_run, .take_arg = &pause, .interruptible = true},
        .runs = thrum__load_u32_acquire(&handler_runs) & ~UINT32_C(1),
    };
    thrum_status status = thrum__interruption_point();
    return status == THRUM_OK ? thrum__park(&pause.wait, deadline) : status;
}
