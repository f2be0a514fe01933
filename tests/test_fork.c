/* fork, and the children that other calls make: only POSIX has them. */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Children ------------------------------------------------------------------------------------------------------- */

/* In a child, which has no CUnit: say what is wrong and end the use with 1. */
static int complain(const char *what, int line)
{
    fprintf(stderr, "%s:%d: in a child of fork this should be: %s\n", __FILE__, line, what);
    return 1;
}

#define NEED(condition)                                                                                                \
    if (!(condition))                                                                                                  \
    return complain(#condition, __LINE__)

enum { BOUND = 60 }; /* seconds that a child may take */

/* Fork, and have the child use something; what that returned, -1 if the child ended otherwise. */
static int fork_and(int (*use)(void *), void *arg, bool by_exit)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(BOUND);
        int result = use(arg);
        if (by_exit)
            exit(result); /* with thrum's own shutdown */
        _exit(result);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same, from another thread. */
typedef struct order {
    int (*use)(void *);
    void *arg;
    int result;
} order;

static void *carry_out(void *given)
{
    order *o = (order *)given;
    o->result = fork_and(o->use, o->arg, false);
    return NULL;
}

static int fork_from_worker(int (*use)(void *), void *arg)
{
    order o = {use, arg, -1};
    support_join(support_start(carry_out, &o));
    return o.result;
}

static int fork_from_foreign(int (*use)(void *), void *arg)
{
    order o = {use, arg, -1};
    support_foreign_join(support_foreign_start(carry_out, &o));
    return o.result;
}

/* ---- Threads that lock, wait, come and go meanwhile ------------------------------------------------------------------ */

static uint32_t churning_is_over;
static thrum_lock churned;
static thrum_semaphore churned_semaphore = THRUM_SEMAPHORE_INIT(1);

static bool goes_on(void)
{
    return !thrum__load_u32_acquire(&churning_is_over);
}

static void *lock_and_wait(void *unused)
{
    while (goes_on()) {
        thrum_lock_acquire(&churned);
        (void)thrum_lock_release(&churned);
        if (thrum_semaphore_acquire(&churned_semaphore, support_in(1)) == THRUM_OK)
            thrum_semaphore_release(&churned_semaphore, 1);
    }
    return unused;
}

static void *wait_for_event(void *event)
{
    return thrum_event_wait((thrum_event *)event, support_in(20000)) == THRUM_OK ? event : NULL;
}

typedef struct visitors {
    thrum_event go;
    thrum_semaphore gone;
} visitors;

static void *visit(void *given)
{
    visitors *v = (visitors *)given;
    (void)!thrum_event_wait(&v->go, support_in(20000));
    thrum_semaphore_release(&v->gone, 1);
    return NULL;
}

/* Nobody has a reference to these: they may end, and leave their records to others, before their waker has come to
 * their parkers. */
static void *start_and_wake(void *unused)
{
    visitors v = {THRUM_EVENT_INIT, THRUM_SEMAPHORE_INIT(0)};
    while (goes_on()) {
        thrum_event_clear(&v.go);
        for (int i = 0; i < 3; i++)
            thrum_thread_release(support_start(visit, &v));
        thrum_event_set(&v.go);
        for (int i = 0; i < 3; i++)
            if (thrum_semaphore_acquire(&v.gone, support_in(20000)) != THRUM_OK)
                support_give_up("a thread was not woken");
    }
    return unused;
}

typedef struct churners {
    thrum_thread *threads[3];
} churners;

static churners churn(void *(*first)(void *), void *(*second)(void *), void *(*third)(void *))
{
    churning_is_over = 0;
    churned = (thrum_lock)THRUM_LOCK_INIT; /* in a child they may be held by who is not there */
    churned_semaphore = (thrum_semaphore)THRUM_SEMAPHORE_INIT(1);
    return (churners){{support_start(first, NULL), support_start(second, NULL), support_start(third, NULL)}};
}

static void end_churn(churners c)
{
    support_set_flag(&churning_is_over);
    for (int i = 0; i < 3; i++)
        support_join(c.threads[i]);
}

/* ---- What a child can do ----------------------------------------------------------------------------------------------- */

static thrum_lock a_lock;
static thrum_rlock an_rlock;
static thrum_cond a_cond;
static thrum_monitor a_monitor;
static thrum_semaphore a_semaphore;
static thrum_event an_event;
static thrum_once a_once;
static thrum_local a_local;
static uint32_t destroyed;

static void destroy(void *value)
{
    thrum__fetch_add_u32_acq_rel(&destroyed, (uint32_t)(uintptr_t)value);
}

static thrum_status do_once(void *count)
{
    ++*(int *)count;
    return THRUM_OK;
}

/* Waits for each kind of object in turn; the other side wakes it once it sleeps there. */
static void *wait_for_each(void *unused)
{
    (void)unused;
    thrum_lock_acquire(&a_lock);
    bool ok = thrum_cond_wait(&a_cond, &a_lock, support_in(20000)) == THRUM_OK;
    ok = thrum_lock_release(&a_lock) == THRUM_OK && ok;
    thrum_rlock_acquire(&an_rlock);
    ok = thrum_rlock_release(&an_rlock) == THRUM_OK && ok;
    thrum_monitor_enter(&a_monitor);
    ok = thrum_monitor_wait(&a_monitor, support_in(20000)) == THRUM_OK && ok;
    ok = thrum_monitor_exit(&a_monitor) == THRUM_OK && ok;
    ok = thrum_semaphore_acquire(&a_semaphore, support_in(20000)) == THRUM_OK && ok;
    ok = thrum_event_wait(&an_event, support_in(20000)) == THRUM_OK && ok;
    ok = thrum_local_set(a_local, (void *)(uintptr_t)3) == THRUM_OK && ok;
    return ok ? &a_lock : NULL;
}

static int use_objects(void)
{
    int times = 0;
    NEED(thrum_local_create(&a_local, destroy) == THRUM_OK);
    thrum_lock_acquire(&a_lock);
    thrum_rlock_acquire(&an_rlock);
    thrum_rlock_acquire(&an_rlock);
    thrum_thread *thread = support_start(wait_for_each, NULL);
    support_await_sleepers(&a_lock, 1);
    NEED(thrum_lock_release(&a_lock) == THRUM_OK);
    support_await_sleepers(&a_cond, 1);
    thrum_cond_notify(&a_cond);
    support_await_sleepers(&an_rlock.lock_, 1);
    NEED(thrum_rlock_release(&an_rlock) == THRUM_OK && thrum_rlock_release(&an_rlock) == THRUM_OK);
    support_await_sleepers(&a_monitor.cond_, 1);
    thrum_monitor_enter(&a_monitor);
    NEED(thrum_monitor_notify(&a_monitor) == THRUM_OK && thrum_monitor_exit(&a_monitor) == THRUM_OK);
    support_await_sleepers(&a_semaphore, 1);
    NEED(thrum_semaphore_release(&a_semaphore, 1) == THRUM_OK);
    support_await_sleepers(&an_event, 1);
    thrum_event_set(&an_event);
    NEED(support_join(thread) != NULL);
    NEED(thrum__load_u32_acquire(&destroyed) == 3);
    NEED(thrum_once_run(&a_once, do_once, &times) == THRUM_OK && thrum_once_run(&a_once, do_once, &times) == THRUM_OK);
    NEED(times == 1);
    return 0;
}

static int wait_until_deadlines(void)
{
    thrum_lock held = THRUM_LOCK_INIT;
    thrum_semaphore none = THRUM_SEMAPHORE_INIT(0);
    thrum_nanos start = thrum_now();
    thrum_lock_acquire(&held);
    NEED(thrum_lock_acquire_until(&held, support_in(2)) == THRUM_TIMED_OUT);
    NEED(thrum_semaphore_acquire(&none, support_in(2)) == THRUM_TIMED_OUT);
    NEED(thrum_sleep(THRUM_MILLISECONDS(2)) == THRUM_OK);
    NEED(support_since(start) >= 6);
    return 0;
}

static uint32_t in_region;

static void *interrupt_each(void *unused)
{
    (void)unused;
    support_await_sleepers(&a_semaphore, 1);
    bool ok = thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK;
    support_await_sleepers(&an_event, 1);
    ok = thrum_thread_interrupt(thrum_thread_main()) == THRUM_OK && ok;
    support_await_flag(&in_region);
    ok = thrum_interrupt_main(THRUM_SIGINT) == THRUM_OK && ok;
    return ok ? &a_lock : NULL;
}

static int be_interrupted(void)
{
    int ends[2];
    char byte;
    NEED(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL) == THRUM_OK);
    NEED(kill(getpid(), SIGINT) == 0);
    NEED(thrum_sleep(THRUM_SECONDS(20)) == THRUM_INTERRUPTED);
    thrum_event_clear(&an_event);
    thrum_thread *thread = support_start(interrupt_each, NULL);
    NEED(thrum_semaphore_acquire(&a_semaphore, support_in(20000)) == THRUM_INTERRUPTED);
    NEED(thrum_event_wait(&an_event, support_in(20000)) == THRUM_INTERRUPTED);
    NEED(pipe(ends) == 0 && thrum_blocking_begin() == THRUM_OK);
    support_set_flag(&in_region);
    NEED(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    NEED(thrum_blocking_end() == THRUM_INTERRUPTED);
    NEED(support_join(thread) != NULL);
    NEED(thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_DEFAULT, NULL) == THRUM_OK);
    return 0;
}

