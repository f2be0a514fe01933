/* Threads: start, end, join, names, numbers, the list of those alive, interrupts. */
#include "support/support.h"

#include "../src/threads.h" /* the address that joins sleep at */

#include <stdlib.h>

/* ---- A thread that stays until it is let go ------------------------------------------------------------------------ */

typedef struct stayer {
    uint32_t started, go;
    void *result;
    thrum_thread *self; /* retained by the thread, if `keep` */
    bool keep, is_main, main_is_another, alive, daemon;
    uint64_t id, native_id;
    uintptr_t native_handle;
} stayer;

static void *stay(void *arg)
{
    stayer *s = arg;
    thrum_thread *self = thrum_thread_current();
    s->self = s->keep ? thrum_thread_retain(self) : self;
    s->is_main = thrum_is_main_thread();
    s->main_is_another = thrum_thread_main() != self;
    s->alive = thrum_thread_is_alive(self);
    s->daemon = thrum_thread_is_daemon(self);
    s->id = thrum_thread_id(self);
    s->native_id = thrum_thread_native_id(self);
    s->native_handle = thrum_thread_native_handle(self);
    support_set_flag(&s->started);
    support_await_flag(&s->go);
    return s->result;
}

static void *pass_on(void *arg)
{
    return arg;
}

static thrum_thread *start_with(void *(*run)(void *), void *arg, const thrum_thread_options *options)
{
    thrum_thread *thread = NULL;
    CHECK_STATUS(thrum_thread_start(&thread, run, arg, options), THRUM_OK);
    if (!thread)
        support_give_up("a thread could not be started");
    return thread;
}

/* Threads that nobody joined take a moment to go. */
static void await_count(size_t count)
{
    thrum_deadline end = support_in(20000);
    while (thrum_thread_count() != count) {
        if (thrum_left(end) == 0)
            support_give_up("the number of threads is not what it should be");
        thrum_thread_yield();
    }
}

/* ---- Start --------------------------------------------------------------------------------------------------------- */

static void a_thread_runs_and_its_result_is_joined(void)
{
    int value;
    void *result = NULL;
    thrum_thread *thread = start_with(pass_on, &value, NULL);
    CHECK_STATUS(thrum_thread_join(thread, THRUM_FOREVER, &result), THRUM_OK);
    CHECK(result == &value);
    CHECK_STATUS(thrum_thread_join(thread, THRUM_FOREVER, NULL), THRUM_OK);
    thrum_thread_release(thread);
}

static void *raise_flag(void *arg)
{
    support_set_flag(arg);
    return NULL;
}

static void a_thread_can_be_started_and_forgotten(void)
{
    size_t before = thrum_thread_count();
    static uint32_t ran;
    CHECK_STATUS(thrum_thread_start(NULL, raise_flag, &ran, NULL), THRUM_OK);
    support_await_flag(&ran);
    await_count(before);
}

static void nothing_to_run_is_invalid(void)
{
    thrum_thread *thread = thrum_thread_main();
    CHECK_STATUS(thrum_thread_start(&thread, NULL, NULL, NULL), THRUM_INVALID);
    CHECK(thread == thrum_thread_main());
    CHECK_STATUS(thrum_thread_start(NULL, NULL, NULL, NULL), THRUM_INVALID);
}

static void *exit_deep(void *result)
{
    thrum_thread_exit(result);
}

static void *call_exit(void *arg)
{
    exit_deep(arg);
    return NULL;
}

static void exit_ends_the_thread_with_a_result(void)
{
    int value;
    CHECK(support_join(support_start(call_exit, &value)) == &value);
    CHECK(support_join(support_start(call_exit, NULL)) == NULL);
}

static void zero_bytes_are_the_default_options(void)
{
    thrum_thread_options options;
    int value;
    memset(&options, 0, sizeof options);
    thrum_thread *thread = start_with(pass_on, &value, &options);
    CHECK(!thrum_thread_is_daemon(thread));
    CHECK(support_join(thread) == &value);
}

static void a_daemon_is_one_if_asked_for(void)
{
    const thrum_thread_options options = {.daemon = true};
    stayer s = {0}, other = {0};
    thrum_thread *daemon = start_with(stay, &s, &options), *plain = support_start(stay, &other);
    CHECK(thrum_thread_is_daemon(daemon));
    CHECK(!thrum_thread_is_daemon(plain));
    CHECK(!thrum_thread_is_daemon(thrum_thread_main()));
    CHECK(!thrum_thread_is_daemon(NULL));
    support_set_flag(&s.go);
    support_set_flag(&other.go);
    support_join(plain);
    CHECK_STATUS(thrum_thread_join(daemon, support_in(20000), NULL), THRUM_OK);
    CHECK(thrum_thread_is_daemon(daemon));
    thrum_thread_release(daemon);
    CHECK(s.daemon && !other.daemon);
}

