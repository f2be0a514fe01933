/* What a call says. */
#include <thrum/status.h>

#include "threads.h"

static const struct {
    const char *name, *text;
} statuses[] = {
    [THRUM_OK] = {"THRUM_OK", "it is done"},
    [THRUM_TIMED_OUT] = {"THRUM_TIMED_OUT", "the deadline passed first"},
    [THRUM_INTERRUPTED] = {"THRUM_INTERRUPTED", "an interrupt for this thread ended the wait and nothing was taken"},
    [THRUM_INVALID] = {"THRUM_INVALID", "an argument is out of range"},
    [THRUM_NOT_OWNER] = {"THRUM_NOT_OWNER", "the caller does not hold it, or nobody does"},
    [THRUM_NOT_MAIN] = {"THRUM_NOT_MAIN", "only the main thread may do this"},
    [THRUM_WOULD_DEADLOCK] = {"THRUM_WOULD_DEADLOCK", "the caller would wait for itself"},
    [THRUM_OVERFLOW] = {"THRUM_OVERFLOW", "a count would pass its maximum and nothing changed"},
    [THRUM_BROKEN] = {"THRUM_BROKEN", "the barrier is broken"},
    [THRUM_CLOSED] = {"THRUM_CLOSED", "the queue or pool is closed"},
    [THRUM_NOT_HANDLED] = {"THRUM_NOT_HANDLED", "thrum handles no such signal and its system action stands"},
    [THRUM_NO_MEMORY] = {"THRUM_NO_MEMORY", "the system gave no memory"},
    [THRUM_NO_THREADS] = {"THRUM_NO_THREADS", "the system refused another thread"},
    [THRUM_UNSUPPORTED] = {"THRUM_UNSUPPORTED", "this system has no such thing"},
    [THRUM_SHUTTING_DOWN] = {"THRUM_SHUTTING_DOWN", "the library has been shut down"},
    [THRUM_SYSTEM] = {"THRUM_SYSTEM", "the system refused; thrum_last_system_error() has its reason"},
};

static bool is_known(thrum_status status)
{
    return (unsigned)status < sizeof statuses / sizeof statuses[0];
}

const char *thrum_status_name(thrum_status status)
{
    return is_known(status) ? statuses[status].name : "THRUM_?";
}

const char *thrum_status_text(thrum_status status)
{
    return is_known(status) ? statuses[status].text : "this is no status of thrum's";
}

int thrum_last_system_error(void)
{
    const thrum_thread *self = thrum__self();
    return self ? self->system_error : thrum__port_error();
}
