/*
 * The parking lot as a model: what semaphore.pml, lock.pml and condition.pml share. README.md says what is checked,
 * how, and what is left out. In this order: the state; the parker; the mailbox; the bucket and its queue; unpark;
 * park.
 *
 * The grain. One statement (or atomic, or d_step) is one atomic operation of the code, except that
 *   - a loop of a load and a compare-and-swap is one: it has its effect when the swap finds what was loaded, as if both
 *     had happened then, and if it finds that there is nothing for it to do it has only loaded;
 *   - a section under a bucket's lock is one if at most one operation in it is on something that is touched without
 *     that lock elsewhere: all the rest can be moved up to that instant, and nobody could tell. Otherwise it is one for
 *     each such operation, and the lock is held from the first to the last.
 * Touched without the lock are the object's word (the fast paths), a record's fate (its owner reads it) and its
 * object (its owner reads it to find the bucket). Under the lock alone are the queue, `since`, `suspended` and `moved`;
 * `knows` is the owner's. So arrive is one (the word; the fate only while its owner, its one reader, is here), leave
 * and suspend are one (the fate, which is written under the lock alone), unpark is one for the word and one for the
 * fate, and notify is many.
 *
 * The tags. What a statement stands for is told by tags: [file: function: "piece of the line"]. scripts/check-model
 * demands that each piece still stands in that function, and that each atomic operation, lock and sleep of a function
 * that is named in a tag is quoted by one.
 *
 * Time. There is no clock: a deadline that can pass may have passed whenever it is looked at, or not; a sleep may end
 * early whenever it begins. That is more than can happen, and leaves the runs in which no deadline and no early end
 * saves a sleeper. With NO_EARLY_END no sleep ends early, so a thread that goes round for ever does so by itself.
 */

/* ---- The state -------------------------------------------------------------------------------------------------- */

#define MAIN    0
#define WORKER  1
#define THREADS 2

/* A record belongs to the thread of its number's lowest bit: MAIN and WORKER have one each, MAINS_INNER is main's for
 * a wait in a handler; a scenario may have more. */
#define thread_of(w) ((w) & 1)
#define NONE         255

#define WAITING 0
#define GRANTED 1
#define RETRY   2

#define INTERRUPT 1 /* in a mailbox */
#define SIGNAL    2

#define OK          0 /* what a wait says */
#define TIMED_OUT   1
#define INTERRUPTED 2

byte fate[RECORDS];   /* struct thrum__waiter */
byte object[RECORDS];
byte since[RECORDS];
bool queued[RECORDS];
bool suspended[RECORDS];
bool moved[RECORDS];
bool knows[RECORDS];
bool alive[RECORDS]; /* not in the code: the record is on its owner's stack */

bool bucket[BUCKETS]; /* its lock is held */

byte mail[THREADS];
bool done[THREADS]; /* not in the code: the thread's program is over */

byte unhandled; /* not in the code: signals posted, less handlers begun */
byte untold;    /* not in the code: interrupts posted and handlers that said INTERRUPTED, less waits that said so */

/* What a process has of its own. */
#define LOCALS                                                                                                         \
    bool ok, more;                                                                                                     \
    byte old, first, waked, given, i

/* ---- The parker: src/posix/parker_futex.c ----------------------------------------------------------------------- */

#define EMPTY    0
#define PERMIT   1
#define SLEEPING 2

byte parker[THREADS];
bool asleep[THREADS]; /* in the kernel's queue */

/* Once in each process, for its label. A sleep that the deadline is sure to end is not slept for good. */
inline port_park(ends_by_itself)
{
    /* [parker_futex.c: thrum__port_park: "if (thrum__cas_u32_acq_rel(word, EMPTY, SLEEPING))"] */
    d_step {
        ok = (parker[me] == EMPTY);
        parker[me] = (ok -> SLEEPING : parker[me])
    };
    /* [parker_futex.c: thrum__port_park: "futex_wait(word, SLEEPING, thrum__posix_end_of_sleep(at));"]
     * [parker_futex.c: futex_wait: "syscall(FUTEX_CALL, word, FUTEX_WAIT_BITSET"]
     * [parker_futex.c: thrum__port_park: "thrum__exchange_u32_acq_rel(word, EMPTY);"]
     * The kernel compares and queues in one step; or it finds something else, a signal comes, or the clock ends it. */
    if
#ifdef BROKEN_SLEEP_WITHOUT_LOOK
    :: atomic { ok -> asleep[me] = true };
#else
    :: atomic { ok && parker[me] == SLEEPING -> asleep[me] = true };
#endif
end_asleep:
        d_step {
            !asleep[me] || ends_by_itself ->
            asleep[me] = false;
            parker[me] = EMPTY
        }
#ifdef NO_EARLY_END
    :: atomic { !ok || parker[me] != SLEEPING -> parker[me] = EMPTY }
#else
    :: parker[me] = EMPTY
#endif
    fi;
    ok = false
}

