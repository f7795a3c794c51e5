#include "tests/unit/check.h"

#include "tests/unit/tl/gen.h"
#include "tl/ids.h"
#include "tl/view.h"

static struct tl_gen gen;

static int set_up(void **state)
{
    return tl_gen_init(&gen, 1) ? 0 : -1;
}

static int tear_down(void **state)
{
    tl_gen_fini(&gen);
    return 0;
}

/* A copy of exactly n bytes, so that reading past them is seen by the address sanitizer. */
static uint8_t *copy_of(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memcpy(copy, p, n);
    return copy;
}

static void every_def_opens_to_its_last_byte(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        for (unsigned round = 0; round < 4; round++) {
            struct tl_out out = {0};
            struct tl_view v;
            size_t sum = 4;
            uint8_t *copy;

            gen.flag_chance = round == 0 ? 0 : round == 1 ? 256 : 100;
            tl_gen_object(&gen, tl_def_at(i), &out);
            assert_int_equal(out.err, 0);
            copy = copy_of(out.data, out.len);
            if (tl_view_open_exact(&v, copy, out.len))
                fail_msg("%s does not open", tl_def_name(tl_def_at(i)));
            assert_ptr_equal(v.def, tl_def_at(i));
            for (unsigned f = 0; f < v.def->n_fields; f++)
                sum += tl_get_raw(&v, f).n;
            assert_int_equal(sum, out.len);
            free(copy);
            tl_out_free(&out);
        }
    }
}

static void every_def_is_refused_at_every_cut(void **state)
{
    gen.flag_chance = 128;
    for (size_t i = 0; i < tl_def_count(); i++) {
        struct tl_out out = {0};
        struct tl_view v;

        tl_gen_object(&gen, tl_def_at(i), &out);
        for (size_t n = 0; n < out.len; n += 1 + out.len / 100) {
            uint8_t *copy = copy_of(out.data, n);
            int err = tl_view_open(&v, copy, n);

            assert_true(err == TL_E_SHORT || err == TL_E_COUNT);
            assert_null(v.def);
            free(copy);
        }
        tl_put_u32(&out, 0);
        assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
        assert_int_equal(v.n, out.len - 4);
        assert_int_equal(tl_view_open_exact(&v, out.data, out.len), TL_E_TRAILING);
        tl_out_free(&out);
    }
}

static void every_result_is_skipped_to_its_end(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        struct tl_out out = {0};
        struct tl_in in;

        if (!tl_def_at(i)->is_function)
            continue;
        tl_gen_field(&gen, &tl_def_at(i)->result, &out);
        in = tl_in(out.data, out.len);
        assert_int_equal(tl_skip_field(&in, &tl_def_at(i)->result), TL_OK);
        assert_int_equal(tl_end(&in), TL_OK);
        tl_out_free(&out);
    }
}

/* A message from a user in a chat, with one entity. */
static void put_message(struct tl_out *out)
{
    tl_put_u32(out, TL_message);
    tl_put_u32(out, 1 << 1 | 1 << 7 | 1 << 8); /* out, entities, from_id */
    tl_put_u32(out, 0);
    tl_put_int(out, 42);
    tl_put_u32(out, TL_peerUser);
    tl_put_long(out, INT64_C(5000000007));
    tl_put_u32(out, TL_peerChat);
    tl_put_long(out, 9);
    tl_put_int(out, 1700000000);
    tl_put_str(out, "héllo");
    tl_put_vector(out, 1);
    tl_put_u32(out, TL_messageEntityBold);
    tl_put_int(out, 0);
    tl_put_int(out, 5);
}

static void accessors_read_fields_in_place(void **state)
{
    struct tl_out out = {0};
    struct tl_view v, peer, entity;
    struct tl_vec entities;

    put_message(&out);
    assert_int_equal(tl_view_open_exact(&v, out.data, out.len), TL_OK);
    assert_int_equal(v.def->id, TL_message);
    assert_int_equal(tl_get_int(&v, TLF_message__id), 42);
    assert_true(tl_has(&v, TLF_message__out));
    assert_false(tl_has(&v, TLF_message__mentioned));
    assert_int_equal(tl_get_id(&v, TLF_message__from_id), TL_peerUser);
    assert_true(tl_get_object(&v, TLF_message__from_id, &peer));
    assert_true(tl_get_long(&peer, TLF_peerUser__user_id) == INT64_C(5000000007));
    assert_int_equal(tl_get_raw(&v, TLF_message__peer_id).n, 12);
    assert_int_equal(tl_get_bytes(&v, TLF_message__message).n, 6);
    assert_memory_equal(tl_get_bytes(&v, TLF_message__message).p, "héllo", 6);
    assert_int_equal(tl_get_flags(&v, TLF_message__flags), 1 << 1 | 1 << 7 | 1 << 8);
    assert_int_equal(tl_view_field(&v, "date"), TLF_message__date);
    assert_int_equal(tl_view_field(&v, "dates"), -1);
    entities = tl_get_vector(&v, TLF_message__entities);
    assert_int_equal(entities.left, 1);
    assert_true(tl_vec_object(&entities, &entity));
    assert_int_equal(tl_get_int(&entity, TLF_messageEntityBold__length), 5);
    assert_false(tl_vec_object(&entities, &entity));
    assert_int_equal(entities.in.err, 0);
    tl_out_free(&out);
}

