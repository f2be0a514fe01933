/*
 * Windows: a DLL that joins a thread when the process ends, as DLLs should not: in DllMain, when the system has killed
 * all other threads. And that has called thrum_init itself, so the shutdown comes there too. late_begin is what
 * programs/console.c calls in it.
 */
#include <thrum/thrum.h>

#include <stdio.h>
#include <windows.h>

__declspec(dllexport) int late_begin(bool somebody_shuts_down);

static thrum_thread *thread;

static void *sleep_for_ever(void *unused)
{
    for (;;)
        (void)!thrum_sleep(THRUM_SECONDS(1000));
    return unused;
}

static thrum_event shutdown_has_begun;

static void *shut_down_for_ever(void *unused)
{
    (void)!thrum_shutdown(THRUM_FOREVER);
    return unused;
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void callback(void *unused)
{
    (void)unused;
    say("callback");
    thrum_event_set(&shutdown_has_begun);
}

int late_begin(bool somebody_shuts_down)
{
    const thrum_thread_options daemon = {NULL, 0, true};
    if (thrum_init() != THRUM_OK || thrum_at_exit(callback, NULL) != THRUM_OK)
        return 80;
    if (thrum_thread_start(&thread, sleep_for_ever, NULL, NULL) != THRUM_OK)
        return 81;
    if (!somebody_shuts_down)
        return 0;
    if (thrum_thread_start(NULL, shut_down_for_ever, NULL, &daemon) != THRUM_OK)
        return 81;
    return thrum_event_wait(&shutdown_has_begun, THRUM_FOREVER) == THRUM_OK ? 0 : 82;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends);

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends)
{
    (void)module;
    if (reason != DLL_PROCESS_DETACH || !process_ends || !thread)
        return TRUE;
    if (thrum_thread_join(thread, THRUM_FOREVER, NULL) == THRUM_OK)
        say("joined");
    if (thrum_shutdown(THRUM_FOREVER) == THRUM_OK)
        say("shut down");
    return TRUE;
}
