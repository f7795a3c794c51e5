#include "tests/unit/check.h"

#include "tl/nearest.h"
#include "tl/ids.h"
#include "tl/schema.h"

#include <stdbool.h>

static const struct tl_def *by_name(const char *name, bool function)
{
    return tl_def_by_name(name, strlen(name), function);
}

static void every_def_is_found_by_its_id(void **state)
{
    assert_int_equal(tl_layer, 227);
    assert_true(tl_def_count() > 2400);
    for (size_t i = 0; i < tl_def_count(); i++)
        assert_ptr_equal(tl_def_by_id(tl_def_at(i)->id), tl_def_at(i));
    assert_null(tl_def_at(tl_def_count()));
    assert_null(tl_def_by_id(0));
    assert_null(tl_def_by_id(TL_VECTOR));
    assert_null(tl_def_by_id(TL_BOOL_TRUE));
}

static void names_find_the_newest_shape_only(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);
        const struct tl_def *found = by_name(tl_def_name(def), def->is_function);

        if (def->section == TL_S_COMPAT)
            assert_true(!found || found->section != TL_S_COMPAT);
        else
            assert_ptr_equal(found, def);
    }
    assert_int_equal(by_name("photoSize", false)->id, TL_photoSize);
    assert_int_equal(tl_def_by_id(TL_photoSize_77bfb61b)->type, by_name("photoSize", false)->type);
}

static void names_must_match_whole(void **state)
{
    assert_int_equal(by_name("messages.sendMessage", true)->id, TL_messages_sendMessage);
    assert_null(by_name("messages.sendMessage", false));
    assert_null(by_name("messages.sendMessag", true));
    assert_null(by_name("messages.sendMessages", true));
    assert_null(by_name("messages.sendmessage", true));
    assert_null(by_name("", true));
    assert_null(tl_def_by_name("ping\0", 5, true));
    assert_non_null(tl_def_by_name("pingpong", 4, true));
    assert_int_equal(tl_field_by_name(by_name("ping", true), "ping_id\0\0\0", 8), -1);
}

static void ids_and_indexes_of_the_header_are_those_of_the_tables(void **state)
{
    const struct tl_def *def = by_name("message", false);

    assert_int_equal(def->id, TL_message);
    assert_string_equal(tl_field_name(tl_def_field(def, TLF_message__peer_id)), "peer_id");
    assert_int_equal(tl_field_by_name(def, "peer_id", 7), TLF_message__peer_id);
    assert_int_equal(tl_field_by_name(def, "peer_i", 6), -1);
    assert_null(tl_def_field(def, def->n_fields));
    assert_string_equal(tl_type_name(def->type), "Message");
    assert_int_equal(tl_layer, TL_LAYER);
}

static void fields_say_what_they_are(void **state)
{
    const struct tl_def *def = by_name("messages.sendMessage", true);
    const struct tl_field *field = tl_def_field(def, TLF_messages_sendMessage__entities);

    assert_int_equal(field->kind, TL_K_VECTOR);
    assert_int_equal(field->item, TL_K_OBJECT);
    assert_string_equal(tl_type_name(field->type), "MessageEntity");
    assert_int_equal(field->flag_bit, 3);
    assert_int_equal(field->flag_field, TLF_messages_sendMessage__flags);
    assert_string_equal(tl_type_name(def->type), "Updates");
    assert_int_equal(def->result.kind, TL_K_OBJECT);

    def = by_name("contacts.getContactIDs", true);
    assert_int_equal(def->result.kind, TL_K_VECTOR);
    assert_int_equal(def->result.item, TL_K_INT);
    assert_int_equal(def->type, TL_NO_TYPE);
    assert_string_equal(tl_type_name(def->type), "");
    assert_int_equal(by_name("invokeWithLayer", true)->result.kind, TL_K_ANY);
    field = tl_def_field(by_name("future_salts", false), TLF_future_salts__salts);
    assert_int_equal(field->kind, TL_K_BARE_VECTOR);
    assert_string_equal(tl_def_name(tl_def_at(field->type)), "future_salt");
}