static void a_wrong_accessor_reads_nothing(void **state)
{
    struct tl_out out = {0};
    struct tl_view v, sub;
    int64_t item;
    struct tl_vec vec;

    put_message(&out);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_OK);
    assert_int_equal(tl_get_int(&v, TLF_message__message), 0);
    assert_true(tl_get_long(&v, TLF_message__id) == 0);
    assert_int_equal(tl_get_bytes(&v, TLF_message__id).n, 0);
    assert_int_equal(tl_get_id(&v, TLF_message__id), 0);
    assert_false(tl_get_object(&v, TLF_message__media, &sub));
    assert_null(sub.def);
    assert_int_equal(tl_get_int(&v, 1000), 0);
    vec = tl_get_vector(&v, TLF_message__message);
    assert_false(tl_vec_long(&vec, &item));
    assert_int_equal(tl_get_raw(&v, TLF_message__media).n, 0);
    assert_int_equal(tl_get_int(&sub, 0), 0);
    tl_out_free(&out);
}

static void bare_items_are_read_like_boxed_ones(void **state)
{
    struct tl_out out = {0};
    struct tl_view v, salt;
    struct tl_vec salts;

    tl_put_u32(&out, TL_future_salts);
    tl_put_long(&out, 77);
    tl_put_int(&out, 1);
    tl_put_u32(&out, 2);
    for (int i = 0; i < 2; i++) {
        tl_put_int(&out, 100 + i);
        tl_put_int(&out, 200 + i);
        tl_put_long(&out, 300 + i);
    }
    assert_int_equal(tl_view_open_exact(&v, out.data, out.len), TL_OK);
    salts = tl_get_vector(&v, TLF_future_salts__salts);
    for (int i = 0; i < 2; i++) {
        assert_true(tl_vec_object(&salts, &salt));
        assert_int_equal(tl_get_int(&salt, TLF_future_salt__valid_since), 100 + i);
        assert_true(tl_get_long(&salt, TLF_future_salt__salt) == 300 + i);
    }
    assert_false(tl_vec_object(&salts, &salt));
    tl_out_free(&out);
}

static void what_is_not_in_the_schema_or_not_here_is_refused(void **state)
{
    struct tl_out out = {0};
    struct tl_view v;

    tl_put_u32(&out, 0xdeadbeef);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_E_UNKNOWN);
    tl_out_reset(&out);
    tl_put_vector(&out, 0);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_E_TYPE);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_updateShort); /* of an InputPeer, where an Update belongs */
    tl_put_u32(&out, TL_inputPeerSelf);
    tl_put_int(&out, 0);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_E_TYPE);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_messages_invitedUsers); /* a function with that result, where an object belongs */
    tl_put_u32(&out, TL_channels_leaveChannel);
    tl_put_u32(&out, TL_inputChannelEmpty);
    tl_put_vector(&out, 0);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_E_TYPE);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_msgs_ack);
    tl_put_vector(&out, 3);
    tl_put_long(&out, 1);
    tl_put_long(&out, 2);
    assert_int_equal(tl_view_open(&v, out.data, out.len), TL_E_COUNT);
    tl_out_free(&out);
}

static void nesting_has_a_limit(void **state)
{
    for (unsigned depth = TL_MAX_DEPTH - 3; depth < TL_MAX_DEPTH + 3; depth++) {
        struct tl_out out = {0};
        struct tl_view v;

        for (unsigned i = 1; i < depth; i++) {
            tl_put_u32(&out, TL_invokeWithoutUpdates);
        }
        tl_put_u32(&out, TL_help_getConfig);
        assert_int_equal(tl_view_open(&v, out.data, out.len), depth <= TL_MAX_DEPTH ? TL_OK : TL_E_DEPTH);
        tl_out_free(&out);
    }
}

static void bare_results_open_as_vectors(void **state)
{
    struct tl_out out = {0};
    struct tl_vec vec;
    struct tl_slice slice;
    int64_t item;
    int32_t small;

    tl_put_vector(&out, 2);
    tl_put_long(&out, -1);
    tl_put_long(&out, 5);
    assert_int_equal(tl_vec_open(&vec, out.data, out.len), TL_OK);
    assert_true(tl_vec_long(&vec, &item) && item == -1);
    assert_true(tl_vec_long(&vec, &item) && item == 5);
    assert_false(tl_vec_long(&vec, &item));
    assert_int_equal(tl_vec_open(&vec, out.data, out.len - 8), TL_OK);
    assert_true(tl_vec_int(&vec, &small) && small == -1);
    tl_out_reset(&out);
    tl_put_vector(&out, 2);
    tl_put_str(&out, "abc");
    tl_put_u32(&out, 0x0000fffe); /* a string of 255 bytes */
    assert_int_equal(tl_vec_open(&vec, out.data, out.len), TL_OK);
    assert_true(tl_vec_bytes(&vec, &slice) && slice.n == 3);
    assert_false(tl_vec_bytes(&vec, &slice));
    assert_int_equal(vec.in.err, TL_E_SHORT);
    assert_int_equal(tl_vec_open(&vec, out.data + 4, out.len - 4), TL_E_TYPE);
    tl_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_def_opens_to_its_last_byte),
        cmocka_unit_test(every_def_is_refused_at_every_cut),
        cmocka_unit_test(every_result_is_skipped_to_its_end),
        cmocka_unit_test(accessors_read_fields_in_place),
        cmocka_unit_test(a_wrong_accessor_reads_nothing),
        cmocka_unit_test(bare_items_are_read_like_boxed_ones),
        cmocka_unit_test(what_is_not_in_the_schema_or_not_here_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(bare_results_open_as_vectors),
    };
    return cmocka_run_group_tests_name("tl_view", tests, set_up, tear_down);
}
