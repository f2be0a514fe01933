/*
 * Thread-local values made at run time: POSIX's pthread_key_t, C11's tss_t.
 *
 *     static thrum_local buffer;                             // zero bytes: none
 *     if (thrum_local_create(&buffer, free) == THRUM_OK)
 *         status = thrum_local_set(buffer, malloc(100));     // freed when this thread ends
 *
 * When a thread ends, each value that is not NULL is cleared and given to its destructor, on that thread; up to
 * THRUM_LOCAL_ROUNDS times, if destructors set values again. Not for the main thread when the program ends.
 */
#ifndef THRUM_LOCAL_H
#define THRUM_LOCAL_H

#include <thrum/status.h>

THRUM_BEGIN_DECLARATIONS

#define THRUM_LOCAL_MAX    1024 /* that exist at one time */
#define THRUM_LOCAL_ROUNDS 4    /* of destructors at a thread's end, as POSIX's PTHREAD_DESTRUCTOR_ITERATIONS */

typedef struct thrum_local {
    uint32_t slot_;
    uint32_t generation_; /* 0: none */
} thrum_local;

/* Make a thread-local value, NULL in every thread. destructor may be NULL. Returns THRUM_OK, THRUM_INVALID (local is
 * NULL), or THRUM_NO_MEMORY if THRUM_LOCAL_MAX exist, and then *local is untouched. Any thread. Not an interruption
 * point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_local_create(thrum_local *local, void (*destructor)(void *));

/* The calling thread's value; NULL if it has set none, or there is no such local. Any thread. Not an interruption
 * point. Since 0.1. */
THRUM_API void *thrum_local_get(thrum_local local);

/* Set the calling thread's value; the old one is not destroyed. Returns THRUM_OK, THRUM_INVALID (no such local) or
 * THRUM_NO_MEMORY, and then nothing changed. Any thread. Not an interruption point. Since 0.1. */
THRUM_API THRUM_MUST_USE thrum_status thrum_local_set(thrum_local local, void *value);

/* Forget it. No destructor runs: the values are the program's. Returns THRUM_OK, or THRUM_INVALID if there is no such
 * local. Any thread. Not an interruption point. Since 0.1. */
THRUM_API thrum_status thrum_local_delete(thrum_local local);

THRUM_END_DECLARATIONS

#endif
