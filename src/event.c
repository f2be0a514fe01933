/* The event. One byte: SET, and PARKED, the mark that somebody may sleep; never both. */
#include <thrum/event.h>

#include "event.h"
#include "interrupt.h"
#include "parking_lot.h"

#define SET    ((uint8_t)1)
#define PARKED ((uint8_t)2)

thrum_status thrum_event_init(thrum_event *event, bool auto_reset)
{
    event->auto_ = auto_reset;
    thrum__store_u8_release(&event->word_, 0);
    return THRUM_OK;
}

/* Go through if it is set, clearing it if it resets itself. Acquire: pairs with the release in set. */
static bool pass(thrum_event *event)
{
    if (event->auto_)
        return thrum__cas_u8_acquire(&event->word_, SET, 0);
    return (thrum__load_u8_acquire(&event->word_) & SET) != 0;
}

/* Under the bucket's lock: go through, or leave the mark. */
static bool take(void *object, void *unused)
{
    thrum_event *event = (thrum_event *)object;
    (void)unused;
    while (!pass(event)) {
        uint8_t word = thrum__load_u8_relaxed(&event->word_);
        if (!(word & SET) && ((word & PARKED) || thrum__cas_u8_acquire(&event->word_, word, PARKED)))
            return false;
    }
    return true;
}

/* Under the bucket's lock: who sleeps goes. An auto-reset event is set only if nobody slept. */
static bool let_go(void *object, const thrum__sleepers *sleepers, void *unused, uint32_t *fate)
{
    thrum_event *event = (thrum_event *)object;
    uint8_t after = !event->auto_ || !sleepers->granted ? SET : sleepers->more ? PARKED : 0;
    (void)unused;
    *fate = THRUM__GRANTED;
    thrum__store_u8_release(&event->word_, after);
    return true;
}

void thrum_event_set(thrum_event *event)
{
    uint8_t word;
    do {
        word = thrum__load_u8_relaxed(&event->word_);
        if (word & PARKED) {
            thrum__unpark(event, event->auto_ ? 1 : UINT32_MAX, let_go, NULL);
            return;
        }
    } while (!thrum__cas_u8_release(&event->word_, word, SET)); /* also if it is set: what we wrote shall be seen */
}

void thrum_event_clear(thrum_event *event)
{
    (void)!thrum__cas_u8_acquire(&event->word_, SET, 0);
}

bool thrum_event_is_set(const thrum_event *event)
{
    return (thrum__load_u8_acquire(&event->word_) & SET) != 0;
}

static thrum_status wait_at(thrum_event *event, bool interruptible, thrum_deadline deadline)
{
    thrum__wait wait = {.object = event, .take = take, .interruptible = interruptible, .momentary = !event->auto_};
    if (pass(event))
        return THRUM_OK;
    return thrum_left(deadline) == 0 ? THRUM_TIMED_OUT : thrum__park(&wait, deadline);
}

thrum_status thrum_event_wait(thrum_event *event, thrum_deadline deadline)
{
    thrum_status status = thrum__interruption_point();
    return status == THRUM_OK ? wait_at(event, true, deadline) : status;
}

thrum_status thrum__event_wait_deaf(thrum_event *event, thrum_deadline deadline)
{
    return wait_at(event, false, deadline);
}
