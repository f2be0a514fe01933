/* The kinds of waits, and how they are granted. */
#include "kinds.h"

#include "../../src/threads.h" /* the address that joins sleep at */
#include "support.h"

static struct {
    thrum_event manual, automatic;
    thrum_lock lock, cond_lock;
    thrum_cond cond;
    thrum_semaphore semaphore;
    thrum_rlock rlock;
    thrum_monitor monitor;
    thrum_thread *keeper;
    uint32_t keeper_has_it;
    thrum_event go;
} sets[2] = {{.automatic = THRUM_EVENT_AUTO_INIT}, {.automatic = THRUM_EVENT_AUTO_INIT}};

/* ---- The waits --------------------------------------------------------------------------------------------------- */

static thrum_status in_sleep(int set, thrum_deadline d)
{
    (void)set;
    return thrum_sleep_until(d);
}
static thrum_status in_event(int set, thrum_deadline d)
{
    return thrum_event_wait(&sets[set].manual, d);
}
static thrum_status in_auto_event(int set, thrum_deadline d)
{
    return thrum_event_wait(&sets[set].automatic, d);
}
static thrum_status in_cond(int set, thrum_deadline d)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_WITH (&sets[set].cond_lock) {
        status = thrum_cond_wait(&sets[set].cond, &sets[set].cond_lock, d);
        if (!thrum_lock_is_held(&sets[set].cond_lock))
            status = THRUM_SYSTEM;
    }
    return status;
}
static thrum_status in_semaphore(int set, thrum_deadline d)
{
    return thrum_semaphore_acquire(&sets[set].semaphore, d);
}
static thrum_status in_join(int set, thrum_deadline d)
{
    return thrum_thread_join(sets[set].keeper, d, NULL);
}
static thrum_status in_lock(int set, thrum_deadline d)
{
    return thrum_lock_acquire_until(&sets[set].lock, d);
}
static thrum_status in_rlock(int set, thrum_deadline d)
{
    return thrum_rlock_acquire_until(&sets[set].rlock, d);
}
static thrum_status in_monitor(int set, thrum_deadline d)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_SYNCHRONIZED (&sets[set].monitor) {
        status = thrum_monitor_wait(&sets[set].monitor, d);
    }
    return status;
}
static thrum_status in_pause(int set, thrum_deadline d)
{
    (void)set;
    return thrum_signal_pause(d);
}

/* ---- What grants them -------------------------------------------------------------------------------------------- */

static void set_event(int set)
{
    thrum_event_set(&sets[set].manual);
}
static void set_auto_event(int set)
{
    thrum_event_set(&sets[set].automatic);
}
static void notify_cond(int set)
{
    thrum_cond_notify(&sets[set].cond);
}
static void release_semaphore(int set)
{
    (void)thrum_semaphore_release(&sets[set].semaphore, 1);
}
static void release_lock(int set)
{
    (void)thrum_lock_release(&sets[set].lock);
}
static void let_keeper_go(int set)
{
    thrum_event_set(&sets[set].go);
}
static void notify_monitor(int set)
{
    THRUM_SYNCHRONIZED (&sets[set].monitor) {
        (void)thrum_monitor_notify(&sets[set].monitor);
    }
}
static void have_a_handler_run(int set)
{
    (void)set;
    thrum_interrupt_main(THRUM_SIGUSR1);
}

/* ---- Where they sleep -------------------------------------------------------------------------------------------- */

static const void *at_event(int set)
{
    return &sets[set].manual;
}
static const void *at_auto_event(int set)
{
    return &sets[set].automatic;
}
static const void *at_cond(int set)
{
    return &sets[set].cond;
}
static const void *at_semaphore(int set)
{
    return &sets[set].semaphore;
}
static const void *at_join(int set)
{
    return &sets[set].keeper->done;
}
static const void *at_lock(int set)
{
    return &sets[set].lock;
}
static const void *at_rlock(int set)
{
    return &sets[set].rlock.lock_;
}
static const void *at_monitor(int set)
{
    return &sets[set].monitor.cond_;
}

