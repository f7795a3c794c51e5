#include "tests/unit/check.h"
#include "tests/unit/vectors.h"
#include "core/crypto/crypto.h"
#include "tl/wire.h"

#define FILE_NAME "crypto/envelope.txt"

static void test_key(const char *what, struct mt_auth_key *k)
{
    uint8_t key[MT_KEY_LEN];

    for (int i = 0; i < 8; i++) {
        char text[32];

        snprintf(text, sizeof text, "%s auth key %d", what, i);
        mt_sha256(key + 32 * i, &(struct mt_part){text, strlen(text)}, 1);
    }
    mt_auth_key_set(k, key);
}

static void key_ids_are_halves_of_the_hash(void **state)
{
    struct mt_auth_key k;

    test_key("test", &k);
    assert_true(k.id == UINT64_C(0xf4b302b227572701));
    test_key("temp", &k);
    assert_true(k.id == UINT64_C(0x5d893874e70ec36e));
}

static void the_packet_of_the_vector_comes_out_and_goes_in(void **state)
{
    static const struct {
        enum mt_side sender;
        const char *packet;
    } row[] = {{MT_CLIENT, "packet_x_0"}, {MT_SERVER, "packet_x_8"}};
    struct mt_auth_key k;
    uint8_t plain[64], packet[88], want[88], *body;
    size_t n;

    test_key("test", &k);
    vector_exact(FILE_NAME, "plaintext", plain, sizeof plain);
    for (size_t i = 0; i < 2; i++) {
        uint32_t token;

        vector_exact(FILE_NAME, row[i].packet, want, sizeof want);
        memcpy(packet + MT_ENVELOPE_HEAD, plain, sizeof plain);
        token = mt_seal(&k, row[i].sender, packet, sizeof plain);
        assert_memory_equal(packet, want, sizeof want);
        if (row[i].sender == MT_CLIENT)
            assert_true(token == UINT32_C(0x897bc930));
        assert_int_equal(mt_open(&k, row[i].sender, packet, sizeof packet, &body, &n), MT_OK);
        assert_ptr_equal(body, packet + MT_ENVELOPE_HEAD);
        assert_int_equal(n, sizeof plain);
        assert_memory_equal(body, plain, sizeof plain);
    }
}

static void derived_values_match_the_vector(void **state)
{
    struct mt_auth_key k;
    uint8_t plain[64], large[32], want[32], key[32], iv[32];

    test_key("test", &k);
    vector_exact(FILE_NAME, "plaintext", plain, sizeof plain);
    vector_exact(FILE_NAME, "msg_key_large", want, sizeof want);
    mt_msg_key_large(k.key, MT_CLIENT, plain, sizeof plain, large);
    assert_memory_equal(large, want, sizeof want);
    mt_kdf(k.key, MT_CLIENT, large + 8, key, iv);
    vector_exact(FILE_NAME, "aes_key_x_0", want, sizeof want);
    assert_memory_equal(key, want, sizeof want);
    vector_exact(FILE_NAME, "aes_iv_x_0", want, sizeof want);
    assert_memory_equal(iv, want, sizeof want);
}

static void any_flipped_bit_is_found(void **state)
{
    struct mt_auth_key k;
    uint8_t packet[88], good[88], *body;
    size_t n;

    test_key("test", &k);
    vector_exact(FILE_NAME, "packet_x_8", good, sizeof good);
    for (size_t bit = 0; bit < sizeof good * 8; bit++) {
        int want = bit < 64 ? MT_E_PEER : MT_E_AUTH;

        memcpy(packet, good, sizeof packet);
        packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(mt_open(&k, MT_SERVER, packet, sizeof packet, &body, &n), want);
        assert_null(body);
        assert_int_equal(n, 0);
        if (want == MT_E_AUTH) {
            for (size_t i = 0; i < sizeof packet; i++)
                assert_int_equal(packet[i], 0);
        }
    }
    memcpy(packet, good, sizeof packet);
    assert_int_equal(mt_open(&k, MT_CLIENT, packet, sizeof packet, &body, &n), MT_E_AUTH);
}

