#include <thrum/thrum.h>

static void *set(void *event)
{
    thrum_event_set((thrum_event *)event);
    return event;
}

int main(void)
{
    static thrum_event done;
    static thrum_lock lock;
    int held = 0;
    THRUM_WITH (&lock) {
        held = thrum_lock_is_held(&lock);
    }
    if (!held || thrum_init() != THRUM_OK || thrum_thread_start(NULL, set, &done, NULL) != THRUM_OK)
        return 1;
    return thrum_event_wait(&done, thrum_after(THRUM_SECONDS(10))) == THRUM_OK ? 0 : 2;
}