/* All that a child may want. The parent's worker does not exist here. */
static int use_all(void *parents_worker)
{
    NEED(thrum_is_main_thread() && thrum_thread_main() == thrum_thread_current());
    NEED(thrum_thread_count() == 1);
    NEED(!support_is_blocked(SIGINT) && !support_is_blocked(SIGTERM));
    NEED(thrum_sleep(0) == THRUM_OK); /* what was pending in the parent is not here */
    NEED(thrum_thread_join((thrum_thread *)parents_worker, THRUM_IMMEDIATELY, NULL) == THRUM_OK);
    return use_objects() || wait_until_deadlines() || be_interrupted();
}

static void a_child_of_fork_is_usable_while_others_lock_and_wait(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churners c = churn(lock_and_wait, lock_and_wait, start_and_wake);
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
        CHECK_IS(fork_and(use_all, c.threads[0], i % 2), 0);
        CHECK(thrum_thread_take_interrupt()); /* the parent keeps what is its own */
        CHECK_IS(fork_from_worker(use_all, c.threads[0]), 0);
        CHECK_IS(fork_from_foreign(use_all, c.threads[0]), 0);
    }
    end_churn(c);
}

/* A child forks again, from its main thread, which was a worker maybe, and from a worker of its own. */
static int fork_again(void *parents_worker)
{
    churners c = churn(lock_and_wait, lock_and_wait, start_and_wake);
    NEED(fork_and(use_all, parents_worker, true) == 0);
    NEED(fork_from_worker(use_all, parents_worker) == 0);
    end_churn(c);
    return be_interrupted();
}

