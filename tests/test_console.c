/*
 * Windows: console events, in programs of their own (programs/console.c). The numbers of the invariants are those of
 * docs/invariants.md; docs/windows.md says what these tests show under Wine and what they cannot show.
 */
#include "support/child_win32.h"
#include "support/support.h"
#include "support/waits.h"

#include <stdlib.h>

#define PROGRAM "console_" THRUM_TEST_PARKER

static support_child start(const char *arguments, DWORD flags)
{
    return support_child_start(PROGRAM, arguments, flags);
}

static HANDLE close_console(const support_child *child)
{
    HANDLE thread = support_control_thread(child->process, CTRL_CLOSE_EVENT);
    if (!thread)
        support_give_up("no thread could be started in a child");
    return thread;
}

static bool has_ended(HANDLE thread)
{
    return WaitForSingleObject(thread, 0) == WAIT_OBJECT_0;
}

/* ---- Invariants 1 and 5: each event in each wait ------------------------------------------------------------------- */

/* Send the event, by the console if it does that. False if a thread had to be made for it. */
static bool give(const support_child *child, DWORD event, HANDLE *thread)
{
    *thread = NULL;
    if (support_console_event(child, event))
        return true;
    *thread = support_control_thread(child->process, event);
    if (!*thread)
        support_give_up("no thread could be started in a child");
    return false;
}

/* One wait is interrupted, this many milliseconds after the child has said that it begins. How long it was, -1 if it
 * did not end as it should. */
static double interrupt_once(support_child *child, DWORD event, DWORD delay, HANDLE *thread, bool *by_console)
{
    char line[100];
    support_child_expect(child, "waiting");
    Sleep(delay);
    *by_console = give(child, event, thread);
    static const char interrupted[] = "THRUM_INTERRUPTED ";
    bool right =
        support_child_read(child, line, sizeof line) && strncmp(line, interrupted, sizeof interrupted - 1) == 0;
    return right ? atof(line + sizeof interrupted - 1) : -1;
}

/* Each wait is hit in its beginning, and while main sleeps in it: that is so if the wait took time. */
static void end_each_wait(DWORD event, const char *name)
{
    static const DWORD delays[] = {0, 1, 20, 40};
    bool by_console = false;
    for (int kind = 0; kind < SUPPORT_WAITS; kind++) {
        char arguments[40];
        int rounds = event == CTRL_CLOSE_EVENT ? 1 : 4, wrong = 0;
        double longest = 0;
        snprintf(arguments, sizeof arguments, "wait %d %d", kind, rounds);
        for (int tries = 0; tries < 10 && longest < 5 && wrong == 0; tries++) {
            support_child child = start(arguments, CREATE_NEW_PROCESS_GROUP);
            HANDLE thread = NULL;
            for (int i = 0; i < rounds; i++) {
                double length = interrupt_once(&child, event, delays[rounds == 1 ? 3 : i], &thread, &by_console);
                wrong += length < 0;
                longest = length > longest ? length : longest;
            }
            support_child_go(&child);
            support_child_expect(&child, "shut down");
            wrong += thread && support_until_end(thread) > 2000;
            support_child_kill(&child);
        }
        printf("  %-10s %-20s longest wait %.1f ms\n", name, support_waits[kind].name, longest);
        CHECK_IS(wrong, 0);
        CHECK(longest >= 5);
    }
    printf("  %s was delivered by %s\n", name, by_console ? "the console" : "a thread of the test's at CtrlRoutine");
}

static void control_c_ends_each_wait(void)
{
    end_each_wait(CTRL_C_EVENT, "Ctrl-C");
}

static void control_break_ends_each_wait(void)
{
    end_each_wait(CTRL_BREAK_EVENT, "Ctrl-Break");
}

static void the_close_of_the_console_ends_each_wait(void)
{
    end_each_wait(CTRL_CLOSE_EVENT, "close");
}

/* ---- Invariant 8 ----------------------------------------------------------------------------------------------------- */

