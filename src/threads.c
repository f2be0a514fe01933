/* The threads that thrum knows. In this order: bringing the library up; records; the registry of those alive; adoption.
 */
#include "threads.h"

#include "fork.h"
#include "interrupt.h"
#include "parking_lot.h"
#include "process.h"

#include <string.h>

static thrum_thread first_record; /* the main thread's, unless thrum_init names another */
static thrum_thread *main_record = &first_record;

static thrum__port_lock registry_lock; /* guards all of this: */
static thrum_thread *oldest, *newest;
static size_t alive;
static thrum_thread *free_records;
static uint64_t last_id, last_name, last_foreign;
static bool closed;
static uint32_t closed_flag; /* `closed` for readers without the lock */
static uint32_t forks;       /* that lie behind this process; changes only while it has one thread */

static uint32_t begun;

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

static void enlist(thrum_thread *thread, const char *name);
static bool make_parker(thrum_thread *record, bool main);
static thrum_thread *begin_record(thrum_thread *record);

static const thrum__port_upcalls upcalls = {
    .signal_arrived = thrum__signal_arrived,
    .thread_began = thrum__thread_began,
    .fork_prepare = thrum__fork_prepare,
    .fork_parent = thrum__fork_parent,
    .fork_child = thrum__fork_child,
};

static void begin(void)
{
    thrum__port_begin(&upcalls);
    thrum__port_lock_init(&registry_lock);
    thrum__lot_begin();
    thrum__interrupts_begin();
    thrum__locals_begin();
    thrum__process_begin();
    begin_record(&first_record); /* with a reference for good */
    first_record.adopted = true;
    first_record.daemon = false;
    make_parker(&first_record, true);
    enlist(&first_record, "main");
    thrum__store_u32_release(&begun, 1);
}

void thrum__begin(void)
{
    if (!thrum__load_u32_acquire(&begun)) /* pairs with the store above */
        thrum__port_once(begin);
}

thrum_thread *thrum__main(void)
{
    return (thrum_thread *)thrum__load_pointer_acquire((void *const *)&main_record);
}

static bool make_parker(thrum_thread *record, bool main)
{
    if (!thrum__has_parker(record) && thrum__port_parker_init(&record->parker, main)) {
        record->parker_forks = forks;
        thrum__store_u32_release(&record->parker_ready, 1);
    }
    return thrum__has_parker(record);
}

bool thrum__main_can_be_woken(void)
{
    return make_parker(thrum__main(), true);
}

thrum_status thrum__failed(thrum_status status)
{
    thrum_thread *self = thrum__self();
    if (self)
        self->system_error = thrum__port_error();
    return status;
}

/* ---- Records ---------------------------------------------------------------------------------------------------- */

/* All of a record but its parker: a late unpark may be in it at this moment. */
static void clear(thrum_thread *record)
{
    memset(&record->mail, 0, sizeof *record - offsetof(thrum_thread, mail));
}

/* One that was made before this process was forked off may be in the middle of anything: a thread of the parent's was
 * in it perhaps, with a late unpark. */
static bool has_sound_parker(thrum_thread *record)
{
    if (record->parker_forks == forks)
        return true;
    thrum__store_u32_release(&record->parker_ready, 0);
    thrum__port_parker_forget(&record->parker);
    return make_parker(record, false);
}

/* With the lock held. */
static void keep_for_the_next(thrum_thread *thread)
{
    thread->next = free_records;
    free_records = thread;
}

static thrum_thread *take_free_record(void)
{
    thrum__port_lock_acquire(&registry_lock);
    thrum_thread *record = free_records;
    if (record)
        free_records = record->next;
    thrum__port_lock_release(&registry_lock);
    if (!record)
        return NULL;
    clear(record);
    if (has_sound_parker(record))
        return record;
    thrum__port_lock_acquire(&registry_lock);
    keep_for_the_next(record); /* the system may give it one another time */
    thrum__port_lock_release(&registry_lock);
    return NULL;
}

