/*
 * Hostile bytes to mt_open(): as a packet, and as a change of a good packet. Only what was sealed may open.
 *
 *     | 1 byte: 0 = a packet follows; else the length of a plaintext in blocks | bytes: packet, or what is
 *       xored into the sealed one |
 */
#include "tests/fuzz/fuzz.h"

#include "core/crypto/crypto.h"
#include "tl/wire.h"

static uint8_t packet[MT_ENVELOPE_HEAD + 255 * 16];

static void open_raw(const struct mt_auth_key *key, const uint8_t *data, size_t size)
{
    uint8_t *plain;
    size_t n;

    if (size > sizeof packet)
        size = sizeof packet;
    memcpy(packet, data, size);
    if (size >= 8)
        tl_store64(packet, key->id); /* else nothing but the id is tested */
    FUZZ_CHECK(mt_open(key, MT_SERVER, packet, size, &plain, &n) < 0);
    FUZZ_CHECK(!plain && !n);
}

static void open_changed(const struct mt_auth_key *key, size_t n, const uint8_t *data, size_t size)
{
    size_t len;
    uint8_t *plain;
    bool same = true;
    int err;

    for (size_t i = 0; i < n; i++)
        packet[MT_ENVELOPE_HEAD + i] = (uint8_t)i;
    FUZZ_CHECK(mt_seal(key, MT_SERVER, packet, n) >> 31 == 1);
    for (size_t i = 0; i < size && i < MT_ENVELOPE_HEAD + n; i++) {
        packet[i] ^= data[i];
        same = same && !data[i];
    }
    err = mt_open(key, MT_SERVER, packet, MT_ENVELOPE_HEAD + n, &plain, &len);
    FUZZ_CHECK((err == MT_OK) == (same && n >= 48));
    for (size_t i = 0; !err && i < n; i++)
        FUZZ_CHECK(plain[i] == (uint8_t)i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t secret[MT_KEY_LEN];
    struct mt_auth_key key;

    if (!size)
        return 0;
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)(i * 5 + 1);
    mt_auth_key_set(&key, secret);
    if (data[0])
        open_changed(&key, (size_t)data[0] * 16, data + 1, size - 1);
    else
        open_raw(&key, data + 1, size - 1);
    return 0;
}
