/* Windows: programs to which console events are sent, one an argument. test_console.c is at the other end: it reads
 * what is printed here and says when to go on. */
#include "../support/child_win32.h"
#include "../support/support.h"
#include "../support/waits.h"

#include <stdlib.h>
#include <windows.h>

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void await_go(void)
{
    char byte;
    DWORD read;
    if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &read, NULL) || read != 1)
        exit(90);
}

static thrum_status go_on(int signum, void *unused)
{
    (void)signum, (void)unused;
    return THRUM_OK;
}

static void handle(int signum, thrum_signal_handler handler)
{
    if (thrum_signal_handle(signum, handler, NULL) != THRUM_OK)
        exit(91);
}

static void interrupt_on_all(void)
{
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    handle(THRUM_SIGBREAK, THRUM_SIGNAL_INTERRUPT);
    handle(THRUM_SIGTERM, THRUM_SIGNAL_INTERRUPT);
}

/* Sleep until a signal interrupts, which must happen. */
static void sleep_until_interrupted(void)
{
    say("waiting");
    if (thrum_sleep(THRUM_SECONDS(20)) != THRUM_INTERRUPTED)
        exit(92);
}

/* After the shutdown the program does not end by itself: as if it had more to do. */
static int linger(void)
{
    Sleep(60000);
    return 93;
}

static void shut_down(void)
{
    thrum_status status;
    do
        status = thrum_shutdown(THRUM_FOREVER);
    while (status == THRUM_INTERRUPTED); /* a second close */
    if (status != THRUM_OK)
        exit(94);
    say("shut down");
}

/* ---- Waits ------------------------------------------------------------------------------------------------------- */

/* In a wait of the kind with this number, as often as it is told; then a shutdown. */
static int wait_kind(int kind, int rounds)
{
    support_waits_set_up();
    interrupt_on_all();
    for (int i = 0; i < rounds; i++) {
        say("waiting");
        thrum_nanos start = thrum_now();
        thrum_status status = support_waits[kind].wait(support_in(20000));
        printf("%s %.1f\n", thrum_status_name(status), support_since(start));
        fflush(stdout);
    }
    support_waits_tear_down();
    await_go();
    shut_down();
    return linger();
}

/* ---- The close of a console -------------------------------------------------------------------------------------- */

static int never_shuts_down(void)
{
    handle(THRUM_SIGTERM, THRUM_VALUE_(thrum_signal_handler, go_on, NULL));
    say("waiting");
    (void)!thrum_sleep(THRUM_SECONDS(20));
    return 0;
}

static BOOL WINAPI next_handler(DWORD event)
{
    printf("declined %lu\n", event);
    fflush(stdout);
    return TRUE;
}

static int has_no_handler(void)
{
    SetConsoleCtrlHandler(next_handler, TRUE); /* first, so that it is asked after thrum's */
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    say("waiting");
    return linger();
}

static int declines_logoff(void)
{
    SetConsoleCtrlHandler(next_handler, TRUE);
    interrupt_on_all();
    say("waiting");
    return linger();
}

static int shuts_down(void)
{
    interrupt_on_all();
    sleep_until_interrupted();
    await_go();
    shut_down();
    return linger();
}

static int shut_down_before(void)
{
    interrupt_on_all();
    shut_down();
    sleep_until_interrupted();
    say("interrupted");
    return linger();
}

static thrum_event let_end;

static void *wait_to_end(void *unused)
{
    (void)!thrum_event_wait(&let_end, THRUM_FOREVER);
    return unused;
}

static int times_out_and_shuts_down_again(void)
{
    interrupt_on_all();
    support_start(wait_to_end, NULL);
    sleep_until_interrupted();
    if (thrum_shutdown(support_in(50)) != THRUM_TIMED_OUT)
        return 95;
    say("timed out");
    await_go();
    thrum_event_set(&let_end);
    shut_down();
    return linger();
}

static void end_slowly(void)
{
    say("ending");
    Sleep(1000);
    say("ended");
}

