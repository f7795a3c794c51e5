/* Histories, dialogs, groups, channels, and the control socket's view of them. */
#include "tests/unit/sandbox_world/fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fix_init(&f, 5);
    fix_login(&f, 1, 2, "9996620001"); /* alice */
    fix_login(&f, 2, 2, "9996620002"); /* bob */
    fix_as(&f, 1, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_fini(&f);
    return 0;
}

/* --- histories --- */

struct page {
    int offset_id, offset_date, add_offset, limit, max_id, min_id;
};

/* The ids of a page of @family, "5 4 3". */
static const char *ids_of(const struct page *p)
{
    static char text[400];
    size_t i, n = 0;
    json_t *m;

    fix_call(&f, "messages.getHistory", "{s:o,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "peer", fix_peer(&f, "family"),
             "offset_id", p->offset_id, "offset_date", p->offset_date, "add_offset", p->add_offset, "limit",
             p->limit, "max_id", p->max_id, "min_id", p->min_id, "hash", 0);
    assert_string_equal(f.error, "");
    text[0] = 0;
    json_array_foreach (at(f.result, "messages"), i, m) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", i ? " " : "", (int)num(m, "id"));
    }
    return text;
}

static void a_history_is_paged_by_every_rule(void **state)
{
    /* ids 1 to 5 are there from the start: created, two joined, two texts */
    static const struct {
        struct page page;
        const char *ids;
    } cases[] = {
        {{.limit = 3}, "10 9 8"},
        {{.limit = 100}, "10 9 8 7 6 5 4 3 2 1"},
        {{.offset_id = 6, .limit = 3}, "5 4 3"},
        {{.offset_id = 6, .add_offset = 1, .limit = 2}, "4 3"},
        {{.offset_id = 6, .add_offset = -2, .limit = 4}, "7 6 5 4"},
        {{.offset_id = 6, .add_offset = -3, .limit = 3}, "8 7 6"},
        {{.offset_id = 10, .add_offset = -3, .limit = 4}, "10 9"},
        {{.offset_id = 1, .limit = 5}, ""},
        {{.offset_id = 11, .limit = 2}, "10 9"},
        {{.limit = 10, .min_id = 7}, "10 9 8"},
        {{.limit = 10, .max_id = 3}, "2 1"},
        {{.limit = 10, .max_id = 9, .min_id = 6}, "8 7"},
        {{.offset_date = 1800000003, .limit = 2}, "7 6"},
        {{.limit = 0}, ""},
    };

    (void)state;
    for (int i = 0; i < 5; i++) {
        f.now.wall += MT_US_PER_S;
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "family", "text", "x");
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(ids_of(&cases[i].page), cases[i].ids);
    assert_int_equal(num(f.result, "count"), 10);
    assert_string_equal(str(f.result, "_"), "messages.channelMessages");
}

static void a_search_finds_by_text_sender_and_kind(void **state)
{
    (void)state;
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "alice", "text",
                "see https://example.org/x");
    fix_call(&f, "messages.search", "{s:o,s:s,s:{s:s},s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "peer",
             fix_peer(&f, "bob"), "q", "EXAMPLE", "filter", "_", "inputMessagesFilterEmpty", "min_date", 0,
             "max_date", 0, "offset_id", 0, "add_offset", 0, "limit", 10, "max_id", 0, "min_id", 0, "hash",
             0);
    assert_int_equal(json_array_size(at(f.result, "messages")), 1);
    fix_call(&f, "messages.search", "{s:o,s:s,s:o,s:{s:s},s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "peer",
             fix_peer(&f, "bob"), "q", "", "from_id", json_pack("{s:s}", "_", "inputPeerSelf"), "filter", "_",
             "inputMessagesFilterUrl", "min_date", 0, "max_date", 0, "offset_id", 0, "add_offset", 0, "limit",
             10, "max_id", 0, "min_id", 0, "hash", 0);
    assert_int_equal(json_array_size(at(f.result, "messages")), 0);
}

/* --- dialogs --- */

/* InputPeer of a Peer, with the hash that the answer brought. */
static json_t *input_peer(const json_t *answer, const json_t *peer)
{
    static const char *const kinds[3][3] = {{"user_id", "inputPeerUser", "users"},
                                            {"channel_id", "inputPeerChannel", "chats"},
                                            {"chat_id", "inputPeerChat", NULL}};

    for (size_t k = 0; k < 3; k++) {
        int64_t id = num(peer, kinds[k][0]);
        json_t *p = json_pack("{s:s,s:I}", "_", kinds[k][1], kinds[k][0], id), *o;
        size_t i;

        json_array_foreach (kinds[k][2] ? at(answer, kinds[k][2]) : NULL, i, o) {
            if (num(o, "id") == id)
                json_object_set_new(p, "access_hash", json_integer(num(o, "access_hash")));
        }
        if (id)
            return p;
        json_decref(p);
    }
    return NULL;
}

