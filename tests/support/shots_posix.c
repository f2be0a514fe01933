/* Shots on POSIX: the interval timer, once. The test's handler stands before thrum's, to see where main is when the
 * signal comes. */
#include "stops.h"

#include "support.h"

#include <signal.h>
#include <sys/time.h>

static void (*on_arrival)(void);
static struct sigaction thrums;

static void arrive(int signum)
{
    on_arrival();
    thrums.sa_handler(signum);
}

void stops_shots_begin(void (*note)(void))
{
    struct sigaction ours;
    on_arrival = note;
    if (sigaction(SIGALRM, NULL, &thrums) != 0)
        support_give_up("no handler for SIGALRM");
    ours = thrums;
    ours.sa_handler = arrive;
    if (sigaction(SIGALRM, &ours, NULL) != 0)
        support_give_up("no handler before thrum's");
}

void stops_shoot(void)
{
    const struct itimerval once = {{0, 0}, {0, 20}};
    if (setitimer(ITIMER_REAL, &once, NULL) != 0)
        support_give_up("no timer");
}

void stops_shots_end(void)
{
    sigaction(SIGALRM, &thrums, NULL);
}

bool stops_shots_need_no_processor(void)
{
    return true;
}
