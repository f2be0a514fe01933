/* Threads: start and end, join, and what can be asked of one. */
#include <thrum/thread.h>

#include "event.h"
#include "interrupt.h"
#include "process.h"
#include "threads.h"

/* ---- Start and end ---------------------------------------------------------------------------------------------- */

/* The end in ordinary context: destructors may wait here, as they may not in the system's own hook. */
static void end_in_person(thrum_thread *self, void *result)
{
    self->result = result;
    thrum__locals_end(self);
    if (!self->hooked && !self->adopted) /* there was no memory for the hook: nobody else will say that it is over */
        thrum__record_ended(self);
}

void thrum__thread_began(void *thread)
{
    thrum_thread *self = (thrum_thread *)thread;
    self->hooked = thrum__port_at_thread_end(thrum__record_ended, self);
    thrum__record_begun(self);
    end_in_person(self, self->run(self->arg));
}

static thrum_status start(thrum_thread **thread, void *(*run)(void *), void *arg, const thrum_thread_options *options,
                          bool (*enlist)(thrum_thread *, const char *))
{
    static const thrum_thread_options defaults = {NULL, 0, false};
    char name[THRUM_THREAD_NAME_MAX + 1];
    options = options ? options : &defaults;
    if (!run || (options->name && !thrum__name_keep(options->name, name)))
        return THRUM_INVALID;

    thrum__self();
    thrum__begin();
    thrum_thread *record = thrum__record_new();
    if (!record)
        return thrum__failed(THRUM_NO_MEMORY);
    record->run = run;
    record->arg = arg;
    record->daemon = options->daemon;

    thrum_status status = THRUM_SHUTTING_DOWN;
    if (!enlist(record, options->name ? name : NULL))
        goto release;
    status = thrum__port_thread_start(record, options->stack_size);
    if (status != THRUM_OK) {
        thrum__failed(status);
        thrum__record_withdraw(record);
        goto release;
    }
    if (thread) {
        *thread = record;
        return THRUM_OK;
    }
release:
    thrum_thread_release(record);
    return status;
}

thrum_status thrum_thread_start(thrum_thread **thread, void *(*run)(void *), void *arg,
                                const thrum_thread_options *options)
{
    return start(thread, run, arg, options, thrum__record_enlist);
}

thrum_status thrum__thread_start_late(void *(*run)(void *), void *arg)
{
    const thrum_thread_options options = {"thrum-flush", 0, true};
    return start(NULL, run, arg, &options, thrum__record_enlist_late);
}

thrum_status thrum__thread_start_hidden(thrum_thread **thread, void *(*run)(void *))
{
    thrum_thread *record = thrum__record_new_like_main();
    if (!record)
        return thrum__failed(THRUM_NO_MEMORY);
    record->run = run;
    record->daemon = true;
    (void)thrum__name_keep("thrum-nudger", record->name);
    thrum_status status = thrum__port_thread_start(record, 0);
    if (status == THRUM_OK)
        *thread = record;
    else
        thrum_thread_release(record);
    return status == THRUM_OK ? status : thrum__failed(status);
}

void thrum_thread_exit(void *result)
{
    thrum_thread *self = thrum__self();
    if (thrum_is_main_thread()) {
        thrum__process_end();
        thrum__port_exit(0);
    }
    if (self)
        end_in_person(self, result);
    thrum__port_thread_exit();
}

thrum_status thrum_thread_join(thrum_thread *thread, thrum_deadline deadline, void **result)
{
    if (!thread)
        return THRUM_INVALID;
    if (thread == thrum__self())
        return THRUM_WOULD_DEADLOCK;
    if (thrum__port_is_alone() && !thrum_event_is_set(&thread->done)) {
        if (result)
            *result = NULL;
        return THRUM_OK; /* the system has ended it */
    }
    thrum_status status = thrum_event_wait(&thread->done, deadline);
    if (status == THRUM_OK && result)
        *result = thread->result;
    return status;
}

/* ---- Who is who ------------------------------------------------------------------------------------------------- */

thrum_thread *thrum_thread_current(void)
{
    return thrum__self();
}

thrum_thread *thrum_thread_main(void)
{
    thrum__begin();
    return thrum__main();
}

bool thrum_is_main_thread(void)
{
    const thrum_thread *self = thrum__self();
    return self && self == thrum__main();
}

bool thrum_thread_is_alive(const thrum_thread *thread)
{
    return thread && !thrum_event_is_set(&thread->done);
}

uint64_t thrum_thread_id(const thrum_thread *thread)
{
    return thread ? thread->id : 0;
}

/* Whether what the thread itself writes at its start is there. A main thread that has never called is not waited for.
 */
static bool has_started(const thrum_thread *thread)
{
    if (!thread || (thread->adopted && !thrum_event_is_set(&thread->started)))
        return false;
    return thrum__event_wait_deaf((thrum_event *)&thread->started, THRUM_FOREVER) == THRUM_OK;
}

uint64_t thrum_thread_native_id(const thrum_thread *thread)
{
    return has_started(thread) ? thread->native_id : 0;
}

uintptr_t thrum_thread_native_handle(const thrum_thread *thread)
{
    return has_started(thread) ? thread->native_handle : 0;
}

void thrum_thread_yield(void)
{
    thrum__port_yield();
}

unsigned thrum_cpu_count(void)
{
    return thrum__port_cpu_count();
}
