/*
 * Thread-local values. A table of slots for the process, and for each thread an array of values as long as it needs. A
 * slot that is used again has another generation, and values with an old one do not count.
 */
#include <thrum/local.h>

#include "fork.h"
#include "threads.h"

#include <string.h>

typedef struct slot {
    void (*destructor)(void *);
    uint32_t generation; /* atomic, for get, which takes no lock; odd: in use */
} slot;

static thrum__port_lock slots_lock; /* guards the table */
static slot slots[THRUM_LOCAL_MAX];

void thrum__locals_begin(void)
{
    thrum__port_lock_init(&slots_lock);
}

void thrum__locals_hold(void)
{
    thrum__port_lock_acquire(&slots_lock);
}

void thrum__locals_let_go(void)
{
    thrum__port_lock_release(&slots_lock);
}

static uint32_t generation_of(uint32_t index)
{
    return thrum__load_u32_acquire(&slots[index].generation); /* pairs with next_generation */
}

static uint32_t next_generation(uint32_t index)
{
    uint32_t next = generation_of(index) + 1;
    thrum__store_u32_release(&slots[index].generation, next);
    return next;
}

static bool exists(thrum_local local)
{
    return local.slot_ < THRUM_LOCAL_MAX && (local.generation_ & 1) && generation_of(local.slot_) == local.generation_;
}

thrum_status thrum_local_create(thrum_local *local, void (*destructor)(void *))
{
    thrum_status status = THRUM_NO_MEMORY;
    if (!local)
        return THRUM_INVALID;
    thrum__begin();
    thrum__port_lock_acquire(&slots_lock);
    for (uint32_t i = 0; i < THRUM_LOCAL_MAX && status != THRUM_OK; i++) {
        if (generation_of(i) & 1)
            continue;
        slots[i].destructor = destructor;
        *local = (thrum_local){i, next_generation(i)};
        status = THRUM_OK;
    }
    thrum__port_lock_release(&slots_lock);
    return status;
}

thrum_status thrum_local_delete(thrum_local local)
{
    thrum__begin();
    thrum__port_lock_acquire(&slots_lock);
    bool existed = exists(local);
    if (existed)
        next_generation(local.slot_);
    thrum__port_lock_release(&slots_lock);
    return existed ? THRUM_OK : THRUM_INVALID;
}

void *thrum_local_get(thrum_local local)
{
    const thrum_thread *self = thrum__self();
    if (!self || local.slot_ >= self->local_count || !exists(local))
        return NULL;
    const thrum__local_value *value = &self->locals[local.slot_];
    return value->generation == local.generation_ ? value->value : NULL;
}

static bool make_room(thrum_thread *self, uint32_t index)
{
    uint32_t count = self->local_count ? self->local_count : 8;
    if (index < self->local_count)
        return true;
    while (count <= index)
        count *= 2;
    thrum__local_value *values = (thrum__local_value *)thrum__port_allocate(count * sizeof *values);
    if (!values)
        return false;
    if (self->local_count)
        memcpy(values, self->locals, self->local_count * sizeof *values);
    thrum__port_free(self->locals);
    self->locals = values;
    self->local_count = count;
    return true;
}

thrum_status thrum_local_set(thrum_local local, void *value)
{
    thrum_thread *self = thrum__self();
    if (!exists(local))
        return THRUM_INVALID;
    if (!self || !make_room(self, local.slot_))
        return thrum__failed(THRUM_NO_MEMORY);
    self->locals[local.slot_] = (thrum__local_value){value, local.generation_};
    return THRUM_OK;
}

/* ---- The end of a thread ---------------------------------------------------------------------------------------- */

/* The destructor to be called for a value that is there; NULL: none, or its local was deleted. */
static void (*destructor_of(uint32_t index, const thrum__local_value *value))(void *)
{
    void (*destructor)(void *) = NULL;
    thrum__port_lock_acquire(&slots_lock);
    if (exists((thrum_local){index, value->generation}))
        destructor = slots[index].destructor;
    thrum__port_lock_release(&slots_lock);
    return destructor;
}

/* One round; whether anything was destroyed. A destructor may set values, and move the array by that. */
static bool destroy_round(thrum_thread *self)
{
    bool any = false;
    for (uint32_t i = 0; i < self->local_count; i++) {
        void *value = self->locals[i].value;
        if (!value)
            continue;
        void (*destructor)(void *) = destructor_of(i, &self->locals[i]);
        self->locals[i].value = NULL;
        if (!destructor)
            continue;
        destructor(value);
        any = true;
    }
    return any;
}

void thrum__locals_end(thrum_thread *self)
{
    for (int round = 0; round < THRUM_LOCAL_ROUNDS && destroy_round(self); round++) {}
    thrum__port_free(self->locals);
    self->locals = NULL;
    self->local_count = 0;
}
