/*
 * A servers file (--servers): refused with words, or a set that has an address and a key, and a digest that
 * does not depend on anything else.
 *
 *     | JSON |
 */
#include "tests/fuzz/fuzz.h"

#include "core/account/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char err[128] = "";
    uint8_t first[32], second[32];
    struct mt_servers *s = mt_servers_parse((const char *)data, size, err);

    if (!s) {
        FUZZ_CHECK(err[0] && strlen(err) < sizeof err);
        return 0;
    }
    FUZZ_CHECK(s->n && s->n_keys);
    mt_servers_digest(s, first);
    mt_servers_digest(s, second);
    FUZZ_CHECK(memcmp(first, second, sizeof first) == 0);
    mt_servers_free(s);
    return 0;
}
