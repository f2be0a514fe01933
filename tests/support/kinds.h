/*
 * Each kind of wait that main can be in, with how another thread grants it. There are two sets of what is waited for, 0
 * and 1, so that a handler can wait within a wait of the same kind.
 *
 *     support_kind_prepare(kind, 0);                  // nobody can have it
 *     status = kind->wait(0, deadline);               // meanwhile another thread: kind->grant(0)
 *     support_kind_clean(kind, 0);                    // what was taken is given back
 */
#ifndef THRUM_TESTS_KINDS_H
#define THRUM_TESTS_KINDS_H

#include <thrum/thrum.h>

typedef struct support_kind {
    const char *name;
    thrum_status (*wait)(int set, thrum_deadline deadline);
    void (*grant)(int set);            /* NULL: nobody can grant it */
    const void *(*sleeps_at)(int set); /* NULL: an address that only thrum knows */
    thrum_status at_the_deadline;
    bool momentary;   /* who waits keeps its place while its handlers run */
    bool ends_by_run; /* a handler that has run ends it */
    bool by_a_keeper; /* a thread has what is waited for, and gives it up when it is granted */
} support_kind;

enum { SUPPORT_KINDS = 10 };
extern const support_kind support_kinds[SUPPORT_KINDS];

/* The handlers that the kinds need and the tests use: THRUM_SIGUSR1's lets waits go on, THRUM_SIGTERM's ends them. */
void support_kinds_set_up(void);
void support_kinds_tear_down(void);
extern int support_passes, support_ends; /* how often they have run */

/* The calling thread, before it waits; and after it. */
void support_kind_prepare(const support_kind *kind, int set);
void support_kind_clean(const support_kind *kind, int set);

/* Wait until as many threads sleep at it; for a kind that does not tell, do not. */
void support_kind_await(const support_kind *kind, int set, unsigned sleepers);

/* Grant it, and return when that has been done. */
void support_kind_grant(const support_kind *kind, int set);

/* Whether it can be had now: what a wait that was not granted must have left. */
bool support_kind_is_there(const support_kind *kind, int set);

/* One by its name, which must be one. */
const support_kind *support_kind_named(const char *name);

#endif
