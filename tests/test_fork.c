/* fork, and the children that other calls make: only POSIX has them. */
#include "support/support.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t churning_is_over;
static thrum_lock churned;
static thrum_semaphore churned_semaphore = THRUM_SEMAPHORE_INIT(1);

static void *churn(void *unused)
{
    while (!thrum__load_u32_acquire(&churning_is_over)) {
        thrum_lock_acquire(&churned);
        (void)thrum_lock_release(&churned);
        if (thrum_semaphore_acquire(&churned_semaphore, support_in(1)) == THRUM_OK)
            thrum_semaphore_release(&churned_semaphore, 1);
    }
    return unused;
}

static void *set_given(void *event)
{
    thrum_event_set((thrum_event *)event);
    return event;
}

/* What a child of fork does with the library. 0: all of it worked. */
static int use_in_child(thrum_thread *parents_worker)
{
    thrum_event event = THRUM_EVENT_INIT;
    thrum_thread *thread;
    if (!thrum_is_main_thread() || thrum_thread_main() != thrum_thread_current())
        return 1;
    if (thrum_thread_count() != 1)
        return 2;
    if (support_is_blocked(SIGINT) || support_is_blocked(SIGTERM))
        return 3;
    if (thrum_sleep(0) != THRUM_OK) /* what was pending in the parent is not here */
        return 4;
    if (thrum_thread_start(&thread, set_given, &event, NULL) != THRUM_OK)
        return 5;
    if (thrum_event_wait(&event, support_in(10000)) != THRUM_OK ||
        thrum_thread_join(thread, support_in(10000), NULL) != THRUM_OK)
        return 6;
    if (thrum_signal_handle(THRUM_SIGINT, THRUM_SIGNAL_INTERRUPT, NULL) != THRUM_OK || kill(getpid(), SIGINT) != 0)
        return 7;
    if (thrum_sleep(THRUM_SECONDS(10)) != THRUM_INTERRUPTED)
        return 8;
    if (thrum_thread_join(parents_worker, THRUM_IMMEDIATELY, NULL) != THRUM_OK) /* it does not exist here */
        return 9;
    return 0;
}

static int fork_and_use(thrum_thread *worker, bool by_exit)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        int result = use_in_child(worker);
        if (by_exit)
            exit(result); /* with thrum's own shutdown, which has nobody to wait for */
        _exit(result);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *fork_here(void *worker)
{
    return (void *)(intptr_t)fork_and_use((thrum_thread *)worker, false);
}

static void a_child_of_fork_is_usable_while_others_lock_and_wait(void)
{
    thrum_thread *workers[3];
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churning_is_over = 0;
    fflush(NULL);
    for (int i = 0; i < 3; i++)
        workers[i] = support_start(churn, NULL);
    for (int i = 0; i < 40; i++) {
        CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
        CHECK_IS(fork_and_use(workers[0], i % 2), 0);
        CHECK(thrum_thread_take_interrupt()); /* the parent keeps what is its own */
        thrum_thread *forker = support_start(fork_here, workers[0]);
        CHECK_IS((intptr_t)support_join(forker), 0);
        support_foreign *foreign = support_foreign_start(fork_here, workers[0]);
        support_foreign_join(foreign);
    }
    support_set_flag(&churning_is_over);
    for (int i = 0; i < 3; i++)
        support_join(workers[i]);
}

/* A shell that kills itself with SIGINT: by its own status if that is blocked. */
static void *spawn_here(void *unused)
{
    sigset_t mask;
    posix_spawnattr_t attributes;
    pid_t child;
    int status = 0;
    char sh[] = "sh", c[] = "-c", script[] = "kill -INT $$; exit 3";
    char *argv[] = {sh, c, script, NULL};
    extern char **environ;
    (void)unused;
    if (thrum_signal_start_mask(&mask) != THRUM_OK || sigismember(&mask, SIGINT) != 0)
        return NULL;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &mask);
    bool ok = posix_spawn(&child, "/bin/sh", NULL, &attributes, argv, environ) == 0 &&
              waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
    posix_spawnattr_destroy(&attributes);
    return ok ? &churned : NULL;
}

static void a_spawned_child_starts_with_mains_mask(void)
{
    CHECK_STATUS(thrum_signal_start_mask(NULL), THRUM_INVALID);
    signal(SIGINT, SIG_DFL); /* a test run in the background inherits it ignored */
    CHECK(spawn_here(NULL) != NULL);
    CHECK(support_join(support_start(spawn_here, NULL)) != NULL);
}

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
    while (!thrum__load_u32_acquire(&churning_is_over)) {
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

static int forked_child = -1;

static thrum_status fork_in_a_handler(int signum, void *worker)
{
    (void)signum;
    forked_child = fork_and_use((thrum_thread *)worker, false);
    return THRUM_INTERRUPTED;
}

static void a_handler_may_fork_within_a_wait(void)
{
    static thrum_event never;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    churning_is_over = 0;
    thrum_thread *worker = support_start(churn, NULL);
    thrum_signal_handler handler = {fork_in_a_handler, worker};
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, handler, NULL), THRUM_OK);
    CHECK_STATUS(thrum_interrupt_main(THRUM_SIGUSR1), THRUM_OK);
    CHECK_STATUS(thrum_event_wait(&never, support_in(20000)), THRUM_INTERRUPTED);
    CHECK_IS(forked_child, 0);
    CHECK_STATUS(thrum_signal_handle(THRUM_SIGUSR1, THRUM_SIGNAL_DEFAULT, NULL), THRUM_OK);
    support_set_flag(&churning_is_over);
    support_join(worker);
}

static const support_test tests[] = {
    TEST(a_child_of_fork_is_usable_while_others_lock_and_wait),
    TEST(a_spawned_child_starts_with_mains_mask),
    TEST(sigchld_goes_back_to_its_default_without_losing_a_child),
    TEST(a_program_may_hold_its_locks_across_a_fork),
    TEST(a_handler_may_fork_within_a_wait),
};

SUITE("fork", tests)