static void a_grandchild_is_usable_too(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churners c = churn(lock_and_wait, lock_and_wait, start_and_wake);
    for (int i = 0; i < 5; i++) {
        CHECK_IS(fork_and(fork_again, c.threads[0], false), 0);
        CHECK_IS(fork_from_worker(fork_again, c.threads[0]), 0);
    }
    end_churn(c);
}

static int start_six(void *parents_worker)
{
    thrum_event event = THRUM_EVENT_INIT;
    thrum_thread *threads[6];
    NEED(thrum_thread_join((thrum_thread *)parents_worker, THRUM_IMMEDIATELY, NULL) == THRUM_OK);
    for (int i = 0; i < 6; i++)
        threads[i] = support_start(wait_for_event, &event);
    support_await_sleepers(&event, 6);
    thrum_event_set(&event);
    for (int i = 0; i < 6; i++)
        NEED(support_join(threads[i]) != NULL);
    return 0;
}

/* The records that the child's threads get were in use in the parent at that moment, their parkers too. */
static void a_fork_meets_threads_that_come_and_go(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churners c = churn(start_and_wake, start_and_wake, start_and_wake);
    for (int i = 0; i < 200; i++)
        CHECK_IS((i % 2 ? fork_and(start_six, c.threads[0], false) : fork_from_worker(start_six, c.threads[0])), 0);
    end_churn(c);
}