/* The shutdown is within exit(), and is followed there by another function, for a second. */
static int shuts_down_in_exit(void)
{
    atexit(end_slowly);
    thrum_init();
    interrupt_on_all();
    sleep_until_interrupted();
    return 7;
}

/* As the one before; but thrum was shut down earlier too, and the program then goes on to exit(). */
static int shuts_down_and_exits(void)
{
    atexit(end_slowly);
    thrum_init();
    interrupt_on_all();
    sleep_until_interrupted();
    shut_down();
    return 7;
}

static int shuts_down_and_ends_by_signal(void)
{
    interrupt_on_all();
    sleep_until_interrupted();
    if (thrum_shutdown(THRUM_FOREVER) != THRUM_OK)
        return 95;
    printf("buffered\n");
    thrum_exit_by_signal(THRUM_SIGTERM);
}

static uint32_t has_stdout;

static void *hold_stdout(void *unused)
{
    _lock_file(stdout);
    support_set_flag(&has_stdout);
    Sleep(60000);
    return unused;
}

/* Somebody is inside standard output, and its end waits a second for that. */
static int shuts_down_and_ends_by_signal_slowly(void)
{
    interrupt_on_all();
    sleep_until_interrupted();
    shut_down();
    support_foreign_start(hold_stdout, NULL);
    support_await_flag(&has_stdout);
    thrum_exit_by_signal(THRUM_SIGTERM);
}

/* The system holds its lock on the handlers while one of them waits; main must not wait for it. */
static int sets_handlers_in_a_close(void)
{
    interrupt_on_all();
    sleep_until_interrupted();
    await_go();
    handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT);
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    handle(THRUM_SIGTERM, THRUM_SIGNAL_INTERRUPT);
    shut_down();
    return linger();
}

/* ---- Groups and consoles ----------------------------------------------------------------------------------------- */

static int in_a_group(void)
{
    say("no handler");
    await_go();
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    sleep_until_interrupted();
    say("interrupted");
    return 0;
}

static bool interrupt_main(void *unused)
{
    (void)unused;
    return thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
}

/* Invariant 10. */
static int interrupts_itself_in_each_wait(void)
{
    support_sender sender;
    support_waits_set_up();
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    support_sender_start(&sender, interrupt_main, NULL);
    for (int i = 0; i < 4 * SUPPORT_WAITS; i++) {
        sender.delay = i % 4 * 1000u;
        support_sender_tell(&sender);
        if (support_waits[i % SUPPORT_WAITS].wait(support_in(20000)) != THRUM_INTERRUPTED)
            return 96;
        support_sender_settle(&sender);
    }
    support_sender_end(&sender);
    support_waits_tear_down();
    return 0;
}

static int has_no_console(void)
{
    if (GetConsoleCP() != 0)
        return 97;
    return interrupts_itself_in_each_wait();
}

static int has_freed_its_console(void)
{
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    return FreeConsole() ? has_no_console() : 98;
}

/* The system takes all handlers away, so the program sets its own again. */
static int has_a_new_console(void)
{
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    FreeConsole();
    if (!AllocConsole())
        return 98;
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    sleep_until_interrupted();
    say("interrupted");
    say(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? "sent" : "not sent");
    if (thrum_sleep(THRUM_SECONDS(5)) == THRUM_INTERRUPTED)
        say("interrupted");
    return 0;
}

/* ---- Ends that events race with ---------------------------------------------------------------------------------- */

static void *exit_from_here(void *unused)
{
    exit(7);
    return unused;
}

/* A thread of the system's that makes threads which begin as the system begins an event. */
static void *rain(void *way)
{
    static const DWORD events[] = {CTRL_C_EVENT, CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT};
    int kinds = *(int *)way % 3 == 0 ? 4 : 3; /* under Wine nothing comes through while a close waits */
    for (unsigned i = 0;; i++) {
        HANDLE thread = support_control_thread(GetCurrentProcess(), events[i % kinds]);
        if (!thread)
            return NULL;
        WaitForSingleObject(thread, 1);
        CloseHandle(thread);
    }
}