static void types_know_their_constructors(void **state)
{
    size_t total = 0;
    int type = tl_type_by_name("InputPeer", 9);

    assert_true(type >= 0);
    assert_int_equal(tl_type_count((uint16_t)type), 7);
    assert_null(tl_type_ctor((uint16_t)type, 7));
    assert_int_equal(tl_type_by_name("InputPee", 8), -1);
    assert_int_equal(tl_type_by_name("InputPeers", 10), -1);
    for (size_t t = 0; t < tl_type_total(); t++) {
        const char *name = tl_type_name((uint16_t)t);

        assert_int_equal(tl_type_by_name(name, strlen(name)), t);
        for (size_t i = 0; i < tl_type_count((uint16_t)t); i++)
            assert_int_equal(tl_type_ctor((uint16_t)t, i)->type, t);
        total += tl_type_count((uint16_t)t);
    }
    for (size_t i = 0; i < tl_def_count(); i++)
        total -= !tl_def_at(i)->is_function && tl_def_at(i)->section != TL_S_COMPAT;
    assert_int_equal(total, 0);
}

static void a_misspelt_name_has_a_nearest_one(void **state)
{
    const struct tl_def *def = by_name("messages.sendMessage", true);

    assert_string_equal(tl_nearest_function("messages.sendMesage", 19), "messages.sendMessage");
    assert_string_equal(tl_nearest_function("messages.SENDmessage", 20), "messages.sendMessage");
    assert_string_equal(tl_nearest((const char *const[]){"text", "chat_id"}, 2, "chat", 4), "chat_id");
    assert_null(tl_nearest((const char *const[]){"text", "chat_id"}, 2, "ch", 2));
    assert_string_equal(tl_nearest_field(def, "mesage", 6), "message");
    assert_string_equal(tl_nearest_field(def, "mesasge", 7), "message");
    assert_string_equal(tl_nearest_field(def, "peers", 5), "peer");
    assert_null(tl_nearest_field(def, "zzzzzzzzzz", 10));
    assert_null(tl_nearest_field(def, "flag", 4)); /* flags words are not given by hand */
    assert_null(tl_nearest_function("", 0));
    assert_string_equal(tl_nearest_ctor((uint16_t)tl_type_by_name("InputPeer", 9), "inputPeerUsr", 12),
                        "inputPeerUser");
}

static void functions_know_who_may_call_them(void **state)
{
    assert_int_equal(by_name("messages.setBotCallbackAnswer", true)->access, TL_A_BOT);
    assert_int_equal(by_name("account.checkUsername", true)->access, TL_A_USER);
    assert_int_equal(by_name("messages.sendMessage", true)->access, TL_A_BOTH);
}

static void only_what_changes_nothing_is_repeatable(void **state)
{
    static const char *const never[] = {"messages.sendMessage",  "messages.getBotCallbackAnswer",
                                        "auth.signIn",           "channels.joinChannel",
                                        "invokeWithLayer",       "account.getTmpPassword",
                                        "messages.deleteHistory"};
    size_t n = 0;

    assert_true(tl_is_repeatable(by_name("messages.getHistory", true)));
    assert_true(tl_is_repeatable(by_name("updates.getDifference", true)));
    assert_true(tl_is_repeatable(by_name("upload.saveFilePart", true)));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_false(tl_is_repeatable(by_name(never[i], true)));
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);

        if (!tl_is_repeatable(def))
            continue;
        n++;
        assert_true(def->is_function);
        /* What carries a random_id has its own way of being repeated. */
        assert_int_equal(tl_field_by_name(def, "random_id", 9), -1);
    }
    assert_true(n > 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_def_is_found_by_its_id),
        cmocka_unit_test(names_find_the_newest_shape_only),
        cmocka_unit_test(names_must_match_whole),
        cmocka_unit_test(ids_and_indexes_of_the_header_are_those_of_the_tables),
        cmocka_unit_test(fields_say_what_they_are),
        cmocka_unit_test(types_know_their_constructors),
        cmocka_unit_test(a_misspelt_name_has_a_nearest_one),
        cmocka_unit_test(functions_know_who_may_call_them),
        cmocka_unit_test(only_what_changes_nothing_is_repeatable),
    };
    return cmocka_run_group_tests_name("tl_schema", tests, NULL, NULL);
}
