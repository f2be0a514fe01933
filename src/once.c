/* Done once. One byte: NEW, RUNNING or DONE, and the mark that somebody sleeps until it is no longer RUNNING. */
#include <thrum/once.h>

#include "parking_lot.h"
#include "threads.h"

#define RUNNING ((uint8_t)1)
#define DONE    ((uint8_t)2)
#define PARKED  ((uint8_t)4)

bool thrum_once_is_done(const thrum_once *once)
{
    return thrum__load_u8_acquire(&once->word_) == DONE; /* pairs with finish */
}

/* Over if it is done, or if the caller becomes the one who runs it; else leave the mark. Under the bucket's lock, or
 * before any wait. */
static bool take(void *object, void *arg)
{
    thrum_once *once = (thrum_once *)object;
    bool *runs = (bool *)arg;
    for (;;) {
        uint8_t word = thrum__load_u8_acquire(&once->word_);
        if (word == DONE)
            return true;
        if (!(word & RUNNING)) {
            *runs = thrum__cas_u8_acq_rel(&once->word_, word, word | RUNNING);
            if (*runs)
                return true;
        } else if ((word & PARKED) || thrum__cas_u8_acq_rel(&once->word_, word, word | PARKED)) {
            return false;
        }
    }
}

/* Under the bucket's lock, by who ran it. The woken look again: it is done, or one of them runs it. */
static bool finish(void *object, const thrum__sleepers *sleepers, void *status, uint32_t *fate)
{
    uint8_t after = *(thrum_status *)status == THRUM_OK ? DONE : sleepers->more ? PARKED : 0;
    *fate = THRUM__RETRY;
    thrum__store_u8_release(&((thrum_once *)object)->word_, after);
    return true;
}

static bool is_inside(const thrum_thread *self, const thrum_once *once)
{
    for (const thrum__once_frame *frame = self ? self->once_frames : NULL; frame; frame = frame->outer)
        if (frame->once == once)
            return true;
    return false;
}

static thrum_status run_it(thrum_thread *self, thrum_once *once, thrum_status (*run)(void *), void *arg)
{
    thrum__once_frame frame = {once, self ? self->once_frames : NULL};
    if (self)
        self->once_frames = &frame;
    thrum_status status = run(arg);
    if (self)
        self->once_frames = frame.outer;
    thrum__unpark(once, status == THRUM_OK ? UINT32_MAX : 1, finish, &status);
    return status;
}

thrum_status thrum_once_run(thrum_once *once, thrum_status (*run)(void *), void *arg)
{
    if (thrum_once_is_done(once))
        return THRUM_OK;
    if (!run)
        return THRUM_INVALID;
    thrum_thread *self = thrum__self();
    if (is_inside(self, once))
        return THRUM_WOULD_DEADLOCK;
    bool runs = false;
    thrum__wait wait = {.object = once, .take = take, .take_arg = &runs};
    (void)!thrum__park(&wait, THRUM_FOREVER);
    return runs ? run_it(self, once, run, arg) : THRUM_OK;
}
