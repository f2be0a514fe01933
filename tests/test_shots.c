/*
 * Invariant 1, the blunt way: a signal is shot at the instant at which a wait begins, many thousand times for each kind
 * of wait. A timer alone mostly fires when main sleeps already, and proves nothing; so main's own pace is steered:
 * after a shot that came before main's last look at its mailbox it begins the next wait a little sooner, after one that
 * came later, a little later. Half of the shots come on either side, most of them close to it.
 */
#include "support/stops.h"
#include "support/support.h"
#include "support/waits.h"

enum { STEP = 50 /* ns */ };

static int shots; /* at each kind of wait */

/* Where main was when the shot came. */
enum place { BEFORE_THE_WAIT, ARRIVING, LOOKED, SLEEPS, PLACES };

static uint32_t place; /* atomic */

static void note_place(void)
{
    uint32_t here = stops_passed(THRUM__STOP_IN_PARKER)      ? SLEEPS
                    : stops_passed(THRUM__STOP_BEFORE_SLEEP) ? LOOKED
                    : stops_passed(THRUM__STOP_BEFORE_QUEUE) ? ARRIVING
                                                             : BEFORE_THE_WAIT;
    thrum__store_u32_release(&place, here);
}

static int runs;

static thrum_status count(int signum, void *unused)
{
    (void)signum, (void)unused;
    runs++;
    return THRUM_INTERRUPTED;
}

static int shots_at(const support_wait *wait, int places[PLACES])
{
    thrum_nanos pace = THRUM_MICROSECONDS(15);
    int lost = 0;
    for (int i = 0; i < shots; i++) {
        stops_watch(thrum__port_token());
        thrum_nanos begin = thrum_now();
        stops_shoot();
        while (thrum_now() < begin + pace) {}
        lost += wait->wait(support_in(20000)) != THRUM_INTERRUPTED;
        uint32_t here = thrum__load_u32_acquire(&place);
        places[here]++;
        pace += here == BEFORE_THE_WAIT || here == ARRIVING ? -STEP : STEP;
        pace = pace < 0 ? 0 : pace > THRUM_MILLISECONDS(5) ? THRUM_MILLISECONDS(5) : pace;
    }
    return lost;
}

static void report(const char *name, const int places[PLACES])
{
    printf("  %-20s of %d shots %d came before the wait, %d as it queued; %d after its last look, %d after that\n",
           name, shots, places[BEFORE_THE_WAIT], places[ARRIVING], places[LOOKED], places[SLEEPS]);
    if (!stops_shots_need_no_processor())
        return; /* who sends them runs when the scheduler lets it, and cannot be steered on a busy machine */
    CHECK(places[BEFORE_THE_WAIT] + places[ARRIVING] > shots / 10);
    CHECK(places[LOOKED] + places[SLEEPS] > shots / 10);
}

static void no_signal_at_the_beginning_of_a_wait_is_lost(void)
{
    const thrum_signal_handler handler = {count, NULL};
    shots = support_slowness() > 5 ? 2000 : 20000; /* a sanitizer or an emulator is too slow for more */
    support_waits_set_up();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGALRM, handler, NULL), THRUM_OK);
    stops_shots_begin(note_place);
    for (int w = 0; w < SUPPORT_WAITS; w++) {
        int places[PLACES] = {0};
        runs = 0;
        CHECK_IS(shots_at(&support_waits[w], places), 0);
        CHECK_IS(runs, shots); /* each once */
        report(support_waits[w].name, places);
    }
    stops_shots_end();
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGALRM, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_waits_tear_down();
}

static const support_test tests[] = {
    TEST(no_signal_at_the_beginning_of_a_wait_is_lost),
};

SUITE("shots", tests)