/* ---- Stacks -------------------------------------------------------------------------------------------------------- */

enum { FRAME = 16384 };

static unsigned use_stack(size_t bytes)
{
    volatile unsigned char block[FRAME];
    unsigned sum = 0;
    for (size_t i = 0; i < FRAME; i += 512)
        block[i] = (unsigned char)(bytes >> 14);
    if (bytes > FRAME)
        sum = use_stack(bytes - FRAME);
    for (size_t i = 0; i < FRAME; i += 512)
        sum += block[i] == (unsigned char)(bytes >> 14);
    return sum;
}

static void *use_it(void *arg)
{
    size_t *bytes = arg;
    *bytes = use_stack(*bytes) == *bytes / 512 ? 1 : 0;
    return NULL;
}

static void a_stack_as_large_as_asked_for_can_be_used(void)
{
    const thrum_thread_options options = {.stack_size = 8 * 1048576};
    size_t bytes = 448 * FRAME; /* 7 MiB: under ThreadSanitizer its static storage takes from the rest */
    support_join(start_with(use_it, &bytes, &options));
    CHECK_IS(bytes, 1);
}

static void the_usual_stack_is_a_mebibyte_at_least(void)
{
    size_t bytes = 56 * FRAME; /* 896 KiB */
    support_join(support_start(use_it, &bytes));
    CHECK_IS(bytes, 1);
}

static void a_stack_too_small_or_too_large_is_invalid(void)
{
    static const size_t sizes[] = {1, SIZE_MAX / 64 * 63, SIZE_MAX};
    size_t before = thrum_thread_count();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const thrum_thread_options options = {.stack_size = sizes[i]};
        thrum_thread *thread = thrum_thread_main();
        CHECK_STATUS(thrum_thread_start(&thread, pass_on, NULL, &options), THRUM_INVALID);
        CHECK(thread == thrum_thread_main());
    }
    CHECK_IS(thrum_thread_count(), before);
    support_join(support_start(pass_on, NULL)); /* and others can be started still */
}

/* ---- Names --------------------------------------------------------------------------------------------------------- */

static bool has_name(const thrum_thread *thread, const char *name)
{
    char buffer[THRUM_THREAD_NAME_MAX + 1];
    size_t length = thrum_thread_name(thread, buffer, sizeof buffer);
    return length == strlen(name) && strcmp(buffer, name) == 0;
}

static unsigned long number_in_name(const thrum_thread *thread)
{
    char buffer[THRUM_THREAD_NAME_MAX + 1], *end;
    thrum_thread_name(thread, buffer, sizeof buffer);
    if (strncmp(buffer, "thread-", 7) != 0)
        return 0;
    unsigned long number = strtoul(buffer + 7, &end, 10);
    return *end == 0 ? number : 0;
}

static void a_thread_without_a_name_is_thread_n(void)
{
    thrum_thread *first = support_start(pass_on, NULL), *second = support_start(pass_on, NULL);
    CHECK(number_in_name(first) > 0);
    CHECK_IS(number_in_name(second), number_in_name(first) + 1);
    support_join(first);
    support_join(second);
}

static void the_name_asked_for_is_copied(void)
{
    char name[] = "the w\xC3\xB6rker";
    const thrum_thread_options options = {.name = name}, empty = {.name = ""};
    thrum_thread *thread = start_with(pass_on, NULL, &options);
    memset(name, 'x', 5);
    CHECK(has_name(thread, "the w\xC3\xB6rker"));
    support_join(thread);
    thread = start_with(pass_on, NULL, &empty);
    CHECK(has_name(thread, ""));
    support_join(thread);
}

/* `times` times a character, after `ascii` letters, is `kept` bytes of name. */
static void check_cut(size_t ascii, const char *character, size_t times, size_t kept)
{
    char name[400] = "", expected[400];
    memset(name, 'a', ascii);
    for (size_t i = 0; i < times; i++)
        memcpy(name + ascii + i * strlen(character), character, strlen(character) + 1);
    memcpy(expected, name, sizeof expected);
    expected[kept] = 0;
    const thrum_thread_options options = {.name = name};
    thrum_thread *thread = start_with(pass_on, NULL, &options);
    CHECK(has_name(thread, expected));
    CHECK_STATUS(thrum_thread_set_name(thread, "other"), THRUM_OK);
    CHECK(has_name(thread, "other"));
    CHECK_STATUS(thrum_thread_set_name(thread, name), THRUM_OK);
    CHECK(has_name(thread, expected));
    support_join(thread);
}

