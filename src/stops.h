/*
 * Named stops, for tests: the instants between one step of a wait or a wake-up and the next, at which a test can hold
 * one thread while another acts. In a test build (THRUM_TEST_STOPS, never what is installed) a stop calls
 * thrum__stop_at, which is in tests/support/stops.c; elsewhere it is nothing.
 *
 * A stop may lie in a signal handler, and one, FATE_WRITTEN, under a bucket's lock.
 */
#ifndef THRUM_SRC_STOPS_H
#define THRUM_SRC_STOPS_H

enum thrum__stop {
    /* Who waits. */
    THRUM__STOP_BEFORE_QUEUE,  /* it has decided to park, and is in no queue */
    THRUM__STOP_BEFORE_SLEEP,  /* queued; it has looked at fate, mail and deadline, and will sleep */
    THRUM__STOP_IN_PARKER,     /* it has told its parker that it sleeps, and does not sleep yet */
    THRUM__STOP_AFTER_SLEEP,   /* it has slept, and has not looked again */
    THRUM__STOP_RETRY_SEEN,    /* told to try again, and has not tried */
    THRUM__STOP_MAIL_SEEN,     /* queued; about to leave or be suspended for its handlers */
    THRUM__STOP_HANDLERS_DONE, /* they have run; suspended, or in no queue */
    THRUM__STOP_DEADLINE_SEEN, /* queued; about to leave */

    /* Who wakes. */
    THRUM__STOP_MAIL_POSTED,   /* the mail is in the box, the thread not woken */
    THRUM__STOP_BEFORE_UNPARK, /* a mark was seen, nothing is changed */
    THRUM__STOP_FATE_WRITTEN,  /* a waiter may go and take its record with it; under the bucket's lock */
    THRUM__STOP_BEFORE_WAKE,   /* the bucket is unlocked, the threads are not woken */

    THRUM__STOPS
};

#if defined(THRUM_TEST_STOPS)
void thrum__stop_at(enum thrum__stop stop);
#define THRUM__STOP(name) thrum__stop_at(THRUM__STOP_##name)
#else
#define THRUM__STOP(name) ((void)0)
#endif

#endif