inline port_unpark(thread)
{
    /* [parker_futex.c: thrum__port_unpark: "if (thrum__exchange_u32_acq_rel(word, PERMIT) == SLEEPING)"] */
    d_step {
        old = parker[thread];
#ifdef BROKEN_PERMIT_FORGOTTEN
        parker[thread] = (old == SLEEPING -> PERMIT : old)
#else
        parker[thread] = (done[thread] -> EMPTY : PERMIT)
#endif
    };
    if
    :: old == SLEEPING ->
        /* [parker_futex.c: thrum__port_unpark: "futex_wake(word);"]
         * [parker_futex.c: futex_wake: "syscall(FUTEX_CALL, word, FUTEX_WAKE"] */
        asleep[thread] = false
    :: else
    fi;
    old = 0
}

/* ---- The mailbox: src/interrupt.c ------------------------------------------------------------------------------- */

/* What comes for a thread that is over makes no difference; a second interrupt joins the first. */
inline put_mail(thread, bits, counter)
{
    d_step {
        if
        :: done[thread]
        :: else ->
            counter = counter + ((mail[thread] & bits) -> 0 : 1);
            mail[thread] = mail[thread] | bits
        fi
    }
}

inline post(thread, bits, counter)
{
#ifdef BROKEN_FLAG_AFTER_WAKE
    port_unpark(thread);
    put_mail(thread, bits, counter)
#else
    /* [interrupt.c: thrum__post: "thrum__fetch_or_u32_acq_rel(&thread->mail, bits);"] */
    put_mail(thread, bits, counter);
    /* [interrupt.c: thrum__post: "thrum__port_unpark(&thread->parker);"] */
    port_unpark(thread)
#endif
}

/* The signal, on whatever thread the system runs it. On main's own, main stands still meanwhile, which is one of the
 * orders that are tried. */
proctype signal()
{
    byte old;
    post(MAIN, SIGNAL, unhandled)
}

/* thrum_thread_interrupt. */
proctype interrupter(byte whom)
{
    byte old;
    post(whom, INTERRUPT, untold)
}

/* ---- The bucket and its queue: src/waiters.c -------------------------------------------------------------------- */

/* [waiters.c: thrum__lock_bucket: "thrum__port_lock_acquire(&b->lock);"]
 * [waiters.c: thrum__unlock_bucket: "thrum__port_lock_release(&b->lock);"]
 * A section of one statement waits until the lock is free; one of more sets it meanwhile.
 *
 * Threads without a parker, which sleep on the bucket's condition, are not in the model. That leaves out:
 * [waiters.c: thrum__decide: "thrum__port_cond_broadcast(&b->cond);"]
 * [notify.c: move_to_lock: "thrum__port_cond_broadcast(&two.cond->cond);"]
 * [parking_lot.c: sleep_once: "thrum__bucket *b = thrum__lock_bucket_of_waiter(w);"]
 * [parking_lot.c: sleep_once: "thrum__port_cond_wait(&b->cond, &b->lock, at < soon ? at : soon);"]
 * [parking_lot.c: sleep_once: "thrum__unlock_bucket(b);"] */

/* A time later than those of all that wait. */
inline read_clock(w)
{
    since[w] = 0;
    i = 0;
    old = 0;
    do
    :: i < RECORDS ->
        if
        :: since[i] > old -> old = since[i]
        :: else
        fi;
        i++
    :: else -> break
    od;
    since[w] = old + 1;
    i = 0;
    old = 0
}

/* thrum__count_sleepers with a limit of one, and thrum__first_at: the first that waits at an object, and whether there
 * are more. The queue is by time of arrival (thrum__enqueue), so it is kept as the set of those queued. */
