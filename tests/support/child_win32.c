/* Windows: a child process, and console events for it. */
#include "child_win32.h"

#include "support.h"

static HANDLE inheritable(HANDLE handle)
{
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle;
}

support_child support_child_start(const char *program, const char *arguments, DWORD flags)
{
    support_child child;
    HANDLE its_output, its_input;
    PROCESS_INFORMATION made;
    STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    char path[1024], command[1400];
    const char *end = strrchr(support_self, '\\');
    if (!end)
        end = strrchr(support_self, '/');
    snprintf(path, sizeof path, "%.*s%s.exe", end ? (int)(end - support_self + 1) : 0, support_self, program);
    snprintf(command, sizeof command, "\"%s\" %s", path, arguments);
    if (!CreatePipe(&child.output_, &its_output, NULL, 0) || !CreatePipe(&its_input, &child.input_, NULL, 0))
        support_give_up("no pipe");
    startup.hStdInput = inheritable(its_input);
    startup.hStdOutput = startup.hStdError = inheritable(its_output);
    if (!CreateProcessA(path, command, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &made))
        support_give_up("a child could not be started");
    CloseHandle(its_input);
    CloseHandle(its_output);
    CloseHandle(made.hThread);
    child.process = made.hProcess;
    child.id = made.dwProcessId;
    return child;
}

/* Whether there is a byte to read. The pipe is looked at first, so as not to hang in ReadFile. */
static bool await_byte(const support_child *child)
{
    DWORD there = 0;
    thrum_deadline end = support_in(20000);
    while (PeekNamedPipe(child->output_, NULL, 0, NULL, &there, NULL) && there == 0) {
        if (thrum_left(end) == 0)
            support_give_up("a child says nothing");
        Sleep(1);
    }
    return there > 0;
}

bool support_child_read(support_child *child, char *line, size_t size)
{
    size_t length = 0;
    char byte = 0;
    DWORD got;
    while (byte != '\n') {
        if (!await_byte(child) || !ReadFile(child->output_, &byte, 1, &got, NULL) || got != 1)
            return false;
        if (byte != '\n' && byte != '\r' && length < size - 1)
            line[length++] = byte;
    }
    line[length] = 0;
    return true;
}

void support_child_expect(support_child *child, const char *line)
{
    char is[200] = "(its end)";
    if (support_child_read(child, is, sizeof is) && strcmp(is, line) == 0)
        return;
    fprintf(stderr, "a child says \"%s\" and not \"%s\"\n", is, line);
    support_give_up("a child does not do what it should");
}

void support_child_go(support_child *child)
{
    DWORD written;
    if (!WriteFile(child->input_, "g", 1, &written, NULL))
        support_give_up("a child does not listen");
}

DWORD support_child_end(support_child *child)
{
    DWORD status = 0;
    if (WaitForSingleObject(child->process, 20000) != WAIT_OBJECT_0)
        support_give_up("a child does not end");
    GetExitCodeProcess(child->process, &status);
    CloseHandle(child->process);
    CloseHandle(child->output_);
    CloseHandle(child->input_);
    return status;
}

DWORD support_child_kill(support_child *child)
{
    TerminateProcess(child->process, 0);
    return support_child_end(child);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

HANDLE support_control_thread(HANDLE process, DWORD event)
{
    union {
        FARPROC any;
        LPTHREAD_START_ROUTINE routine;
    } control;
    control.any = GetProcAddress(GetModuleHandleA("kernel32.dll"), "CtrlRoutine");
    if (!control.any)
        support_give_up("this system exports no CtrlRoutine");
    return CreateRemoteThread(process, NULL, 0, control.routine, (void *)(uintptr_t)event, 0, NULL);
}

static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

bool support_console_event(const support_child *child, DWORD event)
{
    if (event == CTRL_C_EVENT ? !is_wine() : event != CTRL_BREAK_EVENT)
        return false;
    return GenerateConsoleCtrlEvent(event, child->id);
}

double support_until_end(HANDLE handle)
{
    thrum_nanos start = thrum_now();
    WaitForSingleObject(handle, 20000);
    return support_since(start);
}
