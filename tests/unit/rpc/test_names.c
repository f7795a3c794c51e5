/* Names are looked up seldom: what is known is not asked, what is asked is asked once, and slowly (pains.md
 * 5). */
#include "tests/unit/rpc/rig.h"

#include "tl/ids.h"

#define BEGIN      struct rig *g = rig_new()
#define END        rig_free(g)
#define TEST(name) static void name(void **state)

static const char *resolve(struct rig *g, const char *name)
{
    static char text[160];

    snprintf(text, sizeof text, "{\"id\":1,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"%s\"}}",
             name);
    return say(g, text);
}

static void refuse(struct rig *g, int code, const char *text, int seconds)
{
    struct mt_reply r = {.kind = MT_REPLY_RPC_ERROR, .code = code, .seconds = seconds};

    snprintf(r.text, sizeof r.text, "%s", text);
    rig_reply(g, 0, &r);
    rig_read(g, g->c);
}

TEST(nobody_is_not_asked_for_again_for_an_hour)
{
    BEGIN;
    resolve(g, "@Nobody_here");
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    assert_string_equal(got(g, "error.data.name"), "PEER_UNKNOWN");
    assert_int_equal(g->core[0].calls, 1);
    rig_pass(g, 3599 * 1000);
    resolve(g, "@nobody_HERE");
    assert_string_equal(got(g, "error.data.name"), "PEER_UNKNOWN");
    assert_non_null(strstr(got(g, "error.data.hint"), "3599 s ago"));
    assert_int_equal(g->core[0].calls, 1);
    rig_pass(g, 1000);
    resolve(g, "@nobody_here");
    assert_int_equal(g->core[0].calls, 2);
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    resolve(g, "@someone_else");
    assert_int_equal(g->core[0].calls, 3);
    refuse(g, 400, "USERNAME_INVALID", 0);
    END;
}

TEST(a_name_that_is_being_asked_for_is_not_asked_for_twice)
{
    struct rpc_conn *other;
    BEGIN;
    other = rig_connect(g);
    resolve(g, "@nobody_here");
    rig_say(g, other, "{\"id\":2,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"@Nobody_Here\"}}");
    assert_int_equal(g->core[0].calls, 1);
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    assert_string_equal(got(g, "error.data.name"), "PEER_UNKNOWN");
    rig_read(g, other);
    if (!*got(g, "error.data.name"))
        rig_read(g, other);
    assert_string_equal(got(g, "error.data.name"), "PEER_UNKNOWN");
    assert_int_equal(g->core[0].calls, 1);
    rpc_closed(other, g->now);
    END;
}

/* Its machine was made anew, or the account is gone: the one that was there when it came is not asked. */
TEST(who_waits_for_a_name_asks_the_account_of_now)
{
    struct rpc_conn *other;
    struct mt_account anew;
    BEGIN;
    other = rig_connect(g);
    resolve(g, "@somebody");
    rig_say(g, other, "{\"id\":2,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"@somebody\"}}");
    anew = g->core[0];
    g->accounts[0].core = &anew;
    refuse(g, 500, "INTERNAL", 0);
    rig_read(g, other);
    assert_int_equal(g->core[0].calls, 1);
    assert_int_equal(anew.calls, 2);
    rpc_closed(other, g->now);
    /* gone */
    other = rig_connect(g);
    resolve(g, "@somebody_else");
    rig_say(g, other, "{\"id\":2,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"@somebody_else\"}}");
    assert_int_equal(anew.calls, 3);
    g->core[0].token = anew.token;
    g->n_accounts = 0;
    refuse(g, 500, "INTERNAL", 0);
    if (!*got(g, "error.data.name"))
        rig_read(g, other);
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    rig_read(g, other);
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    rpc_closed(other, g->now);
    END;
}

