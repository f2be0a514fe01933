/* What only Windows has: synchronous I/O that is cancelled, the last error, console events. */
#include "support/support.h"

#include <windows.h>

/* ---- Blocking regions -------------------------------------------------------------------------------------------------- */

static bool interrupt_main(void *by_thread_interrupt)
{
    if (*(bool *)by_thread_interrupt)
        return thrum_thread_interrupt(thrum_thread_main()) == THRUM_OK;
    return thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
}

/* Invariant 5: in the call, or just before it, an interrupt ends it. */
static void an_interrupt_ends_a_read_in_a_region(void)
{
    HANDLE nothing_comes, other_end;
    support_sender sender;
    bool by_thread_interrupt = false;
    int refused = 0, wrong = 0, late = 0;
    CHECK(CreatePipe(&nothing_comes, &other_end, NULL, 0));
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    support_sender_start(&sender, interrupt_main, &by_thread_interrupt);
    for (int round = 0; round < 200; round++) {
        char byte;
        DWORD read;
        support_sender_settle(&sender);
        sender.delay = (unsigned)round * 3;
        by_thread_interrupt = round % 3 == 0;
        thrum_nanos start = thrum_now();
        support_sender_tell(&sender);
        if (thrum_blocking_begin() != THRUM_OK) {
            refused++;
            continue;
        }
        BOOL result = ReadFile(nothing_comes, &byte, 1, &read, NULL);
        DWORD reason = GetLastError();
        thrum_status status = thrum_blocking_end();
        if (status != THRUM_INTERRUPTED || result || reason != ERROR_OPERATION_ABORTED || GetLastError() != reason)
            wrong++;
        if (support_since(start) > 2000)
            late++;
    }
    support_sender_end(&sender);
    CHECK_IS(wrong, 0);
    CHECK_IS(late, 0);
    CHECK(refused < 200);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CloseHandle(nothing_comes);
    CloseHandle(other_end);
}

static HANDLE late_end;

static void *interrupt_then_write(void *unused)
{
    DWORD written;
    thrum_interrupt_main(THRUM_SIGINT);
    Sleep(100);
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

/* ---- The last error ------------------------------------------------------------------------------------------------------ */

static void the_last_error_is_kept(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    SetLastError(77);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGINT), THRUM_OK);
    CHECK_IS(GetLastError(), 77);
    CHECK_STATUS(thrum_signal_check(), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- Console events ------------------------------------------------------------------------------------------------------ */

static void control_c_and_control_break_end_waits(void)
{
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGBREAK, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    if (!support_signal_process(THRUM_SIGINT)) {
        printf("  there is no console here\n");
    } else {
        CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
        if (!support_signal_process(THRUM_SIGBREAK))
            printf("  Ctrl-Break cannot be sent here: so it is with Wine 8 and a process of its console's own group\n");
        else
            CHECK_STATUS(thrum_sleep(THRUM_SECONDS(20)), THRUM_INTERRUPTED);
    }
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGBREAK, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

static void a_stack_below_64_kib_is_invalid(void)
{
    const thrum_thread_options options = {NULL, 65535, false};
    CHECK_STATUS(thrum_thread_start(NULL, interrupt_then_write, NULL, &options), THRUM_INVALID);
    CHECK_IS(thrum_last_system_error(), ERROR_INVALID_PARAMETER);
}

static const support_test tests[] = {
    TEST(an_interrupt_ends_a_read_in_a_region),
    TEST(outside_a_region_nothing_is_cancelled),
    TEST(the_last_error_is_kept),
    TEST(control_c_and_control_break_end_waits),
    TEST(a_stack_below_64_kib_is_invalid),
};

SUITE("win32", tests)
