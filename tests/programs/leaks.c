/*
 * Threads in great number: does anything of the system's grow with them?
 *
 *     leaks [KIND COUNT] ...          no argument: every kind, with the counts that a release is to pass
 *
 * Each kind starts COUNT threads. What the process has of the system's is looked at after the first tenth, when caches
 * are warm, and at the end.
 *   - Threads may not grow at all.
 *   - Handles, by no more than what stays with the records of as many as there is room for (POSIX: none, Windows: two
 *     each), some of which may come to their first timed wait only after the first tenth.
 *   - Resident memory, by no more than the noise that threads without thrum make too (support_memory_noise): the kind
 *     `control` is to compare with. With noise of 512 KiB, three bytes lost with each of 200,000 threads show, and
 * thirty with each of 20,000, which is what CI has.
 *
 * The records of threads are recycled: there may be no more of them than threads that were alive at once, and as many
 * again as there is room for, which had ended and were not yet gone.
 */
#include "../support/support.h"

#include <stdlib.h>

enum {
    TOGETHER = 64,      /* threads alive at once */
    CONTENDERS = 4,     /* foreign threads that wait for one lock */
    MOST_RECORDS = 4096 /* that can be told apart */
};

static thrum_semaphore room = THRUM_SEMAPHORE_INIT(TOGETHER);

/* ---- Records seen ----------------------------------------------------------------------------------------------- */

static thrum_lock records_lock; /* guards these: */
static const thrum_thread *records[MOST_RECORDS];
static long record_count, most_alive;

/* By each thread, while it is alive. */
static void see_record(const thrum_thread *record)
{
    long i = 0, alive = (long)thrum_thread_count();
    THRUM_WITH (&records_lock) {
        while (i < record_count && records[i] != record)
            i++;
        if (i == record_count && record_count < MOST_RECORDS)
            records[record_count++] = record;
        if (alive > most_alive)
            most_alive = alive;
    }
}

/* ---- The kinds -------------------------------------------------------------------------------------------------- */

static void *nothing(void *unused)
{
    return unused;
}

static void *use_thrum_a_little(void *unused)
{
    see_record(thrum_thread_current());
    return unused;
}

static void *make_room(void *unused)
{
    see_record(thrum_thread_current());
    thrum_semaphore_release(&room, 1);
    return unused;
}

static void start_and_join(long count)
{
    for (long i = 0; i < count; i++)
        support_join(support_start(use_thrum_a_little, NULL));
}

static void need_room(void)
{
    if (thrum_semaphore_acquire(&room, support_in(20000)) != THRUM_OK)
        support_give_up("the threads do not end");
}

static void start_and_forget(long count)
{
    for (long i = 0; i < count; i++) {
        need_room();
        if (thrum_thread_start(NULL, make_room, NULL, NULL) != THRUM_OK)
            support_give_up("a thread could not be started");
    }
}

static void start_and_release(long count)
{
    for (long i = 0; i < count; i++) {
        need_room();
        thrum_thread_release(support_start(make_room, NULL));
    }
}

static void *await_event(void *event)
{
    see_record(thrum_thread_current());
    return thrum_event_wait((thrum_event *)event, support_in(20000)) == THRUM_OK ? event : NULL;
}

static void many_together(long count)
{
    thrum_event go = THRUM_EVENT_INIT;
    thrum_thread *threads[TOGETHER];
    for (long started = 0; started < count; started += TOGETHER) {
        thrum_event_clear(&go);
        for (int i = 0; i < TOGETHER; i++)
            threads[i] = support_start(await_event, &go);
        if (thrum_thread_count() < TOGETHER)
            support_give_up("they were not there together");
        thrum_event_set(&go);
        for (int i = 0; i < TOGETHER; i++)
            if (!support_join(threads[i]))
                support_give_up("a thread was not let go");
    }
}

static thrum_lock contended;

static void *lock_once(void *unused)
{
    thrum_lock_acquire(&contended);
    see_record(thrum_thread_current());
    (void)thrum_lock_release(&contended);
    return unused;
}

