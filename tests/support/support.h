/*
 * What the suites share. A suite is a program: a list of tests, and SUITE(name, tests) for its main.
 *
 * CUnit's assertions are for the test's own thread. Workers record what they saw, and the test asserts.
 */
#ifndef THRUM_TESTS_SUPPORT_H
#define THRUM_TESTS_SUPPORT_H

#include <CUnit/CUnit.h>
#include <thrum/thrum.h>

#include <stdio.h>
#include <string.h>

typedef struct support_test {
    const char *name;
    void (*run)(void);
} support_test;

/* Run the tests in CUnit, print what failed and the line "NAME: N passed, N failed"; the failures are the status. With
 * arguments, only the tests named by them. */
int support_run(const char *suite, const support_test *tests, size_t count, int argc, char **argv);

#define SUITE(name, tests)                                                                                             \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        return support_run(name, tests, sizeof(tests) / sizeof((tests)[0]), argc, argv);                               \
    }

/* clang-format off */
#define TEST(name) {#name, name}
/* clang-format on */

#define CHECK(condition)      CU_ASSERT(condition)
#define CHECK_IS(a, b)        support_check_is((long long)(a), (long long)(b), #a " is " #b, __FILE__, __LINE__)
#define CHECK_STATUS(call, s) support_check_status((call), (s), #call, __FILE__, __LINE__)
void support_check_is(long long a, long long b, const char *text, const char *file, int line);
void support_check_status(thrum_status is, thrum_status should_be, const char *call, const char *file, int line);

/* Start a thread of thrum's; the program ends if that fails. Wait for its end, and let it go; what it returned. */
thrum_thread *support_start(void *(*run)(void *), void *arg);
void *support_join(thrum_thread *thread);

/* Wait for its end without an interruption point, and let it go: what is pending for main stays so. */
void support_join_deaf(thrum_thread *thread);

/* Wait until this many threads sleep in the parking lot at an object. Ends the program after 20 s: a test must not
 * hang. */
void support_await_sleepers(const void *object, unsigned count);

/* Wait until a flag that another thread sets is true (acquire); the same bound. And set it (release). */
void support_await_flag(const uint32_t *flag);
void support_set_flag(uint32_t *flag);

/*
 * A thread that does something when it is told to, after a delay: to hit another at an instant that differs each time.
 * start; then for each round set the delay, tell, and settle before anything of the sender's is read or written again;
 * end joins the thread.
 */
typedef struct support_sender {
    bool (*send)(void *arg);
    void *arg;
    unsigned delay;   /* microseconds from being told to sending, spun through */
    thrum_nanos sent; /* when it last sent */
    bool failed;      /* send has said false once */
    thrum_event go_;
    bool over_;
    uint32_t told_, done_; /* done_: atomic */
    thrum_thread *thread_;
} support_sender;
void support_sender_start(support_sender *sender, bool (*send)(void *), void *arg);
void support_sender_tell(support_sender *sender);
void support_sender_settle(support_sender *sender); /* wait until it has done what it was last told */
void support_sender_end(support_sender *sender);

/* Leave the processor to others for an instant, in the system's own sleep, some 100 us where it can sleep so short.
 * Signal handlers may. */
void support_nap(void);

/* A deadline this many milliseconds from now; milliseconds since a time of thrum_now(). */
thrum_deadline support_in(int milliseconds);
double support_since(thrum_nanos start);

/* Processor time that this process has used, in milliseconds. */
double support_cpu_milliseconds(void);

/* What this process has of the system's at this moment: KiB of resident memory, threads, open handles (POSIX: file
 * descriptors). -1: this system does not say. */
typedef struct support_usage {
    long resident, threads, handles;
} support_usage;
support_usage support_usage_now(void);

/* KiB by which resident memory comes and goes with threads that end, whoever started them. */
extern const long support_memory_noise;

/* Handles that stay with the record of a thread, for the next one, from its first wait with a deadline on. */
extern const long support_handles_kept;

/* A thread that thrum did not start, and did not block signals for: the system's own. */
typedef struct support_foreign support_foreign;
support_foreign *support_foreign_start(void *(*run)(void *), void *arg);
void support_foreign_join(support_foreign *thread);

/* Send a real signal to this thread, or to the main one. False where the system has no such thing (Windows). */
bool support_foreign_signal(support_foreign *thread, int signum);
bool support_signal_main(int signum);

/* Run a program that stands beside this one (name without .exe), wait for its end; its exit status, or 128 and the
 * signal's number if a signal ended it. -1 if it could not be run. On Windows the whole 32 bits, as a negative number
 * maybe. */
int support_run_program(const char *self, const char *name, const char *argument);

/* What the system needs before a suite begins. */
void support_system_begin(void);

#if !defined(_WIN32)
/* Put the words of the emulator's command, if there is one, at the beginning of a command; how many there are. */
int support_put_emulator(char **argv, int room);
#endif

/* Send a real signal: to this process, by the system; to a thread that thrum does not know and that sleeps in a system
 * call, for good. False where the system has no such thing (Windows: without a console; to a thread, never). */
bool support_signal_process(int signum);
bool support_signal_foreign(int signum);

/* Wait until that thread is through with what it was sent, or took over from the process. */
void support_signal_foreign_settle(void);

/* The same from another process, which has ended when this returns. False where the system has no such thing. */
bool support_signal_from_outside(int signum);

/* Whether this signal is blocked for the calling thread; always true on Windows, where no thread is sent any. */
bool support_is_blocked(int signum);

/* Memory of whole pages, zeroed, that can be closed: then who touches it ends the program. For objects that may be
 * freed at an instant at which somebody else is not through with them. */
void *support_page_new(void);
void support_page_close(void *page);
void support_page_open(void *page);

/* Whether a signal for the main thread is received on that thread, in a signal handler; else on the one that sends it.
 */
bool support_main_has_signal_handlers(void);

/* How long the threads of this process have been ready to run so far while the machine ran something else; 0 where the
 * system does not tell. On a busy machine a bound on time is one on what goes beyond that. */
thrum_nanos support_machine_busy(void);

/* Under a sanitizer or an emulator all is slower: how many times longer a bound on time may be. Upward: a wait that
 * ends early is wrong everywhere. */
int support_slowness(void);

/* How many of so many rounds a test that repeats itself does: all of them; a twentieth under helgrind, which runs one
 * thread at a time, and finds a race by the order of two accesses and not by the luck of meeting it. */
#if defined(THRUM_TEST_HELGRIND)
#define SUPPORT_ROUNDS(n) ((n) / 20)
#else
#define SUPPORT_ROUNDS(n) (n)
#endif

/* Whether the programs of this build are run by an emulator, named by the build; and whether they are and it cannot do
 * this, which is said in the output. The test says how that is known. */
bool support_is_emulated(void);
bool support_emulator_cannot(const char *what);

/* Whether this is a build with a sanitizer that cannot do this, which is said in the output: the sanitizers' own locks
 * do not survive a fork, and ThreadSanitizer loses track of a thread that was cancelled in a system call. */
bool support_sanitizer_cannot(const char *what);

/* Fail the whole program with a message: for what a test cannot go on without. */
void support_give_up(const char *what);

extern const char *support_self; /* argv[0] */

#endif