static void dialogs_come_newest_first_and_in_pages(void **state)
{
    json_t *peer = json_pack("{s:s}", "_", "inputPeerEmpty"), *seen = json_object();
    int64_t date = 0, id = 0;
    size_t total = 0;

    (void)state;
    for (int i = 0; i < 12; i++) {
        char name[16];

        snprintf(name, sizeof name, "guest%d", i);
        fix_control(&f, "addUser", "{s:s,s:s}", "first_name", name, "username", name);
        f.now.wall += (i & 1) * MT_US_PER_S;
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", name, "to", "alice", "text", "hello");
    }
    for (int pages = 0; pages < 20; pages++) {
        fix_call(&f, "messages.getDialogs", "{s:I,s:I,s:o,s:i,s:i}", "offset_date", date, "offset_id", id,
                 "offset_peer", peer, "limit", 5, "hash", 0);
        assert_string_equal(str(f.result, "_"), "messages.dialogsSlice");
        size_t n = json_array_size(at(f.result, "dialogs"));

        total = (size_t)num(f.result, "count");
        for (size_t i = 0; i < n; i++) {
            char *key = json_dumps(at(json_array_get(at(f.result, "dialogs"), i), "peer"), JSON_SORT_KEYS);

            assert_null(json_object_get(seen, key));
            json_object_set_new(seen, key, json_true());
            free(key);
        }
        if (n < 5)
            break;
        json_t *last = json_array_get(at(f.result, "messages"), n - 1);
        date = num(last, "date");
        id = num(last, "id");
        peer = input_peer(f.result, at(last, "peer_id"));
    }
    assert_int_equal(json_object_size(seen), total);
    assert_int_equal(total, 16); /* twelve guests, bob, family, news, team */
    json_decref(seen);
}

static void a_dialog_counts_what_is_unread(void **state)
{
    json_t *peer;

    (void)state;
    for (int i = 0; i < 3; i++)
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "alice", "text", "x");
    fix_control(&f, "readAs", "{s:s,s:s}", "from", "alice", "chat", "bob");
    for (int i = 0; i < 2; i++)
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "alice", "text", "x");
    peer = fix_peer(&f, "bob");
    fix_call(&f, "messages.getPeerDialogs", "{s:[{s:s,s:o}]}", "peers", "_", "inputDialogPeer", "peer", peer);
    assert_int_equal(num(f.result, "dialogs.0.unread_count"), 2);
    fix_call(&f, "messages.getPinnedDialogs", "{s:i}", "folder_id", 0);
    assert_int_equal(json_array_size(at(f.result, "dialogs")), 0);
    peer = fix_peer(&f, "bob");
    fix_call(&f, "messages.toggleDialogPin", "{s:b,s:{s:s,s:o}}", "pinned", 1, "peer", "_", "inputDialogPeer",
             "peer", peer);
    fix_call(&f, "messages.getPinnedDialogs", "{s:i}", "folder_id", 0);
    assert_int_equal(num(f.result, "dialogs.0.peer.user_id"), BOB);
}

/* --- groups --- */

