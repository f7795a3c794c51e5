/* Links of an account: to which addresses, through which proxy, and where the addresses come from. */
#include "tests/unit/account/abench.h"

#include "core/account/state.h"
#include "tl/ids.h"

static const char *config(const char *options)
{
    return fmt(
        "{\"_\":\"config\",\"date\":1700000000,\"expires\":1700003600,\"test_mode\":false,\"this_dc\":2,"
        "\"dc_options\":%s,\"dc_txt_domain_name\":\"\",\"chat_size_max\":1,\"megagroup_size_max\":1,"
        "\"forwarded_count_max\":1,\"online_update_period_ms\":1,\"offline_blur_timeout_ms\":1,"
        "\"offline_idle_timeout_ms\":1,\"online_cloud_timeout_ms\":1,\"notify_cloud_delay_ms\":1,"
        "\"notify_default_delay_ms\":1,\"push_chat_period_ms\":1,\"push_chat_limit\":1,\"edit_time_limit\":1,"
        "\"revoke_time_limit\":1,\"revoke_pm_time_limit\":1,\"rating_e_decay\":1,\"stickers_recent_limit\":1,"
        "\"channels_read_media_period\":1,\"call_receive_timeout_ms\":1,\"call_ring_timeout_ms\":1,"
        "\"call_connect_timeout_ms\":1,\"call_packet_timeout_ms\":1,\"me_url_prefix\":\"\","
        "\"caption_length_max\":1,\"message_length_max\":1,\"webfile_dc_id\":2}",
        options);
}

static const char *option(int dc, const char *ip, const char *more)
{
    return fmt("{\"_\":\"dcOption\",\"id\":%d,\"ip_address\":\"%s\",\"port\":443,\"this_port_only\":true%s}",
               dc, ip, more);
}

static void answer(int32_t dc, const char *options)
{
    fake_result(dc, "help.getConfig", "Config", config(options));
}

/* What CONNECT of the next pull names: "7: 10.0.0.1 10.0.0.2 (300 ms)", "" where there is none. */
static uint32_t link;
static const char *connects(struct abench *b)
{
    static char text[512];
    struct mt_fx fx;

    text[0] = 0;
    while (mt_account_next(b->a, &fx)) {
        size_t at = strlen(text);

        if (fx.kind == MT_FX_CLOSE)
            snprintf(text + at, sizeof text - at, "close ");
        if (fx.kind != MT_FX_CONNECT)
            continue;
        link = fx.link;
        at += (size_t)snprintf(text + at, sizeof text - at, "%d:", (int)fx.server->dc_id);
        for (size_t i = 0; i < fx.n_servers; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, " %s", fx.server[i].ip);
        snprintf(text + at, sizeof text - at, " (%d ms)%s%s ", (int)(fx.head_start / 1000),
                 fx.proxy ? " by " : "", fx.proxy ? fx.proxy->host : "");
    }
    mt_account_committed(b->a, b->now);
    return text;
}

/* DC 2 at two more addresses of the bootstrap set. */
static struct abench *three_addresses(void)
{
    struct abench *b = ab_new();

    for (int i = 0; i < 3; i++)
        b->list[i] =
            (struct mt_server){.dc_id = i ? 2 : 1, .ip = "10.0.0.1", .port = 443, .this_port_only = true};
    b->list[1].ip[7] = '2';
    b->list[2].ip[7] = '3';
    mt_login_phone(b->a, b->now, 1, "49151");
    return b;
}

static void one_connect_names_all_and_the_winner_stays_first(void **state)
{
    struct abench *b = three_addresses();

    assert_string_equal(connects(b), "2: 10.0.0.2 10.0.0.3 (300 ms) ");
    mt_account_link_via(b->a, link, 1);
    mt_account_link_up(b->a, b->now, link);
    fake_up(2);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "");
    mt_account_link_down(b->a, b->now, link); /* it had worked: no fault of the address */
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "2: 10.0.0.3 10.0.0.2 (800 ms) ");
    ab_done(b);
}