static void a_long_name_is_cut_after_a_whole_character(void)
{
    CHECK_IS(THRUM_THREAD_NAME_MAX, 63);
    check_cut(63, "", 0, 63);
    check_cut(64, "", 0, 63);
    check_cut(300, "", 0, 63);
    check_cut(61, "\xC3\xA9", 1, 63);
    check_cut(62, "\xC3\xA9", 1, 62);
    check_cut(0, "\xE2\x82\xAC", 21, 63);
    check_cut(1, "\xE2\x82\xAC", 21, 61);
    check_cut(0, "\xF0\x9F\x98\x80", 20, 60);
    check_cut(3, "\xF0\x9F\x98\x80", 20, 63);
}

static void a_name_that_is_not_utf_8_is_invalid(void)
{
    static const char *const names[] = {
        "\x80",
        "a\xFF",
        "\xC3",
        "\xC3(",
        "\xC0\x80",
        "\xE2\x82",
        "\xE0\x80\x80",
        "\xED\xA0\x80",
        "\xF0\x80\x80\x80",
        "\xF0\x9F\x98",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "0123456789012345678901234567890123456789012345678901234567890123456789\xFF", /* past what is kept */
    };
    stayer s = {0};
    thrum_thread *stays = support_start(stay, &s), *untouched = NULL;
    size_t before = thrum_thread_count();
    CHECK_STATUS(thrum_thread_set_name(stays, "good"), THRUM_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const thrum_thread_options options = {.name = names[i]};
        CHECK_STATUS(thrum_thread_start(&untouched, pass_on, NULL, &options), THRUM_INVALID);
        CHECK_STATUS(thrum_thread_set_name(stays, names[i]), THRUM_INVALID);
    }
    CHECK(untouched == NULL);
    CHECK(has_name(stays, "good"));
    CHECK_IS(thrum_thread_count(), before);
    support_set_flag(&s.go);
    support_join(stays);
}

static void a_name_is_cut_to_the_buffer(void)
{
    stayer s = {0};
    thrum_thread *thread = support_start(stay, &s);
    char buffer[8];
    CHECK_STATUS(thrum_thread_set_name(thread, "abcdef"), THRUM_OK);
    CHECK_IS(thrum_thread_name(thread, NULL, 0), 6);
    memset(buffer, 'x', sizeof buffer);
    CHECK_IS(thrum_thread_name(thread, buffer, 0), 6);
    CHECK(buffer[0] == 'x');
    CHECK_IS(thrum_thread_name(thread, buffer, 1), 6);
    CHECK(buffer[0] == 0 && buffer[1] == 'x');
    CHECK_IS(thrum_thread_name(thread, buffer, 4), 6);
    CHECK(strcmp(buffer, "abc") == 0 && buffer[4] == 'x');
    CHECK_IS(thrum_thread_name(thread, buffer, 7), 6);
    CHECK(strcmp(buffer, "abcdef") == 0 && buffer[7] == 'x');
    CHECK_IS(thrum_thread_name(NULL, buffer, sizeof buffer), 0);
    CHECK(buffer[0] == 0);
    CHECK_STATUS(thrum_thread_set_name(thread, NULL), THRUM_INVALID);
    CHECK_STATUS(thrum_thread_set_name(NULL, "abc"), THRUM_INVALID);
    support_set_flag(&s.go);
    support_join(thread);
}

/* ---- Join ---------------------------------------------------------------------------------------------------------- */

static void a_timed_join_is_never_early(void)
{
    static const thrum_nanos lengths[] = {0, 1000, 300000, 999999, 3000000, 20000000};
    int value;
    stayer s = {.result = &value};
    void *result = NULL;
    thrum_thread *thread = support_start(stay, &s);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        thrum_nanos start = thrum_now();
        CHECK_STATUS(thrum_thread_join(thread, thrum_after(lengths[i]), &result), THRUM_TIMED_OUT);
        CHECK(thrum_now() - start >= lengths[i]);
    }
    CHECK_STATUS(thrum_thread_join(thread, THRUM_IMMEDIATELY, &result), THRUM_TIMED_OUT);
    CHECK(result == NULL);
    support_set_flag(&s.go);
    for (int i = 0; i < 3; i++, result = NULL) {
        CHECK_STATUS(thrum_thread_join(thread, i == 0 ? support_in(20000) : THRUM_IMMEDIATELY, &result), THRUM_OK);
        CHECK(result == &value);
    }
    thrum_thread_release(thread);
}

