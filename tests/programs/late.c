/*
 * Windows: a DLL that joins a thread when the process ends, as DLLs should not: in DllMain, when the system has killed
 * all other threads. And that has called thrum_init itself, so the shutdown comes there too. late_begin is what
 * programs/console.c calls in it.
 */
#include <thrum/thrum.h>

#include <stdio.h>
#include <windows.h>

__declspec(dllexport) int late_begin(void);

static thrum_thread *thread;

static void *sleep_for_ever(void *unused)
{
    for (;;)
        (void)!thrum_sleep(THRUM_SECONDS(1000));
    return unused;
}

static void say(void *line)
{
    puts((const char *)line);
    fflush(stdout);
}

int late_begin(void)
{
    static char callback[] = "callback";
    if (thrum_init() != THRUM_OK || thrum_at_exit(say, callback) != THRUM_OK)
        return 80;
    return thrum_thread_start(&thread, sleep_for_ever, NULL, NULL) == THRUM_OK ? 0 : 81;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends);

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends)
{
    static char joined[] = "joined", shut_down[] = "shut down";
    (void)module;
    if (reason != DLL_PROCESS_DETACH || !process_ends || !thread)
        return TRUE;
    if (thrum_thread_join(thread, THRUM_FOREVER, NULL) == THRUM_OK)
        say(joined);
    if (thrum_shutdown(THRUM_FOREVER) == THRUM_OK)
        say(shut_down);
    return TRUE;
}
