/*
 * The POSIX port: signals.
 *
 * One handler serves every signal that the core asked for. On the main thread it hands the signal up; on any other, a
 * foreign one (thrum's own have them blocked), it sends the signal on to the main thread and does nothing else. So what
 * the core sees always comes from a real signal on the main thread, and comes once.
 */
#include "posix.h"

#include <thrum/atomic.h>
#include <thrum/signal.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

_Static_assert(THRUM_SIGINT == SIGINT && THRUM_SIGTERM == SIGTERM && THRUM_SIGHUP == SIGHUP, "signal numbers");
_Static_assert(THRUM_SIGALRM == SIGALRM && THRUM_SIGUSR1 == SIGUSR1 && THRUM_SIGUSR2 == SIGUSR2, "signal numbers");
_Static_assert(THRUM_SIGQUIT == SIGQUIT && THRUM_SIGCHLD == SIGCHLD && THRUM_SIGWINCH == SIGWINCH, "signal numbers");
_Static_assert(THRUM_SIGCONT == SIGCONT && THRUM_SIGTSTP == SIGTSTP && THRUM_SIGURG == SIGURG, "signal numbers");
_Static_assert(THRUM_SIGIO == SIGIO && THRUM_SIGPIPE == SIGPIPE, "signal numbers");

/* What becomes of a signal whose number is known here. */
enum {
    NEVER,  /* no program may handle it, or it is a fault of the thread that gets it */
    SHARED, /* can be handled, but every thread keeps getting it: it belongs to what that thread did */
    MAIN    /* can be handled, and threads of thrum's are not given it */
};

typedef struct known_signal {
    const char *name;
    unsigned char kind;
} known_signal;

#define LARGEST 31

static const known_signal signals[LARGEST + 1] = {
    [SIGHUP] = {"SIGHUP", MAIN},     [SIGINT] = {"SIGINT", MAIN},         [SIGQUIT] = {"SIGQUIT", MAIN},
    [SIGILL] = {"SIGILL", NEVER},    [SIGTRAP] = {"SIGTRAP", NEVER},      [SIGABRT] = {"SIGABRT", NEVER},
    [SIGBUS] = {"SIGBUS", NEVER},    [SIGFPE] = {"SIGFPE", NEVER},        [SIGKILL] = {"SIGKILL", NEVER},
    [SIGUSR1] = {"SIGUSR1", MAIN},   [SIGSEGV] = {"SIGSEGV", NEVER},      [SIGUSR2] = {"SIGUSR2", MAIN},
    [SIGPIPE] = {"SIGPIPE", SHARED}, [SIGALRM] = {"SIGALRM", MAIN},       [SIGTERM] = {"SIGTERM", MAIN},
    [SIGCHLD] = {"SIGCHLD", MAIN},   [SIGCONT] = {"SIGCONT", MAIN},       [SIGSTOP] = {"SIGSTOP", NEVER},
    [SIGTSTP] = {"SIGTSTP", MAIN},   [SIGTTIN] = {"SIGTTIN", MAIN},       [SIGTTOU] = {"SIGTTOU", MAIN},
    [SIGURG] = {"SIGURG", MAIN},     [SIGXCPU] = {"SIGXCPU", MAIN},       [SIGXFSZ] = {"SIGXFSZ", SHARED},
    [SIGPROF] = {"SIGPROF", SHARED}, [SIGVTALRM] = {"SIGVTALRM", SHARED}, [SIGWINCH] = {"SIGWINCH", MAIN},
    [SIGIO] = {"SIGIO", MAIN},       [SIGSYS] = {"SIGSYS", NEVER},
#if defined(SIGPWR) && SIGPWR <= LARGEST /* NetBSD: 32 */
    [SIGPWR] = {"SIGPWR", MAIN},
#endif
#if defined(SIGINFO)
    [SIGINFO] = {"SIGINFO", MAIN},
#endif
};

static void (*signal_arrived)(int);
static uint32_t caught, senders; /* atomic; see send_to_main */
static uint32_t broken;          /* atomic: a BREAK was sent and has not come yet */

