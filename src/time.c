/* Lengths of time, deadlines, sleep. */
#include <thrum/time.h>

#include "interrupt.h"
#include "parking_lot.h"

thrum_nanos thrum_seconds(double seconds)
{
    const double limit = 9223372036854775808.0; /* 2^63 */
    double nanos = seconds * 1e9;
    if (nanos != nanos)
        return 0;
    if (nanos >= limit)
        return INT64_MAX;
    if (nanos < -limit)
        return INT64_MIN;
    thrum_nanos whole = (thrum_nanos)nanos; /* towards 0 */
    return (double)whole < nanos ? whole + 1 : whole;
}

thrum_nanos thrum_now(void)
{
    return thrum__port_now();
}

thrum_deadline thrum_after(thrum_nanos length)
{
    thrum_nanos now = thrum__port_now();
    if (length <= 0)
        return (thrum_deadline){now};
    return (thrum_deadline){length > INT64_MAX - now ? INT64_MAX : now + length};
}

thrum_nanos thrum_left(thrum_deadline deadline)
{
    if (deadline.at == INT64_MAX)
        return INT64_MAX;
    thrum_nanos now = thrum__port_now();
    return deadline.at > now ? deadline.at - now : 0;
}

thrum_status thrum_sleep_until(thrum_deadline deadline)
{
    thrum__wait wait = {
        .object = &wait, .interruptible = true, .momentary = true}; /* nobody wakes it: its own address */
    thrum_status status = thrum__interruption_point();
    if (status == THRUM_OK)
        status = thrum__park(&wait, deadline);
    return status == THRUM_TIMED_OUT ? THRUM_OK : status;
}

thrum_status thrum_sleep(thrum_nanos length)
{
    return thrum_sleep_until(thrum_after(length));
}
