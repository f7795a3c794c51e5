/* Which addresses there are, and in which order they are tried (protocol.md 1.6, 2.1). */
#include "tests/unit/account/harness.h"

#include "core/account/addresses.h"

static struct mt_addresses learned;
static struct mt_servers boot;
static struct mt_server boot_list[4];
static struct mt_book book;

static int set_up(void **state)
{
    memset(&learned, 0, sizeof learned);
    memset(boot_list, 0, sizeof boot_list);
    boot_list[0] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.2", .port = 443};
    boot = (struct mt_servers){.list = boot_list, .n = 1};
    mt_book_init(&book, &boot, &learned);
    return 0;
}

/* {"ip":...,"port":...} with what dcOption has, of DC 2 where no id is said. */
static bool learn(const char *options, bool whole)
{
    struct tl_slice s = tl_of("Update", fmt("{\"_\":\"updateDcOptions\",\"dc_options\":%s}", options));
    struct tl_view v = view_of(s);
    struct tl_vec vec = tl_get_vector(&v, (unsigned)tl_view_field(&v, "dc_options"));

    return mt_book_learn(&book, &vec, whole);
}

static const char *option(int dc, const char *ip, int port, const char *more)
{
    return fmt("{\"_\":\"dcOption\",\"id\":%d,\"ip_address\":\"%s\",\"port\":%d%s}", dc, ip, port, more);
}

static const char *chosen(const struct mt_want *want)
{
    struct mt_server out[MT_CONNECT_MAX];
    size_t n = mt_book_choose(&book, want, out), at = 0;
    static char text[512];

    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s:%d", i ? " " : "", out[i].ip, out[i].port);
    return text;
}

static const char *order(void)
{
    return chosen(&(struct mt_want){.dc = 2});
}

static struct mt_server at(const char *ip, int port)
{
    struct mt_server s = {.dc_id = 2, .port = (uint16_t)port, .ipv6 = strchr(ip, ':')};

    strcpy(s.ip, ip);
    return s;
}

static void fails(const char *ip, int port)
{
    struct mt_server s = at(ip, port);

    mt_book_failed(&book, &s, 1);
}

static bool works(const char *ip, int port)
{
    struct mt_server s = at(ip, port);

    return mt_book_good(&book, &s);
}

static void ports_are_tried_in_turn(void **state)
{
    assert_string_equal(order(), "10.0.0.2:443 10.0.0.2:80 10.0.0.2:5222");
    boot_list[0].port = 7001;
    assert_string_equal(order(), "10.0.0.2:7001 10.0.0.2:443 10.0.0.2:80 10.0.0.2:5222");
    boot_list[0].this_port_only = true;
    assert_string_equal(order(), "10.0.0.2:7001");
    assert_string_equal(chosen(&(struct mt_want){.dc = 3}), "");
}

static void families_race_until_one_is_known(void **state)
{
    boot_list[0].this_port_only = true;
    boot_list[1] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.3", .port = 443, .this_port_only = true};
    boot_list[2] =
        (struct mt_server){.dc_id = 2, .ip = "fd00::2", .port = 443, .ipv6 = true, .this_port_only = true};
    boot_list[3] =
        (struct mt_server){.dc_id = 2, .ip = "fd00::3", .port = 443, .ipv6 = true, .this_port_only = true};
    boot.n = 4;
    assert_string_equal(order(), "10.0.0.2:443 fd00::2:443 10.0.0.3:443 fd00::3:443");
    assert_true(works("fd00::3", 443));
    assert_int_equal(learned.family, 6);
    assert_false(works("fd00::3", 443)); /* no news */
    assert_string_equal(order(), "fd00::3:443 fd00::2:443 10.0.0.2:443 10.0.0.3:443");
    assert_true(works("10.0.0.3", 443));
    assert_int_equal(learned.family, 4);
    book.try_ipv6 = true; /* force_try_ipv6 */
    assert_string_equal(order(), "fd00::3:443 fd00::2:443 10.0.0.3:443 10.0.0.2:443");
    fails("fd00::3", 443); /* a try is not a must */
    fails("fd00::2", 443);
    assert_string_equal(order(), "10.0.0.3:443 10.0.0.2:443 fd00::3:443 fd00::2:443");
    book.try_ipv6 = false;
}

