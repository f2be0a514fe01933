/* Programs that are started: by posix_spawn, by fork and exec. Only POSIX has them so. programs/inherits.c is what is
 * started, mostly. */
#include "support/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* programs/inherits.c, built with this parker too. */
static int ask(const char *question)
{
    return support_run_program(support_self, "inherits_" THRUM_TEST_PARKER, question);
}

/* ---- Masks ------------------------------------------------------------------------------------------------------------- */

/* A shell that kills itself with SIGINT: by its own status if that is blocked. */
static void *spawn_here(void *unused)
{
    sigset_t mask;
    posix_spawnattr_t attributes;
    pid_t child;
    int status = 0;
    char sh[] = "sh", c[] = "-c", script[] = "kill -INT $$; exit 3";
    char *argv[] = {sh, c, script, NULL};
    (void)unused;
    if (thrum_signal_start_mask(&mask) != THRUM_OK || sigismember(&mask, SIGINT) != 0)
        return NULL;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &mask);
    bool ok = posix_spawn(&child, "/bin/sh", NULL, &attributes, argv, environ) == 0 &&
              waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
    posix_spawnattr_destroy(&attributes);
    return ok ? environ : NULL;
}

static void a_spawned_child_starts_with_mains_mask(void)
{
    void (*before)(int) = signal(SIGINT, SIG_DFL); /* a test run in the background inherits it ignored */
    CHECK_STATUS(thrum_signal_start_mask(NULL), THRUM_INVALID);
    CHECK(spawn_here(NULL) != NULL);
    CHECK(support_join(support_start(spawn_here, NULL)) != NULL);
    signal(SIGINT, before);
}

/* What a program finds that fork and exec start from the calling thread. */
static void *fork_and_ask(void *question)
{
    char path[4096];
    int status;
    const char *slash = strrchr(support_self, '/');
    snprintf(path, sizeof path, "%.*sinherits_%s", slash ? (int)(slash - support_self + 1) : 0, support_self,
             THRUM_TEST_PARKER);
    enum { ROOM = 20 };
    char *argv[ROOM + 3] = {NULL};
    int count = support_put_emulator(argv, ROOM);
    argv[count] = path;
    argv[count + 1] = (char *)question;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    bool ok = waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return ok ? question : NULL;
}

/* Invariant 4, over exec. */
static void a_program_that_a_worker_starts_has_the_mask_that_the_program_gave(void)
{
    static char unblocked[] = "unblocked", usr2_blocked[] = "usr2_blocked";
    sigset_t set, before;
    if (support_sanitizer_cannot("fork with other threads there"))
        return;
    CHECK(fork_and_ask(unblocked) != NULL);
    CHECK(support_join(support_start(fork_and_ask, unblocked)) != NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    CHECK(fork_and_ask(usr2_blocked) != NULL);
    CHECK(support_join(support_start(fork_and_ask, usr2_blocked)) != NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- What is ignored ----------------------------------------------------------------------------------------------------- */

/* Invariant 7: as nohup starts programs. */
static void an_ignored_signal_that_is_inherited_stays_ignored(void)
{
    void (*hangup)(int) = signal(SIGHUP, SIG_IGN), (*interrupt)(int) = signal(SIGINT, SIG_IGN);
    CHECK_IS(ask("ignored"), 0);
    signal(SIGHUP, hangup);
    signal(SIGINT, interrupt);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------------- */

static int inheritable_pipes(void)
{
    int count = 0;
    for (int file = 3; file < 256; file++) {
        struct stat what;
        int flags = fcntl(file, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0 && fstat(file, &what) == 0 && S_ISFIFO(what.st_mode);
    }
    return count;
}

static void no_descriptor_of_thrums_goes_to_another_program(void)
{
    int before = inheritable_pipes(), ends[2];
    CHECK_STATUS(thrum_blocking_begin(), THRUM_OK);
    CHECK_STATUS(thrum_blocking_end(), THRUM_OK);
    CHECK_IS(ask("pipes"), before);
    CHECK_IS(pipe(ends), 0);
    CHECK_IS(ask("pipes"), before + 2); /* so it can tell */
    close(ends[0]);
    close(ends[1]);
}

/* ---- A program's own handler ------------------------------------------------------------------------------------------- */

static void a_programs_own_sigurg_is_passed_on(void)
{
    CHECK_IS(ask("sigurg"), 0);
}

static const support_test tests[] = {
    TEST(a_spawned_child_starts_with_mains_mask),
    TEST(a_program_that_a_worker_starts_has_the_mask_that_the_program_gave),
    TEST(an_ignored_signal_that_is_inherited_stays_ignored),
    TEST(no_descriptor_of_thrums_goes_to_another_program),
    TEST(a_programs_own_sigurg_is_passed_on),
};

SUITE("exec", tests)
