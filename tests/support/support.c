/* The part of the support that is the same on every system. */
#include "support.h"

#include "../../src/parking_lot.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

const char *support_self;

void support_give_up(const char *what)
{
    fprintf(stderr, "gave up: %s\n", what);
    fflush(stderr);
    abort();
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc < 2;
}

int support_run(const char *suite, const support_test *tests, size_t count, int argc, char **argv)
{
    support_self = argv[0];
    support_system_begin();
    thrum_init();
    if (CU_initialize_registry() != CUE_SUCCESS)
        support_give_up(CU_get_error_msg());
    CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(tests[i].name, argc, argv) && !CU_add_test(registered, tests[i].name, tests[i].run))
            support_give_up(CU_get_error_msg());
    CU_basic_set_mode(getenv("THRUM_TEST_VERBOSE") ? CU_BRM_VERBOSE : CU_BRM_SILENT);
    CU_basic_run_tests();
    CU_basic_show_failures(CU_get_failure_list());

    unsigned failures = CU_get_number_of_failure_records();
    unsigned ran = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();
    printf("\n%s: %u passed, %u failed\n", suite, ran - failed, failed);
    fflush(stdout);
    CU_cleanup_registry();
    return ran == 0 || failures > 0 ? 1 : 0;
}

void support_check_is(long long a, long long b, const char *text, const char *file, int line)
{
    static char message[300];
    if (a != b)
        fprintf(stderr, "%s:%d: %s: %lld, %lld\n", file, line, text, a, b);
    snprintf(message, sizeof message, "%s", text);
    CU_assertImplementation(a == b, (unsigned)line, message, file, "", CU_FALSE);
}

void support_check_status(thrum_status is, thrum_status should_be, const char *call, const char *file, int line)
{
    static char message[300];
    if (is != should_be)
        fprintf(stderr, "%s:%d: %s says %s and not %s\n", file, line, call, thrum_status_name(is),
                thrum_status_name(should_be));
    snprintf(message, sizeof message, "%s says %s", call, thrum_status_name(should_be));
    CU_assertImplementation(is == should_be, (unsigned)line, message, file, "", CU_FALSE);
}

/* What nothing here takes as long as. Helgrind runs one thread at a time, each some fifty times slower. */
static thrum_deadline far_too_long(void)
{
#if defined(THRUM_TEST_HELGRIND)
    return support_in(200000);
#else
    return support_in(20000);
#endif
}

thrum_thread *support_start(void *(*run)(void *), void *arg)
{
    thrum_thread *thread = NULL;
    if (thrum_thread_start(&thread, run, arg, NULL) != THRUM_OK)
        support_give_up("a thread could not be started");
    return thread;
}

void *support_join(thrum_thread *thread)
{
    void *result = NULL;
    if (thrum_thread_join(thread, far_too_long(), &result) != THRUM_OK)
        support_give_up("a thread did not end");
    thrum_thread_release(thread);
    return result;
}

/* Not thrum's sleep: a test's main thread may have an interrupt pending. */
static void breathe(void)
{
    thrum_thread_yield();
}

void support_await_sleepers(const void *object, unsigned count)
{
    thrum_deadline end = far_too_long();
    while (thrum__sleepers_at(object) != count) {
        if (thrum_left(end) == 0)
            support_give_up("the threads that should sleep do not");
        breathe();
    }
}

void support_await_flag(const uint32_t *flag)
{
    thrum_deadline end = far_too_long();
    while (!thrum__load_u32_acquire(flag)) {
        if (thrum_left(end) == 0)
            support_give_up("a flag was not set");
        breathe();
    }
}

void support_join_deaf(thrum_thread *thread)
{
    thrum_deadline end = support_in(20000);
    while (thrum_thread_is_alive(thread)) {
        if (thrum_left(end) == 0)
            support_give_up("a thread did not end");
        breathe();
    }
    thrum_thread_release(thread);
}

void support_set_flag(uint32_t *flag)
{
    thrum__store_u32_release(flag, 1);
}

static void *send_when_told(void *arg)
{
    support_sender *s = (support_sender *)arg;
    for (;;) {
        if (thrum_event_wait(&s->go_, THRUM_FOREVER) != THRUM_OK || s->over_)
            return NULL;
        thrum_nanos until = thrum_now() + THRUM_MICROSECONDS(s->delay);
        while (thrum_now() < until) {}
        s->sent = thrum_now();
        if (!s->send(s->arg))
            s->failed = true;
        thrum__fetch_add_u32_acq_rel(&s->done_, 1);
    }
}

void support_sender_start(support_sender *sender, bool (*send)(void *), void *arg)
{
    *sender = (support_sender){.send = send, .arg = arg, .go_ = THRUM_EVENT_AUTO_INIT};
    sender->thread_ = support_start(send_when_told, sender);
}

void support_sender_tell(support_sender *sender)
{
    sender->told_++;
    thrum_event_set(&sender->go_);
}

void support_sender_settle(support_sender *sender)
{
    while (thrum__load_u32_acquire(&sender->done_) != sender->told_)
        breathe();
}

void support_sender_end(support_sender *sender)
{
    support_sender_settle(sender);
    sender->over_ = true;
    support_sender_tell(sender);
    support_join(sender->thread_);
}

thrum_deadline support_in(int milliseconds)
{
    return thrum_after(THRUM_MILLISECONDS(milliseconds));
}

double support_since(thrum_nanos start)
{
    return (double)(thrum_now() - start) / 1e6;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

int support_slowness(void)
{
#if defined(THRUM_TEST_HELGRIND)
    return 30;
#elif defined(SANITIZED) || defined(THRUM_TEST_EMULATOR)
    return 10;
#elif defined(_WIN32)
    return 5; /* Wine, whose waits go through a server */
#else
    return 1;
#endif
}

bool support_is_emulated(void)
{
#if defined(THRUM_TEST_EMULATOR)
    return true;
#else
    return false;
#endif
}

bool support_emulator_cannot(const char *what)
{
    if (support_is_emulated())
        printf("  left out: this emulator cannot %s\n", what);
    return support_is_emulated();
}

bool support_sanitizer_cannot(const char *what)
{
#if defined(SANITIZED)
    printf("  left out: this sanitizer cannot %s\n", what);
    return true;
#else
    (void)what;
    return false;
#endif
}