/* Close the console of a child that waits; how many milliseconds until the system's thread returned. */
static double close_and_wait(const char *program)
{
    support_child child = start(program, 0);
    support_child_expect(&child, "waiting");
    double time = support_until_end(close_console(&child));
    printf("  %s: the thread of the close returned after %.0f ms\n", program, time);
    CHECK(!has_ended(child.process)); /* Wine ends no process after a close, so we see what the thread does */
    support_child_kill(&child);
    return time;
}

static void a_program_that_does_not_shut_down_has_four_and_a_half_seconds(void)
{
    double time = close_and_wait("never_shuts_down");
    CHECK(time >= 4500);
    CHECK(time < 5000);
}

static void without_a_handler_a_close_is_declined_at_once(void)
{
    support_child child = start("has_no_handler", 0);
    support_child_expect(&child, "waiting");
    double time = support_until_end(close_console(&child));
    support_child_expect(&child, "declined 2");
    CHECK(time < 1000);
    support_child_kill(&child);
}

static void logoff_and_shutdown_are_declined_at_once(void)
{
    support_child child = start("declines_logoff", 0);
    support_child_expect(&child, "waiting");
    CHECK(support_until_end(support_control_thread(child.process, CTRL_LOGOFF_EVENT)) < 1000);
    support_child_expect(&child, "declined 5");
    CHECK(support_until_end(support_control_thread(child.process, CTRL_SHUTDOWN_EVENT)) < 1000);
    support_child_expect(&child, "declined 6");
    support_child_kill(&child);
}

/* From the child's line that it is done until the thread of the close returns. */
static void expect_return_after(support_child *child, HANDLE thread, const char *line)
{
    CHECK(!has_ended(thread));
    support_child_expect(child, line);
    double time = support_until_end(thread);
    printf("  returned %.0f ms after \"%s\"\n", time, line);
    CHECK(time < 1000);
}

static void a_close_waits_for_the_shutdown_and_not_longer(void)
{
    support_child child = start("shuts_down", 0);
    support_child_expect(&child, "waiting");
    HANDLE thread = close_console(&child);
    Sleep(300);
    CHECK(!has_ended(thread));
    support_child_go(&child);
    expect_return_after(&child, thread, "shut down");
    CHECK(!has_ended(child.process));
    support_child_kill(&child);
}

static void two_closes_wait_for_the_same_shutdown(void)
{
    support_child child = start("shuts_down", 0);
    support_child_expect(&child, "waiting");
    HANDLE first = close_console(&child), second = close_console(&child);
    support_child_go(&child);
    support_child_expect(&child, "shut down");
    CHECK(support_until_end(first) < 1000);
    CHECK(support_until_end(second) < 1000);
    support_child_kill(&child);
}

static void a_close_after_the_shutdown_waits_for_nothing(void)
{
    support_child child = start("shut_down_before", 0);
    support_child_expect(&child, "shut down");
    support_child_expect(&child, "waiting");
    HANDLE thread = close_console(&child);
    CHECK(support_until_end(thread) < 1000);
    support_child_expect(&child, "interrupted");
    support_child_kill(&child);
}

static void a_shutdown_that_timed_out_is_not_done(void)
{
    support_child child = start("times_out_and_shuts_down_again", 0);
    support_child_expect(&child, "waiting");
    HANDLE thread = close_console(&child);
    support_child_expect(&child, "timed out");
    Sleep(300);
    CHECK(!has_ended(thread));
    support_child_go(&child);
    expect_return_after(&child, thread, "shut down");
    support_child_kill(&child);
}

/* The thread of the close must not return before the process has ended, or Windows would cut its end short. */
static void end_in_a_close(const char *program, const char *first_line)
{
    support_child child = start(program, 0);
    support_child_expect(&child, "waiting");
    HANDLE thread = close_console(&child);
    if (first_line)
        support_child_expect(&child, first_line);
    support_child_expect(&child, "ending");
    Sleep(500);
    CHECK(!has_ended(thread));
    support_child_expect(&child, "ended");
    CHECK_IS(support_child_end(&child), 7);
}