inline look(obj)
{
    first = NONE;
    more = false;
    i = 0;
    do
    :: i < RECORDS ->
        if
        :: queued[i] && object[i] == obj ->
            assert(alive[i]);
            if
            :: first == NONE -> first = i
            :: else ->
                more = true;
                if
                :: since[i] < since[first] -> first = i
                :: else
                fi
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* The waiter is in no queue, its owner is there, and it had no fate.
 * [waiters.c: thrum__decide: "thrum__store_u32_release(&w->fate, fate);"] */
inline decide(w, f)
{
    assert(alive[w] && !queued[w] && fate[w] == WAITING);
    fate[w] = f
}

/* ---- Unpark: src/parking_lot.c ---------------------------------------------------------------------------------- */

/* Of one sleeper. `settle` is the scenario's: in one step it puts the object's word in order, and says `given`. */
inline unpark(obj)
{
    /* [parking_lot.c: thrum__unpark: "thrum__bucket *b = thrum__lock_bucket(object);"]
     * [parking_lot.c: thrum__unpark: "thrum__count_sleepers(b, object, limit);"]
     * [parking_lot.c: thrum__unpark: "if (settle(object, &sleepers, arg, &fate))"] */
    atomic {
        !bucket[bucket_of(obj)] ->
        d_step { look(obj) };
        settle();
        bucket[bucket_of(obj)] = (first != NONE)
    };
    if
    :: first != NONE ->
        /* [parking_lot.c: thrum__unpark: "thrum__dequeue(b, w);"]
         * [parking_lot.c: thrum__unpark: "thrum__decide(b, w, fate, &list);"]
         * [waiters.c: thrum__decide: "thrum__parker *parker = w->parker;"]
         * [parking_lot.c: thrum__unpark: "thrum__unlock_bucket(b);"] */
        d_step {
            waked = thread_of(first);
            queued[first] = false;
            decide(first, given);
            bucket[bucket_of(obj)] = false
        };
#ifdef BROKEN_PARKER_AFTER_FATE
        assert(alive[first]);
#endif
        /* [parking_lot.c: thrum__unpark: "thrum__wake(&list);"]
         * [waiters.c: thrum__wake: "thrum__port_unpark(list->parkers[i]);"] */
        port_unpark(waked)
    :: else
    fi;
    given = 0;
    first = 0;
    more = 0;
    waked = 0
}

/* ---- Park: src/parking_lot.c ------------------------------------------------------------------------------------ */

/* What a thread has besides LOCALS: the record of its wait, whether it is in one, and what functions returned. */
#define THREAD_LOCALS                                                                                                  \
    bool taken, can, interrupted, handlers_ran, in_wait, back;                                                         \
    byte r = me, seen, running, status

/* `take` is the scenario's: in one step it takes, and says `taken`, or leaves the mark in the object's word.
 * [parking_lot.c: arrive: "thrum__bucket *b = thrum__lock_bucket(w->object);"]
 * [parking_lot.c: arrive: "w->take(w->object, w->take_arg)"]
 * [parking_lot.c: arrive: "thrum__store_u32_release(&w->fate, THRUM__WAITING);"]
 * [parking_lot.c: arrive: "thrum__enqueue(b, w);"]
 * [parking_lot.c: arrive: "thrum__unlock_bucket(b);"] */
inline arrive()
{
    atomic {
        !bucket[bucket_of(object[r])] ->
        take();
        fate[r] = (taken -> fate[r] : WAITING);
        queued[r] = !taken
    }
}

/* What the owner of a record does in the bucket that its record is in, if the waiter is still free. The loop that looks
 * for the bucket has an effect when the second look under the lock finds the object that the first had found.
 * [waiters.c: thrum__lock_bucket_of_waiter: "void *object = thrum__load_pointer_acquire(&w->object);"]
 * [waiters.c: thrum__lock_bucket_of_waiter: "thrum__bucket *b = thrum__lock_bucket(object);"]
 * [waiters.c: thrum__lock_bucket_of_waiter: "if (thrum__load_pointer_acquire(&w->object) == object)"]
 * [waiters.c: thrum__lock_bucket_of_waiter: "thrum__unlock_bucket(b);"]
 * [parking_lot.c: is_free: "w->knows = w->moved;"]
 * [parking_lot.c: is_free: "return thrum__is_waiting(w) && !w->moved;"]
 * [waiters.h: thrum__is_waiting: "thrum__load_u32_acquire(&w->fate) == THRUM__WAITING;"] */
inline if_free()
{
    !bucket[bucket_of(object[r])] ->
#ifndef BROKEN_MOVE_NOT_NOTED
    knows[r] = moved[r];
#endif
#ifdef BROKEN_LEAVE_WITHOUT_LOOK
    can = true
#else
    can = (fate[r] == WAITING && !moved[r])
#endif
}

/* [parking_lot.c: leave: "thrum__bucket *b = thrum__lock_bucket_of_waiter(w);"]
 * [parking_lot.c: leave: "bool can = is_free(w);"]
 * [parking_lot.c: leave: "thrum__dequeue(b, w);"]
 * [parking_lot.c: leave: "thrum__unlock_bucket(b);"] */
inline leave()
{
    d_step {
        if_free();
        queued[r] = queued[r] && !can
    }
}

/* [parking_lot.c: suspend: "thrum__bucket *b = thrum__lock_bucket_of_waiter(w);"]
 * [parking_lot.c: suspend: "bool can = is_free(w);"]
 * [parking_lot.c: suspend: "w->suspended = suspended;"]
 * [parking_lot.c: suspend: "thrum__unlock_bucket(b);"] */
inline suspend(value)
{
    d_step {
        if_free();
        suspended[r] = (can -> value : suspended[r])
    }
}

/*
 * thrum__park and all that it calls, once in each thread, for its labels: the wait of record r, from `park` to its end,
 * with `status`. A handler that waits jumps back to `park` with another record, and ends at `inner_over`.
 *
 * The scenario says of a record whether it is_interruptible, is_timed, is_momentary, ends_by_itself, and what is done
 * once it is queued (when_queued). It has the labels point_over, for a thread that looked at its mail before its wait,
 * and inner_over, which goes on with main's handler (handler_over).
 */
inline wait()
{
    in_wait = true;
park:
    atomic {
        /* [parking_lot.c: thrum__park: ".since = thrum__port_now()"]
         * [parking_lot.c: thrum__park: "self->waits = &w;"] */
        read_clock(r);
        alive[r] = true;
        object[r] = object_of(r)
    };
    /* [parking_lot.c: wait_as: "switch (arrive(w))"] */
    arrive();
    if
    :: taken -> status = OK; goto wait_over
    :: else
    fi;
    when_queued();

await:
    atomic {
        /* [parking_lot.c: await: "uint32_t fate = thrum__load_u32_acquire(&w->fate);"]
         * [parking_lot.c: await: "if (fate == THRUM__GRANTED)"]
         * [parking_lot.c: await: "if (fate == THRUM__RETRY)"] */
        if
        :: fate[r] == GRANTED -> status = OK; goto wait_over
        :: fate[r] == RETRY -> seen = RETRY
        :: else
        fi
    };
    if
#ifdef BROKEN_DEADLINE_BEFORE_RETRY
    :: seen == RETRY && is_timed(r) -> status = TIMED_OUT; goto wait_over
#endif
    :: seen == RETRY ->
        seen = 0;
        /* [parking_lot.c: await: "if (arrive(w) == TAKEN)"] */
        arrive();
        if
        :: taken -> status = OK; goto wait_over
        :: else
        fi
    :: else
    fi;

    /* [parking_lot.c: await: "wait->interruptible && thrum__has_mail(self)"]
     * [interrupt.h: thrum__has_mail: "(thrum__load_u32_acquire(&self->mail) & ~self->running) != 0;"] */
    if
    :: is_interruptible(r) && !knows[r] && (mail[me] & ~running) ->
        /* [parking_lot.c: await: "mail_with_place_kept(self, w) : mail_standing_aside(self, w);"] */
        if
        :: is_momentary(r) ->
            /* [parking_lot.c: mail_with_place_kept: "if (!suspend(w, true))"] */
            suspend(true)
        :: else ->
            /* [parking_lot.c: mail_standing_aside: "if (!leave(w))"] */
            leave()
        fi;
        if
        :: can -> goto take_mail
        :: else -> handlers_ran = true
        fi
    :: else
    fi;

deadline:
    if
    :: is_timed(r) && !knows[r] ->
        /* [parking_lot.c: await: "at != INT64_MAX && thrum__port_now() >= at"]
         * [parking_lot.c: await: "if (leave(w))"] */
        handlers_ran = false;
        leave();
        if
        :: can -> status = TIMED_OUT; goto wait_over
        :: else -> goto await
        fi
    :: true
    fi;
    /* [parking_lot.c: await: "if (handlers_ran)"] */
    if
    :: handlers_ran -> handlers_ran = false; goto await
    :: else
    fi;

sleep:
    /* [parking_lot.c: await: "sleep_once(w, w->knows ? INT64_MAX : at);"]
     * [parking_lot.c: sleep_once: "thrum__port_park(w->parker, at);"] */
    port_park(ends_by_itself(r));
    goto await;

take_mail:
    /* [interrupt.c: thrum__take_mail: "uint32_t open = thrum__load_u32_acquire(&self->mail) & ~self->running & ~have_run;"]
     * [interrupt.c: thrum__take_mail: "!take_bit(self, bit_of(signum))"]
     * [interrupt.c: take_bit: "thrum__fetch_and_u32_acq_rel(&self->mail, ~bit) & bit"]
     * One step: nobody else takes it out, so what was seen is there still. */
    if
    :: atomic {
            mail[me] & ~running & SIGNAL ->
            mail[me] = mail[me] & ~SIGNAL;
            /* [interrupt.c: run_handler: "self->running |= bit_of(signum);"] */
            running = SIGNAL;
            assert(unhandled > 0);
            unhandled--
        };
        /* [interrupt.c: run_handler: "handler.run(signum, handler.arg);"] */
        if
#ifdef NESTED
        :: in_wait -> r = MAINS_INNER; goto park
#endif
        :: true
        fi;
handler_over:
        /* [interrupt.c: run_handler: "self->running &= ~bit_of(signum);"] */
        running = 0;
        if
        /* [interrupt.c: thrum__take_mail: "have_run |= bit_of(signum);"] There is one number here: no other follows. */
        :: true -> goto take_interrupt /* it said OK */
        :: d_step { true -> interrupted = true; untold++ }
        fi
    :: !(mail[me] & ~running & SIGNAL) ->
take_interrupt:
        atomic {
            /* [interrupt.c: thrum__take_mail: "if (!take_bit(self, THRUM__MAIL_INTERRUPT))"] */
            interrupted = (mail[me] & INTERRUPT);
            mail[me] = mail[me] & ~INTERRUPT
        }
    fi;

    if
    :: !in_wait -> goto point_over /* it was not called in a wait */
    :: in_wait && is_momentary(r) ->
        /* [parking_lot.c: mail_with_place_kept: "bool waiting = suspend(w, false);"] */
        suspend(false);
        if
        :: interrupted && can ->
            /* [parking_lot.c: mail_with_place_kept: "if (interrupted && waiting && leave(w))"] */
            leave();
            if
            :: can -> status = INTERRUPTED; goto wait_over
            :: else
            fi
        :: else
        fi;
        if
        :: interrupted ->
            /* [parking_lot.c: mail_with_place_kept: "thrum__keep_interrupt(self);"]
             * [interrupt.c: thrum__keep_interrupt: "thrum__post(self, THRUM__MAIL_INTERRUPT);"] */
            d_step {
                interrupted = false;
                untold = untold - (mail[me] & INTERRUPT);
                mail[me] = mail[me] | INTERRUPT
            };
            d_step { assert(parker[me] != SLEEPING); parker[me] = PERMIT }
        :: else
        fi
    :: in_wait && !is_momentary(r) ->
        if
        :: interrupted -> status = INTERRUPTED; goto wait_over
        :: else
        fi;
        /* [parking_lot.c: mail_standing_aside: "return arrive(w) == TAKEN ? GRANTED : GO_ON;"] */
        arrive();
        if
        :: taken -> status = OK; goto wait_over
        :: else
        fi
    fi;
#ifndef BROKEN_NO_LOOK_AFTER_HANDLERS
    /* [parking_lot.c: await: "handlers_ran = true;"] */
    handlers_ran = true;
#endif
    goto deadline;

wait_over:
    atomic {
        /* [parking_lot.c: wait_as: "wait->lock_is_back = w->moved;"]
         * [parking_lot.c: thrum__park: "self->waits = w.outer;"] The record is gone. */
        back = moved[r];
        assert(alive[r] && !queued[r]);
        alive[r] = false;
        fate[r] = 0;
        object[r] = 0;
        since[r] = 0;
        suspended[r] = false;
        moved[r] = false;
        knows[r] = false;
        can = false;
        taken = false;
        interrupted = false;
        untold = untold - (status == INTERRUPTED -> 1 : 0);
        if
        :: r == MAINS_INNER -> goto inner_over
        :: else -> in_wait = false
        fi
    }
}

/* The thread is over. What is left behind it is made alike, to have fewer states. */
inline end()
{
    atomic {
        unhandled = unhandled - (mail[me] & SIGNAL -> 1 : 0);
        untold = untold - (mail[me] & INTERRUPT);
        mail[me] = 0;
        parker[me] = EMPTY;
        done[me] = true;
        status = 0;
        taken = false;
        interrupted = false;
        back = false;
        r = 0
    }
}

/* When nobody can move any more, of each scenario. A signal is handled once, or is pending still for a thread that does
 * not wait (end has counted that); an interrupt likewise. A thread that waits has no mail. */
inline check_mail()
{
    assert(mail[MAIN] == 0 && mail[WORKER] == 0);
    assert(unhandled == 0 && untold == 0)
}
