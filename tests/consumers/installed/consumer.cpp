#include <thrum/thrum.h>

int main()
{
    static thrum_lock lock;
    int passes = 0;
    THRUM_WITH(&lock)
    {
        passes++;
    }
    if (thrum_init() != THRUM_OK || thrum_lock_is_held(&lock))
        return 1;
    return passes == 1 && thrum_sleep(THRUM_MILLISECONDS(1)) == THRUM_OK ? 0 : 2;
}