static void an_address_that_opens_and_is_none_goes_last(void **state)
{
    struct abench *b = three_addresses();

    connects(b);
    mt_account_link_up(b->a, b->now, link);
    mt_account_link_down(b->a, b->now, link); /* nothing was verified on it */
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "2: 10.0.0.3 10.0.0.2 (300 ms) ");
    ab_done(b);
}

static void an_address_that_opens_and_says_nothing_is_left(void **state)
{
    struct abench *b = three_addresses();

    connects(b);
    fake_said(2);
    mt_account_link_up(b->a, b->now, link);
    assert_true(mt_account_deadline(b->a) <= b->now.mono + 5 * MT_US_PER_S);
    fake_said(2);
    ab_wait(b, 4999);
    assert_string_equal(fake_said(2), "");
    ab_wait(b, 1);
    assert_string_equal(fake_said(2), "hang up | kick");
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "close 2: 10.0.0.3 10.0.0.2 (300 ms) ");
    /* one byte, and it has all the time that a key exchange needs */
    mt_account_link_up(b->a, b->now, link);
    mt_account_feed(b->a, b->now, link, "x", 1);
    fake_said(2);
    ab_wait(b, 30000);
    assert_string_equal(fake_said(2), "");
    ab_done(b);
}

static void another_data_centre_there_goes_last_too(void **state) /* -444 */
{
    struct abench *b = three_addresses();

    connects(b);
    mt_account_link_up(b->a, b->now, link);
    fake_trouble(2, -444);
    fake_said(2);
    ab_wait(b, 0);
    assert_string_equal(fake_said(2), "kick"); /* the next address waits for no back-off */
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "2: 10.0.0.3 10.0.0.2 (300 ms) ");
    mt_account_link_up(b->a, b->now, link);
    fake_trouble(2, -444);
    fake_said(2);
    ab_wait(b, 0);
    assert_string_equal(fake_said(2), ""); /* none is left: no storm */
    ab_done(b);
}

static void framing_follows_the_address(void **state)
{
    static const struct {
        const char *option, *said;
    } row[] = {{"", "abridged | link up"},
               {",\"tcpo_only\":true", "obfuscated abridged | link up"},
               {",\"secret\":\"AAECAwQFBgcICQoLDA0ODw==\"", "obfuscated secret abridged | link up"},
               {",\"secret\":\"3QABAgMEBQYHCAkKCwwNDg8=\"", "obfuscated secret padded | link up"}};

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct abench *b = ab_ready();

        answer(2, fmt("[%s]", option(2, "10.9.0.1", row[i].option)));
        ab_wait(b, 0);
        connects(b);
        fake_down(2);
        fake_connect(2, 1);
        ab_wait(b, 0);
        connects(b);
        fake_said(2);
        mt_account_link_up(b->a, b->now, link);
        assert_string_equal(fake_said(2), row[i].said);
        ab_done(b);
    }
}

/* --- help.getConfig --- */

static void the_config_is_asked_once_it_is_up_and_when_it_expires(void **state)
{
    struct abench *b = ab_ready();

    assert_int_equal(fake_req(2, "help.getConfig")->flags, MT_REQ_REPEATABLE);
    answer(2, fmt("[%s,%s]", option(2, "10.9.0.1", ""), option(4, "10.9.0.4", "")));
    ab_wait(b, 0);
    ab_expect(b, "addresses 2");
    ab_wait(b, 3599 * 1000);
    assert_false(fake_asked(2, "help.getConfig"));
    ab_wait(b, 1000);
    answer(2, fmt("[%s,%s]", option(2, "10.9.0.1", ""), option(4, "10.9.0.4", "")));
    ab_wait(b, 0);
    assert_null(strstr(ab_turn(b), "addresses")); /* nothing new is not written */
    ab_done(b);
}