typedef struct joiner {
    thrum_thread *thread; /* NULL: itself */
    thrum_status status;
    void *result;
} joiner;

static void *join_it(void *arg)
{
    joiner *j = arg;
    j->status = thrum_thread_join(j->thread ? j->thread : thrum_thread_current(), support_in(20000), &j->result);
    return NULL;
}

static void several_threads_may_join_one(void)
{
    enum { N = 4 };
    int value;
    stayer s = {.result = &value};
    thrum_thread *thread = support_start(stay, &s), *threads[N];
    joiner joiners[N];
    for (int i = 0; i < N; i++) {
        joiners[i] = (joiner){thread, THRUM_SYSTEM, NULL};
        threads[i] = support_start(join_it, &joiners[i]);
    }
    support_await_sleepers(&thread->done, N);
    support_set_flag(&s.go);
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_STATUS(joiners[i].status, THRUM_OK);
        CHECK(joiners[i].result == &value);
    }
    CHECK(support_join(thread) == &value);
}

static void to_join_oneself_would_deadlock(void)
{
    joiner j = {.status = THRUM_SYSTEM};
    CHECK_STATUS(thrum_thread_join(thrum_thread_current(), THRUM_IMMEDIATELY, NULL), THRUM_WOULD_DEADLOCK);
    CHECK_STATUS(thrum_thread_join(thrum_thread_main(), THRUM_FOREVER, NULL), THRUM_WOULD_DEADLOCK);
    support_join(support_start(join_it, &j));
    CHECK_STATUS(j.status, THRUM_WOULD_DEADLOCK);
    j.status = THRUM_SYSTEM;
    support_foreign_join(support_foreign_start(join_it, &j));
    CHECK_STATUS(j.status, THRUM_WOULD_DEADLOCK);
    CHECK_STATUS(thrum_thread_join(NULL, THRUM_IMMEDIATELY, NULL), THRUM_INVALID);
}

static void an_interrupt_ends_a_join_and_not_the_thread(void)
{
    stayer s = {0};
    thrum_thread *thread = support_start(stay, &s);
    joiner j = {thread, THRUM_SYSTEM, &s};
    thrum_thread *joins = support_start(join_it, &j);
    support_await_sleepers(&thread->done, 1);
    CHECK_STATUS(thrum_thread_interrupt(joins), THRUM_OK);
    support_join(joins);
    CHECK_STATUS(j.status, THRUM_INTERRUPTED);
    CHECK(j.result == &s);
    CHECK(thrum_thread_is_alive(thread));
    support_set_flag(&s.go);
    support_join(thread);
}

/* ---- References ---------------------------------------------------------------------------------------------------- */

static void a_thread_that_was_released_runs_on(void)
{
    size_t before = thrum_thread_count();
    stayer s = {0};
    thrum_thread_release(support_start(stay, &s));
    support_await_flag(&s.started);
    CHECK_IS(thrum_thread_count(), before + 1);
    support_set_flag(&s.go);
    await_count(before);
    thrum_thread_release(NULL);
    CHECK(thrum_thread_retain(NULL) == NULL);
}

static void a_reference_is_good_after_the_end(void)
{
    const thrum_thread_options options = {.name = "gone"};
    int value;
    void *result = NULL;
    thrum_thread *thread = start_with(pass_on, &value, &options);
    uint64_t id = thrum_thread_id(thread);
    CHECK(thrum_thread_retain(thread) == thread);
    CHECK_STATUS(thrum_thread_join(thread, THRUM_FOREVER, NULL), THRUM_OK);
    thrum_thread_release(thread);
    for (int i = 0; i < 20; i++) /* others do not take its place */
        support_join(support_start(pass_on, NULL));
    CHECK(!thrum_thread_is_alive(thread));
    CHECK_IS(thrum_thread_id(thread), id);
    CHECK(has_name(thread, "gone"));
    CHECK_STATUS(thrum_thread_set_name(thread, "still gone"), THRUM_OK);
    CHECK(has_name(thread, "still gone"));
    CHECK(thrum_thread_native_id(thread) != 0);
    CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK);
    CHECK_STATUS(thrum_thread_join(thread, THRUM_IMMEDIATELY, &result), THRUM_OK);
    CHECK(result == &value);
    thrum_thread_release(thread);
}

/* ---- Who is who ---------------------------------------------------------------------------------------------------- */

