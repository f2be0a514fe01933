/*
 * A thread that counts its sleeps, and a main thread that joins it two seconds at a time.
 *
 * Ctrl-C tells the thread to stop, and main waits for its end. SIGTERM prints a line, stops it, and the program ends
 * with status 0. With --daemon it is a daemon thread: main need not wait, and its own end, on Ctrl-C, is the program's.
 */
#include <thrum/thrum.h>

#include <stdio.h>
#include <string.h>

static thrum_event should_stop;
static bool terminated;

static void *count(void *name)
{
    for (int seconds = 2; thrum_event_wait(&should_stop, thrum_after(THRUM_SECONDS(2))) == THRUM_TIMED_OUT;
         seconds += 2) {
        printf("%s sleeping %d seconds\n", (const char *)name, seconds);
        fflush(stdout);
    }
    return NULL;
}

static thrum_status terminate(int signum, void *unused)
{
    (void)unused;
    printf("Caught signal: %d\n", signum);
    fflush(stdout);
    terminated = true;
    return THRUM_INTERRUPTED; /* end the join that main is in */
}

int main(int argc, char **argv)
{
    static char name[] = "demon";
    const thrum_thread_options options = {
        .name = name,
        .daemon = argc > 1 && strcmp(argv[1], "--daemon") == 0,
    };
    thrum_thread *demon;
    thrum_status status;

    thrum_init();
    thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL);
    thrum_signal_handle(THRUM_SIGTERM, (thrum_signal_handler){terminate, NULL}, NULL);
    if (thrum_thread_start(&demon, count, name, &options) != THRUM_OK)
        return 1;

    do
        status = thrum_thread_join(demon, thrum_after(THRUM_SECONDS(2)), NULL);
    while (status == THRUM_TIMED_OUT);

    if (status == THRUM_INTERRUPTED && !terminated)
        puts("KeyboardInterrupt");
    if (options.daemon)
        return 0;
    thrum_event_set(&should_stop);
    status = thrum_thread_join(demon, THRUM_FOREVER, NULL);
    thrum_thread_release(demon);
    return status == THRUM_OK ? 0 : 1;
}
