/* What a program begins with that another one starts, one question an argument; test_exec.c starts it. POSIX alone.
 * Links with thrum alone. The status is 0 if all is as it should be. */
#include <thrum/thrum.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *what, int line)
{
    fprintf(stderr, "%s:%d: this should be: %s\n", __FILE__, line, what);
    return 1;
}

#define NEED(condition)                                                                                                \
    if (!(condition))                                                                                                  \
    return complain(#condition, __LINE__)

static bool is_ignored(int signum)
{
    struct sigaction now;
    return sigaction(signum, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
}

static bool is_default(int signum)
{
    struct sigaction now;
    return sigaction(signum, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

static void *raise_both(void *event)
{
    bool ok = thrum_signal_raise(THRUM_SIGHUP) == THRUM_OK && thrum_signal_raise(THRUM_SIGINT) == THRUM_OK;
    thrum_event_set((thrum_event *)event);
    return ok ? event : NULL;
}

/* Threads, waits and a region are no reason to touch a signal. */
static int use_thrum(void)
{
    thrum_event event = THRUM_EVENT_INIT;
    thrum_thread *thread;
    void *result = NULL;
    NEED(thrum_thread_start(&thread, raise_both, &event, NULL) == THRUM_OK);
    NEED(thrum_event_wait(&event, thrum_after(THRUM_SECONDS(20))) == THRUM_OK);
    NEED(thrum_thread_join(thread, thrum_after(THRUM_SECONDS(20)), &result) == THRUM_OK && result);
    thrum_thread_release(thread);
    NEED(thrum_blocking_begin() == THRUM_OK && thrum_blocking_end() == THRUM_OK);
    NEED(thrum_sleep(THRUM_MILLISECONDS(1)) == THRUM_OK);
    return 0;
}

/* As nohup and a shell's & start programs: with SIGHUP and SIGINT ignored. Invariant 7. */
static int ignored(void)
{
    thrum_signal_handler now, old;
    NEED(is_ignored(SIGHUP) && is_ignored(SIGINT));
    NEED(thrum_init() == THRUM_OK && use_thrum() == 0);
    NEED(is_ignored(SIGHUP) && is_ignored(SIGINT));
    NEED(thrum_signal_handler_of(THRUM_SIGINT, &now) == THRUM_OK && now.run == thrum_signal_ignore);
    NEED(thrum_interrupt_main(THRUM_SIGINT) == THRUM_NOT_HANDLED);

    NEED(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, &old) == THRUM_OK);
    NEED(old.run == thrum_signal_ignore && is_ignored(SIGHUP));
    NEED(kill(getpid(), SIGINT) == 0 && thrum_sleep(THRUM_SECONDS(20)) == THRUM_INTERRUPTED);
    NEED(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL) == THRUM_OK && is_default(SIGINT));
    NEED(thrum_signal_handle(THRUM_SIGINT, old, NULL) == THRUM_OK && is_ignored(SIGINT));
    return 0;
}

static int is_blocked(const int *signals)
{
    sigset_t mask;
    NEED(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
    for (; *signals; signals++)
        NEED(sigismember(&mask, *signals) == 0);
    return 0;
}

static int unblocked(void)
{
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH, 0};
    return is_blocked(all);
}

static int usr2_blocked(void)
{
    static const int others[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGCHLD, SIGWINCH, 0};
    sigset_t mask;
    NEED(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR2) == 1);
    return is_blocked(others);
}

/* The number of pipes that came over, which is the status. */
static int pipes(void)
{
    int count = 0;
    for (int file = 3; file < 256; file++) {
        struct stat what;
        count += fstat(file, &what) == 0 && S_ISFIFO(what.st_mode);
    }
    return count;
}

static volatile sig_atomic_t urgent;

static void on_urgent(int signum, siginfo_t *info, void *context)
{
    (void)context;
    urgent += signum == SIGURG && info && info->si_pid == getpid();
}

static bool interrupt(void *unused)
{
    (void)unused;
    return thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
}

static uint32_t in_region;

static void *interrupt_in_region(void *unused)
{
    while (!thrum__load_u32_acquire(&in_region))
        thrum_thread_yield();
    return interrupt(unused) ? &in_region : NULL;
}

static int break_a_read(void)
{
    int ends[2];
    char byte;
    thrum_thread *thread;
    void *result = NULL;
    thrum__store_u32_release(&in_region, 0);
    NEED(pipe(ends) == 0);
    NEED(thrum_thread_start(&thread, interrupt_in_region, NULL, NULL) == THRUM_OK);
    NEED(thrum_blocking_begin() == THRUM_OK);
    thrum__store_u32_release(&in_region, 1);
    NEED(read(ends[0], &byte, 1) == -1);
    NEED(thrum_blocking_end() == THRUM_INTERRUPTED);
    NEED(thrum_thread_join(thread, thrum_after(THRUM_SECONDS(20)), &result) == THRUM_OK && result);
    thrum_thread_release(thread);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* A handler for the signal that thrum breaks system calls with: it has all that are not thrum's, before and after. */
static int sigurg(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
    thrum_signal_handler now;
    action.sa_sigaction = on_urgent;
    sigemptyset(&action.sa_mask);
    NEED(sigaction(SIGURG, &action, NULL) == 0 && raise(SIGURG) == 0 && urgent == 1);
    NEED(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL) == THRUM_OK);
    for (int i = 0; i < 20; i++)
        NEED(break_a_read() == 0);
    NEED(urgent == 1);
    NEED(raise(SIGURG) == 0 && urgent == 2);
    NEED(thrum_signal_handler_of(THRUM_SIGURG, &now) == THRUM_OK && !now.run);

    NEED(thrum_signal_handle(THRUM_SIGURG, THRUM_SIGNAL_INTERRUPT, &now) == THRUM_OK && !now.run);
    NEED(raise(SIGURG) == 0 && urgent == 2 && thrum_signal_check() == THRUM_INTERRUPTED);
    NEED(thrum_signal_handle(THRUM_SIGURG, THRUM_SIGNAL_DEFAULT, NULL) == THRUM_OK);
    NEED(raise(SIGURG) == 0 && urgent == 2 && thrum_signal_check() == THRUM_OK);
    NEED(break_a_read() == 0);
    return 0;
}

static const struct {
    const char *name;
    int (*ask)(void);
} questions[] = {
    {"ignored", ignored}, {"unblocked", unblocked}, {"usr2_blocked", usr2_blocked},
    {"pipes", pipes},     {"sigurg", sigurg},
};

int main(int argc, char **argv)
{
    alarm(60);
    for (size_t i = 0; argc == 2 && i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(argv[1], questions[i].name) == 0)
            return questions[i].ask();
    fprintf(stderr, "usage: inherits QUESTION\n");
    return 98;
}