static void a_group_is_made_grows_shrinks_and_is_renamed(void **state)
{
    int64_t chat, hash;
    json_t *u;

    (void)state;
    hash = fix_hash(&f, "bob");
    fix_drain(&f);
    fix_call(&f, "messages.createChat", "{s:[{s:s,s:I,s:I}],s:s}", "users", "_", "inputUser", "user_id", BOB,
             "access_hash", hash, "title", "plans");
    assert_string_equal(str(f.result, "_"), "messages.invitedUsers");
    chat = num(f.result, "updates.chats.0.id");
    u = fix_updates(&f, BOB);
    assert_string_equal(str(u, "0.message.action._"), "messageActionChatCreate");
    json_decref(u);
    hash = fix_hash(&f, "carol");
    fix_call(&f, "messages.addChatUser", "{s:I,s:{s:s,s:I,s:I},s:i}", "chat_id", chat, "user_id", "_",
             "inputUser", "user_id", CAROL, "access_hash", hash, "fwd_limit", 0);
    fix_call(&f, "messages.getFullChat", "{s:I}", "chat_id", chat);
    assert_int_equal(json_array_size(at(f.result, "full_chat.participants.participants")), 3);
    assert_int_equal(json_array_size(at(f.result, "users")), 3);
    fix_call(&f, "messages.deleteChatUser", "{s:I,s:{s:s,s:I,s:I}}", "chat_id", chat, "user_id", "_",
             "inputUser", "user_id", CAROL, "access_hash", hash);
    assert_string_equal(f.error, "");
    fix_call(&f, "messages.editChatTitle", "{s:I,s:s}", "chat_id", chat, "title", "other plans");
    fix_call(&f, "messages.getChats", "{s:[I]}", "id", chat);
    assert_string_equal(str(f.result, "chats.0.title"), "other plans");
    assert_int_equal(num(f.result, "chats.0.participants_count"), 2);
    fix_refused(&f, "400 CHAT_ID_INVALID", "messages.getFullChat", "{s:i}", "chat_id", 4711);
    fix_refused(&f, "400 USERS_TOO_FEW", "messages.createChat", "{s:[],s:s}", "users", "title", "alone");
}

/* --- channels --- */

static void a_channel_is_made_joined_read_and_left(void **state)
{
    int64_t id, hash;

    (void)state;
    fix_call(&f, "channels.createChannel", "{s:b,s:s,s:s}", "broadcast", 1, "title", "secret", "about",
             "hush");
    id = num(f.result, "chats.0.id");
    hash = num(f.result, "chats.0.access_hash");
    assert_true(json_is_true(at(f.result, "chats.0.creator")));
    fix_call(&f, "channels.getFullChannel", "{s:{s:s,s:I,s:I}}", "channel", "_", "inputChannel", "channel_id",
             id, "access_hash", hash);
    assert_string_equal(str(f.result, "full_chat.about"), "hush");
    fix_as(&f, 2, 2);
    json_t *news = fix_channel(&f, "news");

    fix_refused(&f, "400 USER_ALREADY_PARTICIPANT", "channels.joinChannel", "{s:O}", "channel", news);
    fix_call(&f, "channels.leaveChannel", "{s:O}", "channel", news);
    assert_string_equal(str(f.result, "updates.0._"), "updateChannel");
    assert_true(json_is_true(at(f.result, "chats.0.left")));
    fix_call(&f, "channels.joinChannel", "{s:O}", "channel", news);
    assert_string_equal(str(f.result, "_"), "messages.chatInviteJoinResultOk");
    fix_refused(&f, "403 CHAT_ADMIN_REQUIRED", "messages.sendMessage", "{s:o,s:s,s:i}", "peer",
                fix_peer(&f, "news"), "message", "me too", "random_id", 1);
    fix_call(&f, "channels.readHistory", "{s:o,s:i}", "channel", news, "max_id", 0);
    assert_true(json_is_true(f.result));
}

static void a_private_channel_is_closed_to_strangers(void **state)
{
    int64_t id, hash = 0;

    (void)state;
    fix_control(&f, "addChannel", "{s:s,s:[s,s]}", "title", "inner", "members", "alice", "bob");
    id = -num(f.result, "chat_id") - INT64_C(1000000000000);
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "alice", "to", "inner", "text", "shh");
    fix_as(&f, 2, 2);
    for (size_t i = 0; i < json_array_size(f.pushes); i++) {
        json_t *c = at(json_array_get(f.pushes, i), "updates.chats.0");

        if (num(json_array_get(f.pushes, i), "user_id") == BOB && num(c, "id") == id)
            hash = num(c, "access_hash");
    }
    assert_int_not_equal(hash, 0);
    fix_call(&f, "channels.getMessages", "{s:{s:s,s:I,s:I},s:[{s:s,s:i}]}", "channel", "_", "inputChannel",
             "channel_id", id, "access_hash", hash, "id", "_", "inputMessageID", "id", 2);
    assert_string_equal(str(f.result, "messages.0.message"), "shh");
    fix_call(&f, "channels.leaveChannel", "{s:{s:s,s:I,s:I}}", "channel", "_", "inputChannel", "channel_id",
             id, "access_hash", hash);
    fix_refused(&f, "406 CHANNEL_PRIVATE", "channels.getMessages", "{s:{s:s,s:I,s:I},s:[{s:s,s:i}]}",
                "channel", "_", "inputChannel", "channel_id", id, "access_hash", hash, "id", "_",
                "inputMessageID", "id", 2);
}