/* ---- The end of a child -------------------------------------------------------------------------------------------- */

static int told[2];
static char at_exit_letter = 'a', thread_letter = 't', wrong_letter = 'x';

static void tell(const void *letter)
{
    (void)!write(told[1], letter, 1);
}

static void tell_at_exit(void *letter)
{
    tell(letter);
}

static void *tell_later(void *letter)
{
    (void)!thrum_sleep(THRUM_MILLISECONDS(20));
    tell(letter);
    return NULL;
}

static int leave_work_behind(void *unused)
{
    (void)unused;
    NEED(thrum_at_exit(tell_at_exit, &at_exit_letter) == THRUM_OK);
    NEED(thrum_thread_start(NULL, tell_later, &thread_letter, NULL) == THRUM_OK);
    return 7;
}

static int shut_down_in_person(void *unused)
{
    NEED(leave_work_behind(unused) == 7);
    NEED(thrum_shutdown(support_in(20000)) == THRUM_OK);
    NEED(thrum_thread_start(NULL, tell_later, &wrong_letter, NULL) == THRUM_SHUTTING_DOWN);
    return 8;
}

static void check_told(const char *what)
{
    char letters[8] = "";
    close(told[1]);
    CHECK_IS(read(told[0], letters, sizeof letters - 1), (long long)strlen(what));
    CHECK(strcmp(letters, what) == 0);
    close(told[0]);
}

/* The parent's threads are not waited for, its callbacks run: those of this program are none. */
static void a_child_ends_as_a_program_does(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churners c = churn(lock_and_wait, lock_and_wait, start_and_wake);
    CHECK_IS(pipe(told), 0);
    CHECK_IS(fork_and(leave_work_behind, NULL, true), 7);
    check_told("at");
    CHECK_IS(pipe(told), 0);
    CHECK_IS(fork_and(shut_down_in_person, NULL, true), 8);
    check_told("at");
    CHECK_IS(pipe(told), 0);
    CHECK_IS(fork_from_worker(shut_down_in_person, NULL), 8);
    check_told("at");
    end_churn(c);
}

static pid_t child_of_worker;

static void *fork_and_return(void *unused)
{
    child_of_worker = fork();
    if (child_of_worker == 0)
        alarm(BOUND);
    return unused;
}

/* As POSIX has it: the last thread is over, so the process ends with status 0. */
static void a_child_whose_worker_returns_ends(void)
{
    int status = -1;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    fflush(NULL);
    support_join(support_start(fork_and_return, NULL));
    CHECK_IS(waitpid(child_of_worker, &status, 0), child_of_worker);
    CHECK_IS(status, 0);
}

/* ---- Masks ------------------------------------------------------------------------------------------------------------- */

/* A bit for each signal that is blocked here, of those that a program might block. */
static int blocked_signals(void *unused)
{
    (void)unused;
    return support_is_blocked(SIGINT) | support_is_blocked(SIGTERM) << 1 | support_is_blocked(SIGUSR1) << 2 |
           support_is_blocked(SIGUSR2) << 3 | support_is_blocked(SIGCHLD) << 4 | support_is_blocked(SIGPIPE) << 5;
}

static void *fork_from_a_worker_of_mine(void *given)
{
    order *o = (order *)given;
    o->result = fork_from_worker(o->use, o->arg);
    return NULL;
}

static void *block_and_fork(void *given)
{
    sigset_t set;
    order *o = (order *)given;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    o->result = fork_and(o->use, o->arg, false);
    return NULL;
}

/* Invariant 4: what is blocked for a thread because thrum started it is not blocked in its children; what the program
 * has blocked for it, or for the thread that started it, is. */
