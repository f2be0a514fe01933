// What the headers do differently in C++: scopes that end by return and exception, initialisers, values. Compiled in CI.
#include <thrum/thrum.h>

static thrum_lock lock = THRUM_LOCK_INIT;
static thrum_monitor monitor = THRUM_MONITOR_INIT;
static thrum_semaphore semaphore = THRUM_SEMAPHORE_BOUNDED_INIT(1, 2);
static thrum_event event = THRUM_EVENT_AUTO_INIT;

static int left_by_return(int x)
{
    THRUM_WITH(&lock)
    {
        THRUM_SYNCHRONIZED(&monitor)
        {
            if (x > 0)
                return x;
        }
    }
    return 0;
}

int main()
{
    thrum_signal_handler old = THRUM_SIGNAL_DEFAULT;
    thrum_deadline deadline = thrum_after(THRUM_SECONDS(1));
    thrum_lock_acquire(&lock);
    bool held = thrum_lock_is_held(&lock);
    thrum_status status = thrum_lock_release(&lock);
    if (thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, &old) != THRUM_OK || status != THRUM_OK || !held)
        return 1;
    if (thrum_semaphore_acquire(&semaphore, deadline) != THRUM_OK)
        return 2;
    if (thrum_event_wait(&event, THRUM_IMMEDIATELY) != THRUM_TIMED_OUT)
        return 3;
    try {
        THRUM_WITH(&lock)
        {
            throw 1;
        }
    } catch (int) {
    }
    return left_by_return(1) == 1 && thrum_lock_try_acquire(&lock) ? 0 : 4;
}
