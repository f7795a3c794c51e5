/* What a bot is asked and has to answer: presses of buttons, inline queries, payments. */
#include "rpc/views/update.h"

#include <inttypes.h>
#include <stdio.h>

/* A number of the server names it. */
static void begin(struct rpc_view_event *e, char key[RPC_KEY_MAX], int64_t query, int64_t user)
{
    snprintf(key, RPC_KEY_MAX, "%s/%" PRId64, e->type, query);
    e->key = key;
    e->sender = user;
    e->direction = 1;
}

static json_t *query_body(struct rpc_render *r, int64_t query, int64_t user)
{
    json_t *body = json_object();

    if (body) {
        rpc_put_long(body, "query_id", query);
        rpc_event_sender(r, body, user);
    }
    return body;
}

/* The id of a message that was sent by way of an inline query, as bytes for the methods that edit it. */
static void put_inline_id(json_t *body, const struct tl_view *u, unsigned field)
{
    struct tl_slice s = tl_has(u, field) ? tl_get_raw(u, field) : (struct tl_slice){0};

    if (s.n)
        rpc_put_base64(body, "inline_message_id", s);
}

static void put_location(json_t *body, const struct tl_view *u, unsigned field)
{
    struct tl_view geo;

    if (tl_get_object(u, field, &geo) && geo.def->id == TL_geoPoint)
        rpc_put(body, "location",
                json_pack("{s:f, s:f}", "latitude", tl_get_double(&geo, TLF_geoPoint__lat), "longitude",
                          tl_get_double(&geo, TLF_geoPoint__long)));
}

int rpc_event_callback(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    bool in_chat = u->def->id == TL_updateBotCallbackQuery;
    struct rpc_view_event e = {.type = "callback"};
    char key[RPC_KEY_MAX];
    json_t *body;

    if (!in_chat && u->def->id != TL_updateInlineBotCallbackQuery)
        return MT_E_PEER;
    /* both begin with the same fields */
    begin(&e, key, tl_get_long(u, TLF_updateBotCallbackQuery__query_id),
          tl_get_long(u, TLF_updateBotCallbackQuery__user_id));
    body = query_body(r, tl_get_long(u, TLF_updateBotCallbackQuery__query_id), e.sender);
    if (body && in_chat) {
        e.chat = rpc_peer_field(u, TLF_updateBotCallbackQuery__peer);
        rpc_put_int(body, "chat_id", e.chat);
        rpc_put_int(body, "message_id", tl_get_int(u, TLF_updateBotCallbackQuery__msg_id));
        rpc_put_long(body, "chat_instance", tl_get_long(u, TLF_updateBotCallbackQuery__chat_instance));
        if (tl_has(u, TLF_updateBotCallbackQuery__data))
            rpc_event_bytes(body, "data", tl_get_bytes(u, TLF_updateBotCallbackQuery__data));
        rpc_put_text(body, "game", tl_get_bytes(u, TLF_updateBotCallbackQuery__game_short_name));
    } else if (body) {
        put_inline_id(body, u, TLF_updateInlineBotCallbackQuery__msg_id);
        rpc_put_long(body, "chat_instance", tl_get_long(u, TLF_updateInlineBotCallbackQuery__chat_instance));
        if (tl_has(u, TLF_updateInlineBotCallbackQuery__data))
            rpc_event_bytes(body, "data", tl_get_bytes(u, TLF_updateInlineBotCallbackQuery__data));
        rpc_put_text(body, "game", tl_get_bytes(u, TLF_updateInlineBotCallbackQuery__game_short_name));
    }
    return rpc_event_emit(r, &e, body);
}

static const char *inline_chat(uint32_t id)
{
    switch (id) {
    case TL_inlineQueryPeerTypePM:
    case TL_inlineQueryPeerTypeBotPM:
        return "user";
    case TL_inlineQueryPeerTypeSameBotPM:
        return "bot";
    case TL_inlineQueryPeerTypeChat:
        return "group";
    case TL_inlineQueryPeerTypeMegagroup:
        return "supergroup";
    case TL_inlineQueryPeerTypeBroadcast:
        return "channel";
    default:
        return "";
    }
}

