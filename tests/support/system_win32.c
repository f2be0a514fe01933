/* The support on Windows. */
#include "support.h"

#include <process.h>
#include <stdlib.h>
#include <windows.h>

#include <psapi.h>
#include <tlhelp32.h>

double support_cpu_milliseconds(void)
{
    FILETIME created, ended, kernel, user;
    GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user);
    uint64_t ticks = ((uint64_t)kernel.dwHighDateTime << 32) + kernel.dwLowDateTime +
                     ((uint64_t)user.dwHighDateTime << 32) + user.dwLowDateTime;
    return (double)ticks / 1e4;
}

static long count_threads(void)
{
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    long count = 0;
    if (all == INVALID_HANDLE_VALUE)
        return -1;
    for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(all);
    return count;
}

/* What the system says of every handle there is: class 16 of NtQuerySystemInformation, SystemHandleInformation. */
typedef struct handle_table {
    ULONG count;
    struct {
        ULONG process;
        ULONG kind_and_number;
        void *object;
        ULONG access;
    } handles[1];
} handle_table;

typedef LONG(WINAPI *query_system_information)(int what, void *answer, ULONG size, ULONG *needed);

static handle_table *all_handles(void)
{
    union {
        FARPROC any;
        query_system_information ask;
    } query = {GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation")};
    for (ULONG size = 65536; query.any && size <= 16 * 1048576; size *= 2) {
        handle_table *table = malloc(size);
        if (table && query.ask(16, table, size, NULL) == 0)
            return table;
        free(table);
    }
    return NULL;
}

/* Wine 8 has no GetProcessHandleCount that counts. */
static long count_handles(void)
{
    DWORD handles = 0;
    if (GetProcessHandleCount(GetCurrentProcess(), &handles) && handles > 0)
        return (long)handles;
    handle_table *table = all_handles();
    long count = table ? 0 : -1;
    for (ULONG i = 0; table && i < table->count; i++)
        count += table->handles[i].process == GetCurrentProcessId();
    free(table);
    return count;
}

/* Wine 8's own: a program without thrum whose threads start at up to 64 at a time swings between 29 and 875 MiB, for
 * what a thread leaves is given back by those that end later. leaks.c waits until as few as before are left, and saw 4
 * MiB. A record lost with each thread shows in the number of records, a handle in that of handles, at once. */
const long support_memory_noise = 16 * 1024;

/* An event and a timer. */
const long support_handles_kept = 2;

support_usage support_usage_now(void)
{
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
    support_usage now = {-1, count_threads(), count_handles()};
    if (K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        now.resident = (long)(memory.WorkingSetSize / 1024);
    return now;
}

struct support_foreign {
    HANDLE thread;
    void *(*run)(void *);
    void *arg;
};

static DWORD WINAPI begin(void *arg)
{
    support_foreign *foreign = arg;
    foreign->run(foreign->arg);
    return 0;
}

support_foreign *support_foreign_start(void *(*run)(void *), void *arg)
{
    support_foreign *foreign = malloc(sizeof *foreign);
    if (!foreign)
        support_give_up("no memory");
    foreign->run = run;
    foreign->arg = arg;
    foreign->thread = CreateThread(NULL, 0, begin, foreign, 0, NULL);
    if (!foreign->thread)
        support_give_up("a foreign thread could not be started");
    return foreign;
}

void support_foreign_join(support_foreign *foreign)
{
    WaitForSingleObject(foreign->thread, INFINITE);
    CloseHandle(foreign->thread);
    free(foreign);
}

bool support_foreign_signal(support_foreign *foreign, int signum)
{
    (void)foreign, (void)signum;
    return false;
}

bool support_signal_main(int signum)
{
    (void)signum;
    return false;
}

int support_run_program(const char *self, const char *name, const char *argument)
{
    char path[4096];
    const char *slash = strrchr(self, '\\');
    if (!slash)
        slash = strrchr(self, '/');
    snprintf(path, sizeof path, "%.*s%s.exe", slash ? (int)(slash - self + 1) : 0, self, name);
    return (int)_spawnl(_P_WAIT, path, path, argument, NULL);
}

/* A Ctrl-C is sent to all who share the console, and so to who runs the tests. On Windows proper the suite moves to one
 * of its own first; under Wine each program is started in its own. */
void support_system_begin(void)
{
    HMODULE nt = GetModuleHandleW(L"ntdll.dll");
    if (nt && GetProcAddress(nt, "wine_get_version"))
        return;
    FreeConsole();
    AllocConsole();
}

bool support_signal_process(int signum)
{
    DWORD event = signum == THRUM_SIGINT ? CTRL_C_EVENT : CTRL_BREAK_EVENT;
    return (signum == THRUM_SIGINT || signum == THRUM_SIGBREAK) && GenerateConsoleCtrlEvent(event, 0);
}

bool support_signal_foreign(int signum)
{
    (void)signum;
    return false;
}

void support_signal_foreign_settle(void)
{
}

bool support_signal_from_outside(int signum)
{
    (void)signum;
    return false;
}

bool support_is_blocked(int signum)
{
    (void)signum;
    return true;
}

void *support_page_new(void)
{
    void *page = VirtualAlloc(NULL, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    if (!page)
        support_give_up("no page of memory");
    return page;
}

static void protect(void *page, DWORD protection)
{
    DWORD before;
    if (!VirtualProtect(page, 4096, protection, &before))
        support_give_up("a page could not be opened or closed");
}

void support_page_close(void *page)
{
    protect(page, PAGE_NOACCESS);
}

void support_page_open(void *page)
{
    protect(page, PAGE_READWRITE);
}

bool support_main_has_signal_handlers(void)
{
    return false;
}

thrum_nanos support_machine_busy(void)
{
    return 0;
}

void support_nap(void)
{
    SwitchToThread(); /* Sleep(1) would be a tick */
}