TEST(who_waits_for_a_name_of_an_account_that_goes_is_answered)
{
    struct rpc_conn *other;
    BEGIN;
    other = rig_connect(g);
    resolve(g, "@nobody_here");
    rig_say(g, other, "{\"id\":2,\"method\":\"resolvePeer\",\"params\":{\"chat_id\":\"@nobody_here\"}}");
    g->n_accounts = 0;
    rig_read(g, other);
    assert_string_equal(got(g, "error.data.name"), "ACCOUNT_UNKNOWN");
    g->n_accounts = 1;
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    rpc_closed(other, g->now);
    END;
}

/* Sends to a chat whose name is not known yet keep their order: the first asks, the others follow in turn. */
TEST(who_waits_for_a_name_goes_on_in_the_order_of_coming)
{
    struct mt_peer bob = {
        .chat = 777555, .kind = MT_PEER_USER, .has_hash = true, .access_hash = 7, .username = "bobby_b"};
    struct tl_out out = {0};
    char text[160], order[64] = "";
    BEGIN;
    for (int i = 0; i < 4; i++) {
        snprintf(
            text, sizeof text,
            "{\"id\":%d,\"method\":\"sendMessage\",\"params\":{\"chat_id\":\"@bobby_b\",\"text\":\"n%d\"}}",
            i, i);
        say(g, text);
    }
    assert_int_equal(g->core[0].calls, 1);
    g->peers[g->n_peers++] = bob;
    tl_put_u32(&out, TL_contacts_resolvedPeer);
    tl_put_u32(&out, TL_peerUser);
    tl_put_long(&out, 777555);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    g->core[0].sends = order;
    rig_result(g, 0, out.data, out.len);
    rig_read(g, g->c);
    assert_string_equal(order, "n0 n1 n2 n3 ");
    tl_out_free(&out);
    END;
}

TEST(a_burst_is_refused_here_with_the_seconds)
{
    char name[32];
    BEGIN;
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "@somebody%d", i);
        resolve(g, name);
        refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    }
    assert_int_equal(g->core[0].calls, 30);
    resolve(g, "@one_more");
    assert_string_equal(got(g, "error.code"), "2420");
    assert_string_equal(got(g, "error.data.name"), "FLOOD_WAIT");
    assert_string_equal(got(g, "error.data.local"), "true");
    assert_string_equal(got(g, "error.data.seconds"), "60");
    assert_int_equal(g->core[0].calls, 30);
    resolve(g, "@alice"); /* who is known costs nothing */
    assert_string_equal(got(g, "result.id"), "777123");
    rig_pass(g, 60000);
    resolve(g, "@one_more");
    assert_int_equal(g->core[0].calls, 31);
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    END;
}

TEST(a_flood_wait_holds_over_a_restart)
{
    BEGIN;
    resolve(g, "@somebody");
    refuse(g, 420, "FLOOD_WAIT_3600", 3600);
    assert_string_equal(got(g, "error.data.seconds"), "3600");
    assert_string_equal(got(g, "error.data.local"), ""); /* the server said it */
    rig_pass(g, 600 * 1000);
    resolve(g, "@somebody_else"); /* what is kept is in the host: the account may have been made anew */
    assert_string_equal(got(g, "error.data.seconds"), "3000");
    assert_string_equal(got(g, "error.data.local"), "true");
    assert_int_equal(g->core[0].calls, 1);
    rig_pass(g, 3000 * 1000);
    resolve(g, "@somebody");
    assert_int_equal(g->core[0].calls, 2);
    refuse(g, 400, "USERNAME_NOT_OCCUPIED", 0);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_not_asked_for_again_for_an_hour),
        cmocka_unit_test(a_name_that_is_being_asked_for_is_not_asked_for_twice),
        cmocka_unit_test(who_waits_for_a_name_asks_the_account_of_now),
        cmocka_unit_test(who_waits_for_a_name_of_an_account_that_goes_is_answered),
        cmocka_unit_test(who_waits_for_a_name_goes_on_in_the_order_of_coming),
        cmocka_unit_test(a_burst_is_refused_here_with_the_seconds),
        cmocka_unit_test(a_flood_wait_holds_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
