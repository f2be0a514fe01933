/* The Windows port: threads. */
#include "win32.h"

#include <thrum/atomic.h>

#include <stdlib.h>

static void (*thread_began)(void *);

/* ---- Who I am --------------------------------------------------------------------------------------------------- */

/* Slots of the system's, since the compiler's thread-local variables may allocate (MinGW's do). */
static DWORD self_slot, token_slot, over_slot, end_slot;
static void (*end_run)(void *);

static void CALLBACK thread_ends(void *arg);

/* A thread that cannot be told from others can do nothing of thrum's. */
static void must(bool done)
{
    if (!done)
        abort();
}

static BOOL CALLBACK make_slots(PINIT_ONCE once, void *unused, void **unused_too)
{
    (void)once, (void)unused, (void)unused_too;
    self_slot = TlsAlloc();
    token_slot = TlsAlloc();
    over_slot = TlsAlloc();
    end_slot = FlsAlloc(thread_ends);
    must(self_slot != TLS_OUT_OF_INDEXES && token_slot != TLS_OUT_OF_INDEXES && over_slot != TLS_OUT_OF_INDEXES);
    return TRUE;
}

static void need_slots(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    InitOnceExecuteOnce(&once, make_slots, NULL, NULL);
}

/* TlsGetValue sets the last error, which is the program's. */
static void *get(const DWORD *slot)
{
    DWORD error = GetLastError();
    need_slots();
    void *value = TlsGetValue(*slot);
    SetLastError(error);
    return value;
}

void *thrum__port_self(void)
{
    return get(&self_slot);
}

void thrum__port_set_self(void *self)
{
    need_slots();
    must(TlsSetValue(self_slot, self));
}

void *thrum__port_token(void)
{
    static uint64_t last; /* atomic */
    void *token = get(&token_slot);
    while (!token) {
        uint64_t before = thrum__load_u64_acquire(&last);
        if (!thrum__cas_u64_acq_rel(&last, before, before + 1))
            continue;
        token = (void *)(uintptr_t)(before + 1);
        must(TlsSetValue(token_slot, token));
    }
    return token;
}

uint64_t thrum__port_native_id(void)
{
    return GetCurrentThreadId();
}

uintptr_t thrum__port_native_handle(void)
{
    HANDLE handle = NULL, process = GetCurrentProcess();
    DuplicateHandle(process, GetCurrentThread(), process, &handle, 0, FALSE, DUPLICATE_SAME_ACCESS);
    return (uintptr_t)handle;
}

void thrum__port_native_forget(uintptr_t handle)
{
    if (handle)
        CloseHandle((HANDLE)handle);
}

/* ---- The main thread -------------------------------------------------------------------------------------------- */

/* The thread that loaded thrum, until thrum_init says otherwise. */
static uint32_t main_id;

/* Functions that some systems lack. They are looked up when thrum is loaded: the look-up takes the loader's lock, which
 * the end of a thread holds when it comes for thrum's. */
typedef BOOLEAN(WINAPI *dll_shutdown_in_progress)(void);
typedef HRESULT(WINAPI *set_thread_description)(HANDLE, const wchar_t *);
static union {
    FARPROC any;
    dll_shutdown_in_progress ask;
} process_is_ending;
static union {
    FARPROC any;
    set_thread_description call; /* Windows 10 1607 */
} describe_thread;

static void thrum_is_loaded(void)
{
    HMODULE module, kernel = GetModuleHandleW(L"kernelbase.dll"), nt = GetModuleHandleW(L"ntdll.dll");
    main_id = GetCurrentThreadId();
    describe_thread.any = kernel ? GetProcAddress(kernel, "SetThreadDescription") : NULL;
    process_is_ending.any = nt ? GetProcAddress(nt, "RtlDllShutdownInProgress") : NULL;
    /* Threads, their ends and the console's handler run code of this module: it stays for good. */
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       (const wchar_t *)(const void *)&main_id, &module);
}

#if defined(_MSC_VER)
static void __cdecl on_load(void)
{
    thrum_is_loaded();
}
#pragma section(".CRT$XCU", read)
__declspec(allocate(".CRT$XCU")) void(__cdecl *thrum__win32_on_load)(void) = on_load;
#else
__attribute__((constructor)) static void on_load(void)
{
    thrum_is_loaded();
}
#endif

bool thrum__port_is_alone(void)
{
    return process_is_ending.any && process_is_ending.ask();
}

bool thrum__port_is_main(void)
{
    return thrum__load_u32_acquire(&main_id) == GetCurrentThreadId();
}

bool thrum__port_claim_main(void)
{
    thrum__store_u32_release(&main_id, GetCurrentThreadId());
    return true;
}

/* ---- The end of a thread ---------------------------------------------------------------------------------------- */

static void CALLBACK thread_ends(void *arg)
{
    /* When the process ends the system has killed the other threads, some perhaps with a lock of ours: touch nothing.
     */
    if (!arg || thrum__port_is_alone())
        return;
    TlsSetValue(over_slot, arg);
    end_run(arg);
}

bool thrum__port_at_thread_end(void (*run)(void *), void *arg)
{
    if (get(&over_slot) || end_slot == FLS_OUT_OF_INDEXES)
        return false;
    end_run = run;
    return FlsSetValue(end_slot, arg);
}

void thrum__port_thread_exit(void)
{
    ExitThread(0);
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

enum { LEAST_STACK = 65536, USUAL_STACK = 1048576 };

static DWORD WINAPI began(void *arg)
{
    thread_began(arg);
    return 0;
}

static bool can_reserve(size_t size)
{
    void *memory = VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
    if (!memory)
        return false;
    VirtualFree(memory, 0, MEM_RELEASE);
    return true;
}

thrum_status thrum__port_thread_start(void *arg, size_t stack_size)
{
    DWORD id;
    /* Asked first, for CreateThread rounds up, and a size near the largest becomes a small one (seen with Wine). */
    if (stack_size != 0 && (stack_size < LEAST_STACK || stack_size > SIZE_MAX / 2 || !can_reserve(stack_size))) {
        SetLastError(ERROR_INVALID_PARAMETER);
        thrum__win32_fail();
        return THRUM_INVALID;
    }
    HANDLE thread =
        CreateThread(NULL, stack_size ? stack_size : USUAL_STACK, began, arg, STACK_SIZE_PARAM_IS_A_RESERVATION, &id);
    if (thread) {
        CloseHandle(thread);
        return THRUM_OK;
    }
    DWORD error = GetLastError();
    thrum__win32_fail();
    return error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_OUTOFMEMORY ? THRUM_NO_MEMORY : THRUM_NO_THREADS;
}

/* ---- Names --------------------------------------------------------------------------------------------------------- */

void thrum__port_name_thread(uintptr_t handle, const char *name)
{
    wchar_t wide[128];
    if (describe_thread.any && MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, 128) > 0)
        describe_thread.call((HANDLE)handle, wide);
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

void thrum__port_begin(const thrum__port_upcalls *upcalls)
{
    thread_began = upcalls->thread_began;
    need_slots();
    thrum__win32_signals_begin(upcalls);
}
