/*
 * A forgotten thread interrupts the main thread, which is asleep.
 *
 * The main thread sleeps two seconds at a time. After five the other thread interrupts it: its third sleep ends at
 * once, and the program ends as Ctrl-C would have ended it. A real Ctrl-C does the same, at any moment.
 */
#include <thrum/thrum.h>

#include <stdio.h>

typedef struct greeting {
    const char *name;
    int number;
} greeting;

static void *interrupt_main(void *arg)
{
    const greeting *g = (const greeting *)arg;
    printf("Hello, I am in thread %s %d\n", g->name, g->number);
    printf("I will interrupt main thread after 5 sec.\n");
    fflush(stdout);
    if (thrum_sleep(THRUM_SECONDS(5)) == THRUM_OK)
        thrum_interrupt_main(THRUM_SIGINT);
    return NULL;
}

int main(void)
{
    static thrum_lock lock;
    static greeting hello = {"thread-1", 1};

    thrum_init();
    thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL);

    THRUM_WITH (&lock) {
        puts("a_lock is locked while this executes");
    }
    if (thrum_thread_start(NULL, interrupt_main, &hello, NULL) != THRUM_OK)
        return 1;

    do {
        puts("I am main thread, I will sleep 2 sec.");
        fflush(stdout);
    } while (thrum_sleep(THRUM_SECONDS(2)) != THRUM_INTERRUPTED);

    puts("KeyboardInterrupt");
    thrum_exit_by_signal(THRUM_SIGINT);
}
