/* What only Windows has: synchronous I/O that is cancelled, the last error. Console events are in test_console.c. */
#include "support/support.h"

#include <windows.h>

/* ---- Blocking regions -------------------------------------------------------------------------------------------------- */

static bool interrupt_main(void *by_thread_interrupt)
{
    if (*(bool *)by_thread_interrupt)
        return thrum_thread_interrupt(thrum_thread_main()) == THRUM_OK;
    return thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
}

/* A synchronous call that does not end by itself, and what it works on. */
typedef struct blocking_call {
    const char *name;
    BOOL (*call)(void);
    DWORD reason; /* that it was ended; 0: Wine 8 does not say it as Windows does */
} blocking_call;

static HANDLE nothing_comes, other_end, nobody_reads, nobodys_end, named, client, lonely, directory, console;
static char bytes[65536];
static DWORD count;

static BOOL read_pipe(void)
{
    return ReadFile(nothing_comes, bytes, 1, &count, NULL);
}
static BOOL read_named_pipe(void)
{
    return ReadFile(named, bytes, 1, &count, NULL);
}
static BOOL write_full_pipe(void)
{
    return WriteFile(nobody_reads, bytes, sizeof bytes, &count, NULL);
}
static BOOL await_client(void)
{
    return ConnectNamedPipe(lonely, NULL);
}
static BOOL flush_named_pipe(void)
{
    return FlushFileBuffers(named);
}
static BOOL await_change(void)
{
    return ReadDirectoryChangesW(directory, bytes, 1024, FALSE, FILE_NOTIFY_CHANGE_SIZE, &count, NULL, NULL);
}
static BOOL read_console_as_file(void)
{
    return ReadFile(console, bytes, 1, &count, NULL);
}
static BOOL read_console(void)
{
    return ReadConsoleW(console, bytes, 1, &count, NULL);
}

static const blocking_call calls[] = {
    {"ReadFile, pipe", read_pipe, ERROR_OPERATION_ABORTED},
    {"ReadFile, named pipe", read_named_pipe, ERROR_OPERATION_ABORTED},
    {"WriteFile, full pipe", write_full_pipe, ERROR_OPERATION_ABORTED},
    {"ConnectNamedPipe", await_client, ERROR_OPERATION_ABORTED},
    {"FlushFileBuffers, pipe", flush_named_pipe, ERROR_OPERATION_ABORTED},
    {"ReadDirectoryChangesW", await_change, 0},
    {"ReadFile, console", read_console_as_file, ERROR_OPERATION_ABORTED},
    {"ReadConsoleW", read_console, 0},
};
enum { CALLS = sizeof calls / sizeof calls[0], CONSOLE_CALLS = 2 }; /* the last ones */

static HANDLE make_pipe(const char *name, DWORD size)
{
    return CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_WAIT, 1, size, size, 0, NULL);
}

static void open_all(void)
{
    static const char pipe_name[] = "\\\\.\\pipe\\thrum-test-calls", lonely_name[] = "\\\\.\\pipe\\thrum-test-lonely";
    const DWORD both = GENERIC_READ | GENERIC_WRITE, shared = FILE_SHARE_READ | FILE_SHARE_WRITE;
    DWORD written;
    CHECK(CreatePipe(&nothing_comes, &other_end, NULL, 0));
    CHECK(CreatePipe(&nobodys_end, &nobody_reads, NULL, 4096));
    named = make_pipe(pipe_name, 4096);
    lonely = make_pipe(lonely_name, 4096);
    client = CreateFileA(pipe_name, both, 0, NULL, OPEN_EXISTING, 0, NULL);
    directory = CreateFileA(".", FILE_LIST_DIRECTORY, shared | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                            FILE_FLAG_BACKUP_SEMANTICS, NULL);
    console = CreateFileA("CONIN$", both, shared, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(named != INVALID_HANDLE_VALUE && lonely != INVALID_HANDLE_VALUE && client != INVALID_HANDLE_VALUE &&
          directory != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(named, "x", 1, &written, NULL)); /* the client does not read it: so there is something to flush */
}

static void close_all(void)
{
    HANDLE all[] = {nothing_comes, other_end, nobody_reads, nobodys_end, named, client, lonely, directory, console};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != INVALID_HANDLE_VALUE)
            CloseHandle(all[i]);
}

typedef struct tally {
    int in_call, refused, wrong, late;
} tally;

