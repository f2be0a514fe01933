/* Shots on Windows, which has no timer that ends in a signal: a thread that waits for the instant and sends it. */
#include "stops.h"

#include "support.h"

static support_sender sender;
static void (*on_arrival)(void);

static bool send(void *unused)
{
    (void)unused;
    on_arrival();
    return thrum_interrupt_main(THRUM_SIGALRM) == THRUM_OK;
}

void stops_shots_begin(void (*note)(void))
{
    on_arrival = note;
    support_sender_start(&sender, send, NULL);
    sender.delay = 20;
}

void stops_shoot(void)
{
    support_sender_settle(&sender);
    support_sender_tell(&sender);
}

void stops_shots_end(void)
{
    support_sender_end(&sender);
}

bool stops_shots_need_no_processor(void)
{
    return false;
}