static void what_failed_comes_last_and_what_worked_first(void **state)
{
    boot_list[0].this_port_only = true;
    boot_list[1] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.3", .port = 443, .this_port_only = true};
    boot_list[2] = (struct mt_server){.dc_id = 2, .ip = "10.0.0.4", .port = 443, .this_port_only = true};
    boot.n = 3;
    fails("10.0.0.2", 443);
    assert_string_equal(order(), "10.0.0.3:443 10.0.0.4:443 10.0.0.2:443");
    fails("10.0.0.3", 443);
    fails("10.0.0.3", 443);
    assert_string_equal(order(), "10.0.0.4:443 10.0.0.2:443 10.0.0.3:443");
    works("10.0.0.3", 443);
    assert_string_equal(order(), "10.0.0.3:443 10.0.0.4:443 10.0.0.2:443");
    for (int i = 0; i < 100; i++)
        fails("10.0.0.4", 443);
    assert_string_equal(order(), "10.0.0.3:443 10.0.0.2:443 10.0.0.4:443");
}

static void kinds_have_their_uses(void **state)
{
    boot.n = 0;
    assert_true(
        learn(fmt("[%s,%s,%s,%s]", option(2, "10.1.0.1", 443, ",\"media_only\":true,\"this_port_only\":true"),
                  option(2, "10.1.0.2", 443, ",\"this_port_only\":true"),
                  option(2, "10.1.0.3", 443, ",\"static\":true,\"this_port_only\":true"),
                  option(203, "10.1.0.4", 443, ",\"cdn\":true,\"this_port_only\":true")),
              true));
    assert_string_equal(order(), "10.1.0.2:443 10.1.0.3:443");
    assert_string_equal(chosen(&(struct mt_want){.dc = 2, .media = true}),
                        "10.1.0.1:443 10.1.0.2:443 10.1.0.3:443");
    assert_string_equal(chosen(&(struct mt_want){.dc = 2, .proxied = true}), "10.1.0.3:443 10.1.0.2:443");
    assert_string_equal(chosen(&(struct mt_want){.dc = 203}), "10.1.0.4:443");
    assert_true(mt_book_knows(&book, 2));
    assert_false(mt_book_knows(&book, 203)); /* nobody is sent there by number */
    assert_false(mt_book_knows(&book, 3));
}

static void what_was_learned_comes_before_the_bootstrap(void **state)
{
    boot_list[0].this_port_only = true;
    assert_true(learn(fmt("[%s,%s]", option(2, "10.1.0.1", 5000, ",\"this_port_only\":true"),
                          option(2, "10.0.0.2", 443, ",\"this_port_only\":true")),
                      true));
    /* in both: once, and as learned */
    assert_string_equal(order(), "10.1.0.1:5000 10.0.0.2:443");
    works("10.0.0.2", 443);
    assert_true(learn(fmt("[%s]", option(2, "10.1.0.1", 5000, ",\"this_port_only\":true")), true));
    /* it worked, but servers do not name it any more */
    assert_string_equal(order(), "10.1.0.1:5000 10.0.0.2:443");
    fails("10.1.0.1", 5000);
    assert_string_equal(order(), "10.0.0.2:443 10.1.0.1:5000");
}

static void options_that_cannot_be_are_left_out(void **state)
{
    assert_false(
        learn(fmt("[%s,%s,%s,%s,%s,%s]", option(2, "10.1.0.1", 0, ""), option(2, "10.1.0.1", 65536, ""),
                  option(0, "10.1.0.1", 443, ""), option(10001, "10.1.0.1", 443, ""),
                  option(2, "example.com", 443, ""), option(2, "fd00::1", 443, "")),
              true));
    assert_int_equal(learned.n, 0);
    assert_false(learn("[]", true));
    assert_true(learn(fmt("[%s]", option(2, "10.1.0.1", 443, "")), true));
    assert_false(learn("[]", true)); /* is no reason to forget */
    assert_int_equal(learned.n, 1);
    assert_false(learn(fmt("[%s]", option(2, "10.1.0.1", 443, ",\"secret\":\"AAAA\"")), true));
    assert_true(learn(fmt("[%s,%s]", option(2, "fd00::1", 443, ",\"ipv6\":true"),
                          option(2, "10.1.0.1", 443, ",\"secret\":\"3QABAgMEBQYHCAkKCwwNDg8=\"")),
                      true));
    assert_int_equal(learned.list[1].secret_len, 17);
    assert_int_equal(learned.list[1].secret[0], 0xdd);
}

