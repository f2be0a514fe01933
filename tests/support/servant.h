/*
 * A servant: a thread that does what it is told, and can be held at a stop meanwhile. It is told, and tells, by
 * a port lock and condition of its own, and uses no object of thrum's: that might share a bucket with the one that is
 * tested.
 */
#ifndef THRUM_TESTS_SERVANT_H
#define THRUM_TESTS_SERVANT_H

#include "../../src/port.h"

#include <thrum/thrum.h>

typedef struct servant {
    thrum_thread *thread;
    void *token;           /* thrum__port_token */
    thrum__port_lock lock; /* guards the rest: */
    thrum__port_cond cond; /* something has changed */
    void (*order)(void);
    bool over;
    uint32_t ordered, obeyed; /* how many orders were given, and were done */
} servant;

void servant_start(servant *s);
void servant_end(servant *s);

/* Tell it; whether it is through; wait until it is, at most 20 s; tell it and wait. One order at a time. */
void servant_tell(servant *s, void (*order)(void));
bool servant_is_idle(servant *s);
void servant_await(servant *s);
void servant_do(servant *s, void (*order)(void));

#endif