static thrum_thread *allocate_record(bool like_main)
{
    thrum_thread *record = (thrum_thread *)thrum__port_allocate(sizeof *record);
    if (!record || make_parker(record, like_main))
        return record;
    thrum__port_free(record);
    return NULL;
}

static thrum_thread *begin_record(thrum_thread *record)
{
    if (record) {
        record->references = 1;
        record->running = THRUM__MAIL_REGION;
    }
    return record;
}

thrum_thread *thrum__record_new(void)
{
    thrum_thread *record = take_free_record();
    return begin_record(record ? record : allocate_record(false));
}

thrum_thread *thrum__record_new_like_main(void)
{
    return begin_record(allocate_record(true));
}

thrum_thread *thrum_thread_retain(thrum_thread *thread)
{
    if (thread)
        thrum__fetch_add_u32_acq_rel(&thread->references, 1);
    return thread;
}

/* Acquire and release: who drops the last one has seen what all the others did. */
static bool drop_last(thrum_thread *thread)
{
    return thrum__fetch_add_u32_acq_rel(&thread->references, (uint32_t)-1) == 1;
}

void thrum_thread_release(thrum_thread *thread)
{
    if (!thread || !drop_last(thread))
        return;
    thrum__port_native_forget(thread->native_handle);
    thrum__port_lock_acquire(&registry_lock);
    keep_for_the_next(thread);
    thrum__port_lock_release(&registry_lock);
}

/* ---- The registry ----------------------------------------------------------------------------------------------- */

static void write_number(char *to, uint64_t number)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (n)
        *to++ = digits[--n];
    *to = 0;
}

static void make_name(thrum_thread *thread)
{
    const char *stem = thread->adopted ? "foreign-" : "thread-";
    memcpy(thread->name, stem, strlen(stem));
    write_number(thread->name + strlen(stem), thread->adopted ? ++last_foreign : ++last_name);
}

/* With the lock held, or before anybody else can be here. */
static void enlist(thrum_thread *thread, const char *name)
{
    thread->id = ++last_id;
    if (name)
        memcpy(thread->name, name, strlen(name) + 1);
    else
        make_name(thread);
    thread->previous = newest;
    thread->next = NULL;
    *(newest ? &newest->next : &oldest) = thread;
    newest = thread;
    thread->listed = true;
    alive++;
    thrum_thread_retain(thread);
}

bool thrum__record_enlist_late(thrum_thread *thread, const char *name)
{
    thrum__port_lock_acquire(&registry_lock);
    enlist(thread, name);
    thrum__port_lock_release(&registry_lock);
    return true;
}

bool thrum__record_enlist(thrum_thread *thread, const char *name)
{
    thrum__port_lock_acquire(&registry_lock);
    bool open = !closed;
    if (open)
        enlist(thread, name);
    thrum__port_lock_release(&registry_lock);
    return open;
}

/* With the lock held. */
static void delist(thrum_thread *thread)
{
    *(thread->previous ? &thread->previous->next : &oldest) = thread->next;
    *(thread->next ? &thread->next->previous : &newest) = thread->previous;
    thread->listed = false;
    alive--;
}

/* Out of the list and ended, in one step as others see it: a fork between the two would find a thread in neither state.
 */
static void end_listed(thrum_thread *thread)
{
    thrum__port_lock_acquire(&registry_lock);
    delist(thread);
    thrum_event_set(&thread->started); /* for one that could not be started: somebody may wait for that */
    thrum_event_set(&thread->done);
    thrum__port_lock_release(&registry_lock);
    thrum_thread_release(thread);
}

void thrum__record_withdraw(thrum_thread *thread)
{
    end_listed(thread);
}

void thrum__record_ended(void *ended)
{
    thrum_thread *thread = (thrum_thread *)ended;
    thrum__locals_end(thread);
    thrum__port_set_self(NULL);
    end_listed(thread);
}

