/* Lengths of time, deadlines, sleep. */
#include "support/support.h"

#include <math.h>

/* ---- Lengths ---------------------------------------------------------------------------------------------------- */

static void the_macros_are_nanoseconds(void)
{
    static const thrum_nanos constant = THRUM_SECONDS(3);
    int milliseconds = 250;
    uint32_t seconds = 4000000000u;
    CHECK_IS(THRUM_NANOSECONDS(7), 7);
    CHECK_IS(THRUM_MICROSECONDS(7), 7000);
    CHECK_IS(THRUM_MILLISECONDS(7), 7000000);
    CHECK_IS(THRUM_SECONDS(7), INT64_C(7000000000));
    CHECK_IS(constant, INT64_C(3000000000));
    CHECK_IS(THRUM_MILLISECONDS(milliseconds), 250000000);
    CHECK_IS(THRUM_MILLISECONDS(milliseconds + 1), 251000000);
    CHECK_IS(THRUM_SECONDS(seconds), INT64_C(4000000000) * 1000000000);
    CHECK_IS(THRUM_MILLISECONDS(-5), -5000000);
    CHECK_IS(THRUM_SECONDS(100000), INT64_C(100000000000000)); /* more than 32 bits */
    CHECK_IS(sizeof THRUM_NANOSECONDS(1), 8);
}

static void seconds_with_a_fraction_round_up(void)
{
    CHECK_IS(thrum_seconds(0), 0);
    CHECK_IS(thrum_seconds(1), 1000000000);
    CHECK_IS(thrum_seconds(1.5), 1500000000);
    CHECK_IS(thrum_seconds(0.1), 100000000);
    CHECK_IS(thrum_seconds(0.25), 250000000);
    CHECK_IS(thrum_seconds(1e-9), 1);
    CHECK_IS(thrum_seconds(1.25e-9), 2);
    CHECK_IS(thrum_seconds(1e-10), 1);
    CHECK_IS(thrum_seconds(1e-300), 1);
    CHECK_IS(thrum_seconds(5e-324), 1);
    CHECK_IS(thrum_seconds(-1), -1000000000);
    CHECK_IS(thrum_seconds(-1.25e-9), -1);
    CHECK_IS(thrum_seconds(-1e-300), 0);
    CHECK_IS(thrum_seconds(-0.0), 0);
}

static void seconds_saturate_and_not_a_number_is_0(void)
{
    CHECK_IS(thrum_seconds((double)NAN), 0);
    CHECK_IS(thrum_seconds(-(double)NAN), 0);
    CHECK_IS(thrum_seconds((double)INFINITY), INT64_MAX);
    CHECK_IS(thrum_seconds(-(double)INFINITY), INT64_MIN);
    CHECK_IS(thrum_seconds(1e300), INT64_MAX);
    CHECK_IS(thrum_seconds(-1e300), INT64_MIN);
    CHECK_IS(thrum_seconds(1e10), INT64_MAX);
    CHECK_IS(thrum_seconds(-1e10), INT64_MIN);
    CHECK_IS(thrum_seconds(9223372036.854775807), INT64_MAX);
    CHECK_IS(thrum_seconds(9e9), INT64_C(9000000000000000000));
}

/* ---- Deadlines -------------------------------------------------------------------------------------------------- */

static void now_is_above_0_and_never_goes_back(void)
{
    thrum_nanos first = thrum_now(), last = first;
    int back = 0;
    CHECK(first > 0);
    for (int i = 0; i < 20000; i++) {
        thrum_nanos now = thrum_now();
        back += now < last;
        last = now;
    }
    CHECK_IS(back, 0);
    CHECK(last > first);
}

static void forever_never_passes_and_immediately_has(void)
{
    thrum_deadline zero;
    memset(&zero, 0, sizeof zero);
    CHECK(THRUM_FOREVER.at == INT64_MAX);
    CHECK(THRUM_IMMEDIATELY.at == 0);
    CHECK(thrum_left(THRUM_FOREVER) == INT64_MAX);
    CHECK_IS(thrum_left(THRUM_IMMEDIATELY), 0);
    CHECK_IS(thrum_left(zero), 0);
}