static void main_is_main(void)
{
    thrum_thread *self = thrum_thread_current();
    CHECK(self != NULL && self == thrum_thread_main());
    CHECK(thrum_is_main_thread());
    CHECK(thrum_thread_is_alive(self));
    CHECK(has_name(self, "main"));
    CHECK(thrum_thread_id(self) != 0);
    CHECK(thrum_thread_native_id(self) != 0);
    CHECK(thrum_thread_native_handle(self) != 0);
}

static void a_thread_knows_itself(void)
{
    stayer s = {0};
    thrum_thread *thread = support_start(stay, &s);
    CHECK(thrum_thread_is_alive(thread));
    support_await_flag(&s.started);
    CHECK(s.self == thread);
    CHECK(!s.is_main);
    CHECK(s.main_is_another);
    CHECK(s.alive);
    CHECK_IS(s.id, thrum_thread_id(thread));
    CHECK_IS(s.native_id, thrum_thread_native_id(thread));
    CHECK_IS(s.native_handle, thrum_thread_native_handle(thread));
    support_set_flag(&s.go);
    CHECK_STATUS(thrum_thread_join(thread, support_in(20000), NULL), THRUM_OK);
    CHECK(!thrum_thread_is_alive(thread));
    thrum_thread_release(thread);
    CHECK(!thrum_thread_is_alive(NULL));
}

static void an_id_is_never_used_again(void)
{
    enum { N = 1000 };
    static uint64_t ids[N];
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        thrum_thread *thread = support_start(pass_on, NULL);
        ids[i] = thrum_thread_id(thread);
        support_join(thread);
        wrong += ids[i] == 0 || ids[i] == thrum_thread_id(thrum_thread_main());
        for (int j = 0; j < i; j++)
            wrong += ids[i] == ids[j];
    }
    CHECK_IS(wrong, 0);
    CHECK_IS(thrum_thread_id(NULL), 0);
}

static void native_numbers_are_there_at_once_and_differ(void)
{
    enum { N = 8 };
    stayer stayers[N];
    thrum_thread *threads[N];
    uint64_t ids[N + 1];
    uintptr_t handles[N + 1];
    memset(stayers, 0, sizeof stayers);
    for (int i = 0; i < N; i++) {
        threads[i] = support_start(stay, &stayers[i]);
        ids[i] = thrum_thread_native_id(threads[i]);
        handles[i] = thrum_thread_native_handle(threads[i]);
    }
    ids[N] = thrum_thread_native_id(thrum_thread_current());
    handles[N] = thrum_thread_native_handle(thrum_thread_current());
    for (int i = 0; i <= N; i++) {
        CHECK(ids[i] != 0 && handles[i] != 0);
        for (int j = 0; j < i; j++)
            CHECK(ids[i] != ids[j] && handles[i] != handles[j]);
    }
    for (int i = 0; i < N; i++)
        support_set_flag(&stayers[i].go);
    for (int i = 0; i < N; i++) {
        support_join(threads[i]);
        CHECK_IS(stayers[i].native_id, ids[i]);
    }
    CHECK_IS(thrum_thread_native_id(NULL), 0);
    CHECK_IS(thrum_thread_native_handle(NULL), 0);
}

/* ---- Those alive --------------------------------------------------------------------------------------------------- */

enum { LISTED = 64 };

static size_t position_in_list(const thrum_thread *wanted)
{
    thrum_thread *threads[LISTED];
    size_t found = SIZE_MAX, count = thrum_thread_list(threads, LISTED);
    for (size_t i = 0; i < count && i < LISTED; i++) {
        if (threads[i] == wanted)
            found = i;
        thrum_thread_release(threads[i]);
    }
    return found;
}

static void those_alive_are_counted_and_listed_oldest_first(void)
{
    enum { N = 5 };
    size_t before = thrum_thread_count();
    stayer stayers[N];
    thrum_thread *threads[N], *some[LISTED];
    memset(stayers, 0, sizeof stayers);
    CHECK_IS(before, 1);
    for (unsigned i = 0; i < N; i++) {
        threads[i] = support_start(stay, &stayers[i]);
        CHECK_IS(thrum_thread_count(), before + i + 1); /* on return */
        CHECK_IS(position_in_list(threads[i]), before + i);
    }
    CHECK_IS(position_in_list(thrum_thread_main()), 0);

    CHECK_IS(thrum_thread_list(NULL, 0), before + N);
    memset(some, 0, sizeof some);
    CHECK_IS(thrum_thread_list(some, 2), before + N); /* more than it gives */
    CHECK(some[0] == thrum_thread_main() && some[1] == threads[0] && some[2] == NULL);
    thrum_thread_release(some[0]);
    thrum_thread_release(some[1]);

    for (unsigned i = 0; i < N; i++) {
        support_set_flag(&stayers[i].go);
        CHECK_STATUS(thrum_thread_join(threads[i], support_in(20000), NULL), THRUM_OK);
        CHECK_IS(thrum_thread_count(), before + N - i - 1); /* once joined */
        CHECK_IS(position_in_list(threads[i]), SIZE_MAX);
        thrum_thread_release(threads[i]);
    }
}

