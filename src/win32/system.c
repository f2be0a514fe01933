/* The Windows port: the clock, memory, the beginning, stdio. */
#include "win32.h"

#include <stdio.h>
#include <stdlib.h>

/* The last failure is kept where GetLastError is: in the thread, by the system. What follows a failure in the core
 * calls nothing that would change it before it asks. */
static DWORD error_slot = TLS_OUT_OF_INDEXES;

void thrum__win32_fail(void)
{
    DWORD error = GetLastError();
    if (error_slot != TLS_OUT_OF_INDEXES)
        TlsSetValue(error_slot, (void *)(uintptr_t)error);
}

int thrum__port_error(void)
{
    return error_slot == TLS_OUT_OF_INDEXES ? 0 : (int)(uintptr_t)TlsGetValue(error_slot);
}

static BOOL CALLBACK run_begin(PINIT_ONCE once, void *begin, void **unused)
{
    (void)once, (void)unused;
    if (error_slot == TLS_OUT_OF_INDEXES)
        error_slot = TlsAlloc();
    (*(void (**)(void))begin)();
    return TRUE;
}

void thrum__port_once(void (*begin)(void))
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    InitOnceExecuteOnce(&once, run_begin, &begin, NULL);
}

int64_t thrum__port_now(void)
{
    const int64_t second = 1000000000;
    LARGE_INTEGER frequency, count;
    QueryPerformanceFrequency(&frequency); /* a constant, read from memory */
    QueryPerformanceCounter(&count);
    int64_t whole = count.QuadPart / frequency.QuadPart, part = count.QuadPart % frequency.QuadPart;
    return whole * second + part * second / frequency.QuadPart + 1;
}

DWORD thrum__win32_milliseconds_until(int64_t at)
{
    const int64_t most = INFINITE - 1;
    if (at == INT64_MAX)
        return INFINITE;
    int64_t left = at - thrum__port_now();
    if (left <= 0)
        return 0;
    int64_t whole = left / 1000000 + (left % 1000000 != 0);
    return (DWORD)(whole < most ? whole : most);
}

void *thrum__port_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        thrum__win32_fail();
    }
    return memory;
}

void thrum__port_free(void *memory)
{
    free(memory);
}

void thrum__port_yield(void)
{
    SwitchToThread();
}

unsigned thrum__port_cpu_count(void)
{
    DWORD_PTR process, system;
    unsigned count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system))
        for (; process; process &= process - 1)
            count++;
    return count ? count : 1; /* the mask is 0 for a process in several processor groups */
}

void thrum__port_sleep_for_good(void)
{
    for (;;)
        Sleep(INFINITE);
}

void thrum__port_flush_all(void)
{
    fflush(NULL);
}

void thrum__port_flush_standard(void)
{
    fflush(stdout);
    fflush(stderr);
}

void thrum__port_exit(int status)
{
    exit(status);
}
