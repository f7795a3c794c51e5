#include "core/mtproto/backoff.h"

int64_t mt_backoff(const struct mt_env *env, unsigned failures)
{
    int64_t us;

    if (!failures)
        return 0;
    us = failures > 6 ? MT_BACKOFF_MAX_S * MT_US_PER_S : (INT64_C(1) << (failures - 1)) * MT_US_PER_S;
    return us - (int64_t)(mt_env_random64(env) % (uint64_t)(us / 4));
}
