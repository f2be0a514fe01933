/* The support on POSIX. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double support_cpu_milliseconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
}

/* The entries of a folder that the system makes up, less the one that reading it adds. */
static long entries(const char *path, long less)
{
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    long count = -less;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* KiB. smaps_rollup counts pages; what the kernel says elsewhere may be off by some hundred KiB for each processor. */
static long resident(void)
{
    char line[256];
    long kib = -1;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    while (rollup && kib < 0 && fgets(line, sizeof line, rollup))
        if (sscanf(line, "Rss: %ld", &kib) != 1)
            kib = -1;
    if (rollup)
        fclose(rollup);
    struct rusage use;
    if (kib < 0 && getrusage(RUSAGE_SELF, &use) == 0) /* the most that it ever was: it does not grow either */
#if defined(__APPLE__)
        kib = use.ru_maxrss / 1024;
#else
        kib = use.ru_maxrss;
#endif
    return kib;
}

/* The C library keeps the stacks of some threads that have ended, and makes a heap for each of a few that allocate at
 * once. leaks.c's control and its kinds were seen to differ by up to 112 KiB. */
const long support_memory_noise = 512;
const long support_handles_kept = 0;

support_usage support_usage_now(void)
{
#if defined(__linux__)
    return (support_usage){resident(), entries("/proc/self/task", 0), entries("/proc/self/fd", 1)};
#else
    return (support_usage){resident(), -1, entries("/dev/fd", 1)};
#endif
}

struct support_foreign {
    pthread_t thread;
};

support_foreign *support_foreign_start(void *(*run)(void *), void *arg)
{
    support_foreign *foreign = malloc(sizeof *foreign);
    if (!foreign || pthread_create(&foreign->thread, NULL, run, arg) != 0)
        support_give_up("a foreign thread could not be started");
    return foreign;
}

void support_foreign_join(support_foreign *foreign)
{
    pthread_join(foreign->thread, NULL);
    free(foreign);
}

bool support_foreign_signal(support_foreign *foreign, int signum)
{
    return pthread_kill(foreign->thread, signum) == 0;
}

bool support_signal_main(int signum)
{
    return pthread_kill((pthread_t)thrum_thread_native_handle(thrum_thread_main()), signum) == 0;
}

int support_put_emulator(char **argv, int room)
{
    int count = 0;
#if defined(THRUM_TEST_EMULATOR)
    static char words[] = THRUM_TEST_EMULATOR;
    static bool split;
    for (char *word = words; word < words + sizeof words && count < room; word += strlen(word) + 1, count++) {
        argv[count] = word;
        word[strcspn(word, split ? "" : "\n")] = 0;
    }
    split = true;
#else
    (void)argv;
    (void)room;
#endif
    return count;
}

int support_run_program(const char *self, const char *name, const char *argument)
{
    enum { ROOM = 20 };
    char path[4096];
    const char *slash = strrchr(self, '/');
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - self + 1) : 0, self, name);
    char *argv[ROOM + 3];
    int count = support_put_emulator(argv, ROOM);
    argv[count] = path;
    argv[count + 1] = (char *)argument;
    argv[count + 2] = NULL;
    pid_t child;
    int status;
    if (posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) != 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void support_system_begin(void)
{
}

bool support_signal_process(int signum)
{
    return kill(getpid(), signum) == 0;
}

static pthread_t bystander;
static bool bystander_started;
static uint32_t bystander_turns; /* atomic: how often signals have had it leave its sleep */

/* Whoever started it may have signals blocked, as threads of thrum's have. */
static void *sleep_in_the_system(void *unused)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    for (;;) {
        pause();
        thrum__fetch_add_u32_acq_rel(&bystander_turns, 1);
    }
    return unused;
}

bool support_signal_foreign(int signum)
{
    if (!bystander_started && pthread_create(&bystander, NULL, sleep_in_the_system, NULL) != 0)
        support_give_up("a bystander could not be started");
    bystander_started = true;
    return pthread_kill(bystander, signum) == 0;
}

static void do_nothing(int signum)
{
    (void)signum;
}

/* Once it has left its sleep twice, the handlers of all that was pending for it have returned. */
void support_signal_foreign_settle(void)
{
    uint32_t before = thrum__load_u32_acquire(&bystander_turns);
    if (!bystander_started)
        return;
    signal(SIGPROF, do_nothing);
    while (thrum__load_u32_acquire(&bystander_turns) - before < 2) {
        struct timespec moment = {0, 200000};
        pthread_kill(bystander, SIGPROF);
        nanosleep(&moment, NULL);
    }
}

/* Its signal may end our wait for it: waited again. */
bool support_signal_from_outside(int signum)
{
    char command[64], sh[] = "sh", c[] = "-c";
    char *argv[] = {sh, c, command, NULL};
    pid_t child;
    int status = -1;
    snprintf(command, sizeof command, "kill -%d %ld", signum, (long)getpid());
    if (posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) != 0)
        support_give_up("no shell");
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) {}
    return status == 0;
}

bool support_is_blocked(int signum)
{
    sigset_t mask;
    return pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, signum) == 1;
}

void *support_page_new(void)
{
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (page == MAP_FAILED)
        support_give_up("no page of memory");
    return page;
}

void support_page_close(void *page)
{
    if (mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) != 0)
        support_give_up("a page could not be closed");
}

void support_page_open(void *page)
{
    if (mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) != 0)
        support_give_up("a page could not be opened");
}

bool support_main_has_signal_handlers(void)
{
    return true;
}

/* Linux: the second number of each thread's schedstat, in nanoseconds. */
static thrum_nanos busy_for(const char *thread)
{
    char path[300];
    unsigned long long ran, waited = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", thread);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return (thrum_nanos)waited;
}

/* Linux, in a virtual machine: for how long its processors were given to others, in whole ticks. */
static thrum_nanos stolen(void)
{
    unsigned long long ticks = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return 0;
    if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
        ticks = 0;
    fclose(file);
    return (thrum_nanos)ticks * (THRUM_SECONDS(1) / sysconf(_SC_CLK_TCK));
}

thrum_nanos support_machine_busy(void)
{
    thrum_nanos sum = stolen();
    DIR *threads = opendir("/proc/self/task");
    if (!threads)
        return 0;
    for (const struct dirent *thread = readdir(threads); thread; thread = readdir(threads))
        if (thread->d_name[0] != '.')
            sum += busy_for(thread->d_name);
    closedir(threads);
    return sum;
}

void support_nap(void)
{
    const struct timespec instant = {0, 50000};
    nanosleep(&instant, NULL);
}