static void a_foreign_thread_is_adopted_when_it_calls(void)
{
    size_t before = thrum_thread_count();
    stayer s = {.keep = true, .result = &s};
    joiner j = {.status = THRUM_SYSTEM, .result = &j};
    support_foreign *foreign = support_foreign_start(stay, &s);
    support_await_flag(&s.started);
    CHECK(s.self != NULL);
    CHECK(!s.is_main && s.main_is_another && s.alive && s.daemon);
    CHECK(s.id != 0 && s.native_id != 0 && s.native_handle != 0);
    CHECK_IS(thrum_thread_count(), before + 1);
    CHECK_IS(position_in_list(s.self), before);
    CHECK_IS(thrum_thread_native_id(s.self), s.native_id);
    CHECK(thrum_thread_name(s.self, NULL, 0) > 0);
    CHECK_STATUS(thrum_thread_set_name(s.self, "guest"), THRUM_OK);
    CHECK(has_name(s.self, "guest"));
    CHECK_STATUS(thrum_thread_join(s.self, THRUM_IMMEDIATELY, NULL), THRUM_TIMED_OUT);

    j.thread = s.self;
    thrum_thread *joins = support_start(join_it, &j);
    support_await_sleepers(&s.self->done, 1);
    support_set_flag(&s.go);
    support_join(joins);
    CHECK_STATUS(j.status, THRUM_OK);
    CHECK(j.result == NULL);
    CHECK(!thrum_thread_is_alive(s.self));
    CHECK_IS(thrum_thread_count(), before);
    CHECK_IS(position_in_list(s.self), SIZE_MAX);
    CHECK_IS(thrum_thread_id(s.self), s.id);
    support_foreign_join(foreign);
    thrum_thread_release(s.self);
}

static void a_foreign_thread_is_gone_after_its_end(void)
{
    size_t before = thrum_thread_count();
    for (int i = 0; i < 50; i++) {
        stayer s = {.go = 1};
        support_foreign_join(support_foreign_start(stay, &s));
        CHECK(s.self != NULL);
    }
    CHECK_IS(thrum_thread_count(), before);
}

static void a_foreign_thread_may_exit(void)
{
    size_t before = thrum_thread_count();
    support_foreign_join(support_foreign_start(call_exit, NULL));
    CHECK_IS(thrum_thread_count(), before);
}

/* ---- Interrupts ---------------------------------------------------------------------------------------------------- */

typedef struct target {
    thrum_event event;
    uint32_t ready, go; /* it goes on to wait when `go` is set */
    thrum_status statuses[3];
    bool took_first, took_again;
} target;

static void *wait_three_times(void *arg)
{
    target *t = arg;
    support_set_flag(&t->ready);
    support_await_flag(&t->go); /* no interruption point */
    t->statuses[0] = thrum_event_wait(&t->event, support_in(20000));
    t->statuses[1] = thrum_event_wait(&t->event, support_in(5));
    t->statuses[2] = thrum_sleep(0);
    return NULL;
}

static void an_interrupt_before_the_wait_is_kept_and_told_once(void)
{
    for (int times = 1; times <= 3; times++) { /* several are one */
        target t = {.event = THRUM_EVENT_INIT};
        thrum_thread *thread = support_start(wait_three_times, &t);
        support_await_flag(&t.ready);
        for (int i = 0; i < times; i++)
            CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK);
        thrum_event_set(&t.event);
        support_set_flag(&t.go);
        support_join(thread);
        CHECK_STATUS(t.statuses[0], THRUM_INTERRUPTED);
        CHECK_STATUS(t.statuses[1], THRUM_OK);
        CHECK_STATUS(t.statuses[2], THRUM_OK);
    }
}

