#include "tests/unit/account/harness.h"

#include "tl/ids.h"

struct bench {
    struct mem mem;
    struct mt_fxq fxq;
    struct mt_peers peers;
};

static struct bench *bench(void)
{
    static struct bench b;

    memset(&b, 0, sizeof b);
    mem_init(&b.mem);
    mt_fxq_init(&b.fxq);
    mt_peers_init(&b.peers, &b.mem.ops, &b.fxq);
    return &b;
}

static void done(struct bench *b)
{
    mt_peers_fini(&b->peers);
    mt_fxq_fini(&b->fxq);
}

static const char *commit(struct bench *b)
{
    const char *text = fx_drain(&b->fxq, &b->mem);

    mt_peers_committed(&b->peers);
    return text;
}

static void see(struct bench *b, const char *type, const char *json)
{
    struct tl_view v = view_of(tl_of(type, json));

    assert_int_equal(mt_peers_harvest(&b->peers, &v), MT_OK);
}

static const struct mt_peer *stored(struct bench *b, mt_chat_id chat)
{
    for (size_t i = 0; i < b->mem.n_peers; i++)
        if (b->mem.peers[i].chat == chat)
            return &b->mem.peers[i];
    fail_msg("chat %lld is not stored", (long long)chat);
    return &b->mem.peers[0];
}

#define USER_FULL                                                                                            \
    "{\"_\":\"user\",\"id\":\"7\",\"access_hash\":\"77\",\"first_name\":\"Al\",\"last_name\":\"Ice\","       \
    "\"username\":\"alice\",\"phone\":\"4915\"}"
#define USER_MIN                                                                                             \
    "{\"_\":\"user\",\"id\":\"7\",\"min\":true,\"access_hash\":\"11\",\"first_name\":\"Other\","             \
    "\"username\":\"alice2\"}"
#define PHOTO "\"photo\":{\"_\":\"chatPhotoEmpty\"}"

/* --- numbers --- */

