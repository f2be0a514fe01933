/* The names of threads: whether they are UTF-8, and how much of them is kept. */
#include "threads.h"

#include <string.h>

/* Whether these bytes are UTF-8, and how many of them to keep: whole characters, at most THRUM_THREAD_NAME_MAX bytes.
 */
static bool measure_name(const char *name, size_t *keep)
{
    const unsigned char *p = (const unsigned char *)name;
    size_t at = 0;
    *keep = 0;
    while (p[at]) {
        unsigned char lead = p[at];
        size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
        if (length == 0)
            return false;
        for (size_t i = 1; i < length; i++)
            if ((p[at + i] & 0xC0) != 0x80)
                return false;
        bool surrogate = lead == 0xED && p[at + 1] >= 0xA0;
        bool overlong = (lead == 0xE0 && p[at + 1] < 0xA0) || (lead == 0xF0 && p[at + 1] < 0x90);
        bool too_large = lead == 0xF4 && p[at + 1] >= 0x90;
        if (surrogate || overlong || too_large)
            return false;
        at += length;
        if (at <= THRUM_THREAD_NAME_MAX)
            *keep = at;
    }
    return true;
}

bool thrum__name_keep(const char *name, char kept[THRUM_THREAD_NAME_MAX + 1])
{
    size_t keep;
    if (!measure_name(name, &keep))
        return false;
    memcpy(kept, name, keep);
    kept[keep] = 0;
    return true;
}
