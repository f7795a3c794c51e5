#include "tests/unit/account/abench.h"
#include "core/account/state.h"
#include "tl/ids.h"

/* --- servers --- */

static void the_published_servers_are_built_in(void **state)
{
    struct mt_servers *s = mt_servers_builtin();
    bool seen[6] = {false};

    assert_non_null(s);
    assert_int_equal(s->n_keys, 1);
    assert_true(mt_rsa_fingerprint(s->keys[0]) == UINT64_C(0xd09d1d85de64fd85));
    assert_int_equal(s->default_dc, 2);
    for (size_t i = 0; i < s->n; i++) {
        assert_true(s->list[i].dc_id >= 1 && s->list[i].dc_id <= 5);
        seen[s->list[i].dc_id] = true;
    }
    for (int i = 1; i <= 5; i++)
        assert_true(seen[i]);
    mt_servers_free(s);
}

static const char *pem_json(const char *dcs)
{
    static const char key[] = "-----BEGIN RSA PUBLIC KEY-----\\n"
                              "MIIBCgKCAQEAyMEdY1aR+sCR3ZSJrtztKTKqigvO/vBfqACJLZtS7QMgCGXJ6XIR\\n"
                              "yy7mx66W0/sOFa7/1mAZtEoIokDP3ShoqF4fVNb6XeqgQfaUHd8wJpDWHcR2OFwv\\n"
                              "plUUI1PLTktZ9uW2WE23b+ixNwJjJGwBDJPQEQFBE+vfmH0JP503wr5INS1poWg/\\n"
                              "j25sIWeYPHYeOrFp/eXaqhISP6G+q2IeTaWTXpwZj4LzXq5YOpk4bYEQ6mvRq7D1\\n"
                              "aHWfYmlEGepfaYR8Q0YqvvhYtMte3ITnuSJs171+GDqpdKcSwHnd6FudwGO4pcCO\\n"
                              "j4WcDuXc2CTHgH8gFTNhp/Y8/SpDOhvn9QIDAQAB\\n"
                              "-----END RSA PUBLIC KEY-----\\n";

    return fmt("{\"dcs\":%s,\"rsa_keys\":[\"%s\"]}", dcs, key);
}

static void a_server_file_is_read(void **state)
{
    char err[128];
    const char *json = pem_json("[{\"id\":1,\"ip\":\"127.0.0.1\",\"port\":7001},"
                                "{\"id\":3,\"ip\":\"::1\",\"port\":7003,\"media\":true}]");
    struct mt_servers *s = mt_servers_parse(json, strlen(json), err), *builtin = mt_servers_builtin();
    uint8_t one[32], two[32];

    if (!s)
        fail_msg("%s", err);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->default_dc, 1);
    assert_int_equal(s->list[0].port, 7001);
    assert_true(s->list[1].ipv6 && s->list[1].media_only);
    assert_true(mt_rsa_fingerprint(s->keys[0]) == UINT64_C(0xb25898df208d2603));
    mt_servers_digest(s, one);
    mt_servers_digest(builtin, two);
    assert_memory_not_equal(one, two, 32);
    mt_servers_free(s);
    mt_servers_free(builtin);
}

static void a_bad_server_file_says_what_is_wrong(void **state)
{
    const char *rows[][2] = {
        {"{", "line"},
        {"{}", "dcs"},
        {"{\"dcs\":[]}", "dcs"},
        {"{\"dcs\":[{\"id\":1,\"ip\":\"127.0.0.1\",\"port\":1}]}", "rsa_keys"},
        {"{\"dcs\":[{\"id\":1,\"ip\":\"127.0.0.1\",\"port\":1}],\"rsa_keys\":[\"x\"]}",
         "rsa_keys: no RSA key"},
        {pem_json("[{\"id\":0,\"ip\":\"127.0.0.1\",\"port\":1}]"), "id"},
        {pem_json("[{\"id\":1,\"ip\":\"localhost\",\"port\":1}]"), "ip"},
        {pem_json("[{\"id\":1,\"ip\":\"127.0.0.1\",\"port\":70000}]"), "port"},
        {pem_json("[{\"id\":1,\"ip\":\"127.0.0.1\",\"port\":1,\"media\":true}]"), "neither"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char err[128];

        assert_null(mt_servers_parse(rows[i][0], strlen(rows[i][0]), err));
        if (!strstr(err, rows[i][1]))
            fail_msg("'%s' does not say '%s'", err, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_servers_are_built_in),
        cmocka_unit_test(a_server_file_is_read),
        cmocka_unit_test(a_bad_server_file_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