void thrum__posix_signals_begin(const thrum__port_upcalls *upcalls)
{
    signal_arrived = upcalls->signal_arrived;
}

void thrum__posix_signals_reborn(void)
{
    thrum__store_u32_release(&senders, 0);
    thrum__store_u32_release(&broken, 0); /* what was sent to the parent does not come here */
}

static bool in_range(int signum)
{
    return signum >= 1 && signum <= LARGEST;
}

const char *thrum__port_signal_name(int signum)
{
    return in_range(signum) ? signals[signum].name : NULL;
}

bool thrum__port_signal_can(int signum)
{
    return in_range(signum) && signals[signum].name && signals[signum].kind != NEVER;
}

void thrum__posix_signal_mask(sigset_t *set)
{
    sigemptyset(set);
    for (int signum = 1; signum <= LARGEST; signum++)
        if (signals[signum].name && signals[signum].kind == MAIN)
            sigaddset(set, signum);
}

/* ---- The handler ------------------------------------------------------------------------------------------------ */

static uint32_t bit_of(int signum)
{
    return UINT32_C(1) << signum;
}

/*
 * Signals are sent on only while they are caught, or the default action that has taken the handler's place would end
 * the process. `senders` counts who has looked and may be about to send: who changes the disposition takes the signal's
 * bit away, then waits until they are through.
 *
 * The program may have put something of its own in our handler's place: a handler is sent the signal, as it is sent
 * real ones, and may pass it on to ours; the default action is not asked for.
 */
static bool has_a_handler(int signum)
{
    struct sigaction now;
    return sigaction(signum, NULL, &now) == 0 && now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN;
}

static bool send_to_main(int signum)
{
    thrum__fetch_add_u32_acq_rel(&senders, 1);
    /* An exchange, so as not to come before the count. */
    bool sent = (thrum__fetch_or_u32_acq_rel(&caught, 0) & bit_of(signum)) != 0 && has_a_handler(signum);
    if (sent)
        thrum__posix_kill_main(signum);
    thrum__fetch_add_u32_acq_rel(&senders, (uint32_t)-1);
    return sent;
}

static void no_longer_caught(int signum)
{
    thrum__fetch_and_u32_acq_rel(&caught, ~bit_of(signum));
    while (thrum__fetch_or_u32_acq_rel(&senders, 0) != 0)
        thrum__port_yield(); /* each is within a system call of its end */
}

/* The signal that breaks a system call of main's. It has a handler of ours from the first region on, caught or not; one
 * that was sent for this is not passed on. */
#define BREAK SIGURG
static bool breaks;                   /* written by main, as is: */
static struct sigaction before_break; /* what it did until then, if that was a handler of the program's */

static bool is_for_the_core(int signum)
{
    if (signum == BREAK && thrum__exchange_u32_acq_rel(&broken, 0))
        return false;
    return (thrum__load_u32_acquire(&caught) & bit_of(signum)) != 0;
}

static void on_signal(int signum)
{
    int saved = errno;
    if (!thrum__port_is_main())
        send_to_main(signum);
    else if (is_for_the_core(signum))
        signal_arrived(signum);
    errno = saved;
}

/* BREAK's handler where the program had one: that gets what was not sent by us. */
static void on_break(int signum, siginfo_t *info, void *context)
{
    if (thrum__port_is_main() && thrum__exchange_u32_acq_rel(&broken, 0))
        return;
    if (before_break.sa_flags & SA_SIGINFO)
        before_break.sa_sigaction(signum, info, context);
    else
        before_break.sa_handler(signum);
}

thrum__disposition thrum__port_signal_now(int signum)
{
    struct sigaction now;
    if (sigaction(signum, NULL, &now) != 0 || (now.sa_flags & SA_SIGINFO))
        return THRUM__DEFAULT;
    if (now.sa_handler == on_signal)
        return THRUM__CAUGHT;
    return now.sa_handler == SIG_IGN ? THRUM__IGNORED : THRUM__DEFAULT;
}

