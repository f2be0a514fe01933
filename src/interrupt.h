/*
 * Interrupts: what is pending for a thread, and what happens when it looks.
 *
 * Each thread has a mailbox, one word: bit 0 is a pending interrupt (thrum_thread_interrupt), bit n the pending signal
 * n, for the main thread alone. Mail is posted first, then the thread is unparked; a thread looks at its mailbox before
 * each time it parks. So mail is seen at once, whichever comes first (see port.h on the parker's permit).
 */
#ifndef THRUM_INTERRUPT_H
#define THRUM_INTERRUPT_H

#include "threads.h"

#include <thrum/signal.h>

#define THRUM__MAIL_INTERRUPT UINT32_C(1)
#define THRUM__MAIL_REGION    (UINT32_C(1) << 9) /* SIGKILL's bit, which no mail has: main is in a blocking region */

/* Once, from thrum__begin. */
void thrum__interrupts_begin(void);

/* Put bits into a thread's mailbox and wake it. Any thread; for the main thread's record also a signal handler. */
void thrum__post(thrum_thread *thread, uint32_t bits);

/* Whether an interruption point has anything to do. What is in `running` does not count: the signals whose handlers the
 * thread is in, which wait until those return, and the region's bit, always. For the calling thread; self may be NULL.
 */
static inline bool thrum__has_mail(const thrum_thread *self)
{
    return self && (thrum__load_u32_acquire(&self->mail) & ~self->running) != 0; /* pairs with thrum__post */
}

/* Run the handlers of what is pending, then take the interrupt. OK or INTERRUPTED. With no internal lock held; self is
 * the calling thread. */
thrum_status thrum__take_mail(thrum_thread *self);

/* The handlers that the calling thread, the main one, is in will not be returned to, for one of them ends the process:
 * their signals count again. */
void thrum__leave_handlers(thrum_thread *self);

/* A wait that was granted could not say that a handler had interrupted it, or the thread: the next one does. */
void thrum__keep_interrupt(thrum_thread *self);

/* What every call that takes a deadline does first. */
static inline thrum_status thrum__interruption_point(void)
{
    thrum_thread *self = thrum__self();
    return thrum__has_mail(self) ? thrum__take_mail(self) : THRUM_OK;
}

/* Mail came for a main thread in a blocking region: have its system call broken. Signal handlers may call it. */
void thrum__blocking_nudge(void);

/* The process ends: if the calling thread is main and in a region, it is no longer. */
void thrum__blocking_leave(void);

/* The port's news of a signal; see port.h. */
void thrum__signal_arrived(int signum);

#endif