static void members_are_listed_invited_promoted_and_banned(void **state)
{
    json_t *family = fix_channel(&f, "family");
    int64_t carol = fix_hash(&f, "carol");

    (void)state;
    fix_call(&f, "channels.getParticipants", "{s:O,s:{s:s},s:i,s:i,s:i}", "channel", family, "filter", "_",
             "channelParticipantsRecent", "offset", 0, "limit", 2, "hash", 0);
    assert_int_equal(num(f.result, "count"), 3);
    assert_int_equal(json_array_size(at(f.result, "participants")), 2);
    fix_call(&f, "channels.editAdmin", "{s:O,s:{s:s,s:I,s:I},s:{s:s,s:b}}", "channel", family, "user_id", "_",
             "inputUser", "user_id", CAROL, "access_hash", carol, "admin_rights", "_", "chatAdminRights",
             "delete_messages", 1);
    fix_call(&f, "channels.getParticipant", "{s:O,s:{s:s,s:I,s:I}}", "channel", family, "participant", "_",
             "inputPeerUser", "user_id", CAROL, "access_hash", carol);
    assert_string_equal(str(f.result, "participant._"), "channelParticipantAdmin");
    fix_call(&f, "channels.editBanned", "{s:O,s:{s:s,s:I,s:I},s:{s:s,s:b,s:i}}", "channel", family,
             "participant", "_", "inputPeerUser", "user_id", CAROL, "access_hash", carol, "banned_rights",
             "_", "chatBannedRights", "view_messages", 1, "until_date", 0);
    fix_refused(&f, "400 USER_NOT_PARTICIPANT", "channels.getParticipant", "{s:O,s:{s:s,s:I,s:I}}", "channel",
                family, "participant", "_", "inputPeerUser", "user_id", CAROL, "access_hash", carol);
    fix_call(&f, "channels.inviteToChannel", "{s:o,s:[{s:s,s:I,s:I}]}", "channel", family, "users", "_",
             "inputUser", "user_id", CAROL, "access_hash", carol);
    assert_string_equal(str(f.result, "_"), "messages.invitedUsers");
}

static void min_people_come_with_messages_of_channels_and_their_hash_opens_nothing(void **state)
{
    bool seen = false;

    (void)state;
    for (int i = 0; i < 12 && !seen; i++) {
        fix_drain(&f);
        fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "carol", "to", "family", "text", "x");
        for (size_t k = 0; k < json_array_size(f.pushes); k++) {
            json_t *p = json_array_get(f.pushes, k), *u = at(p, "updates.users.0");

            if (num(p, "user_id") != BOB || !json_is_true(at(u, "min")))
                continue;
            seen = true;
            fix_as(&f, 2, 2);
            fix_refused(&f, "400 USER_ID_INVALID", "users.getFullUser", "{s:{s:s,s:I,s:I}}", "id", "_",
                        "inputUser", "user_id", CAROL, "access_hash", num(u, "access_hash"));
            int64_t chat = fix_hash(&f, "family"), id = num(f.result, "peer.channel_id");

            fix_call(&f, "users.getFullUser", "{s:{s:s,s:{s:s,s:I,s:I},s:I,s:I}}", "id", "_",
                     "inputUserFromMessage", "peer", "_", "inputPeerChannel", "channel_id", id, "access_hash",
                     chat, "msg_id", num(p, "updates.updates.0.message.id"), "user_id", CAROL);
            assert_string_equal(f.error, "");
            break;
        }
    }
    assert_true(seen);
}

/* --- names --- */

static void names_and_numbers_are_resolved(void **state)
{
    (void)state;
    fix_call(&f, "contacts.resolveUsername", "{s:s}", "username", "BoB");
    assert_int_equal(num(f.result, "peer.user_id"), BOB);
    fix_refused(&f, "400 USERNAME_NOT_OCCUPIED", "contacts.resolveUsername", "{s:s}", "username",
                "nobody_here");
    fix_refused(&f, "400 USERNAME_INVALID", "contacts.resolveUsername", "{s:s}", "username", "no-name");
    fix_refused(&f, "400 USERNAME_OCCUPIED", "account.updateUsername", "{s:s}", "username", "News");
    fix_call(&f, "account.updateUsername", "{s:s}", "username", "wonder");
    assert_string_equal(str(f.result, "username"), "wonder");
    fix_refused(&f, "400 USERNAME_NOT_OCCUPIED", "contacts.resolveUsername", "{s:s}", "username", "alice");
    fix_call(&f, "contacts.resolvePhone", "{s:s}", "phone", "9996610003");
    assert_int_equal(num(f.result, "peer.user_id"), CAROL);
    fix_call(&f, "contacts.getContacts", "{s:i}", "hash", 0);
    assert_int_equal(json_array_size(at(f.result, "contacts")), 2);
    fix_call(&f, "contacts.search", "{s:s,s:i}", "q", "fam", "limit", 10);
    assert_int_equal(json_array_size(at(f.result, "my_results")), 1);
    fix_call(&f, "users.getUsers", "{s:[{s:s},{s:s,s:i,s:i}]}", "id", "_", "inputUserSelf", "_", "inputUser",
             "user_id", 5, "access_hash", 5);
    assert_int_equal(num(f.result, "0.id"), ALICE);
    assert_string_equal(str(f.result, "1._"), "userEmpty");
}