static void a_child_has_the_mask_that_the_program_gave(void)
{
    sigset_t set, before;
    order nested = {blocked_signals, NULL, -1}, own = {blocked_signals, NULL, -1};
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    CHECK_IS(fork_and(blocked_signals, NULL, false), 0);
    CHECK_IS(fork_from_worker(blocked_signals, NULL), 0);
    CHECK_IS(fork_from_foreign(blocked_signals, NULL), 0);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    CHECK_IS(fork_and(blocked_signals, NULL, false), 8);
    CHECK_IS(fork_from_worker(blocked_signals, NULL), 8);
    CHECK_IS(fork_from_foreign(blocked_signals, NULL), 8);
    support_join(support_start(fork_from_a_worker_of_mine, &nested));
    CHECK_IS(nested.result, 8);
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    support_join(support_start(block_and_fork, &own));
    CHECK_IS(own.result, 32);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------------- */

static int no_more_than(void *handles)
{
    NEED(thrum_sleep(THRUM_MICROSECONDS(1)) == THRUM_OK);
    NEED(support_usage_now().handles <= *(long *)handles);
    return 0;
}

/* Each generation is the child of a worker of the one before, and has a breaker of calls of its own. */
static int fork_on(void *handles)
{
    static int generations = 5;
    NEED(thrum_blocking_begin() == THRUM_OK && thrum_blocking_end() == THRUM_OK);
    NEED(support_usage_now().handles == *(long *)handles);
    return --generations == 0 ? 0 : fork_from_worker(fork_on, handles);
}

static void forks_leak_no_descriptor(void)
{
    int wrong = 0;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    CHECK_STATUS(thrum_blocking_begin(), THRUM_OK); /* from here on there is a breaker */
    CHECK_STATUS(thrum_blocking_end(), THRUM_OK);
    long handles = support_usage_now().handles;
    for (int i = 0; i < 1000; i++)
        wrong += (i % 10 ? fork_and(no_more_than, &handles, false) : fork_from_worker(no_more_than, &handles)) != 0;
    CHECK_IS(wrong, 0);
    CHECK_IS(support_usage_now().handles, handles);
    CHECK_IS(fork_from_worker(fork_on, &handles), 0);
}

enum { MOST_PIPES = 64 };

/* The pipes that are not passed on to programs; thrum's are among them. */
static int private_pipes(ino_t *inodes)
{
    int count = 0;
    for (int file = 3; file < 256 && count < MOST_PIPES; file++) {
        struct stat what;
        int flags = fcntl(file, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) && fstat(file, &what) == 0 && S_ISFIFO(what.st_mode))
            inodes[count++] = what.st_ino;
    }
    return count;
}

typedef struct pipes {
    ino_t inodes[MOST_PIPES];
    int count;
} pipes;

static int share_no_pipe(void *parents)
{
    const pipes *theirs = (const pipes *)parents;
    pipes mine;
    NEED(thrum_blocking_begin() == THRUM_OK && thrum_blocking_end() == THRUM_OK);
    mine.count = private_pipes(mine.inodes);
    NEED(mine.count == theirs->count);
    for (int i = 0; i < mine.count; i++)
        for (int j = 0; j < theirs->count; j++)
            NEED(mine.inodes[i] != theirs->inodes[j]);
    return 0;
}

/* Invariant 7: main wakes by a pipe of its own, where it does by a pipe. */
static void a_child_shares_no_pipe_with_its_parent(void)
{
    pipes mine;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    CHECK_STATUS(thrum_blocking_begin(), THRUM_OK);
    CHECK_STATUS(thrum_blocking_end(), THRUM_OK);
    mine.count = private_pipes(mine.inodes);
    CHECK_IS(mine.count, strcmp(THRUM_TEST_PARKER, "pthread") == 0 ? 4 : 0); /* main's, and the breaker's */
    CHECK_IS(fork_and(share_no_pipe, &mine, false), 0);
    CHECK_IS(fork_from_worker(share_no_pipe, &mine), 0);
}

/* ---- What the program does about it -------------------------------------------------------------------------------- */

/* The default of SIGCHLD keeps the statuses of children: no instant may throw one away. */
static void sigchld_goes_back_to_its_default_without_losing_a_child(void)
{
    int lost = 0;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    for (int i = 0; i < 300; i++) {
        CHECK(thrum_signal_handle(THRUM_SIGCHLD, THRUM_SIGNAL_INTERRUPT, NULL) == THRUM_OK);
        pid_t child = fork();
        if (child == 0)
            _exit(7);
        for (int turn = 0; turn < 20; turn++) {
            (void)thrum_signal_handle(THRUM_SIGCHLD, THRUM_SIGNAL_DEFAULT, NULL);
            (void)thrum_signal_handle(THRUM_SIGCHLD, THRUM_SIGNAL_INTERRUPT, NULL);
        }
        (void)thrum_signal_handle(THRUM_SIGCHLD, THRUM_SIGNAL_DEFAULT, NULL);
        int status = 0;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
            lost++;
    }
    CHECK_IS(lost, 0);
}