static void an_interrupt_before_the_thread_runs_is_kept(void)
{
    for (int i = 0; i < 50; i++) {
        target t = {.event = THRUM_EVENT_INIT, .go = 1};
        thrum_thread *thread = support_start(wait_three_times, &t);
        CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK); /* or in the wait: both are shown here and there */
        support_join(thread);
        CHECK_STATUS(t.statuses[0], THRUM_INTERRUPTED);
        CHECK_STATUS(t.statuses[1], THRUM_TIMED_OUT);
        CHECK_STATUS(t.statuses[2], THRUM_OK);
    }
}

static void an_interrupt_ends_the_wait_once(void)
{
    target t = {.event = THRUM_EVENT_INIT, .go = 1};
    thrum_thread *thread = support_start(wait_three_times, &t);
    support_await_sleepers(&t.event, 1);
    CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK);
    support_join(thread);
    CHECK_STATUS(t.statuses[0], THRUM_INTERRUPTED);
    CHECK_STATUS(t.statuses[1], THRUM_TIMED_OUT);
    CHECK_STATUS(t.statuses[2], THRUM_OK);
}

static void a_foreign_thread_and_main_can_be_interrupted(void)
{
    thrum_thread *threads[LISTED];
    target t = {.event = THRUM_EVENT_INIT, .go = 1};
    support_foreign *foreign = support_foreign_start(wait_three_times, &t);
    support_await_sleepers(&t.event, 1);
    size_t count = thrum_thread_list(threads, LISTED);
    CHECK_STATUS(thrum_thread_interrupt(threads[count - 1]), THRUM_OK);
    for (size_t i = 0; i < count; i++)
        thrum_thread_release(threads[i]);
    support_foreign_join(foreign);
    CHECK_STATUS(t.statuses[0], THRUM_INTERRUPTED);
    CHECK_STATUS(t.statuses[1], THRUM_TIMED_OUT);

    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_main()), THRUM_OK);
    CHECK_STATUS(thrum_sleep_until(support_in(20000)), THRUM_INTERRUPTED);
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
}

static void *interrupt_main_once_it_sleeps(void *event)
{
    support_await_sleepers(event, 1);
    thrum_thread_interrupt(thrum_thread_main());
    return NULL;
}

static void mains_wait_is_ended_by_another_thread(void)
{
    thrum_event event = THRUM_EVENT_INIT;
    thrum_thread *thread = support_start(interrupt_main_once_it_sleeps, &event);
    CHECK_STATUS(thrum_event_wait(&event, support_in(20000)), THRUM_INTERRUPTED);
    CHECK(!thrum_thread_take_interrupt());
    support_join(thread);
}

static void take_interrupt_takes_it(void)
{
    CHECK(!thrum_thread_take_interrupt());
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK_STATUS(thrum_thread_interrupt(thrum_thread_current()), THRUM_OK);
    CHECK(thrum_thread_take_interrupt());
    CHECK(!thrum_thread_take_interrupt());
    CHECK_STATUS(thrum_sleep(0), THRUM_OK);
}

static void *take(void *arg)
{
    target *t = arg;
    t->took_first = thrum_thread_take_interrupt();
    t->took_again = thrum_thread_take_interrupt();
    return NULL;
}

static void to_interrupt_nobody_is_invalid_and_the_ended_harmless(void)
{
    CHECK_STATUS(thrum_thread_interrupt(NULL), THRUM_INVALID);
    thrum_thread *thread = support_start(pass_on, NULL);
    CHECK_STATUS(thrum_thread_join(thread, support_in(20000), NULL), THRUM_OK);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(thrum_thread_interrupt(thread), THRUM_OK);
    thrum_thread_release(thread);
    for (int i = 0; i < 5; i++) { /* whoever uses its record next has nothing of it */
        target t = {.took_first = true};
        support_join(support_start(take, &t));
        CHECK(!t.took_first && !t.took_again);
    }
}

/* ---- Many ---------------------------------------------------------------------------------------------------------- */

static void there_is_a_processor(void)
{
    CHECK(thrum_cpu_count() >= 1);
    thrum_thread_yield();
}

enum { MANY = SUPPORT_ROUNDS(500) };

static void *wait_at(void *event)
{
    thrum_status status = thrum_event_wait(event, support_in(20000));
    return status == THRUM_OK ? event : NULL;
}

static void many_threads_live_at_once_and_are_joined(void)
{
    static thrum_thread *threads[MANY];
    thrum_event event = THRUM_EVENT_INIT;
    size_t before = thrum_thread_count();
    int wrong = 0;
    for (int i = 0; i < MANY; i++)
        threads[i] = support_start(wait_at, &event);
    CHECK_IS(thrum_thread_count(), before + MANY);
    support_await_sleepers(&event, MANY);
    thrum_event_set(&event);
    for (int i = 0; i < MANY; i++)
        wrong += support_join(threads[i]) != &event;
    CHECK_IS(wrong, 0);
    CHECK_IS(thrum_thread_count(), before);
}