static void an_exit_is_not_cut_short_by_its_shutdown(void)
{
    end_in_a_close("shuts_down_in_exit", NULL);
    end_in_a_close("shuts_down_and_exits", "shut down");
}

static void end_by_signal_in_a_close(const char *program, const char *line)
{
    DWORD status = 0;
    support_child child = start(program, 0);
    support_child_expect(&child, "waiting");
    HANDLE thread = close_console(&child);
    support_child_expect(&child, line);
    support_until_end(thread);
    GetExitCodeThread(thread, &status);
    CHECK_IS((int)status, (int)0xC000013A); /* it has not returned: the process has ended under it */
    CHECK_IS((int)support_child_end(&child), (int)0xC000013A);
}

static void an_end_by_signal_is_not_cut_short_either(void)
{
    end_by_signal_in_a_close("shuts_down_and_ends_by_signal", "buffered");
    end_by_signal_in_a_close("shuts_down_and_ends_by_signal_slowly", "shut down");
}

static void a_close_does_not_hold_up_handlers_that_are_set(void)
{
    support_child child = start("sets_handlers_in_a_close", 0);
    support_child_expect(&child, "waiting");
    thrum_nanos closed = thrum_now();
    HANDLE thread = close_console(&child);
    support_child_go(&child);
    expect_return_after(&child, thread, "shut down");
    CHECK(support_since(closed) < 3000);
    support_child_kill(&child);
}

/* ---- Groups and consoles; invariant 10 ---------------------------------------------------------------------------- */

static void in_a_group_of_its_own_control_c_is_off_until_a_handler_is_set(void)
{
    support_child child = start("in_a_group", CREATE_NEW_PROCESS_GROUP);
    HANDLE thread;
    support_child_expect(&child, "no handler");
    if (!give(&child, CTRL_C_EVENT, &thread))
        support_until_end(thread);
    support_child_go(&child);
    support_child_expect(&child, "waiting"); /* else Ctrl-C has ended it */
    give(&child, CTRL_C_EVENT, &thread);
    support_child_expect(&child, "interrupted");
    CHECK_IS(support_child_end(&child), 0);
}

static void without_a_console_interrupt_main_ends_each_wait(void)
{
    support_child detached = start("has_no_console", DETACHED_PROCESS);
    CHECK_IS(support_child_end(&detached), 0);
    support_child freed = start("has_freed_its_console", 0);
    CHECK_IS(support_child_end(&freed), 0);
}

static void a_new_console_sends_events_too(void)
{
    char line[40] = "";
    support_child child = start("has_a_new_console", 0);
    support_child_expect(&child, "waiting");
    support_until_end(support_control_thread(child.process, CTRL_C_EVENT));
    support_child_expect(&child, "interrupted");
    CHECK(support_child_read(&child, line, sizeof line));
    if (strcmp(line, "sent") == 0)
        support_child_expect(&child, "interrupted");
    else
        printf("  the new console sends no Ctrl-C here\n");
    CHECK_IS(support_child_end(&child), 0);
}

/* ---- Events that race with the end -------------------------------------------------------------------------------- */

static bool is_legal(DWORD status)
{
    return status == 7 || status == 0xC000013A || status == 0; /* 0: how Wine ends a process that declines an event */
}

/* Until the child has ended, one Ctrl-C after another from the console, beside the events that the child makes itself.
 * (Under Wine 8 a thread that is made in another process which is just ending hangs who makes it.) How many. */
static int rain(const support_child *child)
{
    int sent = 0;
    thrum_deadline end = support_in(20000);
    while (WaitForSingleObject(child->process, 1) == WAIT_TIMEOUT && thrum_left(end) > 0)
        sent += support_console_event(child, CTRL_C_EVENT);
    return sent;
}