/* One region with two such calls in it: each must be ended, also the second, before which nothing new comes. */
static void interrupt_one_region(const blocking_call *kind, support_sender *sender, tally *seen)
{
    thrum_nanos start = thrum_now();
    support_sender_tell(sender);
    if (thrum_blocking_begin() != THRUM_OK) {
        seen->refused++;
        return;
    }
    BOOL first = kind->call(), second = kind->call();
    DWORD reason = GetLastError();
    thrum_status status = thrum_blocking_end();
    seen->in_call++;
    if (status != THRUM_INTERRUPTED || first || second || (kind->reason && reason != kind->reason) ||
        GetLastError() != reason)
        seen->wrong++;
    if (support_since(start) > 2000)
        seen->late++;
}

/* What runs in the end of a region, after which the last error is the call's all the same. */
static thrum_status lose_the_last_error(int signum, void *unused)
{
    (void)signum, (void)unused;
    SetLastError(ERROR_ARENA_TRASHED);
    return THRUM_INTERRUPTED;
}

/* Invariant 5: in the call, or just before it, an interrupt ends it; and so until the end of the region. */
static void an_interrupt_ends_each_kind_of_call_in_a_region(void)
{
    enum { ROUNDS = 60 };
    support_sender sender;
    bool by_thread_interrupt = false;
    open_all();
    thrum_signal_handler handler = {lose_the_last_error, NULL};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, handler, NULL), THRUM_OK);
    support_sender_start(&sender, interrupt_main, &by_thread_interrupt);
    int kinds = console == INVALID_HANDLE_VALUE ? CALLS - CONSOLE_CALLS : CALLS;
    if (kinds < CALLS)
        printf("  there is no console here\n");
    for (int kind = 0; kind < kinds; kind++) {
        tally seen = {0, 0, 0, 0};
        for (int round = 0; round < ROUNDS; round++) {
            support_sender_settle(&sender);
            sender.delay = (unsigned)round * 10;
            by_thread_interrupt = round % 3 == 0;
            interrupt_one_region(&calls[kind], &sender, &seen);
        }
        printf("  %-22s ended %d times, refused before it began %d\n", calls[kind].name, seen.in_call, seen.refused);
        CHECK_IS(seen.wrong, 0);
        CHECK_IS(seen.late, 0);
        CHECK(seen.in_call > 0);
    }
    support_sender_end(&sender);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    close_all();
}

static HANDLE late_end;

static void *interrupt_then_write(void *unused)
{
    DWORD written;
    for (int i = 0; i < 20; i++) { /* before main reads, and while it does */
        thrum_interrupt_main(THRUM_SIGINT);
        Sleep(5);
    }
    WriteFile(late_end, "x", 1, &written, NULL);
    return unused;
}

static void outside_a_region_nothing_is_cancelled(void)
{
    HANDLE end;
    char byte = 0;
    DWORD read = 0;
    CHECK(CreatePipe(&end, &late_end, NULL, 0));
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    thrum_thread *thread = support_start(interrupt_then_write, NULL);
    CHECK(ReadFile(end, &byte, 1, &read, NULL));
    CHECK_IS(byte, 'x');
    CHECK_STATUS(thrum_signal_check(), THRUM_INTERRUPTED);
    support_join(thread);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CloseHandle(end);
    CloseHandle(late_end);
}

static bool interrupt_and_write_later(void *unused)
{
    (void)unused;
    bool ok = thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
    DWORD written;
    thrum_nanos until = thrum_now() + THRUM_MILLISECONDS(3);
    while (thrum_now() < until) {}
    return WriteFile(late_end, "x", 1, &written, NULL) && ok;
}

/* The interrupt comes before, at or after the end of the region; the read that follows it is not touched. */
static void at_the_end_of_a_region_the_cancelling_ends(void)
{
    support_sender sender;
    HANDLE end;
    int cancelled = 0, in_region = 0;
    CHECK(CreatePipe(&end, &late_end, NULL, 0));
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    support_sender_start(&sender, interrupt_and_write_later, NULL);
    for (int round = 0; round < 300; round++) {
        char byte = 0;
        sender.delay = (unsigned)round % 100;
        support_sender_tell(&sender);
        thrum_nanos until = thrum_now() + THRUM_MICROSECONDS(50 + round % 60 * 25);
        if (thrum_blocking_begin() == THRUM_OK) {
            while (thrum_now() < until) {}
            in_region += thrum_blocking_end() == THRUM_INTERRUPTED;
        }
        if (!ReadFile(end, &byte, 1, &count, NULL) || byte != 'x')
            cancelled++;
        support_sender_settle(&sender);
        (void)!thrum_signal_check();
    }
    printf("  %d of 300 interrupts came within the region\n", in_region);
    CHECK_IS(cancelled, 0);
    CHECK(in_region > 0);
    support_sender_end(&sender);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CloseHandle(end);
    CloseHandle(late_end);
}