static int ends(int way)
{
    thrum_init();
    interrupt_on_all();
    support_start(wait_to_end, NULL);
    support_foreign_start(rain, &way);
    say("waiting");
    thrum_nanos until = thrum_now() + THRUM_MICROSECONDS(500 * (way / 4));
    while (thrum_now() < until) {}
    thrum_event_set(&let_end);
    if (way % 4 == 1)
        thrum_exit_by_signal(THRUM_SIGTERM);
    if (way % 4 == 2) {
        support_start(exit_from_here, NULL);
        for (;;)
            (void)!thrum_sleep(THRUM_SECONDS(20));
    }
    if (way % 4 == 3 && thrum_shutdown(THRUM_FOREVER) == THRUM_INTERRUPTED)
        return 7;
    return 7;
}

/* ---- Others ------------------------------------------------------------------------------------------------------ */

/* A DLL that joins a thread when the system has killed all but this one. */
static int load_late(bool somebody_shuts_down)
{
    union {
        FARPROC any;
        int (*call)(bool);
    } begin;
    HMODULE library = LoadLibraryA("late_" THRUM_TEST_PARKER ".dll");
    begin.any = library ? GetProcAddress(library, "late_begin") : NULL;
    return begin.any && begin.call(somebody_shuts_down) == 0 ? 7 : 8;
}

static int loads_a_dll_that_joins_late(void)
{
    return load_late(false);
}

static int ends_while_a_dll_shuts_down(void)
{
    return load_late(true);
}

static int break_a_read(void)
{
    HANDLE nothing_comes, other_end;
    DWORD read;
    char byte;
    support_sender sender;
    CreatePipe(&nothing_comes, &other_end, NULL, 0);
    handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT);
    support_sender_start(&sender, interrupt_main, NULL);
    sender.delay = 20000;
    if (thrum_blocking_begin() != THRUM_OK)
        return 83;
    support_sender_tell(&sender);
    BOOL result = ReadFile(nothing_comes, &byte, 1, &read, NULL);
    if (thrum_blocking_end() != THRUM_INTERRUPTED || result)
        return 84;
    support_sender_end(&sender);
    return 7;
}

static void *become_main(void *unused)
{
    thrum_init();
    exit(break_a_read());
    return unused;
}

/* After a region of the first main's, another thread is named main. */
static int names_another_main(void)
{
    int status = break_a_read();
    if (status != 7)
        return status;
    support_foreign_join(support_foreign_start(become_main, NULL));
    return 85;
}

static const struct {
    const char *name;
    int (*run)(void);
} programs[] = {
    {"never_shuts_down", never_shuts_down},
    {"has_no_handler", has_no_handler},
    {"declines_logoff", declines_logoff},
    {"shuts_down", shuts_down},
    {"shut_down_before", shut_down_before},
    {"times_out_and_shuts_down_again", times_out_and_shuts_down_again},
    {"shuts_down_in_exit", shuts_down_in_exit},
    {"shuts_down_and_exits", shuts_down_and_exits},
    {"shuts_down_and_ends_by_signal", shuts_down_and_ends_by_signal},
    {"shuts_down_and_ends_by_signal_slowly", shuts_down_and_ends_by_signal_slowly},
    {"sets_handlers_in_a_close", sets_handlers_in_a_close},
    {"loads_a_dll_that_joins_late", loads_a_dll_that_joins_late},
    {"ends_while_a_dll_shuts_down", ends_while_a_dll_shuts_down},
    {"names_another_main", names_another_main},
    {"in_a_group", in_a_group},
    {"has_no_console", has_no_console},
    {"has_freed_its_console", has_freed_its_console},
    {"has_a_new_console", has_a_new_console},
};

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "wait") == 0)
        return wait_kind(atoi(argv[2]), atoi(argv[3]));
    if (argc == 3 && strcmp(argv[1], "ends") == 0)
        return ends(atoi(argv[2]));
    for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run();
    fprintf(stderr, "usage: console PROGRAM\n");
    return 99;
}
