/*
 * The Windows port: signals. Three come from the console, each on a thread that the system starts for it: Ctrl-C,
 * Ctrl-Break, and the closing of the console. The others exist inside the process: only thrum_signal_raise and
 * thrum_interrupt_main send them. What is done with each stands in a table here, for good: a console event may come
 * while the process ends.
 */
#include "win32.h"

#include <thrum/atomic.h>
#include <thrum/signal.h>

enum { NUMBERS = 32 };

#define ENDED_BY_CONTROL_C 0xC000013Au /* STATUS_CONTROL_C_EXIT: how the system ends a process on Ctrl-C */

enum { UNKNOWN, ENDS, IGNORED, FAULT }; /* what its default action does; a fault cannot be handled */

static const struct {
    const char *name;
    unsigned char kind;
} signals[NUMBERS] = {
    [THRUM_SIGHUP] = {"SIGHUP", ENDS},
    [THRUM_SIGINT] = {"SIGINT", ENDS},
    [4] = {"SIGILL", FAULT},
    [8] = {"SIGFPE", FAULT},
    [THRUM_SIGUSR1] = {"SIGUSR1", ENDS},
    [11] = {"SIGSEGV", FAULT},
    [THRUM_SIGUSR2] = {"SIGUSR2", ENDS},
    [THRUM_SIGPIPE] = {"SIGPIPE", ENDS},
    [THRUM_SIGALRM] = {"SIGALRM", ENDS},
    [THRUM_SIGTERM] = {"SIGTERM", ENDS},
    [THRUM_SIGCHLD] = {"SIGCHLD", IGNORED},
    [THRUM_SIGCONT] = {"SIGCONT", IGNORED},
    [THRUM_SIGTSTP] = {"SIGTSTP", IGNORED},
    [THRUM_SIGBREAK] = {"SIGBREAK", ENDS},
    [22] = {"SIGABRT", FAULT},
    [THRUM_SIGURG] = {"SIGURG", IGNORED},
    [THRUM_SIGWINCH] = {"SIGWINCH", IGNORED},
    [THRUM_SIGIO] = {"SIGIO", IGNORED},
};

static uint32_t dispositions[NUMBERS]; /* atomic: enum thrum__disposition */
static void (*signal_arrived)(int);

void thrum__win32_signals_begin(const thrum__port_upcalls *upcalls)
{
    signal_arrived = upcalls->signal_arrived;
}

static bool is_known(int signum)
{
    return signum > 0 && signum < NUMBERS && signals[signum].name;
}

const char *thrum__port_signal_name(int signum)
{
    return is_known(signum) ? signals[signum].name : NULL;
}

bool thrum__port_signal_can(int signum)
{
    return is_known(signum) && signals[signum].kind != FAULT;
}

thrum__disposition thrum__port_signal_now(int signum)
{
    return (thrum__disposition)thrum__load_u32_acquire(&dispositions[signum]);
}

/* ---- The console ------------------------------------------------------------------------------------------------ */

static uint32_t closing; /* atomic: how many threads are in close_console */

/* Once this has returned the process ends; it may well end before. That it is closing is said before main is woken, who
 * may set handlers at once. */
static void close_console(int signum)
{
    thrum__fetch_add_u32_acq_rel(&closing, 1);
    signal_arrived(signum);
    thrum__win32_await_end();
    thrum__fetch_add_u32_acq_rel(&closing, (uint32_t)-1);
}

static BOOL WINAPI on_console_event(DWORD event)
{
    int signum = event == CTRL_C_EVENT       ? THRUM_SIGINT
                 : event == CTRL_BREAK_EVENT ? THRUM_SIGBREAK
                 : event == CTRL_CLOSE_EVENT ? THRUM_SIGTERM
                                             : 0; /* logging off and shutting down reach services */
    if (signum == 0)
        return FALSE;
    switch (thrum__port_signal_now(signum)) {
    case THRUM__CAUGHT:
        if (event == CTRL_CLOSE_EVENT)
            close_console(signum);
        else
            signal_arrived(signum);
        return TRUE;
    case THRUM__IGNORED:
        return TRUE;
    default:
        return FALSE; /* let the next handler have it: the system's own ends the process */
    }
}