static void a_refusal_is_asked_again_later(void **state)
{
    struct abench *b = ab_ready();

    fake_error(2, "help.getConfig", 400, "X");
    ab_wait(b, 0);
    assert_false(fake_asked(2, "help.getConfig"));
    ab_wait(b, 60 * 1000);
    assert_true(fake_asked(2, "help.getConfig"));
    ab_done(b);
}

static void updates_are_heeded(void **state)
{
    struct abench *b = ab_ready();

    answer(2, fmt("[%s]", option(2, "10.9.0.1", "")));
    ab_wait(b, 0);
    ab_turn(b);
    fake_push(
        2,
        fmt("{\"_\":\"updateShort\",\"date\":1,\"update\":{\"_\":\"updateDcOptions\",\"dc_options\":[%s]}}",
            option(2, "10.9.0.2", "")),
        9);
    ab_wait(b, 0);
    assert_non_null(strstr(ab_turn(b), "addresses 1"));
    assert_string_equal(b->saved.addresses.list[0].ip, "10.9.0.2");
    assert_false(fake_asked(2, "help.getConfig"));
    fake_push(2, "{\"_\":\"updateShort\",\"date\":1,\"update\":{\"_\":\"updateConfig\"}}", 10);
    ab_wait(b, 0);
    ab_turn(b);
    assert_true(fake_asked(2, "help.getConfig"));
    ab_done(b);
}

static void addresses_survive_a_restart(void **state)
{
    struct mt_saved saved = {.main_dc = 2, .user_id = 5};
    struct mt_addresses kept;
    struct abench *b = ab_ready();

    answer(2, fmt("[%s]", option(2, "10.9.0.1", "")));
    ab_wait(b, 0);
    ab_turn(b);
    kept = b->saved.addresses;
    assert_int_equal(kept.n, 1);
    saved.addresses = kept;
    ab_start_with(b, &saved);
    assert_string_equal(connects(b), "2: 10.9.0.1 127.0.0.1 127.0.0.1 127.0.0.1 (300 ms) ");
    ab_done(b);
}

/* A flood wait of its own keeps the next question from going out: it is over at once, and not for good. */
static void a_flood_wait_ends_with_its_time(void **state)
{
    struct abench *b = ab_ready();

    fake_error(2, "help.getConfig", 420, "FLOOD_WAIT_100");
    ab_wait(b, 0);
    ab_wait(b, 60 * 1000);
    assert_false(fake_asked(2, "help.getConfig"));
    ab_wait(b, 60 * 1000);
    assert_true(fake_asked(2, "help.getConfig"));
    ab_done(b);
}

/* --- a DC that has moved --- */

static void the_others_know_where_a_dc_has_gone(void **state)
{
    struct abench *b = ab_ready();

    answer(2, fmt("[%s,%s]", option(2, "10.9.0.1", ""), option(3, "10.9.0.3", "")));
    ab_wait(b, 0);
    ab_turn(b);
    fake_down(2);
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_non_null(strstr(connects(b), "2: 10.9.0.1"));
    assert_false(fake_dc_exists(3));
    mt_account_link_down(b->a, b->now, link); /* refused */
    ab_wait(b, 0);
    assert_int_equal(fake_req(3, "help.getConfig")->flags, MT_REQ_REPEATABLE);
    fake_said(2);
    answer(3, fmt("[%s]", option(2, "10.9.0.7", "")));
    ab_wait(b, 0);
    assert_string_equal(fake_said(2), "hang up | kick"); /* the back-off is over */
    fake_connect(2, 2);
    ab_wait(b, 0);
    assert_non_null(strstr(connects(b), "2: 10.9.0.7"));
    fake_up(2);
    ab_wait(b, 0);
    ab_turn(b);
    ab_wait(b, 200000);
    assert_false(fake_asked(3, "help.getConfig"));
    ab_done(b);
}

