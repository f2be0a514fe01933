/*
 * Windows: a child process that a test talks with, and console events for it.
 *
 * The child is a program beside the suite's. It prints lines, which the test reads, and reads bytes, which tell it to
 * go on. Each wait has a bound of 20 s, after which the suite gives up.
 */
#ifndef THRUM_TESTS_CHILD_WIN32_H
#define THRUM_TESTS_CHILD_WIN32_H

#include <stdbool.h>
#include <windows.h>

typedef struct support_child {
    HANDLE process;
    DWORD id; /* its process group's too, with CREATE_NEW_PROCESS_GROUP */
    HANDLE output_, input_;
} support_child;

/* Start PROGRAM (without .exe) with these arguments and CreateProcess's flags. */
support_child support_child_start(const char *program, const char *arguments, DWORD flags);

/* Its next line, without the end of it. False: there is none, for its output has been closed. */
bool support_child_read(support_child *child, char *line, size_t size);

/* Read a line that must be this one; otherwise the suite gives up. */
void support_child_expect(support_child *child, const char *line);

/* Let it go on where it reads a byte. */
void support_child_go(support_child *child);

/* Wait for its end, or bring it about. The exit status. */
DWORD support_child_end(support_child *child);
DWORD support_child_kill(support_child *child);

/*
 * Give a process a console event as the system does: a new thread in it that begins at CtrlRoutine, which calls the
 * registered handlers. The thread, or NULL if the process is about to end. Only the delivery is not the console's own.
 */
HANDLE support_control_thread(HANDLE process, DWORD event);

/* The same by the console's own delivery, GenerateConsoleCtrlEvent, to the child's process group. False where that
 * cannot be: Wine 8 has no Ctrl-Break, Windows gives no group a Ctrl-C, and nowhere can a close be sent so. */
bool support_console_event(const support_child *child, DWORD event);

/* Milliseconds until this thread or process ends; 20,000 if it does not. */
double support_until_end(HANDLE handle);

#endif