static bool is_harmless(int signum)
{
    return signum == SIGCHLD || signum == SIGURG || signum == SIGWINCH || signum == SIGCONT;
}

static bool set_action(int signum, void (*handler)(int))
{
    struct sigaction action;
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK; /* and not SA_RESTART: a system call that main is in must end */
    sigemptyset(&action.sa_mask);
    if (sigaction(signum, &action, NULL) == 0)
        return true;
    thrum__posix_fail(errno);
    return false;
}

bool thrum__port_signal_set(int signum, thrum__disposition disposition)
{
    if (disposition == THRUM__CAUGHT) {
        thrum__fetch_or_u32_acq_rel(&caught, bit_of(signum));
        if (set_action(signum, on_signal))
            return true;
        no_longer_caught(signum);
        return false;
    }
    if (signum == BREAK && breaks) {
        no_longer_caught(signum);
        return set_action(signum, on_signal);
    }
    bool was_caught = (thrum__load_u32_acquire(&caught) & bit_of(signum)) != 0;
    no_longer_caught(signum);
    /* Ignored first: that drops what was sent and has not been delivered, and would end the process now. Not where the
     * default is harmless: ignoring SIGCHLD, for an instant even, throws away the statuses of children. */
    if (disposition == THRUM__DEFAULT && was_caught && !is_harmless(signum))
        set_action(signum, SIG_IGN);
    return set_action(signum, disposition == THRUM__IGNORED ? SIG_IGN : SIG_DFL);
}

/* Before the program's own handler, which goes on getting what is its own. */
static bool go_before(const struct sigaction *programs)
{
    struct sigaction action = *programs;
    before_break = *programs;
    action.sa_sigaction = on_break;
    action.sa_flags = (programs->sa_flags & (SA_ONSTACK | SA_NODEFER)) | SA_SIGINFO; /* not SA_RESTART */
    if (sigaction(BREAK, &action, NULL) == 0)
        return true;
    thrum__posix_fail(errno);
    return false;
}

bool thrum__port_break_begin(void)
{
    struct sigaction now;
    if (breaks)
        return true;
    if (sigaction(BREAK, NULL, &now) != 0 || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN ||
        now.sa_handler == on_signal)
        breaks = set_action(BREAK, on_signal);
    else
        breaks = go_before(&now);
    return breaks;
}

void thrum__port_break_main(void)
{
    thrum__exchange_u32_acq_rel(&broken, 1);
    thrum__posix_kill_main(BREAK);
}

/* Sent before, it may still be on its way to the processor that main runs on: a return from the system takes it. Not
 * for long, for the program may have it blocked. */
void thrum__port_break_end(void)
{
    for (int i = 0; i < 100 && thrum__load_u32_acquire(&broken); i++)
        thrum__port_yield();
}

uint64_t thrum__port_keep_reason(void)
{
    return (uint64_t)errno;
}

void thrum__port_restore_reason(uint64_t reason)
{
    errno = (int)reason;
}

bool thrum__port_signal_main(int signum)
{
    int saved = errno;
    bool sent = send_to_main(signum);
    errno = saved;
    return sent;
}

thrum_status thrum__port_signal_raise(int signum)
{
    if (signum <= 0)
        return THRUM_INVALID;
    if (kill(getpid(), signum) == 0)
        return THRUM_OK;
    if (errno == EINVAL)
        return THRUM_INVALID;
    thrum__posix_fail(errno);
    return THRUM_SYSTEM;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

void thrum__port_signal_let_kill(int signum)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;
    if (sigemptyset(&set) != 0 || sigaddset(&set, signum) != 0)
        return;
    sigemptyset(&action.sa_mask);
    sigaction(signum, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void thrum__port_die_by(int signum)
{
    bool stops = signum == SIGSTOP || signum == SIGTSTP || signum == SIGTTIN || signum == SIGTTOU;
    thrum__port_signal_let_kill(signum);
    if (!stops)
        pthread_kill(pthread_self(), signum);
    _exit(128 + (signum & 127)); /* it does not end a process */
}
