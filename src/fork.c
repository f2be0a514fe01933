/* Around fork. The order of the locks is the order in which the core nests them anywhere: the process's, the
 * registry's, those of single modules, the buckets of the parking lot by their index. */
#include "fork.h"

static void let_go(void)
{
    thrum__lot_let_go();
    thrum__locals_let_go();
    thrum__interrupts_let_go();
    thrum__threads_let_go();
    thrum__process_let_go();
}

void thrum__fork_prepare(void)
{
    thrum__self(); /* the child's main thread must have a record, and none can be made once the locks are held */
    thrum__process_hold();
    thrum__threads_hold();
    thrum__interrupts_hold();
    thrum__locals_hold();
    thrum__lot_hold();
}

void thrum__fork_parent(void)
{
    let_go();
}

void thrum__fork_child(void)
{
    thrum_thread *self = (thrum_thread *)thrum__port_self();
    thrum__process_reborn();
    thrum__blocking_reborn();
    thrum__threads_reborn(self);
    thrum__lot_reborn(self);
    let_go();
}
