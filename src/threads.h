/*
 * The threads that thrum knows: their records, which are alive, which one is calling.
 *
 * A record is never given back to the system. When its last reference goes it is kept for the next thread, so an unpark
 * or an interrupt that comes too late reaches memory that is a record still, at worst a stranger's, who wakes for
 * nothing.
 */
#ifndef THRUM_THREADS_H
#define THRUM_THREADS_H

#include "port.h"

#include <thrum/atomic.h>
#include <thrum/event.h>
#include <thrum/thread.h>

typedef struct thrum__local_value {
    void *value;
    uint32_t generation;
} thrum__local_value;

typedef struct thrum__once_frame {
    const void *once;
    struct thrum__once_frame *outer;
} thrum__once_frame;

struct thrum_thread {
    thrum__parker parker;
    uint32_t parker_ready; /* atomic; 0 only for a main thread to whom the system gave none */
    uint32_t parker_forks; /* the forks that lay behind this process when its parker was made */

    uint32_t mail;      /* atomic: what is pending; see interrupt.h */
    uint32_t running;   /* the thread's own: what in its mail it must not act on now */
    int interrupted_by; /* main's own: the signal whose handler said INTERRUPTED last */
    int kept_by;        /* and that of the pending interrupt, if it was kept over a granted wait */

    uint32_t references; /* atomic; the thread itself has one while it lives */
    uint64_t id;
    uint64_t native_id; /* these two: written by the thread before `started` is set */
    uintptr_t native_handle;
    thrum_event started;
    thrum_event done; /* what joins wait for */
    bool daemon;
    bool adopted;
    bool hooked; /* the system will say when it has ended */

    void *(*run)(void *);
    void *arg;
    void *waits;  /* the thread's own: its waits in the parking lot, the innermost first */
    void *result; /* written before `done` is set */

    char name[THRUM_THREAD_NAME_MAX + 1]; /* guarded by the registry's lock, as is what follows */
    thrum_thread *next, *previous;        /* among those alive, oldest first; free ones: next alone */
    bool listed;                          /* among those alive */

    thrum__local_value *locals; /* the thread's own, from here on */
    uint32_t local_count;
    thrum__once_frame *once_frames;
    int system_error;
};

static inline bool thrum__has_parker(const thrum_thread *thread)
{
    return thrum__load_u32_acquire(&thread->parker_ready) != 0;
}

/* Bring the library up, if that has not been done. */
void thrum__begin(void);

/* The calling thread's record, made if need be. NULL if there is no memory for it, or the thread is past its end. */
thrum_thread *thrum__adopt(void);
static inline thrum_thread *thrum__self(void)
{
    thrum_thread *self = (thrum_thread *)thrum__port_self();
    return self ? self : thrum__adopt();
}

/* The main thread's record, there from the beginning. Async-signal-safe. */
thrum_thread *thrum__main(void);

/* The calling thread has begun to be the one of this record. */
void thrum__record_begun(thrum_thread *thread);

/* Make the calling thread the main one. False where the system says that another is. */
bool thrum__claim_main(void);

/* The main thread can be woken by a signal: its parker has what it needs. */
bool thrum__main_can_be_woken(void);

/* A record with one reference, not yet alive; NULL without memory. Or one with a parker like main's. */
thrum_thread *thrum__record_new(void);
thrum_thread *thrum__record_new_like_main(void);

/* Count the thread as alive, with a reference of its own. A name of NULL makes one up. False, and nothing done, if the
 * last threads have been joined; a daemon is let in all the same if `late`. */
bool thrum__record_enlist(thrum_thread *thread, const char *name);
bool thrum__record_enlist_late(thrum_thread *thread, const char *name);

/* The thread is over: wake who waits for it, and drop its own reference. */
void thrum__record_ended(void *thread);

/* What a thread that thrum starts runs, with its record. */
void thrum__thread_began(void *thread);

/* The first whole characters of a name, as many as are kept. False if it is not UTF-8. */
bool thrum__name_keep(const char *name, char kept[THRUM_THREAD_NAME_MAX + 1]);

/* A thread that was enlisted could not be started after all. */
void thrum__record_withdraw(thrum_thread *thread);

/* A thread that the end of the process must wait for, retained: alive, no daemon, neither main nor the caller. If there
 * is none, NULL, and from then on no thread can be enlisted. */
thrum_thread *thrum__record_to_join(void);

/* The calling thread ends the process, and does not sleep for good like daemons that come too late. */
void thrum__record_outlives(thrum_thread *self);

/* Whether the last threads have been joined: a daemon that comes to wait then sleeps for good. */
bool thrum__threads_closed(void);

/* Start a daemon thread even after the last threads have been joined, and forget it. */
thrum_status thrum__thread_start_late(void *(*run)(void *), void *arg);

/* Start a thread that is in no list and never ends. Its parker can be unparked by signal handlers, as main's. */
thrum_status thrum__thread_start_hidden(thrum_thread **thread, void *(*run)(void *));

/* Once, from thrum__begin. */
void thrum__locals_begin(void);

/* Run the destructors of the calling thread's thread-local values, and give back their memory. */
void thrum__locals_end(thrum_thread *self);

/* Keep the system's reason for the calling thread's failure, and pass the status on. */
thrum_status thrum__failed(thrum_status status);

#endif
