/* What the views ask of an account, without one. */
#include "core/account/account.h"

int64_t mt_account_user(const struct mt_account *a)
{
    return 1;
}