static thrum_lock programs_own;

static void lock_own(void)
{
    thrum_lock_acquire(&programs_own);
}

static void unlock_own(void)
{
    (void)thrum_lock_release(&programs_own);
}

static void *contend_for_own(void *unused)
{
    while (goes_on()) {
        lock_own();
        unlock_own();
    }
    return unused;
}

/* What pthread_atfork is for: a program takes its own locks across a fork, and they may be thrum's. */
static void a_program_may_hold_its_locks_across_a_fork(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churning_is_over = 0;
    CHECK_IS(pthread_atfork(lock_own, unlock_own, unlock_own), 0);
    thrum_thread *thread = support_start(contend_for_own, NULL);
    for (int i = 0; i < 100; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(thrum_lock_try_acquire(&programs_own) ? 0 : 1);
        CHECK_IS(waitpid(child, &status, 0), child);
        CHECK_IS(status, 0);
    }
    support_set_flag(&churning_is_over);
    support_join(thread);
}

static volatile sig_atomic_t own_handler_ran;

static void run_own_handler(int signum)
{
    own_handler_ran = signum;
}

static int keep_own_handler(void *unused)
{
    struct sigaction now;
    (void)unused;
    own_handler_ran = 0;
    NEED(raise(SIGUSR2) == 0 && own_handler_ran == SIGUSR2);
    NEED(thrum_shutdown(support_in(20000)) == THRUM_OK);
    NEED(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == run_own_handler);
    return 0;
}

/* Invariant 7: a handler that the program put in thrum's place is restored over by nobody. */
static void a_fork_leaves_the_programs_own_handler(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR2, THRUM_SIGNAL_INTERRUPT, NULL), THRUM_OK);
    signal(SIGUSR2, run_own_handler);
    CHECK_IS(fork_and(keep_own_handler, NULL, false), 0);
    CHECK_IS(fork_from_worker(keep_own_handler, NULL), 0);
    own_handler_ran = 0;
    CHECK_IS(raise(SIGUSR2), 0);
    CHECK_IS(own_handler_ran, SIGUSR2);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR2, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
}

/* ---- Handlers that fork ------------------------------------------------------------------------------------------------- */

static thrum_event manual, automatic = THRUM_EVENT_AUTO_INIT;
static thrum_lock held, cond_lock;
static thrum_cond cond;
static thrum_semaphore semaphore;

static thrum_status in_manual(void)
{
    return thrum_event_wait(&manual, support_in(20000));
}
static thrum_status in_automatic(void)
{
    return thrum_event_wait(&automatic, support_in(20000));
}
static thrum_status in_semaphore(void)
{
    return thrum_semaphore_acquire(&semaphore, support_in(20000));
}
static thrum_status in_lock(void)
{
    return thrum_lock_acquire_until(&held, support_in(20000));
}
static thrum_status in_cond(void)
{
    thrum_status status = THRUM_SYSTEM;
    THRUM_WITH (&cond_lock) {
        status = thrum_cond_wait(&cond, &cond_lock, support_in(20000));
    }
    return status;
}

static thrum_thread *joined;
static thrum_status in_join(void)
{
    return thrum_thread_join(joined, support_in(20000), NULL); /* the child has no such thread: it has ended there */
}

static void *let_all_go(void *unused)
{
    (void)!thrum_sleep(THRUM_MILLISECONDS(1));
    thrum_event_set(&manual);
    thrum_event_set(&automatic);
    thrum_semaphore_release(&semaphore, 1);
    (void)thrum_lock_release(&held);
    thrum_cond_notify(&cond);
    return unused;
}

static bool send_usr1(void *unused)
{
    (void)unused;
    return thrum_interrupt_main(THRUM_SIGUSR1) == THRUM_OK;
}

static pid_t handlers_child;
static int handler_runs, trouble;

