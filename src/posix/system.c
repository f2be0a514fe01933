/* The POSIX port: the clock, memory, the beginning, stdio. */
#include "posix.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static __thread int error_ __attribute__((tls_model("initial-exec")));

void thrum__posix_fail(int error)
{
    error_ = error;
}

int thrum__port_error(void)
{
    return error_;
}

static pthread_mutex_t beginning = PTHREAD_MUTEX_INITIALIZER;
static __thread bool holds_beginning __attribute__((tls_model("initial-exec")));

void thrum__port_once(void (*begin)(void))
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool locks = !holds_beginning; /* another handler of this fork's may use thrum */
    if (locks)
        pthread_mutex_lock(&beginning);
    pthread_once(&once, begin);
    if (locks)
        pthread_mutex_unlock(&beginning);
}

bool thrum__posix_begun_or_held(void)
{
    pthread_mutex_lock(&beginning);
    if (!thrum__posix_has_begun()) {
        holds_beginning = true;
        return false;
    }
    pthread_mutex_unlock(&beginning);
    return true;
}

void thrum__posix_let_begin(bool in_child)
{
    if (!holds_beginning)
        return;
    holds_beginning = false;
    if (in_child)
        beginning = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    else
        pthread_mutex_unlock(&beginning);
}

int64_t thrum__port_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * THRUM__SECOND + now.tv_nsec;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLEEP_IN_SLICES
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SLEEP_IN_SLICES
#endif

int64_t thrum__posix_end_of_sleep(int64_t at)
{
#if defined(SLEEP_IN_SLICES)
    int64_t soon = thrum__port_now() + 5000000;
    return at < soon ? at : soon;
#else
    return at;
#endif
}

struct timespec thrum__posix_timespec(int64_t nanos)
{
    const int64_t longest = sizeof(time_t) == 4 ? INT32_MAX : INT64_MAX / THRUM__SECOND;
    struct timespec time;
    int64_t seconds = nanos / THRUM__SECOND;
    time.tv_sec = (time_t)(seconds < longest ? seconds : longest);
    time.tv_nsec = (long)(nanos % THRUM__SECOND);
    return time;
}

int thrum__posix_stop_cancel(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void thrum__posix_allow_cancel(int before)
{
    pthread_setcancelstate(before, &before);
}

void *thrum__port_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        thrum__posix_fail(ENOMEM);
    return memory;
}

void thrum__port_free(void *memory)
{
    free(memory);
}

void thrum__port_yield(void)
{
    sched_yield();
}

unsigned thrum__port_cpu_count(void)
{
#if defined(THRUM_HAVE_SCHED_GETAFFINITY)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

void thrum__port_sleep_for_good(void)
{
    for (;;)
        pause();
}

void thrum__port_flush_all(void)
{
    fflush(NULL);
}

void thrum__port_flush_standard(void)
{
    fflush(stdout);
    fflush(stderr);
}

void thrum__port_shutdown_done(void)
{
}

void thrum__port_process_ends(void)
{
}

bool thrum__port_is_alone(void)
{
    return false; /* exit() leaves the threads as they are */
}

void thrum__port_exit(int status)
{
    exit(status);
}
