/* What the headers promise of themselves: sizes, zero bytes, and that an uncontended lock makes no call. */
#include "support/support.h"

_Static_assert(sizeof(thrum_lock) <= 2, "lock");
_Static_assert(sizeof(thrum_once) <= 1, "once");
_Static_assert(sizeof(thrum_event) <= 2, "event");
_Static_assert(sizeof(thrum_cond) <= 8, "condition");
_Static_assert(sizeof(thrum_semaphore) <= 16, "semaphore");
_Static_assert(sizeof(thrum_rlock) <= 16, "rlock");
_Static_assert(sizeof(thrum_monitor) <= 32, "monitor");

static void objects_are_as_small_as_promised(void)
{
    printf("  sizes: lock %d, once %d, event %d, cond %d, semaphore %d, rlock %d, monitor %d bytes\n",
           (int)sizeof(thrum_lock), (int)sizeof(thrum_once), (int)sizeof(thrum_event), (int)sizeof(thrum_cond),
           (int)sizeof(thrum_semaphore), (int)sizeof(thrum_rlock), (int)sizeof(thrum_monitor));
    CHECK(sizeof(thrum_lock) <= 2);
}

/* The initialisers are constants, and all of zero bytes but for the values given. */
static thrum_lock lock = THRUM_LOCK_INIT;
static thrum_rlock rlock = THRUM_RLOCK_INIT;
static thrum_cond cond = THRUM_COND_INIT;
static thrum_monitor monitor = THRUM_MONITOR_INIT;
static thrum_semaphore semaphore = THRUM_SEMAPHORE_INIT(0);
static thrum_event event = THRUM_EVENT_INIT;
static thrum_once once = THRUM_ONCE_INIT;

static bool is_zero(const void *object, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)object;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void initialisers_are_zero_bytes(void)
{
    CHECK(is_zero(&lock, sizeof lock));
    CHECK(is_zero(&rlock, sizeof rlock));
    CHECK(is_zero(&cond, sizeof cond));
    CHECK(is_zero(&monitor, sizeof monitor));
    CHECK(is_zero(&semaphore, sizeof semaphore));
    CHECK(is_zero(&event, sizeof event));
    CHECK(is_zero(&once, sizeof once));
}

static void an_uncontended_lock_makes_no_call(void)
{
    CHECK_IS(support_run_program(support_self, "inlined_" THRUM_TEST_PARKER, NULL), 1);
}

static void every_inline_function_is_exported_too(void)
{
    void (*acquire)(thrum_lock *) = thrum_lock_acquire;
    bool (*try_acquire)(thrum_lock *) = thrum_lock_try_acquire;
    thrum_status (*release)(thrum_lock *) = thrum_lock_release;
    acquire(&lock);
    CHECK(!try_acquire(&lock));
    CHECK_STATUS(release(&lock), THRUM_OK);
    CHECK_STATUS(release(&lock), THRUM_NOT_OWNER);
    CHECK(try_acquire(&lock));
    CHECK_STATUS(release(&lock), THRUM_OK);
}

static const support_test tests[] = {
    TEST(objects_are_as_small_as_promised),
    TEST(initialisers_are_zero_bytes),
    TEST(an_uncontended_lock_makes_no_call),
    TEST(every_inline_function_is_exported_too),
};

SUITE("headers", tests)