static void after_is_from_now_on(void)
{
    thrum_nanos before = thrum_now();
    thrum_deadline deadline = thrum_after(THRUM_SECONDS(100));
    thrum_nanos after = thrum_now();
    CHECK(deadline.at >= before + THRUM_SECONDS(100));
    CHECK(deadline.at <= after + THRUM_SECONDS(100));
    thrum_nanos left = thrum_left(deadline);
    CHECK(left > THRUM_SECONDS(50) && left <= THRUM_SECONDS(100));
    CHECK_IS(thrum_left(thrum_after(0)), 0);
    CHECK_IS(thrum_left(thrum_after(-1)), 0);
    CHECK_IS(thrum_left(thrum_after(THRUM_SECONDS(-100))), 0);
    CHECK_IS(thrum_left(thrum_after(INT64_MIN)), 0);
}

static void after_saturates_into_forever(void)
{
    CHECK(thrum_after(INT64_MAX).at == INT64_MAX);
    CHECK(thrum_after(INT64_MAX - 1).at == INT64_MAX);
    CHECK(thrum_after(INT64_MAX - thrum_now() / 2).at == INT64_MAX);
    CHECK(thrum_left(thrum_after(INT64_MAX)) == INT64_MAX);
    CHECK(thrum_after(INT64_MAX / 2).at < INT64_MAX);
    CHECK(thrum_left(thrum_after(INT64_MAX / 2)) > INT64_MAX / 4);
    CHECK_IS(thrum_left((thrum_deadline){INT64_MIN}), 0);
    CHECK_IS(thrum_left((thrum_deadline){-1}), 0);
    CHECK(thrum_left((thrum_deadline){INT64_MAX - 1}) < INT64_MAX - 1);
}

/* ---- Sleep ------------------------------------------------------------------------------------------------------ */

/* The lengths that others cut to milliseconds, and so to nothing, among them. */
static void a_sleep_is_never_early(void)
{
    static const thrum_nanos lengths[] = {
        0,
        THRUM_NANOSECONDS(1),
        THRUM_MICROSECONDS(1),
        THRUM_MICROSECONDS(100),
        THRUM_MICROSECONDS(999),
        THRUM_MILLISECONDS(1),
        THRUM_MILLISECONDS(5),
        THRUM_MILLISECONDS(20),
    };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int early = 0, failed = 0;
        for (int round = 0; round < 50; round++) {
            thrum_nanos start = thrum_now();
            failed += thrum_sleep(lengths[i]) != THRUM_OK;
            early += thrum_now() - start < lengths[i];
        }
        CHECK_IS(early, 0);
        CHECK_IS(failed, 0);
    }
}

static void sleep_until_is_never_early(void)
{
    int early = 0, failed = 0;
    for (int round = 0; round < 50; round++) {
        thrum_deadline deadline = thrum_after(THRUM_MICROSECONDS(round * 61));
        failed += thrum_sleep_until(deadline) != THRUM_OK;
        early += thrum_now() < deadline.at || thrum_left(deadline) != 0;
    }
    CHECK_IS(early, 0);
    CHECK_IS(failed, 0);
}