const support_kind support_kinds[SUPPORT_KINDS] = {
    {"sleep", in_sleep, NULL, NULL, THRUM_OK, true, false, false},
    {"event", in_event, set_event, at_event, THRUM_TIMED_OUT, true, false, false},
    {"auto_event", in_auto_event, set_auto_event, at_auto_event, THRUM_TIMED_OUT, false, false, false},
    {"condition", in_cond, notify_cond, at_cond, THRUM_TIMED_OUT, true, false, false},
    {"semaphore", in_semaphore, release_semaphore, at_semaphore, THRUM_TIMED_OUT, false, false, false},
    {"join", in_join, let_keeper_go, at_join, THRUM_TIMED_OUT, true, false, true},
    {"lock", in_lock, release_lock, at_lock, THRUM_TIMED_OUT, false, false, false},
    {"rlock", in_rlock, let_keeper_go, at_rlock, THRUM_TIMED_OUT, false, false, true},
    {"monitor", in_monitor, notify_monitor, at_monitor, THRUM_TIMED_OUT, true, false, false},
    {"pause", in_pause, have_a_handler_run, NULL, THRUM_TIMED_OUT, false, true, false},
};

/* ---- Before and after -------------------------------------------------------------------------------------------- */

int support_passes, support_ends;

static thrum_status pass(int signum, void *unused)
{
    (void)signum, (void)unused;
    support_passes++;
    return THRUM_OK;
}

static thrum_status end(int signum, void *unused)
{
    (void)signum, (void)unused;
    support_ends++;
    return THRUM_INTERRUPTED;
}

void support_kinds_set_up(void)
{
    thrum_signal_handler passing = {pass, NULL}, ending = {end, NULL};
    support_passes = support_ends = 0;
    if (thrum_signal_handle(THRUM_SIGUSR1, passing, NULL) != THRUM_OK ||
        thrum_signal_handle(THRUM_SIGTERM, ending, NULL) != THRUM_OK)
        support_give_up("no handler could be set");
}

void support_kinds_tear_down(void)
{
    (void)thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL);
    (void)thrum_signal_handle(THRUM_SIGTERM, THRUM_SIGNAL_DEFAULT, NULL);
}

static void *keep(void *arg)
{
    int set = *(const int *)arg;
    thrum_rlock_acquire(&sets[set].rlock);
    support_set_flag(&sets[set].keeper_has_it);
    while (thrum_event_wait(&sets[set].go, THRUM_FOREVER) != THRUM_OK) {}
    (void)thrum_rlock_release(&sets[set].rlock);
    return NULL;
}

void support_kind_prepare(const support_kind *kind, int set)
{
    static int numbers[2] = {0, 1};
    thrum_lock_acquire(&sets[set].lock);
    if (!kind->by_a_keeper)
        return;
    thrum_event_clear(&sets[set].go);
    sets[set].keeper_has_it = 0;
    sets[set].keeper = support_start(keep, &numbers[set]);
    support_await_flag(&sets[set].keeper_has_it);
}

void support_kind_clean(const support_kind *kind, int set)
{
    thrum_event_clear(&sets[set].manual);
    thrum_event_clear(&sets[set].automatic);
    while (thrum_semaphore_try_acquire(&sets[set].semaphore)) {}
    if (thrum_lock_is_held(&sets[set].lock))
        (void)thrum_lock_release(&sets[set].lock);
    if (thrum_rlock_is_owned(&sets[set].rlock))
        (void)thrum_rlock_release(&sets[set].rlock);
    if (!kind->by_a_keeper)
        return;
    thrum_event_set(&sets[set].go);
    support_join(sets[set].keeper);
    sets[set].keeper = NULL;
}

void support_kind_await(const support_kind *kind, int set, unsigned sleepers)
{
    if (kind->sleeps_at)
        support_await_sleepers(kind->sleeps_at(set), sleepers);
}

void support_kind_grant(const support_kind *kind, int set)
{
    if (kind->grant)
        kind->grant(set);
    if (kind->by_a_keeper && thrum_thread_join(sets[set].keeper, support_in(20000), NULL) != THRUM_OK)
        support_give_up("who kept it does not end");
}

bool support_kind_is_there(const support_kind *kind, int set)
{
    return kind->wait(set, THRUM_IMMEDIATELY) == THRUM_OK;
}

const support_kind *support_kind_named(const char *name)
{
    for (int i = 0; i < SUPPORT_KINDS; i++)
        if (strcmp(support_kinds[i].name, name) == 0)
            return &support_kinds[i];
    support_give_up("there is no such kind of wait");
    return NULL;
}
