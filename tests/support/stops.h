/*
 * Holding a thread at a named stop (src/stops.h), in a build with THRUM_TEST_STOPS. A stop holds one thread, once:
 *
 *     stops_hold(THRUM__STOP_BEFORE_SLEEP, token);      // the thread with this thrum__port_token, when it comes there
 *     stops_await(THRUM__STOP_BEFORE_SLEEP);            // it is there
 *     ... act ...
 *     stops_let_go(THRUM__STOP_BEFORE_SLEEP);
 *
 * Each wait has a bound of 20 s, after which the program ends.
 */
#ifndef THRUM_TESTS_STOPS_H
#define THRUM_TESTS_STOPS_H

#include "../../src/port.h"

#include <stdbool.h>
#include <stdint.h>

void stops_hold(enum thrum__stop stop, const void *token);
void stops_await(enum thrum__stop stop);
bool stops_is_held(enum thrum__stop stop);
void stops_let_go(enum thrum__stop stop); /* also if nobody has come: then nobody is held */

/* Note which stops the thread with this token passes, from now on; NULL: nobody. And whether it has passed this one
 * since. Signal handlers may ask. */
void stops_watch(const void *token);
bool stops_passed(enum thrum__stop stop);

/* Whether this signal is pending for the main thread. */
bool stops_is_pending(int signum);

/*
 * A shot: one signal for the main thread, SIGALRM, some 20 us after it was fired, by the system's timer where there is
 * one that ends in a signal. note is called when it arrives: on the main thread in the signal handler, or on the thread
 * that sends it.
 */
void stops_shots_begin(void (*note)(void));
void stops_shoot(void);
void stops_shots_end(void);
bool stops_shots_need_no_processor(void); /* they interrupt main, even if it has only one to run on */

#endif
