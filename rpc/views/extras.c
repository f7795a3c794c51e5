/* Buttons and reactions under a message. */
#include "rpc/views/parts.h"

#include <stdlib.h>
#include <openssl/evp.h>

static const struct {
    uint32_t id;
    const char *kind;
} button_kinds[] = {
    {TL_keyboardButton, "text"},
    {TL_keyboardButtonCallback, "callback"},
    {TL_keyboardButtonUrl, "url"},
    {TL_keyboardButtonSwitchInline, "inline"},
    {TL_keyboardButtonRequestPhone, "phone"},
    {TL_keyboardButtonRequestGeoLocation, "location"},
    {TL_keyboardButtonRequestPoll, "poll"},
    {TL_keyboardButtonWebView, "web_app"},
    {TL_keyboardButtonSimpleWebView, "web_app"},
    {TL_keyboardButtonUrlAuth, "login_url"},
    {TL_keyboardButtonBuy, "pay"},
    {TL_keyboardButtonGame, "game"},
    {TL_keyboardButtonCopy, "copy"},
    {TL_keyboardButtonUserProfile, "user"},
    {TL_keyboardButtonRequestPeer, "chat"},
};

static void put_base64(json_t *o, const char *key, struct tl_slice s)
{
    unsigned char *text = s.n <= 4096 ? malloc(s.n / 3 * 4 + 8) : NULL;
    int n = text ? EVP_EncodeBlock(text, s.p, (int)s.n) : 0;

    if (text)
        rpc_put(o, key, json_stringn((const char *)text, (size_t)n));
    free(text);
}

static json_t *button(const struct tl_view *b)
{
    int text = tl_view_field(b, "text"), url = tl_view_field(b, "url");
    const char *kind = "other";
    json_t *o = json_object();

    if (!o)
        return NULL;
    for (size_t i = 0; i < sizeof button_kinds / sizeof *button_kinds; i++)
        if (button_kinds[i].id == b->def->id)
            kind = button_kinds[i].kind;
    rpc_put(o, "text", rpc_text(text >= 0 ? tl_get_bytes(b, (unsigned)text) : (struct tl_slice){0}));
    rpc_put_str(o, "kind", kind);
    if (url >= 0)
        rpc_put_text(o, "url", tl_get_bytes(b, (unsigned)url));
    if (b->def->id == TL_keyboardButtonCallback)
        put_base64(o, "data", tl_get_bytes(b, TLF_keyboardButtonCallback__data));
    return o;
}

json_t *rpc_view_buttons(const struct tl_view *markup)
{
    int field = tl_view_field(markup, "rows");
    struct tl_vec rows;
    struct tl_view row, b;
    json_t *list;

    if (field < 0)
        return NULL;
    rows = tl_get_vector(markup, (unsigned)field);
    list = rows.left ? json_array() : NULL;
    while (list && tl_vec_object(&rows, &row)) {
        struct tl_vec buttons = tl_get_vector(&row, TLF_keyboardButtonRow__buttons);
        json_t *line = json_array();

        while (line && tl_vec_object(&buttons, &b))
            (void)json_array_append_new(line, button(&b));
        (void)json_array_append_new(list, line);
    }
    return list;
}

static void put_reaction(json_t *o, const struct tl_view *r)
{
    if (r->def->id == TL_reactionEmoji)
        rpc_put_text(o, "reaction", tl_get_bytes(r, TLF_reactionEmoji__emoticon));
    else if (r->def->id == TL_reactionCustomEmoji)
        rpc_put_long(o, "reaction", tl_get_long(r, TLF_reactionCustomEmoji__document_id));
    else if (r->def->id == TL_reactionPaid)
        rpc_put_str(o, "reaction", "paid");
}

json_t *rpc_view_reactions(const struct tl_view *reactions)
{
    struct tl_vec results = tl_get_vector(reactions, TLF_messageReactions__results);
    json_t *list = results.left ? json_array() : NULL;
    struct tl_view count, reaction;

    while (list && tl_vec_object(&results, &count)) {
        json_t *o = json_object();

        if (!o || !tl_get_object(&count, TLF_reactionCount__reaction, &reaction)) {
            json_decref(o);
            continue;
        }
        put_reaction(o, &reaction);
        rpc_put(o, "total", json_integer(tl_get_int(&count, TLF_reactionCount__count)));
        rpc_put_true(o, "mine", tl_has(&count, TLF_reactionCount__chosen_order));
        (void)json_array_append_new(list, o);
    }
    return list;
}
