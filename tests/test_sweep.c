/*
 * Every public function, called in a signal's handler within each kind of wait, and in a thread-local destructor. And
 * from another thread while main is in such a handler: it would find a lock of thrum's that main held.
 *
 * The functions that end something have tests of their own (test_handler_ends.c). scripts/check-invariants sees to it
 * that each public function is called here or there.
 */
#include "support/kinds.h"
#include "support/support.h"

/* The first that was not right, by its line. */
static uint32_t wrong_line; /* atomic */

static void expect(bool right, int line)
{
    if (!right)
        (void)thrum__cas_u32_acq_rel(&wrong_line, 0, (uint32_t)line);
}
#define EXPECT(condition) expect((condition), __LINE__)

/* ---- The modules ------------------------------------------------------------------------------------------------- */

static void use_lock(void)
{
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_lock_acquire(&lock);
    EXPECT(thrum_lock_is_held(&lock) && !thrum_lock_try_acquire(&lock));
    EXPECT(thrum_lock_acquire_until(&lock, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    EXPECT(thrum_lock_release(&lock) == THRUM_OK && thrum_lock_release(&lock) == THRUM_NOT_OWNER);
    EXPECT((thrum_lock_try_acquire)(&lock) && (thrum_lock_release)(&lock) == THRUM_OK);
    (thrum_lock_acquire)(&lock);
    EXPECT(thrum_lock_release(&lock) == THRUM_OK);
}

static void use_rlock(void)
{
    thrum_rlock lock = THRUM_RLOCK_INIT;
    thrum_rlock_acquire(&lock);
    EXPECT(thrum_rlock_try_acquire(&lock) && thrum_rlock_acquire_until(&lock, THRUM_IMMEDIATELY) == THRUM_OK);
    EXPECT(thrum_rlock_is_owned(&lock) && thrum_rlock_depth(&lock) == 3);
    for (int i = 0; i < 3; i++)
        EXPECT(thrum_rlock_release(&lock) == THRUM_OK);
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

static void use_cond(void)
{
    thrum_cond cond = THRUM_COND_INIT;
    thrum_lock lock = THRUM_LOCK_INIT;
    thrum_rlock rlock = THRUM_RLOCK_INIT;
    bool yes = true;
    thrum_cond_notify(&cond);
    thrum_cond_notify_n(&cond, 3);
    thrum_cond_notify_all(&cond);
    thrum_lock_acquire(&lock);
    EXPECT(thrum_cond_wait(&cond, &lock, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    EXPECT(thrum_cond_wait_for(&cond, &lock, is_true, &yes, THRUM_IMMEDIATELY) == THRUM_OK);
    EXPECT(thrum_lock_release(&lock) == THRUM_OK);
    thrum_rlock_acquire(&rlock);
    EXPECT(thrum_cond_wait_rlock(&cond, &rlock, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    EXPECT(thrum_rlock_release(&rlock) == THRUM_OK);
}

static void use_monitor(void)
{
    thrum_monitor monitor = THRUM_MONITOR_INIT;
    thrum_monitor_enter(&monitor);
    EXPECT(thrum_monitor_try_enter(&monitor) && thrum_monitor_enter_until(&monitor, THRUM_IMMEDIATELY) == THRUM_OK);
    EXPECT(thrum_monitor_notify(&monitor) == THRUM_OK && thrum_monitor_notify_n(&monitor, 2) == THRUM_OK &&
           thrum_monitor_notify_all(&monitor) == THRUM_OK);
    EXPECT(thrum_monitor_wait(&monitor, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    for (int i = 0; i < 3; i++)
        EXPECT(thrum_monitor_exit(&monitor) == THRUM_OK);
}

static void use_semaphore(void)
{
    thrum_semaphore semaphore;
    EXPECT(thrum_semaphore_init(&semaphore, 1, 2) == THRUM_OK);
    EXPECT(thrum_semaphore_acquire(&semaphore, THRUM_IMMEDIATELY) == THRUM_OK);
    EXPECT(thrum_semaphore_acquire(&semaphore, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    EXPECT(thrum_semaphore_release(&semaphore, 2) == THRUM_OK && thrum_semaphore_value(&semaphore) == 2);
    EXPECT(thrum_semaphore_try_acquire(&semaphore));
}

static void use_event(void)
{
    thrum_event event;
    EXPECT(thrum_event_init(&event, false) == THRUM_OK);
    EXPECT(thrum_event_wait(&event, thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    thrum_event_set(&event);
    EXPECT(thrum_event_is_set(&event) && thrum_event_wait(&event, THRUM_IMMEDIATELY) == THRUM_OK);
    thrum_event_clear(&event);
}

static thrum_status done(void *unused)
{
    (void)unused;
    return THRUM_OK;
}

static void use_once(void)
{
    thrum_once once = THRUM_ONCE_INIT;
    EXPECT(thrum_once_run(&once, done, NULL) == THRUM_OK && thrum_once_is_done(&once));
}

static void use_local(void)
{
    thrum_local local;
    EXPECT(thrum_local_create(&local, NULL) == THRUM_OK);
    EXPECT(thrum_local_set(local, &local) == THRUM_OK && thrum_local_get(local) == &local);
    EXPECT(thrum_local_delete(local) == THRUM_OK);
}

static void use_time(void)
{
    thrum_deadline deadline = thrum_after(thrum_seconds(0.00005));
    EXPECT(thrum_now() > 0 && thrum_sleep_until(deadline) == THRUM_OK && thrum_left(deadline) == 0);
    EXPECT(thrum_sleep(THRUM_MICROSECONDS(50)) == THRUM_OK);
}

static void *return_it(void *arg)
{
    return arg;
}

static void use_threads(void)
{
    char name[THRUM_THREAD_NAME_MAX + 1];
    thrum_thread *thread = NULL, *self = thrum_thread_current(), *list[4];
    void *result = NULL;
    EXPECT(thrum_thread_start(&thread, return_it, name, NULL) == THRUM_OK);
    EXPECT(thrum_thread_join(thread, support_in(20000), &result) == THRUM_OK && result == name);
    EXPECT(!thrum_thread_is_alive(thread) && !thrum_thread_is_daemon(thread));
    thrum_thread_release(thrum_thread_retain(thread));
    thrum_thread_release(thread);
    EXPECT(thrum_thread_name(self, name, sizeof name) > 0 && thrum_thread_set_name(self, name) == THRUM_OK);
    EXPECT(thrum_thread_id(self) > 0 && thrum_thread_native_id(self) > 0 && thrum_thread_native_handle(self) > 0);
    size_t count = thrum_thread_list(list, 4);
    EXPECT(thrum_thread_count() >= 1 && count >= 1);
    for (size_t i = 0; i < count && i < 4; i++)
        thrum_thread_release(list[i]);
    EXPECT(thrum_thread_interrupt(self) == THRUM_OK && thrum_thread_take_interrupt());
    EXPECT(thrum_is_main_thread() == (self == thrum_thread_main()) && thrum_cpu_count() > 0);
    thrum_thread_yield();
}

static void use_signals(void)
{
    bool main = thrum_is_main_thread();
    thrum_signal_handler old;
    unsigned char set[1024]; /* larger than any sigset_t */
    thrum_status expected = main ? THRUM_OK : THRUM_NOT_MAIN;
    EXPECT(thrum_signal_handler_of(THRUM_SIGALRM, &old) == THRUM_OK);
    EXPECT(thrum_signal_handle(THRUM_SIGALRM, THRUM_SIGNAL_IGNORE, NULL) == expected);
    EXPECT(thrum_signal_handle(THRUM_SIGALRM, THRUM_SIGNAL_DEFAULT, NULL) == expected);
    EXPECT(thrum_interrupt_main(THRUM_SIGALRM) == THRUM_NOT_HANDLED);
    EXPECT(thrum_signal_raise(THRUM_SIGWINCH) == THRUM_OK);
    EXPECT(thrum_signal_check() == expected);
    EXPECT(thrum_signal_pause(thrum_after(THRUM_MICROSECONDS(50))) == THRUM_TIMED_OUT);
    thrum_status mask = thrum_signal_start_mask(set);
    EXPECT(mask == THRUM_OK || mask == THRUM_UNSUPPORTED);
    EXPECT(thrum_blocking_begin() == expected && thrum_blocking_end() == expected);
    EXPECT(thrum_signal_ignore(1, NULL) == THRUM_OK && thrum_signal_interrupt(1, NULL) == THRUM_INTERRUPTED);
    EXPECT(strcmp(thrum_signal_name(THRUM_SIGINT), "SIGINT") == 0);
}

static void callback(void *unused)
{
    (void)unused;
}

static void use_process(void)
{
    EXPECT(thrum_init_with(NULL) == THRUM_INVALID);
    EXPECT(thrum_init() == (thrum_is_main_thread() ? THRUM_OK : THRUM_NOT_MAIN));
    EXPECT(thrum_at_exit(callback, NULL) == THRUM_OK);
    EXPECT(strcmp(thrum_status_name(THRUM_OK), "THRUM_OK") == 0 && thrum_status_text(THRUM_OK)[0]);
    (void)thrum_last_system_error();
}

static void (*const modules[])(void) = {use_lock, use_rlock, use_cond, use_monitor, use_semaphore, use_event,
                                        use_once, use_local, use_time, use_threads, use_signals,   use_process};

static void use_all(void)
{
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        modules[i]();
}

/* ---- The places -------------------------------------------------------------------------------------------------- */

/* Locks at so many addresses that each bucket of the parking lot is used. */
static void use_all_buckets(void)
{
    static thrum_lock locks[2000];
    for (int i = 0; i < 2000; i++) {
        thrum_lock_acquire(&locks[i]);
        EXPECT(thrum_lock_acquire_until(&locks[i], thrum_after(1)) == THRUM_TIMED_OUT);
        EXPECT(thrum_lock_release(&locks[i]) == THRUM_OK);
    }
}

static void *use_all_elsewhere(void *arg)
{
    use_all();
    use_all_buckets();
    return arg;
}

static thrum_status use_all_in_a_handler(int signum, void *runs)
{
    (void)signum;
    ++*(int *)runs;
    use_all();
    use_all_buckets();
    thrum_thread *thread = NULL;
    EXPECT(thrum_thread_start(&thread, use_all_elsewhere, runs, NULL) == THRUM_OK);
    EXPECT(thrum_thread_join(thread, support_in(20000), NULL) == THRUM_OK);
    thrum_thread_release(thread);
    return THRUM_OK;
}

static void *interrupt_when_asleep(void *kind)
{
    support_kind_await((const support_kind *)kind, 0, 1);
    thrum_interrupt_main(THRUM_SIGINT);
    return kind;
}

static void check_place(const char *place)
{
    uint32_t line = thrum__exchange_u32_acq_rel(&wrong_line, 0);
    if (line)
        fprintf(stderr, "%s: not as expected in line %u\n", place, (unsigned)line);
    CHECK_IS(line, 0);
}

/* Invariant 3: handlers run with no lock of thrum's held, and may call anything. */
static void a_handler_may_call_every_function_in_every_wait(void)
{
    int runs = 0;
    thrum_signal_handler handler = {use_all_in_a_handler, &runs};
    support_kinds_set_up();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    for (int k = 0; k < SUPPORT_KINDS; k++) {
        const support_kind *kind = &support_kinds[k];
        support_kind_prepare(kind, 0);
        thrum_thread *thread = support_start(interrupt_when_asleep, (void *)(uintptr_t)kind);
        while (runs == k && kind->wait(0, support_in(200)) == kind->at_the_deadline) {}
        CHECK_IS(runs, k + 1);
        support_join(thread);
        support_kind_clean(kind, 0);
        check_place(kind->name);
    }
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_kinds_tear_down();
}

static uint32_t destroyed;

static void use_all_in_a_destructor(void *unused)
{
    (void)unused;
    use_all();
    thrum__fetch_add_u32_acq_rel(&destroyed, 1);
}

static thrum_local swept;

static void *set_local(void *value)
{
    return thrum_local_set(swept, value) == THRUM_OK ? value : NULL;
}

static void *set_local_and_exit(void *value)
{
    set_local(value);
    thrum_thread_exit(value);
}

/* Hard point: destructors run on every thread; on those that thrum started, in ordinary context. */
static void a_destructor_may_call_every_function(void)
{
    destroyed = 0;
    CHECK_STATUS(thrum_local_create(&swept, use_all_in_a_destructor), THRUM_OK);
    CHECK(support_join(support_start(set_local, &swept)) == &swept);
    CHECK(support_join(support_start(set_local_and_exit, &swept)) == &swept);
    CHECK_IS(destroyed, 2);
    CHECK_STATUS(thrum_local_delete(swept), THRUM_OK);
    check_place("a destructor");
}

static const support_test tests[] = {
    TEST(a_handler_may_call_every_function_in_every_wait),
    TEST(a_destructor_may_call_every_function),
};

SUITE("sweep", tests)
