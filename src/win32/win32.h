/* What the files of the Windows port share with one another. Windows 8 and later. */
#ifndef THRUM_WIN32_H
#define THRUM_WIN32_H

#include "../port.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Fail with GetLastError() as the reason: what thrum__port_error() will say. */
void thrum__win32_fail(void);

/* Milliseconds until a time on thrum__port_now's clock, rounded up; INFINITE for INT64_MAX. */
DWORD thrum__win32_milliseconds_until(int64_t at);

/* Wait until the process may end, in a program whose console was closed: at most 4.5 s. */
void thrum__win32_await_end(void);

/* signal.c's part of thrum__port_begin. */
void thrum__win32_signals_begin(const thrum__port_upcalls *upcalls);

#endif