/* One who knew the keys could make each byte of msg_key alone not fit: all sixteen are compared. */
static void every_byte_of_msg_key_is_compared(void **state)
{
    struct mt_auth_key k;
    uint8_t packet[88], large[32], key[32], iv[32], *body;
    size_t n;

    test_key("test", &k);
    for (size_t i = 0; i <= 16; i++) {
        tl_store64(packet, k.id);
        vector_exact(FILE_NAME, "plaintext", packet + 24, 64);
        mt_msg_key_large(k.key, MT_SERVER, packet + 24, 64, large);
        memcpy(packet + 8, large + 8, 16);
        if (i < 16)
            packet[8 + i] ^= 1;
        mt_kdf(k.key, MT_SERVER, packet + 8, key, iv);
        mt_ige_encrypt(key, iv, packet + 24, packet + 24, 64);
        assert_int_equal(mt_open(&k, MT_SERVER, packet, sizeof packet, &body, &n),
                         i < 16 ? MT_E_AUTH : MT_OK);
    }
}

static void lengths_that_cannot_be_are_refused(void **state)
{
    struct mt_auth_key k;
    uint8_t packet[88], *body;
    size_t n;

    test_key("test", &k);
    for (size_t len = 0; len < sizeof packet; len++) {
        vector_exact(FILE_NAME, "packet_x_8", packet, sizeof packet);
        assert_int_equal(mt_open(&k, MT_SERVER, packet, len, &body, &n),
                         len >= 72 && len % 16 == 8 ? MT_E_AUTH : MT_E_PEER);
    }
}

/* auth.bindTempAuthKey: the only user of the first derivation in the client */
static void the_first_derivation_matches_its_vector(void **state)
{
    struct mt_auth_key k;
    uint8_t plain[80], want[104], packet[104], digest[20], key[32], iv[32];

    test_key("test", &k);
    for (uint8_t i = 0; i < 16; i++)
        plain[i] = i;
    tl_store64(plain + 16, (UINT64_C(0x65c53d50) << 32) | 0x10);
    tl_store32(plain + 24, 0);
    tl_store32(plain + 28, 40);
    vector_exact(FILE_NAME, "bind_inner", plain + 32, 40);
    for (uint8_t i = 0; i < 8; i++)
        plain[72 + i] = (uint8_t)(0xf0 + i);
    vector_exact(FILE_NAME, "bind_encrypted_message", want, sizeof want);

    mt_sha1(digest, &(struct mt_part){plain, 72}, 1);
    mt_kdf_v1(k.key, MT_CLIENT, digest + 4, key, iv);
    tl_store64(packet, k.id);
    memcpy(packet + 8, digest + 4, 16);
    mt_ige_encrypt(key, iv, plain, packet + 24, sizeof plain);
    assert_memory_equal(packet, want, sizeof want);
}

static void a_secret_chat_message_is_the_same_envelope(void **state)
{
    static const char *const name[] = {"secret_creator", "secret_other"};
    struct mt_auth_key k;
    uint8_t packet[104], want[104];

    test_key("test", &k);
    for (int i = 0; i < 2; i++) {
        tl_store32(packet + 24, 52);
        vector_exact(FILE_NAME, "secret_payload", packet + 28, 52);
        for (uint8_t j = 0; j < 24; j++)
            packet[80 + j] = (uint8_t)(0xe0 + j);
        vector_exact(FILE_NAME, name[i], want, sizeof want);
        mt_seal(&k, i ? MT_SERVER : MT_CLIENT, packet, 80);
        assert_memory_equal(packet, want, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_ids_are_halves_of_the_hash),
        cmocka_unit_test(the_packet_of_the_vector_comes_out_and_goes_in),
        cmocka_unit_test(derived_values_match_the_vector),
        cmocka_unit_test(any_flipped_bit_is_found),
        cmocka_unit_test(every_byte_of_msg_key_is_compared),
        cmocka_unit_test(lengths_that_cannot_be_are_refused),
        cmocka_unit_test(the_first_derivation_matches_its_vector),
        cmocka_unit_test(a_secret_chat_message_is_the_same_envelope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
