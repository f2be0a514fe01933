/* What a call says. */
#include "support/support.h"

static const struct {
    thrum_status status;
    int number;
    const char *name;
} all[] = {
    {THRUM_OK, 0, "THRUM_OK"},
    {THRUM_TIMED_OUT, 1, "THRUM_TIMED_OUT"},
    {THRUM_INTERRUPTED, 2, "THRUM_INTERRUPTED"},
    {THRUM_INVALID, 3, "THRUM_INVALID"},
    {THRUM_NOT_OWNER, 4, "THRUM_NOT_OWNER"},
    {THRUM_NOT_MAIN, 5, "THRUM_NOT_MAIN"},
    {THRUM_WOULD_DEADLOCK, 6, "THRUM_WOULD_DEADLOCK"},
    {THRUM_OVERFLOW, 7, "THRUM_OVERFLOW"},
    {THRUM_BROKEN, 8, "THRUM_BROKEN"},
    {THRUM_CLOSED, 9, "THRUM_CLOSED"},
    {THRUM_NOT_HANDLED, 10, "THRUM_NOT_HANDLED"},
    {THRUM_NO_MEMORY, 11, "THRUM_NO_MEMORY"},
    {THRUM_NO_THREADS, 12, "THRUM_NO_THREADS"},
    {THRUM_UNSUPPORTED, 13, "THRUM_UNSUPPORTED"},
    {THRUM_SHUTTING_DOWN, 14, "THRUM_SHUTTING_DOWN"},
    {THRUM_SYSTEM, 15, "THRUM_SYSTEM"},
};
enum { ALL = sizeof all / sizeof all[0] };

static void the_numbers_never_change(void)
{
    CHECK_IS(ALL, 16);
    for (int i = 0; i < ALL; i++)
        CHECK_IS(all[i].status, all[i].number);
}

static void each_has_its_name(void)
{
    for (int i = 0; i < ALL; i++)
        CHECK(strcmp(thrum_status_name(all[i].status), all[i].name) == 0);
}

static void each_has_a_sentence_of_its_own_without_a_full_stop(void)
{
    for (int i = 0; i < ALL; i++) {
        const char *text = thrum_status_text(all[i].status);
        size_t length = text ? strlen(text) : 0;
        CHECK(length > 3);
        CHECK(length > 0 && text[length - 1] != '.' && text[length - 1] != '\n');
        CHECK(text && strchr(text, ' ') != NULL);
        for (int j = 0; j < i; j++)
            CHECK(text && strcmp(text, thrum_status_text(all[j].status)) != 0);
    }
    CHECK(strcmp(thrum_status_text(THRUM_TIMED_OUT), "the deadline passed first") == 0);
}

static void an_unknown_number_has_a_name_and_a_text_too(void)
{
    static const int unknown[] = {16, 17, 255, 1000000, -1, -16, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        thrum_status status = (thrum_status)unknown[i];
        CHECK(strcmp(thrum_status_name(status), "THRUM_?") == 0);
        CHECK(thrum_status_text(status) && strlen(thrum_status_text(status)) > 3);
    }
}

/* ---- The system's reason ---------------------------------------------------------------------------------------- */

static void *do_nothing(void *arg)
{
    return arg;
}

typedef struct reasons {
    int at_first, after_failure, after_success;
    thrum_status status;
} reasons;

static void *fail_once(void *arg)
{
    reasons *r = arg;
    const thrum_thread_options tiny = {.stack_size = 1};
    thrum_thread *thread = NULL;
    r->at_first = thrum_last_system_error();
    r->status = thrum_thread_start(&thread, do_nothing, NULL, &tiny);
    r->after_failure = thrum_last_system_error();
    support_join(support_start(do_nothing, NULL));
    r->after_success = thrum_last_system_error();
    return NULL;
}

static void check_reasons(const reasons *r)
{
    CHECK_IS(r->at_first, 0);
    CHECK_STATUS(r->status, THRUM_INVALID);
    CHECK(r->after_failure != 0);
    CHECK_IS(r->after_success, r->after_failure); /* the last failure's, whatever went well since */
}

static void the_systems_reason_is_kept_for_the_thread_that_failed(void)
{
    reasons mine = {.status = THRUM_OK}, others = mine;
    fail_once(&mine);
    check_reasons(&mine);
    support_join(support_start(fail_once, &others)); /* at first it has none, though main has */
    check_reasons(&others);
}

static void a_foreign_thread_has_none_at_first(void)
{
    reasons r = {.at_first = -1};
    support_foreign_join(support_foreign_start(fail_once, &r));
    check_reasons(&r);
}

static const support_test tests[] = {
    {"the_numbers_never_change", the_numbers_never_change},
    {"each_has_its_name", each_has_its_name},
    {"each_has_a_sentence_of_its_own_without_a_full_stop", each_has_a_sentence_of_its_own_without_a_full_stop},
    {"an_unknown_number_has_a_name_and_a_text_too", an_unknown_number_has_a_name_and_a_text_too},
    {"the_systems_reason_is_kept_for_the_thread_that_failed", the_systems_reason_is_kept_for_the_thread_that_failed},
    {"a_foreign_thread_has_none_at_first", a_foreign_thread_has_none_at_first},
};

SUITE("status", tests)