static thrum_thread *find_to_join(const thrum_thread *self)
{
    for (thrum_thread *thread = oldest; thread; thread = thread->next)
        if (!thread->daemon && !thread->adopted && thread != thrum__main() && thread != self)
            return thread;
    return NULL;
}

thrum_thread *thrum__record_to_join(void)
{
    thrum_thread *self = thrum__self();
    thrum__port_lock_acquire(&registry_lock);
    thrum_thread *found = thrum_thread_retain(find_to_join(self));
    if (!found) {
        closed = true;
        thrum__store_u32_release(&closed_flag, 1);
    }
    thrum__port_lock_release(&registry_lock);
    return found;
}

void thrum__record_outlives(thrum_thread *self)
{
    thrum__port_lock_acquire(&registry_lock);
    if (self)
        self->daemon = false;
    thrum__port_lock_release(&registry_lock);
}

bool thrum_thread_is_daemon(const thrum_thread *thread)
{
    if (!thread)
        return false;
    thrum__port_lock_acquire(&registry_lock);
    bool daemon = thread->daemon;
    thrum__port_lock_release(&registry_lock);
    return daemon;
}

bool thrum__threads_closed(void)
{
    return thrum__load_u32_acquire(&closed_flag) != 0;
}

size_t thrum_thread_count(void)
{
    thrum__self();
    thrum__begin();
    thrum__port_lock_acquire(&registry_lock);
    size_t count = alive;
    thrum__port_lock_release(&registry_lock);
    return count;
}

size_t thrum_thread_list(thrum_thread **threads, size_t capacity)
{
    size_t n = 0;
    thrum__self();
    thrum__begin();
    thrum__port_lock_acquire(&registry_lock);
    size_t count = alive;
    for (thrum_thread *thread = oldest; thread && n < capacity && threads; thread = thread->next)
        threads[n++] = thrum_thread_retain(thread);
    thrum__port_lock_release(&registry_lock);
    return count;
}

size_t thrum_thread_name(const thrum_thread *thread, char *buffer, size_t size)
{
    char name[THRUM_THREAD_NAME_MAX + 1] = "";
    if (thread) {
        thrum__begin();
        thrum__port_lock_acquire(&registry_lock);
        memcpy(name, thread->name, sizeof name);
        thrum__port_lock_release(&registry_lock);
    }
    size_t length = strlen(name);
    if (size > 0 && buffer) {
        size_t copied = length < size - 1 ? length : size - 1;
        memcpy(buffer, name, copied);
        buffer[copied] = 0;
    }
    return length;
}

thrum_status thrum_thread_set_name(thrum_thread *thread, const char *name)
{
    char kept[THRUM_THREAD_NAME_MAX + 1];
    if (!thread || !name || !thrum__name_keep(name, kept))
        return THRUM_INVALID;
    thrum__port_lock_acquire(&registry_lock);
    memcpy(thread->name, kept, strlen(kept) + 1);
    /* Listed: it cannot end as long as the lock is held. One that has not begun yet names itself when it does. */
    if (thread->listed && thrum_event_is_set(&thread->started))
        thrum__port_name_thread(thread->native_handle, kept);
    thrum__port_lock_release(&registry_lock);
    return THRUM_OK;
}

/* ---- Adoption --------------------------------------------------------------------------------------------------- */

void thrum__record_begun(thrum_thread *record)
{
    thrum__port_set_self(record);
    record->native_id = thrum__port_native_id();
    record->native_handle = thrum__port_native_handle();
    thrum__port_lock_acquire(&registry_lock); /* so that no thrum_thread_set_name comes between */
    if (!record->adopted)
        thrum__port_name_thread(record->native_handle, record->name);
    thrum_event_set(&record->started);
    thrum__port_lock_release(&registry_lock);
}

