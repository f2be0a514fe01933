/*
 * Drive an example program as a person would: on a terminal of its own, with Ctrl-C typed there, and watch what it
 * prints when and how it ends.
 *
 *     drive SCENARIO COMMAND [ARG ...]
 *
 * The program's input is a pseudo-terminal, its controlling one; its output is a pipe, so that under Wine no screen is
 * drawn. Times are measured from its first line. What a busy machine adds, by running something else when the program
 * or the driver is ready, is allowed for (Linux tells). Prints one line a finding, and the status says whether all was
 * as it should be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MOST_LINES = 12 };

typedef struct expected_line {
    const char *text;
    double at;      /* seconds after the first line */
    bool any_order; /* may change places with the next one: two threads print at the same time */
} expected_line;

typedef enum ending { BY_SIGINT, STATUS_0 } ending;

typedef struct scenario {
    const char *name;
    double control_c; /* when Ctrl-C is typed; 0: never */
    double terminate; /* when SIGTERM is sent; 0: never */
    double ends;
    ending ending;
    expected_line lines[MOST_LINES];
} scenario;

#define HEAD                                                                                                           \
    {"a_lock is locked while this executes", 0, false}, {"I am main thread, I will sleep 2 sec.", 0, true},            \
        {"Hello, I am in thread thread-1 1", 0, true},                                                                 \
    {                                                                                                                  \
        "I will interrupt main thread after 5 sec.", 0, true                                                           \
    }