static void marked_numbers_are_arithmetic_not_text(void **state) /* trap 71 */
{
    static const struct {
        mt_chat_id chat;
        int kind; /* -1: none */
        int64_t id;
    } rows[] = {
        {1, MT_PEER_USER, 1},
        {INT64_C(0xffffffffff), MT_PEER_USER, INT64_C(0xffffffffff)},
        {INT64_C(0x10000000000), -1, 0},
        {0, -1, 0},
        {-1, MT_PEER_GROUP, 1},
        {INT64_C(-999999999999), MT_PEER_GROUP, INT64_C(999999999999)},
        {INT64_C(-1000000000000), -1, 0},
        {INT64_C(-1000000000001), MT_PEER_CHANNEL, 1},
        {INT64_C(-1001234567890), MT_PEER_CHANNEL, INT64_C(1234567890)},
        {INT64_C(-1012345678901), MT_PEER_CHANNEL, INT64_C(12345678901)},
        {INT64_C(-1997852516352), MT_PEER_CHANNEL, INT64_C(997852516352)},
        {INT64_C(-1997852516353), -1, 0},
        {INT64_C(-2000000000000), -1, 0},
        {INT64_C(-2002147483648), -1, 0},
        {INT64_C(-2002147483649), MT_PEER_CHANNEL, INT64_C(1002147483649)},
        {INT64_C(-4000000000000), MT_PEER_CHANNEL, INT64_C(3000000000000)},
        {INT64_C(-4000000000001), -1, 0},
        {INT64_MIN, -1, 0},
        {INT64_MAX, -1, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum mt_peer_kind kind;
        int64_t id;
        bool ok = mt_chat_split(rows[i].chat, &kind, &id);

        assert_int_equal(ok, rows[i].kind >= 0);
        if (!ok)
            continue;
        assert_int_equal(kind, rows[i].kind);
        assert_true(id == rows[i].id);
    }
    assert_true(mt_chat_of_channel(INT64_C(1234567890)) == INT64_C(-1001234567890));
}

static void an_id_from_the_wire_outside_its_space_is_no_chat(void **state)
{
    struct tl_view v =
        view_of(tl_of("Peer", "{\"_\":\"peerChannel\",\"channel_id\":\"9223372036854775807\"}"));

    assert_true(mt_chat_of(&v, 0) == 0);
    v = view_of(tl_of("Peer", "{\"_\":\"peerChat\",\"chat_id\":\"-9223372036854775808\"}"));
    assert_true(mt_chat_of(&v, 0) == 0);
}

/* --- what a person writes --- */

struct spelling {
    const char *text;
    const char
        *means; /* "self" "chat N" "bare N" "name X" "phone X" "invite X", " mN" " tN" behind; NULL: error */
};

static const char *ref_text(const struct mt_peer_ref *r)
{
    const char *what = "?";

    switch (r->kind) {
    case MT_REF_SELF:
        what = "self";
        break;
    case MT_REF_CHAT:
        what = fmt("%s %lld", r->bare ? "bare" : "chat", (long long)r->chat);
        break;
    case MT_REF_NAME:
        what = fmt("name %s", r->name);
        break;
    case MT_REF_PHONE:
        what = fmt("phone %s", r->phone);
        break;
    case MT_REF_INVITE:
        what = fmt("invite %s", r->invite);
        break;
    }
    return fmt("%s%s%s", what, r->thread_id ? fmt(" t%d", (int)r->thread_id) : "",
               r->msg_id ? fmt(" m%d", (int)r->msg_id) : "");
}

static void check_spellings(const struct spelling *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mt_peer_ref ref;
        int err = mt_peer_parse(rows[i].text, &ref);

        if (!rows[i].means) {
            if (err != MT_E_ARG)
                fail_msg("'%s' is taken for %s", rows[i].text, ref_text(&ref));
            continue;
        }
        if (err)
            fail_msg("'%s' is refused", rows[i].text);
        assert_string_equal(ref_text(&ref), rows[i].means);
    }
}
#define CHECK_SPELLINGS(rows) check_spellings(rows, sizeof(rows) / sizeof *(rows))