static void an_update_replaces_the_dcs_that_it_names(void **state)
{
    assert_true(learn(fmt("[%s,%s,%s]", option(1, "10.1.0.1", 443, ""), option(2, "10.1.0.2", 443, ""),
                          option(2, "10.1.0.3", 443, "")),
                      true));
    assert_false(learn(fmt("[%s,%s,%s]", option(1, "10.1.0.1", 443, ""), option(2, "10.1.0.2", 443, ""),
                           option(2, "10.1.0.3", 443, "")),
                       true)); /* the same again */
    assert_true(learn(fmt("[%s]", option(2, "10.1.0.4", 443, "")), false));
    assert_int_equal(learned.n, 2);
    assert_string_equal(learned.list[0].ip, "10.1.0.4");
    assert_string_equal(learned.list[1].ip, "10.1.0.1");
    assert_true(learn(fmt("[%s]", option(3, "10.1.0.5", 443, "")), true));
    assert_int_equal(learned.n, 1);
}

static void more_than_there_is_room_for(void **state)
{
    char all[16384] = "[";

    for (int i = 0; i < 100; i++)
        strcat(all, fmt("%s%s", i ? "," : "", option(2, fmt("10.1.1.%d", i), 443, "")));
    strcat(all, "]");
    assert_true(learn(all, true));
    assert_int_equal(learned.n, MT_ADDRESSES_MAX);
    for (int i = 0; i < 100; i++)
        fails(fmt("10.1.1.%d", i), 443); /* scores are few: the oldest are forgotten */
    assert_string_equal(order(),
                        "10.1.1.0:443 10.1.1.1:443 10.1.1.2:443 10.1.1.3:443 10.1.1.4:443 10.1.1.5:443");
}

/* A sandbox on other ports, a file of --servers that says something new: the old answers are not followed. */
static void another_bootstrap_set_drops_what_was_learned(void **state)
{
    assert_true(learn(fmt("[%s]", option(2, "10.1.0.1", 443, "")), true));
    learned.family = 6;
    mt_book_init(&book, &boot, &learned);
    assert_int_equal(learned.n, 1);
    boot_list[0].port = 444;
    mt_book_init(&book, &boot, &learned);
    assert_int_equal(learned.n, 0);
    learned.n = 1000000; /* a damaged file */
    mt_book_init(&book, &boot, &learned);
    assert_int_equal(learned.n, 0);
}

static void the_next_dc(void **state)
{
    boot_list[1] = (struct mt_server){.dc_id = 5, .ip = "10.0.0.5", .port = 443};
    boot_list[2] = (struct mt_server){.dc_id = 203, .ip = "10.0.0.6", .port = 443, .cdn = true};
    boot_list[3] = (struct mt_server){.dc_id = 4, .ip = "10.0.0.4", .port = 443};
    boot.n = 4;
    assert_int_equal(mt_book_next(&book, 2, 2), 4);
    assert_int_equal(mt_book_next(&book, 4, 2), 5);
    assert_int_equal(mt_book_next(&book, 5, 2), 4); /* around the end, and not the one that is away */
    assert_int_equal(mt_book_next(&book, 5, 4), 2);
    boot.n = 1;
    assert_int_equal(mt_book_next(&book, 2, 2), 0);
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ports_are_tried_in_turn),
        T(families_race_until_one_is_known),
        T(what_failed_comes_last_and_what_worked_first),
        T(kinds_have_their_uses),
        T(what_was_learned_comes_before_the_bootstrap),
        T(options_that_cannot_be_are_left_out),
        T(an_update_replaces_the_dcs_that_it_names),
        T(more_than_there_is_room_for),
        T(another_bootstrap_set_drops_what_was_learned),
        T(the_next_dc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