static void a_sleep_until_the_past_or_for_less_than_nothing_is_over_at_once(void)
{
    thrum_nanos start = thrum_now();
    CHECK_STATUS(thrum_sleep_until(THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until((thrum_deadline){1}), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until((thrum_deadline){INT64_MIN}), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until((thrum_deadline){start}), THRUM_OK);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_STATUS(thrum_sleep(-1), THRUM_OK);
    CHECK_STATUS(thrum_sleep(INT64_MIN), THRUM_OK);
    CHECK(support_since(start) < 2000);
}

static void a_long_sleep_costs_no_processor_time(void)
{
    double cpu = support_cpu_milliseconds();
    thrum_nanos start = thrum_now();
    CHECK_STATUS(thrum_sleep(THRUM_SECONDS(1)), THRUM_OK);
    CHECK(support_since(start) >= 1000);
    CHECK(support_cpu_milliseconds() - cpu < 50);
}

/* Neither a busy loop nor no sleep at all. */
static void a_sleep_below_a_millisecond_is_a_sleep(void)
{
    double cpu = support_cpu_milliseconds();
    thrum_nanos start = thrum_now();
    for (int i = 0; i < 200; i++)
        CHECK_STATUS(thrum_sleep(THRUM_MICROSECONDS(900)), THRUM_OK);
    double elapsed = support_since(start);
    CHECK(elapsed >= 180);
    CHECK(support_cpu_milliseconds() - cpu < elapsed * 0.7);
}

/* ---- Interrupts ------------------------------------------------------------------------------------------------- */

typedef struct sleeper {
    bool until;
    uint32_t about_to;
    thrum_status status;
    thrum_status next;
} sleeper;

static void *sleep_long(void *arg)
{
    sleeper *s = arg;
    thrum_deadline deadline = support_in(20000);
    support_set_flag(&s->about_to);
    s->status = s->until ? thrum_sleep_until(deadline) : thrum_sleep(THRUM_SECONDS(20));
    s->next = thrum_sleep(THRUM_MICROSECONDS(1));
    return NULL;
}

/* Nobody else can see that a thread sleeps for time alone: the delays differ, so that it comes before, at and after. */
static void an_interrupt_ends_a_sleep_once(void)
{
    thrum_nanos start = thrum_now();
    for (int round = 0; round < 40; round++) {
        sleeper s = {.until = round % 2 == 1, .status = THRUM_SYSTEM};
        thrum_thread *thread = support_start(sleep_long, &s);
        support_await_flag(&s.about_to);
        (void)!thrum_sleep(THRUM_MICROSECONDS(round * 25));
        CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK);
        support_join(thread);
        CHECK_STATUS(s.status, THRUM_INTERRUPTED);
        CHECK_STATUS(s.next, THRUM_OK);
    }
    CHECK(support_since(start) < 15000);
}

static void a_sleep_of_0_tells_a_pending_interrupt(void)
{
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_sleep(0), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_sleep(-5), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until(THRUM_IMMEDIATELY), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_sleep_until(THRUM_IMMEDIATELY), THRUM_OK);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until(THRUM_FOREVER), THRUM_INTERRUPTED);
}

static const support_test tests[] = {
    {"the_macros_are_nanoseconds", the_macros_are_nanoseconds},
    {"seconds_with_a_fraction_round_up", seconds_with_a_fraction_round_up},
    {"seconds_saturate_and_not_a_number_is_0", seconds_saturate_and_not_a_number_is_0},
    {"now_is_above_0_and_never_goes_back", now_is_above_0_and_never_goes_back},
    {"forever_never_passes_and_immediately_has", forever_never_passes_and_immediately_has},
    {"after_is_from_now_on", after_is_from_now_on},
    {"after_saturates_into_forever", after_saturates_into_forever},
    {"a_sleep_is_never_early", a_sleep_is_never_early},
    {"sleep_until_is_never_early", sleep_until_is_never_early},
    {"a_sleep_until_the_past_or_for_less_than_nothing_is_over_at_once",
     a_sleep_until_the_past_or_for_less_than_nothing_is_over_at_once},
    {"a_long_sleep_costs_no_processor_time", a_long_sleep_costs_no_processor_time},
    {"a_sleep_below_a_millisecond_is_a_sleep", a_sleep_below_a_millisecond_is_a_sleep},
    {"an_interrupt_ends_a_sleep_once", an_interrupt_ends_a_sleep_once},
    {"a_sleep_of_0_tells_a_pending_interrupt", a_sleep_of_0_tells_a_pending_interrupt},
};

SUITE("time", tests)