static void events_that_race_with_the_end_do_no_harm(void)
{
    enum { ROUNDS = 48 };
    int illegal = 0, sent = 0, interrupted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char arguments[20];
        snprintf(arguments, sizeof arguments, "ends %d", round);
        support_child child = start(arguments, CREATE_NEW_PROCESS_GROUP);
        support_child_expect(&child, "waiting");
        sent += rain(&child);
        DWORD status = support_child_end(&child);
        interrupted += status == 0xC000013A;
        if (!is_legal(status)) {
            printf("  round %d: status 0x%lx\n", round, status);
            illegal++;
        }
    }
    printf("  %d programs of %d were interrupted in their end; %d times Ctrl-C by the console\n", interrupted, ROUNDS,
           sent);
    CHECK_IS(illegal, 0);
}

/* ---- Others --------------------------------------------------------------------------------------------------------- */

/* Which of the DLL's lines come, in a program that must end by itself. */
static void run_late(const char *program, int *callbacks, int *joined, int *shut_down)
{
    support_child child = start(program, 0);
    char line[40];
    *callbacks = *joined = *shut_down = 0;
    while (support_child_read(&child, line, sizeof line)) {
        *callbacks += strcmp(line, "callback") == 0;
        *joined += strcmp(line, "joined") == 0;
        *shut_down += strcmp(line, "shut down") == 0;
    }
    CHECK_IS(support_child_end(&child), 7);
}

/* Nothing is joined when the system has killed the other threads: not by a DLL's own end, nor by a shutdown there. */
static void a_dll_that_joins_at_the_end_of_the_process_does_not_hang(void)
{
    int callbacks, joined, shut_down;
    run_late("loads_a_dll_that_joins_late", &callbacks, &joined, &shut_down);
    CHECK_IS(callbacks, 1);
    CHECK_IS(joined, 1);
    CHECK_IS(shut_down, 1);
}

/* The thread that was in the shutdown is dead: it will not be through with it. */
static void a_shutdown_that_was_killed_is_not_waited_for(void)
{
    int callbacks, joined, shut_down;
    run_late("ends_while_a_dll_shuts_down", &callbacks, &joined, &shut_down);
    CHECK_IS(callbacks, 1);
    CHECK_IS(joined, 1);
    CHECK_IS(shut_down, 0);
}

/* Invariant 5: it is main's call that is ended, whoever was main before. */
static void a_region_of_another_main_is_ended_too(void)
{
    support_child child = start("names_another_main", 0);
    CHECK_IS(support_child_end(&child), 7);
}

static const support_test tests[] = {
    TEST(control_c_ends_each_wait),
    TEST(control_break_ends_each_wait),
    TEST(the_close_of_the_console_ends_each_wait),
    TEST(a_program_that_does_not_shut_down_has_four_and_a_half_seconds),
    TEST(without_a_handler_a_close_is_declined_at_once),
    TEST(logoff_and_shutdown_are_declined_at_once),
    TEST(a_close_waits_for_the_shutdown_and_not_longer),
    TEST(two_closes_wait_for_the_same_shutdown),
    TEST(a_close_after_the_shutdown_waits_for_nothing),
    TEST(a_shutdown_that_timed_out_is_not_done),
    TEST(an_exit_is_not_cut_short_by_its_shutdown),
    TEST(an_end_by_signal_is_not_cut_short_either),
    TEST(a_close_does_not_hold_up_handlers_that_are_set),
    TEST(in_a_group_of_its_own_control_c_is_off_until_a_handler_is_set),
    TEST(without_a_console_interrupt_main_ends_each_wait),
    TEST(a_new_console_sends_events_too),
    TEST(events_that_race_with_the_end_do_no_harm),
    TEST(a_dll_that_joins_at_the_end_of_the_process_does_not_hang),
    TEST(a_shutdown_that_was_killed_is_not_waited_for),
    TEST(a_region_of_another_main_is_ended_too),
};

SUITE("console", tests)
