#include "tests/unit/check.h"

#include "tests/unit/tl/gen.h"
#include "tl/ids.h"
#include "tl/reshape.h"
#include "tl/view.h"

#define OTHER 229 /* a layer for which compat.tl has shapes of user and channel */

static struct tl_gen gen;

static int set_up(void **state)
{
    return tl_gen_init(&gen, 3) ? 0 : -1;
}

static int tear_down(void **state)
{
    tl_gen_fini(&gen);
    return 0;
}

static void reshaped(const struct tl_out *from, const struct tl_field *field, int layer, struct tl_out *to)
{
    struct tl_in in = tl_in(from->data, from->len);

    tl_out_reset(to);
    assert_int_equal(tl_reshape(&in, field, layer, to), TL_OK);
    assert_int_equal(tl_end(&in), TL_OK);
}

static void a_layer_names_its_own_shapes(void **state)
{
    const struct tl_def *user = tl_def_by_id(TL_user), *other = tl_def_by_id(TL_user_b1b8cc83);
    const struct tl_def *old = tl_def_by_id(TL_photoSize_77bfb61b);

    assert_ptr_equal(tl_def_for_layer(user, tl_layer), user);
    assert_ptr_equal(tl_def_for_layer(user, OTHER), other);
    assert_ptr_equal(tl_def_for_layer(other, OTHER), other);
    assert_ptr_equal(tl_def_for_layer(other, tl_layer), user);
    assert_ptr_equal(tl_def_for_layer(other, 1), user);
    assert_ptr_equal(tl_def_for_layer(old, tl_layer), old); /* of no layer of the API */
    assert_ptr_equal(tl_def_for_layer(old, OTHER), old);
}

static void every_def_goes_to_another_layer_and_back(void **state)
{
    for (size_t i = 0; i < tl_def_count(); i++) {
        const struct tl_def *def = tl_def_at(i);
        struct tl_out out = {0}, there = {0}, back = {0};
        struct tl_view v;

        if (def->section == TL_S_COMPAT)
            continue;
        tl_gen_object(&gen, def, &out);
        reshaped(&out, NULL, OTHER, &there);
        assert_int_equal(tl_view_open_exact(&v, there.data, there.len), TL_OK);
        assert_ptr_equal(v.def, tl_def_for_layer(def, OTHER));
        reshaped(&there, NULL, tl_layer, &back);
        assert_int_equal(back.len, out.len);
        assert_memory_equal(back.data, out.data, out.len);
        tl_out_free(&out);
        tl_out_free(&there);
        tl_out_free(&back);
    }
}

static void objects_are_reshaped_at_any_depth(void **state)
{
    const struct tl_def *call = tl_def_by_name("users.getUsers", 14, true);
    struct tl_out out = {0}, there = {0};

    tl_put_vector(&out, 1);
    tl_put_u32(&out, TL_user);
    tl_put_u32(&out, 1 << 1);
    tl_put_u32(&out, 0);
    tl_put_long(&out, 7);
    tl_put_str(&out, "Al");
    reshaped(&out, &call->result, OTHER, &there);
    assert_int_equal(there.len, out.len);
    assert_int_equal(tl_load32(there.data + 8), TL_user_b1b8cc83);
    assert_memory_equal(there.data + 12, out.data + 12, out.len - 12);
    reshaped(&out, &call->result, tl_layer, &there);
    assert_memory_equal(there.data, out.data, out.len);
    tl_out_free(&out);
    tl_out_free(&there);
}

static void a_field_that_we_lack_is_dropped(void **state)
{
    struct tl_out out = {0}, ours = {0};
    struct tl_view v;

    tl_put_u32(&out, TL_messages_searchGlobal_6126a43c);
    tl_put_u32(&out, 1 << 4 | 1 << 1); /* community, broadcasts_only */
    tl_put_u32(&out, TL_inputChannelEmpty);
    tl_put_str(&out, "q");
    tl_put_u32(&out, TL_inputMessagesFilterEmpty);
    tl_put_int(&out, 1);
    tl_put_int(&out, 2);
    tl_put_int(&out, 3);
    tl_put_u32(&out, TL_inputPeerEmpty);
    tl_put_int(&out, 4);
    tl_put_int(&out, 5);
    reshaped(&out, NULL, tl_layer, &ours);
    assert_int_equal(tl_view_open_exact(&v, ours.data, ours.len), TL_OK);
    assert_int_equal(v.def->id, TL_messages_searchGlobal);
    assert_int_equal(tl_get_flags(&v, TLF_messages_searchGlobal__flags), 1 << 1);
    assert_true(tl_has(&v, TLF_messages_searchGlobal__broadcasts_only));
    assert_int_equal(tl_get_int(&v, TLF_messages_searchGlobal__limit), 5);
    tl_out_free(&out);
    tl_out_free(&ours);
}

static void bad_bytes_and_missing_fields_are_errors(void **state)
{
    const struct tl_def *call = tl_def_by_name("help.getConfig", 14, true);
    struct tl_out out = {0}, to = {0};
    struct tl_in in;

    tl_put_u32(&out, TL_user);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_reshape(&in, NULL, OTHER, &to), TL_E_SHORT);
    tl_out_reset(&out);
    tl_put_u32(&out, TL_inputPeerSelf);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_reshape(&in, &call->result, OTHER, &to), TL_E_TYPE);
    /* The old location of a photo has no photo_id to give. */
    tl_out_reset(&out);
    tl_put_u32(&out, TL_inputPeerPhotoFileLocation_27d69997);
    tl_put_u32(&out, 0);
    tl_put_u32(&out, TL_inputPeerSelf);
    tl_put_long(&out, 1);
    tl_put_int(&out, 2);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_reshape(&in, NULL, tl_layer, &to), TL_E_TYPE);
    tl_out_free(&out);
    tl_out_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_names_its_own_shapes),
        cmocka_unit_test(every_def_goes_to_another_layer_and_back),
        cmocka_unit_test(objects_are_reshaped_at_any_depth),
        cmocka_unit_test(a_field_that_we_lack_is_dropped),
        cmocka_unit_test(bad_bytes_and_missing_fields_are_errors),
    };
    return cmocka_run_group_tests_name("tl_reshape", tests, set_up, tear_down);
}