static const scenario scenarios[] = {
    {"interrupt_main",
     0,
     0,
     5,
     BY_SIGINT,
     {HEAD,
      {"I am main thread, I will sleep 2 sec.", 2, false},
      {"I am main thread, I will sleep 2 sec.", 4, false},
      {"KeyboardInterrupt", 5, false}}},
    {"interrupt_main.control_c",
     3,
     0,
     3,
     BY_SIGINT,
     {HEAD, {"I am main thread, I will sleep 2 sec.", 2, false}, {"KeyboardInterrupt", 3, false}}},
    {"daemon_thread.control_c",
     3,
     0,
     3,
     STATUS_0,
     {{"demon sleeping 2 seconds", 0, false}, {"demon sleeping 4 seconds", 2, false}, {"KeyboardInterrupt", 3, false}}},
    {"daemon_thread.terminate",
     0,
     3,
     3,
     STATUS_0,
     {{"demon sleeping 2 seconds", 0, false}, {"demon sleeping 4 seconds", 2, false}, {"Caught signal: 15", 3, false}}},
    {"daemon_thread.daemon",
     1,
     0,
     1,
     STATUS_0,
     {{"demon sleeping 2 seconds", 0, false}, {"KeyboardInterrupt", 1, false}}},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

/* ---- How busy the machine is ------------------------------------------------------------------------------------- */

/* For how long, in seconds, this thread has been ready while something else ran: Linux' second number in schedstat. */
static double busy_thread(const char *folder, const char *thread)
{
    char path[400];
    double ran, waited = 0;
    snprintf(path, sizeof path, "%s/%s/schedstat", folder, thread);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%lf %lf", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return waited / 1e9;
}

static double busy_process(pid_t pid)
{
    char folder[64];
    double sum = 0;
    snprintf(folder, sizeof folder, "/proc/%ld/task", (long)pid);
    DIR *threads = opendir(folder);
    if (!threads)
        return 0;
    for (const struct dirent *thread = readdir(threads); thread; thread = readdir(threads))
        if (thread->d_name[0] != '.')
            sum += busy_thread(folder, thread->d_name);
    closedir(threads);
    return sum;
}

/* What a hypervisor has given to others, in whole ticks. */
static double stolen(void)
{
    double ticks = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return 0;
    if (fscanf(file, "cpu %*f %*f %*f %*f %*f %*f %*f %lf", &ticks) != 1)
        ticks = 0;
    fclose(file);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

static double busy(pid_t program)
{
    return busy_process(program) + stolen();
}

/* ---- The program, on its terminal ------------------------------------------------------------------------------- */

typedef struct program {
    pid_t pid;
    int terminal; /* our end of it */
    int output;
} program;

static void become(const char *terminal, int output, char **argv)
{
    setsid();
    int in = open(terminal, O_RDWR); /* a session's first terminal is its controlling one (Linux, macOS: ask) */
#if defined(TIOCSCTTY)
    ioctl(in, TIOCSCTTY, 0);
#endif
    dup2(in, 0);
    dup2(output, 1);
    dup2(output, 2);
    close(in);
    close(output);
    execvp(argv[0], argv);
    _exit(127);
}

static program start(char **argv)
{
    program p;
    int ends[2];
    p.terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (p.terminal < 0 || grantpt(p.terminal) != 0 || unlockpt(p.terminal) != 0 || pipe(ends) != 0)
        give_up("no pseudo-terminal");
    fcntl(p.terminal, F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const char *name = ptsname(p.terminal);
    p.pid = fork();
    if (p.pid == 0)
        become(name, ends[1], argv);
    close(ends[1]);
    p.output = ends[0];
    return p;
}

/* ---- What it prints --------------------------------------------------------------------------------------------- */

typedef struct seen_line {
    char text[200];
    double at;
} seen_line;

typedef struct seen {
    seen_line lines[MOST_LINES];
    int count;
    char part[200];
    size_t length;
    double first; /* when the first line came; 0: not yet */
    double begun; /* how busy the machine had been when the program was started */
    double busy;  /* for how long the program has waited for it since; grows */
    double late;  /* by how much the driver may have been late: to look, and to type */
    double typed; /* when Ctrl-C was */
    double echo;  /* how long the terminal took for it: it has a thread of the system's, which waits its turn too */
    double end;
    int status;
} seen;

static void take_bytes(seen *s, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\r')
            continue;
        if (bytes[i] != '\n') {
            if (s->length < sizeof s->part - 1)
                s->part[s->length++] = bytes[i];
            continue;
        }
        s->part[s->length] = 0;
        s->length = 0;
        if (s->first == 0)
            s->first = now();
        if (s->count < MOST_LINES) {
            memcpy(s->lines[s->count].text, s->part, sizeof s->part);
            s->lines[s->count++].at = now() - s->first;
        }
    }
}

static bool due(double when, const seen *s, bool *done)
{
    if (*done || when == 0 || s->first == 0 || now() - s->first < when)
        return false;
    *done = true;
    return true;
}

/* What there is to read now. */
static void drain(int output, seen *s)
{
    char bytes[512];
    struct pollfd file = {output, POLLIN, 0};
    ssize_t n = 1;
    while (n > 0 && poll(&file, 1, 0) == 1 && (n = read(output, bytes, sizeof bytes)) > 0)
        take_bytes(s, bytes, n);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Until the process has ended: the pipe may stay open longer, in the hands of Wine's own processes. */
static void watch(const scenario *sc, program p, seen *s)
{
    bool typed = false, sent = false;
    double begin = now();
    char bytes[512];
    double looked = begin;
    s->begun = busy(p.pid);
    for (bool over = false; !over;) {
        over = has_ended(p.pid); /* what it waited for is told until its status is fetched */
        s->busy = larger(busy(p.pid) - s->begun, s->busy);
        s->late = larger(now() - looked, s->late);
        looked = now();
        struct pollfd files[2] = {{p.output, POLLIN, 0}, {p.terminal, POLLIN, 0}};
        poll(files, 2, 1);
        if ((files[1].revents & POLLIN) && read(p.terminal, bytes, sizeof bytes) > 0 && s->typed > 0 && s->echo == 0)
            s->echo = now() - s->typed;
        drain(p.output, s);
        if (due(sc->control_c, s, &typed)) {
            s->typed = now();
            (void)!write(p.terminal, "\003", 1);
        }
        if (due(sc->terminate, s, &sent))
            kill(p.pid, SIGTERM);
        if (now() - begin > 60) {
            printf("it does not end\n");
            kill(p.pid, SIGKILL);
        }
    }
    s->end = now() - s->first;
    waitpid(p.pid, &s->status, 0);
    drain(p.output, s);
}

/* ---- Was it right? ---------------------------------------------------------------------------------------------- */

/* To the tenth of a second, but for what the machine adds. An emulated program may be later, as much as the variable
 * says, and never sooner. */
static bool near(const seen *s, double is, double should_be)
{
    const char *emulated = getenv("THRUM_DRIVE_LATE");
    double allowed = s->busy + 2 * s->late + s->echo;
    return is > should_be - 0.1 - allowed && is < should_be + (emulated ? atof(emulated) : 0.1) + allowed;
}

static bool check_line(const scenario *sc, const seen *s, int i)
{
    for (int j = 0; j < s->count; j++) {
        bool place = sc->lines[i].any_order ? sc->lines[j].any_order : i == j;
        if (place && strcmp(s->lines[j].text, sc->lines[i].text) == 0 && near(s, s->lines[j].at, sc->lines[i].at))
            return true;
    }
    return false;
}

static bool ended_right(const scenario *sc, int status)
{
    if (sc->ending == STATUS_0)
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    /* 0x3A: the low byte of Windows' STATUS_CONTROL_C_EXIT, which is all that Wine can say. */
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) || (WIFEXITED(status) && WEXITSTATUS(status) == 0x3A);
}

static int report(const scenario *sc, const seen *s)
{
    int wrong = 0, expected = 0;
    for (int i = 0; i < s->count; i++)
        printf("%6.3f  %s\n", s->lines[i].at, s->lines[i].text);
    for (; expected < MOST_LINES && sc->lines[expected].text; expected++)
        if (!check_line(sc, s, expected)) {
            printf("missing at %.1f: %s\n", sc->lines[expected].at, sc->lines[expected].text);
            wrong++;
        }
    if (s->count != expected) {
        printf("%d lines instead of %d\n", s->count, expected);
        wrong++;
    }
    printf("%6.3f  the end, status 0x%x; the program waited %.3f for the machine, the driver was late by %.3f\n",
           s->end, (unsigned)s->status, s->busy, s->late);
    if (!near(s, s->end, sc->ends) || !ended_right(sc, s->status)) {
        printf("it should have ended at %.1f, %s\n", sc->ends, sc->ending == STATUS_0 ? "with status 0" : "by SIGINT");
        wrong++;
    }
    return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
    const scenario *sc = NULL;
    for (size_t i = 0; argc > 2 && i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0)
            sc = &scenarios[i];
    if (!sc) {
        fprintf(stderr, "usage: drive SCENARIO COMMAND [ARG ...]\n");
        return 2;
    }
    static seen s;
    watch(sc, start(argv + 2), &s);
    int wrong = report(sc, &s);
    printf("drive: %d passed, %d failed\n", !wrong, wrong);
    return wrong;
}
