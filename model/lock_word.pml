/* The lock's word, and what is done to it: src/lock.c. Shared by lock.pml and condition.pml. */
#define HELD   1
#define PARKED 2

byte lock;
byte holder = NONE; /* not in the code: the process that has it, or that it was handed to */

#define now_held_by(who)                                                                                               \
    assert(holder == NONE);                                                                                            \
    holder = who;                                                                                                      \
    lock = lock | HELD

/* [lock.c: try: "uint8_t word = thrum__load_u8_relaxed(&lock->word_);"]
 * [lock.c: try: "if (thrum__cas_u8_acquire(&lock->word_, word, word | HELD))"]
 * [lock.c: try: "        word = thrum__load_u8_relaxed(&lock->word_);"] */
inline try()
{
    d_step {
        taken = !(lock & HELD);
        if
        :: taken -> now_held_by(me)
        :: else
        fi
    }
}

/* [lock.c: take: "while (!try(lock))"]
 * [lock.c: take: "uint8_t word = thrum__load_u8_relaxed(&lock->word_);"]
 * [lock.c: take: "thrum__cas_u8_acquire(&lock->word_, word, word | PARKED)"] */
inline take_lock()
{
    d_step {
        taken = !(lock & HELD);
        if
        :: taken -> now_held_by(me)
        :: else -> lock = lock | PARKED
        fi
    }
}

/* [lock.c: pass_on: "bool hand_over = sleepers->granted && thrum__port_now() - sleepers->since >= HAND_OFF_AFTER;"]
 * [lock.c: pass_on: "if (!thrum_lock_is_held(lock))"]
 * [lock.c: pass_on: "thrum__store_u8_release(&lock->word_, hand_over ? HELD | mark : mark);"]
 * While it is held nobody changes the word but to add the mark, under this bucket's lock. */
inline settle()
{
    if
    :: first != NONE -> given = GRANTED
    :: given = RETRY
    fi;
    d_step {
        assert(holder == me && (lock & HELD));
        holder = (given == GRANTED -> thread_of(first) : NONE);
        lock = (given == GRANTED -> HELD : 0) | (more -> PARKED : 0)
    }
}

inline release()
{
    /* [lock.c: thrum_lock_release: "if (thrum__cas_u8_release(&lock->word_, HELD, 0))"] */
    d_step {
        assert(holder == me && (lock & HELD));
#ifdef BROKEN_RELEASE_WITHOUT_LOOK
        ok = true;
#else
        ok = (lock == HELD);
#endif
        if
        :: ok ->
            lock = 0;
            holder = NONE
        :: else
        fi
    };
    if
    :: ok -> ok = false
    :: else ->
        /* [lock.c: thrum_lock_release: "if (!thrum_lock_is_held(lock))"]
         * [lock.c: thrum_lock_release: "thrum__unpark(lock, 1, pass_on, &status);"] */
        unpark(LOCK)
    fi
}
