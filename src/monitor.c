/* The monitor: a re-entrant lock and its condition. */
#include <thrum/monitor.h>

void thrum_monitor_enter(thrum_monitor *monitor)
{
    thrum_rlock_acquire(&monitor->lock_);
}

bool thrum_monitor_try_enter(thrum_monitor *monitor)
{
    return thrum_rlock_try_acquire(&monitor->lock_);
}

thrum_status thrum_monitor_enter_until(thrum_monitor *monitor, thrum_deadline deadline)
{
    return thrum_rlock_acquire_until(&monitor->lock_, deadline);
}

thrum_status thrum_monitor_exit(thrum_monitor *monitor)
{
    return thrum_rlock_release(&monitor->lock_);
}

thrum_status thrum_monitor_wait(thrum_monitor *monitor, thrum_deadline deadline)
{
    return thrum_cond_wait_rlock(&monitor->cond_, &monitor->lock_, deadline);
}

thrum_status thrum_monitor_notify_n(thrum_monitor *monitor, uint32_t n)
{
    if (!thrum_rlock_is_owned(&monitor->lock_))
        return THRUM_NOT_OWNER;
    thrum_cond_notify_n(&monitor->cond_, n);
    return THRUM_OK;
}

thrum_status thrum_monitor_notify(thrum_monitor *monitor)
{
    return thrum_monitor_notify_n(monitor, 1);
}

thrum_status thrum_monitor_notify_all(thrum_monitor *monitor)
{
    return thrum_monitor_notify_n(monitor, UINT32_MAX);
}