/* --- control --- */

static void control_says_what_is_wrong_with_a_request(void **state)
{
    (void)state;
    assert_null(fix_control(&f, "addUser", "{s:s,s:s}", "first_name", "X", "frist", "y"));
    assert_non_null(strstr(f.error, "unknown parameter 'frist'"));
    assert_null(fix_control(&f, "addUser", NULL));
    assert_string_equal(f.error, "addUser: 'first_name' is missing, a string");
    assert_null(fix_control(&f, "addUser", "{s:i}", "first_name", 1));
    assert_string_equal(f.error, "addUser: 'first_name' is not of type string");
    assert_null(fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "@nobody", "to", "bob", "text", "x"));
    assert_string_equal(f.error, "from: nobody is called '@nobody'");
    assert_null(fix_control(&f, "addUser", "{s:s,s:s}", "first_name", "X", "username", "ALICE"));
    assert_string_equal(f.error, "username: 'ALICE' is taken");
    assert_null(fix_control(&f, "noSuch", NULL));
    assert_string_equal(f.error, "unknown");
    assert_null(fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "news", "text", "x"));
    assert_string_equal(f.error, "sendAs: 403 CHAT_ADMIN_REQUIRED");
}

static void control_adds_and_shows(void **state)
{
    int64_t id;

    (void)state;
    fix_control(&f, "addBot", "{s:s}", "username", "other_bot");
    assert_true(strlen(str(f.result, "token")) > 20);
    fix_control(&f, "addGroup", "{s:s,s:[s,s]}", "title", "pair", "members", "bob", "carol");
    assert_true(num(f.result, "chat_id") < 0);
    fix_control(&f, "sendAs", "{s:s,s:s,s:s}", "from", "bob", "to", "pair", "text", "typo");
    id = num(f.result, "message_id");
    fix_control(&f, "editAs", "{s:s,s:s,s:I,s:s}", "from", "bob", "chat", "pair", "message_id", id, "text",
                "fixed");
    fix_control(&f, "history", "{s:s,s:s,s:i}", "of", "carol", "chat", "pair", "limit", 1);
    assert_string_equal(str(f.result, "items.0.text"), "fixed");
    fix_control(&f, "deleteAs", "{s:s,s:s,s:[I]}", "from", "bob", "chat", "pair", "message_ids", id);
    fix_control(&f, "history", "{s:s,s:s}", "of", "carol", "chat", "pair");
    assert_string_not_equal(str(f.result, "items.0.text"), "fixed");
    fix_control(&f, "typeAs", "{s:s,s:s}", "from", "bob", "to", "alice");
    fix_control(&f, "state", "{s:s}", "user", "alice");
    assert_int_equal(num(f.result, "keys"), 1);
    assert_int_equal(json_array_size(at(f.result, "dialogs")), 4);
    fix_control(&f, "dump", NULL);
    assert_true(json_array_size(at(f.result, "users")) >= 6);
    fix_control(&f, "stats", NULL);
    assert_true(num(f.result, "calls") > 0);
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_history_is_paged_by_every_rule),
        T(a_search_finds_by_text_sender_and_kind),
        T(dialogs_come_newest_first_and_in_pages),
        T(a_dialog_counts_what_is_unread),
        T(a_group_is_made_grows_shrinks_and_is_renamed),
        T(a_channel_is_made_joined_read_and_left),
        T(a_private_channel_is_closed_to_strangers),
        T(members_are_listed_invited_promoted_and_banned),
        T(min_people_come_with_messages_of_channels_and_their_hash_opens_nothing),
        T(names_and_numbers_are_resolved),
        T(control_says_what_is_wrong_with_a_request),
        T(control_adds_and_shows),
    };
    return cmocka_run_group_tests_name("sandbox world: chats", tests, NULL, NULL);
}
