/* The waits that main can be in. */
#include "waits.h"

#include "support.h"

static thrum_event manual, automatic = THRUM_EVENT_AUTO_INIT;
static thrum_lock held_lock, cond_lock;
static thrum_rlock others_rlock;
static thrum_cond cond;
static thrum_monitor monitor;
static thrum_semaphore semaphore;
static thrum_thread *endless;

static thrum_status in_sleep(thrum_deadline d)
{
    return thrum_sleep_until(d);
}
static thrum_status in_event(thrum_deadline d)
{
    return thrum_event_wait(&manual, d);
}
static thrum_status in_auto_event(thrum_deadline d)
{
    return thrum_event_wait(&automatic, d);
}
static thrum_status in_cond(thrum_deadline d)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_WITH (&cond_lock) {
        status = thrum_cond_wait(&cond, &cond_lock, d);
        if (!thrum_lock_is_held(&cond_lock))
            status = THRUM_SYSTEM;
    }
    return status;
}
static thrum_status in_semaphore(thrum_deadline d)
{
    return thrum_semaphore_acquire(&semaphore, d);
}
static thrum_status in_join(thrum_deadline d)
{
    return thrum_thread_join(endless, d, NULL);
}
static thrum_status in_lock(thrum_deadline d)
{
    return thrum_lock_acquire_until(&held_lock, d);
}
static thrum_status in_rlock(thrum_deadline d)
{
    return thrum_rlock_acquire_until(&others_rlock, d);
}
static thrum_status in_monitor(thrum_deadline d)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_SYNCHRONIZED (&monitor) {
        status = thrum_monitor_wait(&monitor, d);
    }
    return status;
}
static thrum_status in_pause(thrum_deadline d)
{
    return thrum_signal_pause(d);
}

const support_wait support_waits[SUPPORT_WAITS] = {
    {"sleep", in_sleep, THRUM_OK},
    {"event", in_event, THRUM_TIMED_OUT},
    {"auto event", in_auto_event, THRUM_TIMED_OUT},
    {"condition", in_cond, THRUM_TIMED_OUT},
    {"semaphore", in_semaphore, THRUM_TIMED_OUT},
    {"join", in_join, THRUM_TIMED_OUT},
    {"lock_acquire_until", in_lock, THRUM_TIMED_OUT},
    {"rlock_acquire_until", in_rlock, THRUM_TIMED_OUT},
    {"monitor", in_monitor, THRUM_TIMED_OUT},
    {"pause", in_pause, THRUM_TIMED_OUT},
};

static thrum_event let_endless_end;
static uint32_t rlock_is_held;

static void *hold_rlock_for_ever(void *unused)
{
    thrum_rlock_acquire(&others_rlock);
    support_set_flag(&rlock_is_held);
    while (thrum_event_wait(&let_endless_end, THRUM_FOREVER) != THRUM_OK) {}
    (void)thrum_rlock_release(&others_rlock);
    return unused;
}

void support_waits_set_up(void)
{
    thrum_lock_acquire(&held_lock);
    endless = support_start(hold_rlock_for_ever, NULL);
    support_await_flag(&rlock_is_held);
}

void support_waits_tear_down(void)
{
    (void)thrum_lock_release(&held_lock);
    thrum_event_set(&let_endless_end);
    support_join(endless);
    thrum_event_clear(&let_endless_end);
    rlock_is_held = 0;
}