/* The lock is held until they all wait for it, and so have been adopted. */
static void foreign_that_lock(long count)
{
    support_foreign *threads[CONTENDERS];
    for (long started = 0; started < count; started += CONTENDERS) {
        thrum_lock_acquire(&contended);
        for (int i = 0; i < CONTENDERS; i++)
            threads[i] = support_foreign_start(lock_once, NULL);
        support_await_sleepers(&contended, CONTENDERS);
        (void)thrum_lock_release(&contended);
        for (int i = 0; i < CONTENDERS; i++)
            support_foreign_join(threads[i]);
    }
}

/* Without thrum: as many at once as there is room for, or one at a time. */
static void control(long count)
{
    support_foreign *threads[TOGETHER];
    for (long started = 0; started < count / 2; started += TOGETHER) {
        for (int i = 0; i < TOGETHER; i++)
            threads[i] = support_foreign_start(nothing, NULL);
        for (int i = 0; i < TOGETHER; i++)
            support_foreign_join(threads[i]);
    }
    for (long i = 0; i < count / 2; i++)
        support_foreign_join(support_foreign_start(nothing, NULL));
}

static const struct kind {
    const char *name;
    void (*run)(long count);
    long count;
} kinds[] = {
    {"control", control, 200000},
    {"joined", start_and_join, 1000000},
    {"forgotten", start_and_forget, 200000},
    {"released", start_and_release, 200000},
    {"together", many_together, 200000},
    {"foreign", foreign_that_lock, 100000},
};

/* ---- Measuring -------------------------------------------------------------------------------------------------- */

/* Once the threads that have ended are gone, for the system too: it may be a little behind. */
static support_usage settle(const support_usage *first)
{
    thrum_deadline end = support_in(20000);
    support_usage now = support_usage_now();
    while ((thrum_thread_count() > 1 || now.threads > first->threads) && thrum_left(end) > 0) {
        (void)!thrum_sleep(THRUM_MILLISECONDS(5));
        now = support_usage_now();
    }
    return now;
}

static bool grew(const char *what, long from, long to, long bound)
{
    if (to - from <= bound)
        return false;
    printf("  %s grew from %ld to %ld\n", what, from, to);
    return true;
}

/* Whether nothing grew. */
static bool measure(const struct kind *kind, long count)
{
    long early = count / 10 > 2 * TOGETHER ? count / 10 : 2 * TOGETHER;
    support_usage first = support_usage_now();
    thrum_nanos start = thrum_now();
    record_count = most_alive = 0;
    kind->run(early);
    support_usage warm = settle(&first);
    kind->run(count - early);
    double seconds = support_since(start) / 1e3;
    support_usage last = settle(&first);

    printf("%-9s %7ld threads, %6.1f s; KiB %ld, %ld; threads %ld, %ld; handles %ld, %ld; records %ld, alive %ld\n",
           kind->name, count, seconds, warm.resident, last.resident, warm.threads, last.threads, warm.handles,
           last.handles, record_count, most_alive);
    bool bad = grew("threads", first.threads, last.threads, 0);
    bad |= grew("handles", warm.handles, last.handles, support_handles_kept * TOGETHER);
    bad |= grew("threads that thrum knows", 1, (long)thrum_thread_count(), 0);
    bad |= grew("the number of records", most_alive, record_count, TOGETHER);
    if (!support_sanitizer_cannot("give back the memory of threads"))
        bad |= grew("resident memory", warm.resident, last.resident, support_memory_noise);
    fflush(stdout);
    return !bad;
}

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    fprintf(stderr, "usage: leaks [KIND COUNT] ...\n");
    exit(2);
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    thrum_init();
    many_together(4 * TOGETHER); /* the stacks and records of as many as there will be at once */
    for (size_t i = 0; argc == 1 && i < sizeof kinds / sizeof kinds[0]; i++)
        measure(&kinds[i], kinds[i].count) ? passed++ : failed++;
    for (int i = 1; i + 1 < argc; i += 2)
        measure(find(argv[i]), atol(argv[i + 1])) ? passed++ : failed++;
    printf("leaks: %d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
