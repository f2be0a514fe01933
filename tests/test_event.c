/* Events, manual and auto reset. */
#include "support/support.h"

static void zero_bytes_are_a_clear_event(void)
{
    thrum_event event;
    memset(&event, 0, sizeof event);
    CHECK(!thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_TIMED_OUT);
    thrum_event_set(&event);
    CHECK(thrum_event_is_set(&event));
    CHECK_STATUS(thrum_event_wait(&event, THRUM_IMMEDIATELY), THRUM_OK);
}

static const support_test tests[] = {
    {"zero_bytes_are_a_clear_event", zero_bytes_are_a_clear_event},
};

SUITE("event", tests)