thrum_thread *thrum__adopt(void)
{
    thrum__begin();
    if (thrum__port_is_main() && thrum__main() == &first_record) {
        thrum__record_begun(&first_record);
        return &first_record;
    }
    thrum_thread *record = thrum__record_new();
    if (!record)
        return NULL;
    record->adopted = true;
    record->daemon = true;
    record->hooked = thrum__port_at_thread_end(thrum__record_ended, record);
    if (!record->hooked) {
        thrum_thread_release(record);
        return NULL;
    }
    thrum__record_begun(record);
    thrum__record_enlist_late(record, NULL);
    thrum_thread_release(record); /* enlisting gave it the thread's own reference */
    return record;
}

/* Only where the system cannot tell who is main, and another thread than the caller loaded thrum. */
static void replace_main(thrum_thread *self)
{
    thrum_thread_retain(self); /* for good */
    thrum__store_pointer_release((void **)&main_record, self);
    thrum__port_lock_acquire(&registry_lock);
    self->daemon = false;
    uint32_t its_own = THRUM__MAIL_REGION | THRUM__MAIL_INTERRUPT;
    if (!thrum_event_is_set(&first_record.started)) {
        delist(&first_record); /* nobody was ever that thread: what was for it was for main */
        its_own = 0;
    }
    thrum__port_lock_release(&registry_lock);
    thrum__post(self, thrum__fetch_and_u32_acq_rel(&first_record.mail, its_own) & ~its_own);
}

bool thrum__claim_main(void)
{
    thrum_thread *self = thrum__self();
    if (!self || !thrum__port_claim_main())
        return false;
    if (self != thrum__main())
        replace_main(self);
    return true;
}

/* ---- Fork --------------------------------------------------------------------------------------------------------- */

void thrum__threads_hold(void)
{
    thrum__port_lock_acquire(&registry_lock);
}

void thrum__threads_let_go(void)
{
    thrum__port_lock_release(&registry_lock);
}

/* Somebody else's thread does not exist here. For those who have a reference to it, it has ended. */
static void end_of_another(thrum_thread *thread)
{
    thrum_event_init(&thread->started, false); /* nobody sleeps there, so setting them asks nothing of the lot */
    thrum_event_init(&thread->done, false);
    thrum_event_set(&thread->started);
    thrum_event_set(&thread->done);
    thread->listed = false;
    thrum__store_u32_release(&thread->parker_ready, 0);
    thrum__port_parker_forget(&thread->parker);
    if (drop_last(thread))
        keep_for_the_next(thread);
}

/* The thread that forked is alone, and main, with nothing pending. It may be in a signal's handler, and stays there. */
static void become_main(thrum_thread *self)
{
    self->daemon = false;
    self->kept_by = 0; /* nothing is pending */
    self->next = self->previous = NULL;
    self->native_id = thrum__port_native_id();
    thrum__fetch_and_u32_acq_rel(&self->mail, THRUM__MAIL_REGION);
    thrum__store_u32_release(&self->parker_ready, thrum__port_parker_reborn(&self->parker));
    self->parker_forks = forks;
    thrum_thread_retain(self); /* main's record is there for good */
    thrum__store_pointer_release((void **)&main_record, self);
}

/* The thread that forked had no record, for want of memory or because it is past its end: it may get this one. */
static void begin_again(thrum_thread *record)
{
    thrum__exchange_u32_acq_rel(&record->mail, 0);
    record->running = THRUM__MAIL_REGION;
    record->kept_by = 0;
    record->waits = NULL;
    thrum__store_pointer_release((void **)&main_record, record);
}

void thrum__threads_reborn(thrum_thread *self)
{
    thrum_thread *next;
    forks++;
    for (thrum_thread *thread = oldest; thread; thread = next) {
        next = thread->next;
        if (thread != self)
            end_of_another(thread);
    }
    if (self)
        become_main(self);
    else
        begin_again(&first_record);
    oldest = newest = self;
    alive = self ? 1 : 0;
}
