/*
 * What a lock costs, beside pthread's mutex: uncontended pairs, and short sections under contention. Variants take
 * turns, so that the machine's moods fall on both; the figures are medians, and the ratio is what to quote.
 *
 *     cmake --build build --target bench_lock && build/bench/bench_lock
 */
#include <thrum/thrum.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 15, PAIRS = 2000000, SECTIONS = 200000, THREADS = 4 };

static thrum_lock ours;
static pthread_mutex_t theirs = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter;

static void pairs_ours(void)
{
    for (int i = 0; i < PAIRS; i++) {
        thrum_lock_acquire(&ours);
        (void)thrum_lock_release(&ours);
    }
}

static void pairs_theirs(void)
{
    for (int i = 0; i < PAIRS; i++) {
        pthread_mutex_lock(&theirs);
        pthread_mutex_unlock(&theirs);
    }
}

static void *sections_ours(void *unused)
{
    for (int i = 0; i < SECTIONS; i++) {
        thrum_lock_acquire(&ours);
        counter = counter + 1;
        (void)thrum_lock_release(&ours);
    }
    return unused;
}

static void *sections_theirs(void *unused)
{
    for (int i = 0; i < SECTIONS; i++) {
        pthread_mutex_lock(&theirs);
        counter = counter + 1;
        pthread_mutex_unlock(&theirs);
    }
    return unused;
}

static void contend(void *(*sections)(void *))
{
    thrum_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (thrum_thread_start(&threads[i], sections, NULL, NULL) != THRUM_OK)
            abort();
    for (int i = 0; i < THREADS; i++) {
        if (thrum_thread_join(threads[i], THRUM_FOREVER, NULL) != THRUM_OK)
            abort();
        thrum_thread_release(threads[i]);
    }
}

static void contend_ours(void)
{
    contend(sections_ours);
}

static void contend_theirs(void)
{
    contend(sections_theirs);
}

static double timed(void (*run)(void), double per)
{
    thrum_nanos start = thrum_now();
    run();
    return (double)(thrum_now() - start) / per;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, void (*a)(void), void (*b)(void), double per)
{
    double as[RUNS], bs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        as[i] = timed(a, per);
        bs[i] = timed(b, per);
    }
    qsort(as, RUNS, sizeof as[0], compare);
    qsort(bs, RUNS, sizeof bs[0], compare);
    printf("%-42s thrum %7.1f ns, pthread %7.1f ns, ratio %.2f (medians of %d)\n", what, as[RUNS / 2], bs[RUNS / 2],
           as[RUNS / 2] / bs[RUNS / 2], RUNS);
}

static thrum_event never;

static void *sleep_for_ever(void *unused)
{
    while (thrum_event_wait(&never, THRUM_FOREVER) != THRUM_OK) {}
    return unused;
}

int main(void)
{
    /* A process with one thread alone is a special case to glibc, whose mutex then does without atomic instructions. */
    const thrum_thread_options daemon = {.daemon = true};
    if (thrum_thread_start(NULL, sleep_for_ever, NULL, &daemon) != THRUM_OK)
        return 1;
    printf("%u processors\n", thrum_cpu_count());
    report("acquire and release, uncontended", pairs_ours, pairs_theirs, PAIRS);
    report("a short section, 4 threads contending", contend_ours, contend_theirs, (double)SECTIONS * THREADS);
    return 0;
}
