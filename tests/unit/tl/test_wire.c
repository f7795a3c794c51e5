#include "tests/unit/check.h"
#include "tl/wire.h"

static void strings_are_padded_to_four(void **state)
{
    static const struct {
        size_t n, wire;
    } row[] = {{0, 4}, {1, 4}, {3, 4}, {4, 8}, {253, 256}, {254, 260}, {255, 260}, {256, 260}, {257, 264}};
    uint8_t data[300];

    memset(data, 0xab, sizeof data);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct tl_out out = {0};
        struct tl_in in;
        struct tl_slice s;

        tl_put_bytes(&out, data, row[i].n);
        assert_int_equal(out.err, TL_OK);
        assert_int_equal(out.len, row[i].wire);
        in = tl_in(out.data, out.len);
        s = tl_bytes(&in);
        assert_int_equal(tl_end(&in), TL_OK);
        assert_int_equal(s.n, row[i].n);
        assert_memory_equal(s.p, data, s.n);
        for (size_t cut = 0; cut < out.len; cut++) {
            in = tl_in(out.data, cut);
            s = tl_bytes(&in);
            assert_int_equal(in.err, TL_E_SHORT);
            assert_int_equal(s.n, 0);
        }
        tl_out_free(&out);
    }
}

static void long_form_of_short_data_is_read(void **state)
{
    static const uint8_t wire[] = {0xfe, 2, 0, 0, 'h', 'i', 0, 0};
    struct tl_in in = tl_in(wire, sizeof wire);
    struct tl_slice s = tl_bytes(&in);

    assert_int_equal(tl_end(&in), TL_OK);
    assert_int_equal(s.n, 2);
    assert_memory_equal(s.p, "hi", 2);
}

static void errors_stick_and_reads_yield_zero(void **state)
{
    static const uint8_t wire[] = {1, 2, 3, 4, 5};
    struct tl_in in = tl_in(wire, sizeof wire);

    assert_int_equal(tl_u32(&in), 0x04030201);
    assert_int_equal(tl_u64(&in), 0);
    assert_int_equal(in.err, TL_E_SHORT);
    assert_int_equal(tl_u32(&in), 0);
    assert_null(tl_raw(&in, 0));
    assert_int_equal(tl_end(&in), TL_E_SHORT);
}

static void a_vector_cannot_promise_more_than_its_bytes(void **state)
{
    struct tl_out out = {0};
    struct tl_in in;

    tl_put_vector(&out, 3);
    tl_put_long(&out, 1);
    tl_put_long(&out, 2);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_vector(&in, 8), 0);
    assert_int_equal(in.err, TL_E_COUNT);
    tl_patch_u32(&out, 4, 2);
    in = tl_in(out.data, out.len);
    assert_int_equal(tl_vector(&in, 8), 2);
    tl_out_free(&out);
}

static void a_writer_stops_at_its_limit(void **state)
{
    struct tl_out out = {.limit = 10};
    uint8_t buf[8];
    struct tl_out fixed = {.data = buf, .cap = sizeof buf, .fixed = true};

    tl_put_u64(&out, 1);
    assert_int_equal(out.err, TL_OK);
    tl_put_u32(&out, 1);
    assert_int_equal(out.err, TL_E_SIZE);
    assert_int_equal(out.len, 8);
    tl_out_free(&out);

    tl_put_u64(&fixed, 1);
    assert_int_equal(fixed.err, TL_OK);
    tl_put_u32(&fixed, 1);
    assert_int_equal(fixed.err, TL_E_SIZE);
}

static void bool_is_one_of_two_ids(void **state)
{
    uint8_t wire[4];
    struct tl_in in;

    tl_store32(wire, TL_BOOL_TRUE);
    in = tl_in(wire, 4);
    assert_true(tl_bool(&in));
    tl_store32(wire, 1);
    in = tl_in(wire, 4);
    assert_false(tl_bool(&in));
    assert_int_equal(in.err, TL_E_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_padded_to_four),
        cmocka_unit_test(long_form_of_short_data_is_read),
        cmocka_unit_test(errors_stick_and_reads_yield_zero),
        cmocka_unit_test(a_vector_cannot_promise_more_than_its_bytes),
        cmocka_unit_test(a_writer_stops_at_its_limit),
        cmocka_unit_test(bool_is_one_of_two_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
