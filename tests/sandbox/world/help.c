/* help.* and langpack.*: what a client asks before it knows anybody. */
#include "tests/sandbox/world_acts.h"

static json_t *dc_options(const struct sb_world *w)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->n_dcs; i++)
        json_array_append_new(list, json_pack("{s:s,s:b,s:b,s:b,s:i,s:s,s:i}", "_", "dcOption", "ipv6",
                                              strchr(w->dcs[i].ip, ':') != NULL, "static", 1,
                                              "this_port_only", 1, "id", w->dcs[i].dc_id, "ip_address",
                                              w->dcs[i].ip, "port", (int)w->dcs[i].port));
    return list;
}

static void get_config(struct sb_turn *t)
{
    static const struct {
        const char *key;
        int value;
    } numbers[] = {{"chat_size_max", 200},
                   {"megagroup_size_max", 200000},
                   {"forwarded_count_max", 100},
                   {"online_update_period_ms", 210000},
                   {"offline_blur_timeout_ms", 5000},
                   {"offline_idle_timeout_ms", 30000},
                   {"online_cloud_timeout_ms", 300000},
                   {"notify_cloud_delay_ms", 30000},
                   {"notify_default_delay_ms", 1500},
                   {"push_chat_period_ms", 60000},
                   {"push_chat_limit", 2},
                   {"edit_time_limit", 172800},
                   {"revoke_time_limit", 2147483647},
                   {"revoke_pm_time_limit", 2147483647},
                   {"rating_e_decay", 2419200},
                   {"stickers_recent_limit", 200},
                   {"channels_read_media_period", 604800},
                   {"call_receive_timeout_ms", 20000},
                   {"call_ring_timeout_ms", 90000},
                   {"call_connect_timeout_ms", 30000},
                   {"call_packet_timeout_ms", 10000},
                   {"caption_length_max", 1024},
                   {"message_length_max", 4096},
                   {"webfile_dc_id", 2}};
    json_t *c =
        json_pack("{s:s,s:i,s:i,s:b,s:i,s:o,s:s,s:s}", "_", "config", "date", t->date, "expires",
                  t->date + 3600, "test_mode", 0, "this_dc", t->caller->dc_id, "dc_options", dc_options(t->w),
                  "dc_txt_domain_name", "sandbox.invalid", "me_url_prefix", "https://t.me/");

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(c, numbers[i].key, json_integer(numbers[i].value));
    sb_answer(t, c);
}

static void get_nearest_dc(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:s,s:i,s:i}", "_", "nearestDc", "country", "DE", "this_dc",
                           t->caller->dc_id, "nearest_dc", t->caller->dc_id));
}

static void get_app_config(struct sb_turn *t)
{
    if (tl_get_int(t->call, TLF_help_getAppConfig__hash) == 1)
        sb_answer(t, sb_unit("help.appConfigNotModified"));
    else
        sb_answer(t, json_pack("{s:s,s:i,s:{s:s,s:[]}}", "_", "help.appConfig", "hash", 1, "config", "_",
                               "jsonObject", "value"));
}

static void get_app_update(struct sb_turn *t)
{
    sb_answer(t, sb_unit("help.noAppUpdate"));
}

static void get_terms_update(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:i}", "_", "help.termsOfServiceUpdateEmpty", "expires", t->date + 86400));
}

static void yes(struct sb_turn *t)
{
    sb_answer_bool(t, true);
}

static void get_promo(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:i}", "_", "help.promoDataEmpty", "expires", t->date + 86400));
}

static void get_countries(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:[],s:i}", "_", "help.countriesList", "countries", "hash", 1));
}

static void get_lang_pack(struct sb_turn *t)
{
    char *lang = sb_arg_text(t, (unsigned)tl_view_field(t->call, "lang_code"));

    sb_answer(t, json_pack("{s:s,s:s,s:i,s:i,s:[]}", "_", "langPackDifference", "lang_code", lang,
                           "from_version", 0, "version", 1, "strings"));
    free(lang);
}

static void empty_list(struct sb_turn *t)
{
    sb_answer(t, json_array());
}

const struct sb_method sb_methods_help[] = {
    {TL_help_getConfig, SB_M_ANYBODY, get_config},
    {TL_help_getNearestDc, SB_M_ANYBODY, get_nearest_dc},
    {TL_help_getAppConfig, SB_M_ANYBODY, get_app_config},
    {TL_help_getAppUpdate, SB_M_ANYBODY, get_app_update},
    {TL_help_getTermsOfServiceUpdate, 0, get_terms_update},
    {TL_help_acceptTermsOfService, 0, yes},
    {TL_help_getPromoData, 0, get_promo},
    {TL_help_getCountriesList, SB_M_ANYBODY, get_countries},
    {TL_langpack_getLangPack, SB_M_ANYBODY, get_lang_pack},
    {TL_langpack_getDifference, SB_M_ANYBODY, get_lang_pack},
    {TL_langpack_getStrings, SB_M_ANYBODY, empty_list},
    {TL_langpack_getLanguages, SB_M_ANYBODY, empty_list},
    {0},
};