static void *count_down(void *arg)
{
    (void)thrum_semaphore_release(arg, 1);
    return NULL;
}

static void many_threads_are_forgotten(void)
{
    static thrum_semaphore ended;
    size_t before = thrum_thread_count();
    int refused = 0;
    for (int i = 0; i < MANY; i++)
        refused += thrum_thread_start(NULL, count_down, &ended, NULL) != THRUM_OK;
    CHECK_IS(refused, 0);
    for (int i = 0; i < MANY - refused; i++)
        CHECK_STATUS(thrum_semaphore_acquire(&ended, support_in(20000)), THRUM_OK);
    await_count(before);
}

static const support_test tests[] = {
    {"a_thread_runs_and_its_result_is_joined", a_thread_runs_and_its_result_is_joined},
    {"a_thread_can_be_started_and_forgotten", a_thread_can_be_started_and_forgotten},
    {"nothing_to_run_is_invalid", nothing_to_run_is_invalid},
    {"exit_ends_the_thread_with_a_result", exit_ends_the_thread_with_a_result},
    {"zero_bytes_are_the_default_options", zero_bytes_are_the_default_options},
    {"a_daemon_is_one_if_asked_for", a_daemon_is_one_if_asked_for},
    {"a_stack_as_large_as_asked_for_can_be_used", a_stack_as_large_as_asked_for_can_be_used},
    {"the_usual_stack_is_a_mebibyte_at_least", the_usual_stack_is_a_mebibyte_at_least},
    {"a_stack_too_small_or_too_large_is_invalid", a_stack_too_small_or_too_large_is_invalid},
    {"a_thread_without_a_name_is_thread_n", a_thread_without_a_name_is_thread_n},
    {"the_name_asked_for_is_copied", the_name_asked_for_is_copied},
    {"a_long_name_is_cut_after_a_whole_character", a_long_name_is_cut_after_a_whole_character},
    {"a_name_that_is_not_utf_8_is_invalid", a_name_that_is_not_utf_8_is_invalid},
    {"a_name_is_cut_to_the_buffer", a_name_is_cut_to_the_buffer},
    {"a_timed_join_is_never_early", a_timed_join_is_never_early},
    {"several_threads_may_join_one", several_threads_may_join_one},
    {"to_join_oneself_would_deadlock", to_join_oneself_would_deadlock},
    {"an_interrupt_ends_a_join_and_not_the_thread", an_interrupt_ends_a_join_and_not_the_thread},
    {"a_thread_that_was_released_runs_on", a_thread_that_was_released_runs_on},
    {"a_reference_is_good_after_the_end", a_reference_is_good_after_the_end},
    {"main_is_main", main_is_main},
    {"a_thread_knows_itself", a_thread_knows_itself},
    {"an_id_is_never_used_again", an_id_is_never_used_again},
    {"native_numbers_are_there_at_once_and_differ", native_numbers_are_there_at_once_and_differ},
    {"those_alive_are_counted_and_listed_oldest_first", those_alive_are_counted_and_listed_oldest_first},
    {"a_foreign_thread_is_adopted_when_it_calls", a_foreign_thread_is_adopted_when_it_calls},
    {"a_foreign_thread_is_gone_after_its_end", a_foreign_thread_is_gone_after_its_end},
    {"a_foreign_thread_may_exit", a_foreign_thread_may_exit},
    {"an_interrupt_before_the_wait_is_kept_and_told_once", an_interrupt_before_the_wait_is_kept_and_told_once},
    {"an_interrupt_before_the_thread_runs_is_kept", an_interrupt_before_the_thread_runs_is_kept},
    {"an_interrupt_ends_the_wait_once", an_interrupt_ends_the_wait_once},
    {"a_foreign_thread_and_main_can_be_interrupted", a_foreign_thread_and_main_can_be_interrupted},
    {"mains_wait_is_ended_by_another_thread", mains_wait_is_ended_by_another_thread},
    {"take_interrupt_takes_it", take_interrupt_takes_it},
    {"to_interrupt_nobody_is_invalid_and_the_ended_harmless", to_interrupt_nobody_is_invalid_and_the_ended_harmless},
    {"there_is_a_processor", there_is_a_processor},
    {"many_threads_live_at_once_and_are_joined", many_threads_live_at_once_and_are_joined},
    {"many_threads_are_forgotten", many_threads_are_forgotten},
};

SUITE("thread", tests)