/* ---- The last error ------------------------------------------------------------------------------------------------------ */

/* Whether a call leaves the last error as it was. */
#define KEEPS(call) (SetLastError(77), (void)!(call), GetLastError() == 77)

static thrum_event never;
static thrum_lock contended;

static void *sleep_at_never(void *unused)
{
    (void)!thrum_event_wait(&never, support_in(20000));
    return unused;
}

static void *hold_for_a_while(void *held)
{
    THRUM_WITH (&contended) {
        support_set_flag((uint32_t *)held);
        support_await_sleepers(&contended, 1);
    }
    return NULL;
}

static void interrupts_and_wakes_keep_the_last_error(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK(KEEPS(thrum_interrupt_main(THRUM_SIGINT)));
    CHECK(KEEPS(thrum_signal_check()));
    CHECK(KEEPS(thrum_signal_raise(THRUM_SIGINT)));
    CHECK(KEEPS(thrum_sleep(THRUM_SECONDS(20))));
    CHECK(KEEPS(thrum_thread_interrupt(thrum_thread_main())));
    CHECK(thrum_thread_take_interrupt());
    thrum_thread *thread = support_start(sleep_at_never, NULL);
    support_await_sleepers(&never, 1);
    SetLastError(77);
    thrum_event_set(&never);
    CHECK_IS(GetLastError(), 77);
    support_join(thread);
    thrum_event_clear(&never);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void waits_keep_the_last_error(void)
{
    uint32_t held = 0;
    CHECK(KEEPS(thrum_sleep(THRUM_MILLISECONDS(2))));
    CHECK(KEEPS(thrum_event_wait(&never, support_in(2))));
    thrum_thread *thread = support_start(hold_for_a_while, &held);
    support_await_flag(&held);
    SetLastError(77);
    thrum_lock_acquire(&contended); /* a sleep without a deadline */
    CHECK_IS(GetLastError(), 77);
    CHECK(KEEPS(thrum_lock_release(&contended)));
    support_join(thread);
}

/* ---- Threads --------------------------------------------------------------------------------------------------------- */

static thrum_local local;
static uint32_t destroyed;

static void count_destroyed(void *unused)
{
    (void)unused;
    thrum__fetch_add_u32_acq_rel(&destroyed, 1);
}

static void *set_local(void *how)
{
    if (thrum_local_set(local, how) == THRUM_OK && *(int *)how == 1)
        thrum_thread_exit(NULL);
    if (*(int *)how == 2)
        ExitThread(0); /* past whatever the compiler's library does at a thread's end */
    return NULL;
}

/* Others run them on the first and the last of four threads. */
static void destructors_run_on_every_thread_however_it_ends(void)
{
    static int hows[3] = {0, 1, 2};
    destroyed = 0;
    CHECK_STATUS(thrum_local_create(&local, count_destroyed), THRUM_OK);
    for (int i = 0; i < 12; i++) {
        support_foreign *foreign = support_foreign_start(set_local, &hows[i % 3]);
        support_join(support_start(set_local, &hows[i % 3]));
        support_foreign_join(foreign);
    }
    CHECK_IS(destroyed, 24);
    CHECK_STATUS(thrum_local_delete(local), THRUM_OK);
}

/* Else the tests that waits use none would show nothing. */
static void processor_time_is_counted_here(void)
{
    double before = support_cpu_milliseconds();
    thrum_deadline end = support_in(20000);
    while (support_cpu_milliseconds() - before < 100 && thrum_left(end) > 0) {}
    CHECK(support_cpu_milliseconds() - before >= 100);
}

static void a_stack_below_64_kib_is_invalid(void)
{
    const thrum_thread_options options = {NULL, 65535, false};
    CHECK_STATUS(thrum_thread_start(NULL, interrupt_then_write, NULL, &options), THRUM_INVALID);
    CHECK_IS(thrum_last_system_error(), ERROR_INVALID_PARAMETER);
}

static const support_test tests[] = {
    TEST(an_interrupt_ends_each_kind_of_call_in_a_region),
    TEST(outside_a_region_nothing_is_cancelled),
    TEST(at_the_end_of_a_region_the_cancelling_ends),
    TEST(interrupts_and_wakes_keep_the_last_error),
    TEST(waits_keep_the_last_error),
    TEST(destructors_run_on_every_thread_however_it_ends),
    TEST(processor_time_is_counted_here),
    TEST(a_stack_below_64_kib_is_invalid),
};

SUITE("win32", tests)
