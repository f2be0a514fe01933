/* What conditions need of a lock, in the parking lot's terms. */
#ifndef THRUM_SRC_LOCK_H
#define THRUM_SRC_LOCK_H

#include "parking_lot.h"

#include <thrum/lock.h>

/* How a condition's wait gives up this lock and has it again. */
thrum__held_lock thrum__held(thrum_lock *lock);

#endif
