#include "tests/unit/rpc/rig.h"

#include "rpc/errors.h"
#include "rpc/impl.h"

#define TEST(name) static void name(void **state)

static json_t *help_of(const struct rpc_method *m)
{
    json_t *help = json_loads(m->help, 0, NULL);

    assert_non_null(help);
    return help;
}

/* `value` against a schema of types.json or of a method: the members that JSON schema has and we use. */
static void fits(json_t *value, json_t *schema, json_t *types, const char *where);

static bool has_type(const json_t *value, const char *type)
{
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "array") == 0)
        return json_is_array(value);
    return json_is_object(value);
}

static void fits_object(json_t *value, json_t *schema, json_t *types, const char *where)
{
    json_t *properties = json_object_get(schema, "properties"), *sub;
    const char *name;
    char path[256];

    for (size_t i = 0; i < json_array_size(json_object_get(schema, "required")); i++)
        if (!json_object_get(value,
                             json_string_value(json_array_get(json_object_get(schema, "required"), i))))
            fail_msg("%s: lacks %s", where,
                     json_string_value(json_array_get(json_object_get(schema, "required"), i)));
    if (!properties)
        return;
    json_object_foreach (value, name, sub) {
        snprintf(path, sizeof path, "%.200s.%s", where, name);
        if (!json_object_get(properties, name))
            fail_msg("%s: not in the schema", path);
        fits(sub, json_object_get(properties, name), types, path);
    }
}

static void fits(json_t *value, json_t *schema, json_t *types, const char *where)
{
    json_t *ref = json_object_get(schema, "$ref"), *type;
    bool ok = false;

    if (ref)
        schema = json_object_get(types, json_string_value(ref));
    assert_non_null(schema);
    type = json_object_get(schema, "type");
    for (size_t i = 0; i < json_array_size(type); i++)
        ok = ok || has_type(value, json_string_value(json_array_get(type, i)));
    if (!ok && !(json_is_string(type) && has_type(value, json_string_value(type))))
        fail_msg("%s: wrong type", where);
    if (json_is_object(value))
        fits_object(value, schema, types, where);
    for (size_t i = 0; json_is_array(value) && json_object_get(schema, "items") && i < json_array_size(value);
         i++)
        fits(json_array_get(value, i), json_object_get(schema, "items"), types, where);
}

TEST(every_example_is_taken_by_the_check_of_its_own_method)
{
    for (size_t i = 0; i < rpc_n_methods; i++) {
        const struct rpc_method *m = &rpc_methods[i];
        json_t *help = help_of(m), *params, *checked, *none = json_object();
        char err[256];

        params = json_object_get(json_object_get(json_object_get(help, "example"), "request"), "params");
        checked = rpc_params_check(m->params, m->n_params, params ? params : none, err);
        if (!checked)
            fail_msg("%s: %s", m->name, err);
        json_decref(checked);
        json_decref(none);
        json_decref(help);
    }
}

TEST(every_example_answer_has_the_shape_that_the_schema_promises)
{
    json_t *types = json_loads(rpc_types_json, 0, NULL);

    assert_non_null(types);
    for (size_t i = 0; i < rpc_n_methods; i++) {
        json_t *help = help_of(&rpc_methods[i]);
        json_t *answer =
            json_object_get(json_object_get(json_object_get(help, "example"), "answer"), "result");

        fits(answer, json_object_get(help, "result"), types, rpc_methods[i].name);
        json_decref(help);
    }
    json_decref(types);
}

TEST(methods_stand_in_the_order_in_which_they_are_looked_up)
{
    for (size_t i = 0; i < rpc_n_methods; i++) {
        assert_ptr_equal(rpc_method_find(rpc_methods[i].name), &rpc_methods[i]);
        assert_non_null(rpc_methods[i].run);
    }
    assert_null(rpc_method_find("nonsense"));
}

TEST(parameters_are_found_by_their_aliases_too)
{
    const struct rpc_method *m = rpc_method_find("sendMessage");

    assert_string_equal(rpc_param_find(m->params, m->n_params, "message_thread_id")->name, "thread_id");
    assert_string_equal(rpc_param_find(m->params, m->n_params, "disable_notification")->name, "silent");
    assert_null(rpc_param_find(m->params, m->n_params, "message_thread"));
    assert_string_equal(rpc_param_nearest(m->params, m->n_params, "repyl_to"), "reply_to");
}

TEST(error_codes_are_those_of_the_contract)
{
    assert_int_equal(RPC_E_PARSE_ERROR, -32700);
    assert_int_equal(RPC_E_NOT_LOGGED_IN, 1001);
    assert_int_equal(RPC_E_CURSOR_INVALID, 1022);
    assert_string_equal(rpc_error_name(1010), "PEER_UNKNOWN");
    assert_string_equal(rpc_error_name(99), "INTERNAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_taken_by_the_check_of_its_own_method),
        cmocka_unit_test(every_example_answer_has_the_shape_that_the_schema_promises),
        cmocka_unit_test(methods_stand_in_the_order_in_which_they_are_looked_up),
        cmocka_unit_test(parameters_are_found_by_their_aliases_too),
        cmocka_unit_test(error_codes_are_those_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