/* TCP opens at the old address, but nobody is at home: news of another one end the wait. */
static void an_address_that_is_given_up_is_not_waited_for(void **state)
{
    static const char *const where[] = {"10.9.0.7", "10.9.0.1"};

    for (int i = 0; i < 2; i++) {
        struct abench *b = ab_ready();

        answer(2, fmt("[%s,%s]", option(2, "10.9.0.1", ""), option(3, "10.9.0.3", "")));
        ab_wait(b, 0);
        ab_turn(b);
        fake_down(2);
        fake_connect(2, 1);
        ab_wait(b, 0);
        connects(b);
        mt_account_link_up(b->a, b->now, link);
        ab_wait(b, 1500);
        fake_said(2);
        answer(3, fmt("[%s,%s]", option(2, where[i], ""), option(4, "10.9.0.4", "")));
        ab_wait(b, 0);
        assert_string_equal(fake_said(2), i ? "" : "hang up | kick"); /* if it is still the one, patience */
        ab_done(b);
    }
}

static void silence_is_waited_for_a_little_and_seeks_are_few(void **state)
{
    struct abench *b = ab_ready();

    answer(2, fmt("[%s]", option(2, "10.9.0.1", "")));
    ab_wait(b, 0);
    ab_turn(b);
    fake_down(2);
    fake_connect(2, 1);
    ab_wait(b, 0);
    ab_turn(b);
    ab_wait(b, 1499);
    assert_false(fake_dc_exists(3));
    ab_wait(b, 1);
    assert_true(fake_asked(3, "help.getConfig"));
    fake_failed(3, "help.getConfig", MT_E_TIMEOUT, MT_SENT_NO);
    for (int i = 0; i < 10; i++) { /* the same trouble goes on */
        fake_connect(2, 1);
        ab_wait(b, 1);
        ab_turn(b);
        mt_account_link_down(b->a, b->now, b->a->next_link);
        ab_wait(b, 1000);
    }
    assert_false(fake_dc_exists(1));
    ab_wait(b, 50 * 1000);
    assert_true(fake_asked(1, "help.getConfig")); /* another one, a minute later */
    ab_done(b);
}

/* --- proxies --- */

static struct mt_proxy_cfg proxy(enum mt_proxy_kind kind)
{
    return (struct mt_proxy_cfg){
        .kind = kind, .host = "proxy.example", .port = 1080, .mode = MT_SECRET_PADDED};
}

/* What is being opened over a network that is gone begins anew when there is another, and is nobody's fault.
 */
static void another_network_is_not_waited_for_by_what_is_half_open(void **state)
{
    struct abench *b = three_addresses();

    assert_non_null(strstr(connects(b), "2: 10.0.0.2 10.0.0.3"));
    fake_said(2);
    mt_account_kick(b->a, b->now);
    assert_string_equal(fake_said(2), "kick"); /* it has only begun */
    ab_wait(b, 1000);
    mt_account_kick(b->a, b->now);
    assert_string_equal(fake_said(2), "hang up | kick");
    assert_int_equal(mt_adc_find(b->a, 2)->n_tried, 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(mt_book_fails(&b->a->book, &b->list[1 + i]), 0);
    ab_done(b);
}

static void all_links_close_before_a_proxy_is_used(void **state)
{
    struct mt_proxy_cfg p = proxy(MT_PROXY_SOCKS5);
    struct abench *b = ab_ready();

    ab_call(b, 1, "{\"_\":\"help.getNearestDc\"}", 3, MT_CALL_BEFORE_LOGIN, 0);
    fake_connect(3, 1);
    ab_wait(b, 0);
    connects(b);
    fake_said(2);
    fake_said(3);
    assert_int_equal(mt_account_set_proxy(b->a, b->now, &p), MT_OK);
    assert_string_equal(fake_said(2), "hang up | init | kick");
    assert_string_equal(fake_said(3), "hang up | init | kick");
    fake_connect(2, 1);
    fake_connect(3, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b),
                        "close close 3: 127.0.0.1 127.0.0.1 127.0.0.1 (1500 ms) by proxy.example "
                        "2: 127.0.0.1 127.0.0.1 127.0.0.1 (1500 ms) by proxy.example ");
    /* and back */
    assert_int_equal(mt_account_set_proxy(b->a, b->now, NULL), MT_OK);
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_null(strstr(connects(b), "by"));
    ab_done(b);
}