static void plain_forms_of_a_peer_are_read(void **state)
{
    static const struct spelling rows[] = {
        {"me", "self"},
        {" self\n", "self"},
        {"mi", NULL},
        {"1", "bare 1"},
        {"-1", "chat -1"},
        {"-1001234567890", "chat -1001234567890"},
        {"+49 (151) 123-456", "phone 49151123456"},
        {"+1", NULL},
        {"+49x", NULL},
        {"+123456789012345678901234567890123", NULL},
        {"@alice", "name alice"},
        {"Alice_2", "name Alice_2"},
        {"@me", NULL},
        {"@gif", "name gif"},
        {"bob", "name bob"},
        {"user:5", "chat 5"},
        {"chat:5", "chat -5"},
        {"channel:5", "chat -1000000000005"},
        {"channel:", NULL},
        {"chat:1000000000001", NULL}, /* would be the channel 1 */
        {"user:-5", NULL},
        {"user:5x", NULL},
        {"1.0", NULL},
        {"1e3", NULL},
        {"-", NULL},
        {"", NULL},
        {" ", NULL},
        {"0", NULL},
        {"99999999999999999999999", NULL},
        {"@a__b", NULL},
        {"@abcd_", NULL},
        {"@1abc", NULL},
        {"al ice", NULL},
        {"alice\xc3\xa9", NULL},
        {"@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };

    CHECK_SPELLINGS(rows);
}

static void links_to_chats_are_read(void **state)
{
    static const struct spelling rows[] = {
        {"https://t.me/alice", "name alice"},
        {"HTTP://WWW.T.Me/alice/", "name alice"},
        {"t.me/alice?start=x", "name alice"},
        {"telegram.me/alice", "name alice"},
        {"telegram.dog/s/alice", "name alice"},
        {"alice.t.me", "name alice"},
        {"https://alice.t.me/12", "name alice m12"},
        {"t.me/alice/123", "name alice m123"},
        {"t.me/alice/5/123?single", "name alice t5 m123"},
        {"t.me/alice/123?thread=9", "name alice t9 m123"},
        {"t.me/alice/s/9", "name alice"},
        {"t.me/c/1234567890/123", "chat -1001234567890 m123"},
        {"t.me/c/1234567890/7/123", "chat -1001234567890 t7 m123"}, /* trap 72 */
        {"t.me/+123456", "phone 123456"},                           /* trap 72 */
        {"t.me/+AbC-_9", "invite AbC-_9"},                          /* trap 72 */
        {"t.me/joinchat/AbC123", "invite AbC123"},
        {"tg://resolve?domain=alice", "name alice"},
        {"tg:resolve?domain=alice&post=5", "name alice m5"},
        {"tg://resolve?phone=49151", "phone 49151"},
        {"tg://privatepost?channel=5&post=6", "chat -1000000000005 m6"},
        {"tg://join?invite=AbC123", "invite AbC123"},
        {"tg://user?id=5", "chat 5"},
        {"tg://openmessage?chat_id=5&message_id=6", "chat -5 m6"},
        {"tg://openmessage?user_id=5", "chat 5"},
    };

    CHECK_SPELLINGS(rows);
}

static void links_to_other_things_are_no_peers(void **state)
{
    static const struct spelling rows[] = {
        {"t.me", NULL},
        {"t.me/", NULL},
        {"t.me/addstickers/Animals", NULL},
        {"t.me/proxy?server=a&port=1&secret=b", NULL},
        {"t.me/share/url?url=x", NULL},
        {"t.me/c/", NULL},
        {"t.me/c/abc/1", NULL},
        {"t.me/alice/x", NULL},
        {"t.me/alice/1/2/3", NULL},
        {"t.me/alice/99999999999", NULL},
        {"t.me/+", NULL},
        {"t.me/%61lice", NULL},
        {"https://example.org/alice", NULL},
        {"example.org", NULL},
        {"tg://addstickers?set=x", NULL},
        {"tg://login?token=abc", NULL},
        {"tg://resolve", NULL},
        {"tg:", NULL},
        {"..t.me", NULL},
    };

    CHECK_SPELLINGS(rows);
}

/* --- what a server takes --- */

static const char *input(const struct mt_peer *peer, const struct mt_peer *via, const char *type)
{
    struct tl_out out = {0}, json = {0};
    int err = mt_peer_put_input_via(&out, peer, via, type);
    const char *text;

    if (err) {
        assert_int_equal(out.len, 0);
        tl_out_free(&out);
        return err == MT_E_NOT_FOUND ? "unknown" : "wrong sort";
    }
    {
        struct tl_in in = tl_in(out.data, out.len);

        assert_int_equal(tl_to_json(&in, &json), TL_OK);
        assert_int_equal(tl_end(&in), TL_OK);
    }
    tl_put_raw(&json, "", 1);
    text = fmt("%s", (const char *)json.data);
    tl_out_free(&out);
    tl_out_free(&json);
    return text;
}

static void a_peer_is_written_in_the_form_that_a_field_wants(void **state)
{
    struct mt_peer user = {.chat = 7, .access_hash = 77, .has_hash = true};
    struct mt_peer group = {.chat = -8, .kind = MT_PEER_GROUP};
    struct mt_peer channel = {
        .chat = INT64_C(-1000000000009), .kind = MT_PEER_CHANNEL, .access_hash = 99, .has_hash = true};
    struct mt_peer self = {.chat = 5, .self = true};

    assert_string_equal(input(&user, NULL, "InputPeer"),
                        "{\"_\":\"inputPeerUser\",\"user_id\":\"7\",\"access_hash\":\"77\"}");
    assert_string_equal(input(&user, NULL, "InputUser"),
                        "{\"_\":\"inputUser\",\"user_id\":\"7\",\"access_hash\":\"77\"}");
    assert_string_equal(input(&user, NULL, "InputChannel"), "wrong sort");
    assert_string_equal(input(&group, NULL, "InputPeer"), "{\"_\":\"inputPeerChat\",\"chat_id\":\"8\"}");
    assert_string_equal(input(&group, NULL, "InputUser"), "wrong sort");
    assert_string_equal(input(&channel, NULL, "InputChannel"),
                        "{\"_\":\"inputChannel\",\"channel_id\":\"9\",\"access_hash\":\"99\"}");
    assert_string_equal(input(&self, NULL, "InputPeer"), "{\"_\":\"inputPeerSelf\"}");
    assert_string_equal(input(&self, NULL, "InputUser"), "{\"_\":\"inputUserSelf\"}");
    assert_string_equal(input(&user, NULL, "InputDialogPeer"),
                        "{\"_\":\"inputDialogPeer\",\"peer\":{\"_\":\"inputPeerUser\",\"user_id\":\"7\","
                        "\"access_hash\":\"77\"}}");
    assert_string_equal(input(&channel, NULL, "Peer"), "{\"_\":\"peerChannel\",\"channel_id\":\"9\"}");
    assert_string_equal(input(&user, NULL, "InputMedia"), "wrong sort");
}

static void a_min_peer_is_written_by_way_of_the_message_that_showed_it(void **state)
{
    struct mt_peer user = {.chat = 7, .access_hash = 11, .seen_chat = -8, .seen_msg = 3};
    struct mt_peer group = {.chat = -8, .kind = MT_PEER_GROUP};

    assert_string_equal(input(&user, NULL, "InputPeer"), "unknown");
    assert_string_equal(
        input(&user, &group, "InputUser"),
        "{\"_\":\"inputUserFromMessage\",\"peer\":{\"_\":\"inputPeerChat\",\"chat_id\":\"8\"},"
        "\"msg_id\":3,\"user_id\":\"7\"}");
}

/* --- what was seen --- */

static void every_user_and_chat_of_a_result_is_kept(void **state)
{
    struct bench *b = bench();

    see(b, "contacts.ResolvedPeer",
        "{\"_\":\"contacts.resolvedPeer\",\"peer\":{\"_\":\"peerUser\",\"user_id\":\"7\"},\"users\":"
        "[" USER_FULL "],\"chats\":[{\"_\":\"chat\",\"id\":\"8\",\"title\":\"Eight\"," PHOTO
        ",\"participants_count\":2,\"date\":1,\"version\":1}]}");
    assert_string_equal(commit(b), "peer -8 | peer 7");
    assert_string_equal(stored(b, 7)->name, "Al Ice");
    assert_string_equal(stored(b, 7)->username, "alice");
    assert_string_equal(stored(b, 7)->phone, "4915");
    assert_true(stored(b, 7)->has_hash);
    assert_true(stored(b, 7)->access_hash == 77);
    assert_string_equal(stored(b, -8)->name, "Eight");
    /* the same again is no effect */
    see(b, "User", USER_FULL);
    assert_string_equal(commit(b), "");
    done(b);
}

static void a_user_deep_in_a_result_is_kept(void **state)
{
    struct bench *b = bench();

    see(b, "auth.SentCode",
        "{\"_\":\"auth.sentCodeSuccess\",\"authorization\":{\"_\":\"auth.authorization\",\"user\":" USER_FULL
        "}}");
    assert_string_equal(commit(b), "peer 7");
    done(b);
}

static void a_min_object_never_costs_a_hash(void **state) /* trap 70 */
{
    struct bench *b = bench();

    see(b, "User", USER_FULL);
    commit(b);
    see(b, "User", USER_MIN);
    assert_string_equal(commit(b), "peer 7");
    assert_true(stored(b, 7)->has_hash);
    assert_true(stored(b, 7)->access_hash == 77);
    assert_string_equal(stored(b, 7)->name, "Al Ice");
    assert_string_equal(stored(b, 7)->username, "alice2");
    assert_string_equal(stored(b, 7)->phone, "4915");
    done(b);
}

static void a_min_object_in_the_turn_of_the_full_one_does_not_cost_its_hash(void **state)
{
    struct bench *b = bench();

    see(b, "User", USER_FULL);
    see(b, "User", USER_MIN);
    commit(b);
    assert_true(stored(b, 7)->access_hash == 77);
    done(b);
}

static void a_full_object_replaces_a_min_one(void **state)
{
    struct bench *b = bench();

    see(b, "User", USER_MIN);
    commit(b);
    assert_false(stored(b, 7)->has_hash);
    see(b, "User", USER_FULL);
    commit(b);
    assert_true(stored(b, 7)->has_hash);
    assert_true(stored(b, 7)->access_hash == 77);
    assert_string_equal(stored(b, 7)->name, "Al Ice");
    done(b);
}

static void a_min_user_with_an_empty_phone_has_a_full_hash(void **state)
{
    struct bench *b = bench();

    see(b, "User", "{\"_\":\"user\",\"id\":\"7\",\"min\":true,\"access_hash\":\"77\",\"phone\":\"\"}");
    commit(b);
    assert_true(stored(b, 7)->has_hash);
    done(b);
}

static void a_min_channel_renames_but_keeps_what_is_ours(void **state)
{
    struct bench *b = bench();

    see(b, "Chat",
        "{\"_\":\"channel\",\"id\":\"9\",\"access_hash\":\"99\",\"left\":true,\"title\":\"Old\"," PHOTO
        ",\"date\":1}");
    commit(b);
    see(b, "Chat",
        "{\"_\":\"channel\",\"id\":\"9\",\"min\":true,\"access_hash\":\"1\",\"megagroup\":true,\"title\":"
        "\"New\"," PHOTO ",\"date\":1}");
    commit(b);
    assert_string_equal(stored(b, INT64_C(-1000000000009))->name, "New");
    assert_true(stored(b, INT64_C(-1000000000009))->access_hash == 99);
    assert_true(stored(b, INT64_C(-1000000000009))->gone);
    done(b);
}

static void a_min_sender_is_kept_with_the_message_that_shows_it(void **state)
{
    struct bench *b = bench();

    see(b, "Updates",
        "{\"_\":\"updates\",\"updates\":[{\"_\":\"updateNewMessage\",\"pts\":1,\"pts_count\":1,\"message\":"
        "{\"_\":\"message\",\"id\":55,\"from_id\":{\"_\":\"peerUser\",\"user_id\":\"7\"},"
        "\"peer_id\":{\"_\":\"peerChat\",\"chat_id\":\"8\"},\"date\":1,\"message\":\"x\"}}],\"users\":"
        "[" USER_MIN "],\"chats\":[],\"date\":1,\"seq\":0}");
    commit(b);
    assert_true(stored(b, 7)->seen_chat == -8);
    assert_int_equal(stored(b, 7)->seen_msg, 55);
    done(b);
}

static void a_migrated_group_points_to_its_supergroup(void **state)
{
    struct bench *b = bench();

    see(b, "Chat",
        "{\"_\":\"chat\",\"id\":\"8\",\"deactivated\":true,\"title\":\"E\"," PHOTO
        ",\"participants_count\":2,\"date\":1,\"version\":1,\"migrated_to\":{\"_\":\"inputChannel\","
        "\"channel_id\":\"9\",\"access_hash\":\"99\"}}");
    commit(b);
    assert_true(stored(b, -8)->migrated_to == INT64_C(-1000000000009));
    assert_true(stored(b, -8)->gone);
    done(b);
}

static void a_forbidden_channel_is_gone_but_keeps_a_hash(void **state)
{
    struct bench *b = bench();

    see(b, "Chat", "{\"_\":\"channelForbidden\",\"id\":\"9\",\"access_hash\":\"99\",\"title\":\"Nine\"}");
    commit(b);
    assert_true(stored(b, INT64_C(-1000000000009))->gone);
    assert_true(stored(b, INT64_C(-1000000000009))->has_hash);
    done(b);
}

static void the_first_active_of_several_usernames_counts(void **state)
{
    struct bench *b = bench();

    see(b, "User",
        "{\"_\":\"user\",\"id\":\"7\",\"access_hash\":\"77\",\"usernames\":[{\"_\":\"username\",\"username\":"
        "\"off\"},"
        "{\"_\":\"username\",\"active\":true,\"username\":\"onname\"}]}");
    commit(b);
    assert_string_equal(stored(b, 7)->username, "onname");
    done(b);
}

static void an_update_of_a_name_reaches_the_row(void **state) /* trap 73 */
{
    struct bench *b = bench();
    struct tl_view v;

    see(b, "User", USER_FULL);
    commit(b);
    v = view_of(tl_of("Update",
                      "{\"_\":\"updateUserName\",\"user_id\":\"7\",\"first_name\":\"Bea\",\"last_name\":\"\","
                      "\"usernames\":[]}"));
    assert_int_equal(mt_peers_update(&b->peers, &v), MT_OK);
    assert_string_equal(commit(b), "peer 7");
    assert_string_equal(stored(b, 7)->name, "Bea");
    assert_string_equal(stored(b, 7)->username, "");
    assert_true(stored(b, 7)->access_hash == 77);
    done(b);
}

static void a_long_name_is_cut_between_characters(void **state)
{
    struct bench *b = bench();
    char name[600];

    for (size_t i = 0; i < 598; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    name[598] = 0;
    see(b, "User", fmt("{\"_\":\"user\",\"id\":\"7\",\"first_name\":\"%s\"}", name));
    commit(b);
    assert_int_equal(strlen(stored(b, 7)->name) % 2, 0);
    assert_true(strlen(stored(b, 7)->name) >= MT_NAME_MAX - 2);
    done(b);
}

static void many_peers_of_one_turn_are_all_found(void **state)
{
    struct bench *b = bench();
    struct mt_peer peer;

    for (int i = 1; i <= 500; i++)
        see(b, "User", fmt("{\"_\":\"user\",\"id\":\"%d\",\"access_hash\":\"%d\"}", i, i * 2));
    for (int i = 1; i <= 500; i++) {
        assert_int_equal(mt_peers_get(&b->peers, i, &peer), MT_OK);
        assert_true(peer.access_hash == i * 2);
    }
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked_numbers_are_arithmetic_not_text),
        cmocka_unit_test(an_id_from_the_wire_outside_its_space_is_no_chat),
        cmocka_unit_test(plain_forms_of_a_peer_are_read),
        cmocka_unit_test(links_to_chats_are_read),
        cmocka_unit_test(links_to_other_things_are_no_peers),
        cmocka_unit_test(a_peer_is_written_in_the_form_that_a_field_wants),
        cmocka_unit_test(a_min_peer_is_written_by_way_of_the_message_that_showed_it),
        cmocka_unit_test(every_user_and_chat_of_a_result_is_kept),
        cmocka_unit_test(a_user_deep_in_a_result_is_kept),
        cmocka_unit_test(a_min_object_never_costs_a_hash),
        cmocka_unit_test(a_min_object_in_the_turn_of_the_full_one_does_not_cost_its_hash),
        cmocka_unit_test(a_full_object_replaces_a_min_one),
        cmocka_unit_test(a_min_user_with_an_empty_phone_has_a_full_hash),
        cmocka_unit_test(a_min_channel_renames_but_keeps_what_is_ours),
        cmocka_unit_test(a_min_sender_is_kept_with_the_message_that_shows_it),
        cmocka_unit_test(a_migrated_group_points_to_its_supergroup),
        cmocka_unit_test(a_forbidden_channel_is_gone_but_keeps_a_hash),
        cmocka_unit_test(the_first_active_of_several_usernames_counts),
        cmocka_unit_test(an_update_of_a_name_reaches_the_row),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(many_peers_of_one_turn_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