static bool is_from_console(int signum)
{
    return signum == THRUM_SIGINT || signum == THRUM_SIGBREAK || signum == THRUM_SIGTERM;
}

/* Takes the place of on_console_event while that is put in anew. It counts, so that no linker makes the two one. */
static BOOL WINAPI on_event_meanwhile(DWORD event)
{
    static uint32_t events;
    thrum__fetch_add_u32_acq_rel(&events, 1);
    return on_console_event(event);
}

/*
 * AllocConsole, AttachConsole and FreeConsole take all handlers away, and nothing tells whether ours is still there. So
 * it is put in anew, without an instant in which neither is there, or an event would end the process. Not while a
 * console is being closed: the system holds its lock on the handlers while one of them runs, and main would wait here
 * until the process ends.
 */
static bool listen_to_console(void)
{
    if (thrum__load_u32_acquire(&closing))
        return true;
    bool listening = SetConsoleCtrlHandler(on_event_meanwhile, TRUE);
    if (listening) {
        SetConsoleCtrlHandler(on_console_event, FALSE);
        listening = SetConsoleCtrlHandler(on_console_event, TRUE);
    }
    if (!listening)
        thrum__win32_fail();
    SetConsoleCtrlHandler(on_event_meanwhile, FALSE);
    return listening;
}

bool thrum__port_signal_set(int signum, thrum__disposition disposition)
{
    if (is_from_console(signum) && disposition != THRUM__DEFAULT) {
        if (!listen_to_console())
            return false;
        if (signum == THRUM_SIGINT && !thrum__load_u32_acquire(&closing))
            SetConsoleCtrlHandler(NULL, FALSE); /* a parent may have had it ignored: now the program says otherwise */
    }
    thrum__store_u32_release(&dispositions[signum], (uint32_t)disposition);
    return true;
}

/* ---- Breaking a system call ---------------------------------------------------------------------------------------- */

static HANDLE main_thread; /* written by main, before a region */

bool thrum__port_break_begin(void)
{
    static DWORD whose; /* thrum_init may have named another thread main since the last region */
    if (main_thread && whose == GetCurrentThreadId())
        return true;
    HANDLE handle = (HANDLE)thrum__port_native_handle();
    if (!handle) {
        thrum__win32_fail();
        return false;
    }
    thrum__port_native_forget((uintptr_t)main_thread);
    main_thread = handle;
    whose = GetCurrentThreadId();
    return true;
}

void thrum__port_break_main(void)
{
    CancelSynchronousIo(main_thread);
}

void thrum__port_break_end(void)
{
    /* What was cancelled was cancelled at once. */
}

uint64_t thrum__port_keep_reason(void)
{
    return GetLastError();
}

void thrum__port_restore_reason(uint64_t reason)
{
    SetLastError((DWORD)reason);
}

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

bool thrum__port_signal_main(int signum)
{
    DWORD error = GetLastError();
    signal_arrived(signum);
    SetLastError(error);
    return true;
}

bool thrum__port_start_mask(void *sigset)
{
    (void)sigset;
    return false; /* Windows keeps signals from no thread */
}

thrum_status thrum__port_signal_raise(int signum)
{
    if (!is_known(signum))
        return THRUM_INVALID;
    switch (thrum__port_signal_now(signum)) {
    case THRUM__CAUGHT:
        thrum__port_signal_main(signum);
        break;
    case THRUM__IGNORED:
        break;
    default:
        if (signals[signum].kind != IGNORED)
            thrum__port_die_by(signum);
    }
    return THRUM_OK;
}

void thrum__port_signal_let_kill(int signum)
{
    if (is_known(signum))
        thrum__store_u32_release(&dispositions[signum], THRUM__DEFAULT);
}

void thrum__port_die_by(int signum)
{
    UINT code = is_from_console(signum) ? ENDED_BY_CONTROL_C : 128u + ((unsigned)signum & 127);
    TerminateProcess(GetCurrentProcess(), code);
    for (;;)
        Sleep(INFINITE);
}