/* What is due while the links close makes a DC connect: not the way that was just forbidden. */
static void nothing_goes_out_directly_once_a_proxy_is_set(void **state)
{
    struct mt_proxy_cfg p = proxy(MT_PROXY_SOCKS5);
    struct abench *b = ab_ready();

    connects(b);
    fake_connect(2, 1);
    assert_int_equal(mt_account_set_proxy(b->a, b->now, &p), MT_OK);
    assert_non_null(strstr(connects(b), "by proxy.example"));
    ab_done(b);
}

static void a_proxy_that_fails_is_no_reason_to_go_without(void **state)
{
    struct mt_proxy_cfg p = proxy(MT_PROXY_HTTP);
    struct abench *b = ab_ready();

    mt_account_set_proxy(b->a, b->now, &p);
    connects(b);
    for (int i = 0; i < 50; i++) {
        fake_connect(2, 1);
        ab_wait(b, 60 * 1000);
        assert_non_null(strstr(connects(b), "by proxy.example"));
        mt_account_link_trouble(b->a, link, "the HTTP proxy says 502");
        mt_account_link_down(b->a, b->now, link);
    }
    assert_string_equal(b->a->trouble, "the HTTP proxy says 502");
    ab_done(b);
}

static void an_mtproxy_knows_where_its_data_centres_are(void **state)
{
    struct mt_proxy_cfg p = proxy(MT_PROXY_MTPROTO);
    struct abench *b = ab_ready();

    mt_account_set_proxy(b->a, b->now, &p);
    assert_string_equal(b->a->cfg.init.proxy_address, "proxy.example");
    assert_int_equal(b->a->cfg.init.proxy_port, 1080);
    connects(b);
    fake_down(2);
    fake_connect(2, 1);
    ab_wait(b, 0);
    assert_string_equal(connects(b), "2:  (1500 ms) by proxy.example ");
    fake_said(2);
    mt_account_link_up(b->a, b->now, link);
    assert_string_equal(fake_said(2), "obfuscated secret padded | link up");
    mt_account_link_down(b->a, b->now, link);
    ab_wait(b, 5000);
    assert_false(fake_dc_exists(3)); /* nobody is asked for addresses that are not used */
    mt_account_set_proxy(b->a, b->now, NULL);
    assert_null(b->a->cfg.init.proxy_address);
    ab_done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connect_names_all_and_the_winner_stays_first),
        cmocka_unit_test(an_address_that_opens_and_is_none_goes_last),
        cmocka_unit_test(an_address_that_opens_and_says_nothing_is_left),
        cmocka_unit_test(another_data_centre_there_goes_last_too),
        cmocka_unit_test(framing_follows_the_address),
        cmocka_unit_test(the_config_is_asked_once_it_is_up_and_when_it_expires),
        cmocka_unit_test(a_refusal_is_asked_again_later),
        cmocka_unit_test(a_flood_wait_ends_with_its_time),
        cmocka_unit_test(updates_are_heeded),
        cmocka_unit_test(addresses_survive_a_restart),
        cmocka_unit_test(the_others_know_where_a_dc_has_gone),
        cmocka_unit_test(an_address_that_is_given_up_is_not_waited_for),
        cmocka_unit_test(silence_is_waited_for_a_little_and_seeks_are_few),
        cmocka_unit_test(another_network_is_not_waited_for_by_what_is_half_open),
        cmocka_unit_test(all_links_close_before_a_proxy_is_used),
        cmocka_unit_test(nothing_goes_out_directly_once_a_proxy_is_set),
        cmocka_unit_test(a_proxy_that_fails_is_no_reason_to_go_without),
        cmocka_unit_test(an_mtproxy_knows_where_its_data_centres_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
