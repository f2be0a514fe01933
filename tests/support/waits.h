/*
 * Each kind of wait that the main thread can be in, for tests that interrupt them all, and for programs without CUnit
 * that are linked with a DLL: public names alone. kinds.h has the same kinds for tests that grant them too and wait
 * within a wait, for which it looks into thrum.
 */
#ifndef THRUM_TESTS_WAITS_H
#define THRUM_TESTS_WAITS_H

#include <thrum/thrum.h>

typedef struct support_wait {
    const char *name;
    thrum_status (*wait)(thrum_deadline deadline); /* nothing grants it */
    thrum_status at_the_deadline;                  /* what it says then */
} support_wait;

enum { SUPPORT_WAITS = 10 };
extern const support_wait support_waits[SUPPORT_WAITS]; /* pause, the last, ends with any handler */

/* Make what they wait for: a lock that main holds, a thread that holds another and does not end. And take it away. */
void support_waits_set_up(void);
void support_waits_tear_down(void);

#endif
