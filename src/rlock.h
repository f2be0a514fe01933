/* What conditions need of a re-entrant lock: to give up all the caller's holds and have them again. */
#ifndef THRUM_SRC_RLOCK_H
#define THRUM_SRC_RLOCK_H

#include <thrum/rlock.h>

/* The calling thread holds lock_, and from now on the whole, this deep. */
void thrum__rlock_own(thrum_rlock *lock, uint32_t depth);

/* The calling thread owns it, and from now on holds lock_ alone. Returns how deep it was. */
uint32_t thrum__rlock_disown(thrum_rlock *lock);

#endif