/* What the child does within the handler. Its own signal comes again, and waits until the handler has returned. */
static int use_in_handler(void *worker)
{
    NEED(use_all(worker) == 0);
    NEED(thrum_signal_raise(THRUM_SIGUSR1) == THRUM_OK);
    NEED(thrum_sleep(THRUM_MILLISECONDS(2)) == THRUM_OK);
    NEED(handler_runs == 1);
    thrum_thread_release(support_start(let_all_go, NULL));
    return 0;
}

static thrum_status fork_in_a_handler(int signum, void *worker)
{
    (void)signum;
    if (handler_runs++ > 0)
        return THRUM_OK; /* in the child, once the first has returned */
    fflush(NULL);
    handlers_child = fork();
    if (handlers_child != 0)
        return THRUM_INTERRUPTED;
    alarm(BOUND);
    trouble = use_in_handler(worker);
    return THRUM_OK;
}

/* The wait that the handler runs in ends in the parent, and goes on in the child, until it is granted there. */
static void check_fork_in(thrum_status (*wait)(void), thrum_thread *worker)
{
    thrum_signal_handler handler = {fork_in_a_handler, worker};
    int status = -1;
    handler_runs = 0;
    thrum_lock_acquire(&held);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, handler, NULL), THRUM_OK);
    support_sender sender;
    support_sender_start(&sender, send_usr1, NULL);
    sender.delay = 300;
    support_sender_tell(&sender);
    thrum_status ended = wait();
    if (handlers_child == 0)
        ended = thrum_signal_check() == THRUM_OK ? ended : THRUM_SYSTEM; /* if the wait ended before the second run */
    if (handlers_child == 0)
        _exit(trouble ? 1 : ended != THRUM_OK ? 2 : handler_runs != 2 ? 3 : 0);
    support_sender_end(&sender);
    CHECK_STATUS(ended, THRUM_INTERRUPTED);
    CHECK_IS(waitpid(handlers_child, &status, 0), handlers_child);
    CHECK_IS(status, 0);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    CHECK_STATUS(thrum_lock_release(&held), THRUM_OK);
}

static void a_handler_may_fork_within_a_wait(void)
{
    thrum_status (*const waits[])(void) = {in_manual, in_automatic, in_semaphore, in_lock, in_cond, in_join};
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churners c = churn(lock_and_wait, lock_and_wait, start_and_wake);
    joined = c.threads[0];
    for (int i = 0; i < 12; i++)
        check_fork_in(waits[i % 6], c.threads[0]);
    end_churn(c);
}

static void *fork_with_a_cancel_pending(void *status)
{
    int before;
    pthread_cancel(pthread_self());
    pid_t child = fork(); /* no cancellation point, and what thrum does in it is none */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    if (child == 0) {
        alarm(BOUND);
        _exit(thrum_thread_count() == 1 && thrum_sleep(0) == THRUM_OK ? 0 : 1);
    }
    if (waitpid(child, (int *)status, 0) != child)
        *(int *)status = -1;
    return NULL;
}

static void a_cancel_that_is_pending_at_a_fork_stays_pending(void)
{
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    for (int i = 0; i < 20; i++) {
        int status = -1;
        support_foreign_join(support_foreign_start(fork_with_a_cancel_pending, &status));
        CHECK_IS(status, 0);
        support_join(support_start(fork_with_a_cancel_pending, &status));
        CHECK_IS(status, 0);
    }
}

static const support_test tests[] = {
    TEST(a_child_of_fork_is_usable_while_others_lock_and_wait),
    TEST(a_grandchild_is_usable_too),
    TEST(a_fork_meets_threads_that_come_and_go),
    TEST(a_child_ends_as_a_program_does),
    TEST(a_child_whose_worker_returns_ends),
    TEST(a_child_has_the_mask_that_the_program_gave),
    TEST(forks_leak_no_descriptor),
    TEST(a_child_shares_no_pipe_with_its_parent),
    TEST(sigchld_goes_back_to_its_default_without_losing_a_child),
    TEST(a_program_may_hold_its_locks_across_a_fork),
    TEST(a_fork_leaves_the_programs_own_handler),
    TEST(a_handler_may_fork_within_a_wait),
    TEST(a_cancel_that_is_pending_at_a_fork_stays_pending),
};

SUITE("fork", tests)
