/* Buttons and reactions under a message. */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>
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

json_t *rpc_base64(struct tl_slice s)
{
    unsigned char *text = s.n <= 4096 ? malloc(s.n / 3 * 4 + 8) : NULL;
    int n = text ? EVP_EncodeBlock(text, s.p, (int)s.n) : 0;
    json_t *string = text ? json_stringn((const char *)text, (size_t)n) : NULL;

    free(text);
    return string;
}

void rpc_put_base64(json_t *o, const char *key, struct tl_slice s)
{
    rpc_put(o, key, rpc_base64(s));
}

void rpc_event_bytes(json_t *body, const char *key, struct tl_slice s)
{
    char name[32];
    json_t *text = json_stringn(s.n ? (const char *)s.p : "", s.n); /* NULL: it is not UTF-8 */

    rpc_put_base64(body, key, s);
    snprintf(name, sizeof name, "%s_text", key);
    rpc_put(body, name, text);
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
        rpc_put_base64(o, "data", tl_get_bytes(b, TLF_keyboardButtonCallback__data));
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

json_t *rpc_view_reaction(const struct tl_view *r)
{
    char id[24];

    switch (r->def->id) {
    case TL_reactionEmoji:
        return rpc_text(tl_get_bytes(r, TLF_reactionEmoji__emoticon));
    case TL_reactionCustomEmoji:
        snprintf(id, sizeof id, "%" PRId64, tl_get_long(r, TLF_reactionCustomEmoji__document_id));
        return json_string(id);
    case TL_reactionPaid:
        return json_string("paid");
    default:
        return NULL;
    }
}

json_t *rpc_view_reactions(const struct tl_view *reactions)
{
    struct tl_vec results = tl_get_vector(reactions, TLF_messageReactions__results);

    return results.left ? rpc_view_counts(results) : NULL;
}

json_t *rpc_view_counts(struct tl_vec results)
{
    json_t *list = json_array();
    struct tl_view count, reaction;

    while (list && tl_vec_object(&results, &count)) {
        json_t *o = json_object();

        if (!o || !tl_get_object(&count, TLF_reactionCount__reaction, &reaction)) {
            json_decref(o);
            continue;
        }
        rpc_put(o, "reaction", rpc_view_reaction(&reaction));
        rpc_put(o, "total", json_integer(tl_get_int(&count, TLF_reactionCount__count)));
        rpc_put_true(o, "mine", tl_has(&count, TLF_reactionCount__chosen_order));
        (void)json_array_append_new(list, o);
    }
    return list;
}
