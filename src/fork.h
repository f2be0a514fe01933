/*
 * Around fork: each part of the core that has locks and lists takes them before, and gives them back after it. In the
 * child the other threads do not exist; the one that forked is the main thread.
 */
#ifndef THRUM_SRC_FORK_H
#define THRUM_SRC_FORK_H

#include "threads.h"

/* The port's news; see port.h. */
void thrum__fork_prepare(void);
void thrum__fork_parent(void);
void thrum__fork_child(void);

/* The parts, in the order of their locks. _hold before the fork; _let_go after it, on both sides; _reborn in the child,
 * while the locks are held. */
void thrum__process_hold(void);
void thrum__process_let_go(void);
void thrum__process_reborn(void);
void thrum__threads_hold(void);
void thrum__threads_let_go(void);
void thrum__threads_reborn(thrum_thread *self);
void thrum__interrupts_hold(void);
void thrum__interrupts_let_go(void);
void thrum__blocking_reborn(void);
void thrum__locals_hold(void);
void thrum__locals_let_go(void);
void thrum__lot_hold(void);
void thrum__lot_let_go(void);
void thrum__lot_reborn(thrum_thread *self);

#endif
