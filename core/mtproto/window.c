#include "core/mtproto/window.h"

#include <string.h>

/* Index of the first id >= id. Most lookups are for the newest, so the end is tried first. */
static size_t lower_bound(const struct mt_window *w, uint64_t id)
{
    size_t lo = 0, hi = w->n;

    if (!hi || w->ids[hi - 1] < id)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (w->ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

enum mt_seen mt_window_look(const struct mt_window *w, uint64_t id)
{
    size_t at = lower_bound(w, id);

    if (at < w->n && w->ids[at] == id)
        return MT_SEEN_BEFORE;
    return at == 0 && w->n == MT_WINDOW_IDS ? MT_SEEN_TOO_OLD : MT_SEEN_NEVER;
}

void mt_window_add(struct mt_window *w, uint64_t id)
{
    size_t at = lower_bound(w, id);

    if (w->n < MT_WINDOW_IDS) {
        memmove(&w->ids[at + 1], &w->ids[at], (w->n - at) * sizeof w->ids[0]);
        w->n++;
    } else if (at > 0) {
        at--;
        memmove(&w->ids[0], &w->ids[1], at * sizeof w->ids[0]);
    }
    w->ids[at] = id;
}