int rpc_event_inline(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "inline"};
    char key[RPC_KEY_MAX];
    json_t *body;

    begin(&e, key, tl_get_long(u, TLF_updateBotInlineQuery__query_id),
          tl_get_long(u, TLF_updateBotInlineQuery__user_id));
    body = query_body(r, tl_get_long(u, TLF_updateBotInlineQuery__query_id), e.sender);
    if (body) {
        rpc_put(body, "text", rpc_text(tl_get_bytes(u, TLF_updateBotInlineQuery__query)));
        rpc_put_text(body, "offset", tl_get_bytes(u, TLF_updateBotInlineQuery__offset));
        rpc_put_str(body, "chat_type", inline_chat(tl_get_id(u, TLF_updateBotInlineQuery__peer_type)));
        put_location(body, u, TLF_updateBotInlineQuery__geo);
    }
    return rpc_event_emit(r, &e, body);
}

int rpc_event_inline_sent(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "inline_sent", .direction = 1};
    char key[RPC_KEY_MAX];
    json_t *body = json_object();

    snprintf(key, sizeof key, "inline_sent/%016" PRIx64, rpc_event_digest(r));
    e.key = key;
    e.sender = tl_get_long(u, TLF_updateBotInlineSend__user_id);
    if (body) {
        rpc_put(body, "result_id", rpc_text(tl_get_bytes(u, TLF_updateBotInlineSend__id)));
        rpc_event_sender(r, body, e.sender);
        rpc_put(body, "text", rpc_text(tl_get_bytes(u, TLF_updateBotInlineSend__query)));
        put_inline_id(body, u, TLF_updateBotInlineSend__msg_id);
        put_location(body, u, TLF_updateBotInlineSend__geo);
    }
    return rpc_event_emit(r, &e, body);
}

static json_t *address(const struct tl_view *a)
{
    json_t *o = json_object();

    if (o) {
        rpc_put_text(o, "street", tl_get_bytes(a, TLF_postAddress__street_line1));
        rpc_put_text(o, "street2", tl_get_bytes(a, TLF_postAddress__street_line2));
        rpc_put_text(o, "city", tl_get_bytes(a, TLF_postAddress__city));
        rpc_put_text(o, "state", tl_get_bytes(a, TLF_postAddress__state));
        rpc_put_text(o, "country", tl_get_bytes(a, TLF_postAddress__country_iso2));
        rpc_put_text(o, "post_code", tl_get_bytes(a, TLF_postAddress__post_code));
    }
    return o;
}

int rpc_event_precheckout(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "precheckout"};
    struct tl_view info, where;
    char key[RPC_KEY_MAX];
    json_t *body;

    begin(&e, key, tl_get_long(u, TLF_updateBotPrecheckoutQuery__query_id),
          tl_get_long(u, TLF_updateBotPrecheckoutQuery__user_id));
    body = query_body(r, tl_get_long(u, TLF_updateBotPrecheckoutQuery__query_id), e.sender);
    if (!body)
        return MT_E_NOMEM;
    rpc_event_bytes(body, "payload", tl_get_bytes(u, TLF_updateBotPrecheckoutQuery__payload));
    rpc_put_text(body, "currency", tl_get_bytes(u, TLF_updateBotPrecheckoutQuery__currency));
    rpc_put(body, "amount", json_integer(tl_get_long(u, TLF_updateBotPrecheckoutQuery__total_amount)));
    rpc_put_text(body, "option_id", tl_get_bytes(u, TLF_updateBotPrecheckoutQuery__shipping_option_id));
    if (tl_get_object(u, TLF_updateBotPrecheckoutQuery__info, &info)) {
        rpc_put_text(body, "name", tl_get_bytes(&info, TLF_paymentRequestedInfo__name));
        rpc_put_text(body, "phone", tl_get_bytes(&info, TLF_paymentRequestedInfo__phone));
        rpc_put_text(body, "email", tl_get_bytes(&info, TLF_paymentRequestedInfo__email));
        if (tl_get_object(&info, TLF_paymentRequestedInfo__shipping_address, &where))
            rpc_put(body, "address", address(&where));
    }
    return rpc_event_emit(r, &e, body);
}

int rpc_event_shipping(struct rpc_render *r)
{
    const struct tl_view *u = r->u;
    struct rpc_view_event e = {.type = "shipping"};
    struct tl_view where;
    char key[RPC_KEY_MAX];
    json_t *body;

    begin(&e, key, tl_get_long(u, TLF_updateBotShippingQuery__query_id),
          tl_get_long(u, TLF_updateBotShippingQuery__user_id));
    body = query_body(r, tl_get_long(u, TLF_updateBotShippingQuery__query_id), e.sender);
    if (body) {
        rpc_event_bytes(body, "payload", tl_get_bytes(u, TLF_updateBotShippingQuery__payload));
        if (tl_get_object(u, TLF_updateBotShippingQuery__shipping_address, &where))
            rpc_put(body, "address", address(&where));
    }
    return rpc_event_emit(r, &e, body);
}
