#include "rpc/views/parts.h"

#include <stdio.h>
#include <string.h>

/* --- entities --- */

static json_t *entity(const struct tl_view *e, const char *text, size_t n)
{
    int type = mt_entity_by_constructor(tl_def_name(e->def));
    int offset_field = tl_view_field(e, "offset"), length_field = tl_view_field(e, "length");
    int32_t offset = tl_get_int(e, (unsigned)offset_field), length = tl_get_int(e, (unsigned)length_field);
    size_t from, to;
    json_t *o;

    if (offset < 0 || length <= 0 || offset > INT32_MAX - length)
        return NULL;
    if (type < 0)
        type = MT_ENT_OTHER;
    if (e->def->id == TL_messageEntityBlockquote && tl_has(e, TLF_messageEntityBlockquote__collapsed))
        type = MT_ENT_EXPANDABLE;
    from = mt_utf16_to_byte(text, n, offset);
    to = mt_utf16_to_byte(text, n, offset + length);
    o = json_pack("{s:s, s:i, s:i}", "type", mt_entity_name((enum mt_entity_type)type), "offset", (int)offset,
                  "length", (int)length);
    if (!o)
        return NULL;
    rpc_put(o, "text", rpc_text((struct tl_slice){(const uint8_t *)text + from, to - from}));
    if (type == MT_ENT_TEXT_LINK)
        rpc_put_text(o, "url", tl_get_bytes(e, TLF_messageEntityTextUrl__url));
    else if (type == MT_ENT_PRE)
        rpc_put_text(o, "language", tl_get_bytes(e, TLF_messageEntityPre__language));
    else if (type == MT_ENT_TEXT_MENTION)
        rpc_put_int(o, "user_id", tl_get_long(e, TLF_messageEntityMentionName__user_id));
    else if (type == MT_ENT_CUSTOM_EMOJI)
        rpc_put_long(o, "custom_emoji_id", tl_get_long(e, TLF_messageEntityCustomEmoji__document_id));
    return o;
}

json_t *rpc_view_entities(const struct tl_view *v, unsigned field, struct tl_slice text)
{
    struct tl_vec vec = tl_get_vector(v, field);
    json_t *list = vec.left ? json_array() : NULL;
    struct tl_view e;

    while (list && tl_vec_object(&vec, &e)) {
        json_t *o = entity(&e, text.n ? (const char *)text.p : "", text.n);

        if (o)
            (void)json_array_append_new(list, o);
    }
    return list;
}

/* --- documents and photos --- */

static void attribute(json_t *o, const struct tl_view *a, const char **kind)
{
    if (a->def->id == TL_documentAttributeFilename) {
        rpc_put_text(o, "name", tl_get_bytes(a, TLF_documentAttributeFilename__file_name));
    } else if (a->def->id == TL_documentAttributeVideo) {
        if (strcmp(*kind, "document") == 0)
            *kind = tl_has(a, TLF_documentAttributeVideo__round_message) ? "video_note" : "video";
        rpc_put_int(o, "width", tl_get_int(a, TLF_documentAttributeVideo__w));
        rpc_put_int(o, "height", tl_get_int(a, TLF_documentAttributeVideo__h));
        rpc_put(o, "duration", json_real(tl_get_double(a, TLF_documentAttributeVideo__duration)));
    } else if (a->def->id == TL_documentAttributeAudio) {
        *kind = tl_has(a, TLF_documentAttributeAudio__voice) ? "voice" : "audio";
        rpc_put_int(o, "duration", tl_get_int(a, TLF_documentAttributeAudio__duration));
        rpc_put_text(o, "title", tl_get_bytes(a, TLF_documentAttributeAudio__title));
        rpc_put_text(o, "performer", tl_get_bytes(a, TLF_documentAttributeAudio__performer));
    } else if (a->def->id == TL_documentAttributeSticker) {
        *kind = "sticker";
        rpc_put_text(o, "emoji", tl_get_bytes(a, TLF_documentAttributeSticker__alt));
    } else if (a->def->id == TL_documentAttributeAnimated) {
        *kind = "animation";
    } else if (a->def->id == TL_documentAttributeImageSize) {
        rpc_put_int(o, "width", tl_get_int(a, TLF_documentAttributeImageSize__w));
        rpc_put_int(o, "height", tl_get_int(a, TLF_documentAttributeImageSize__h));
    }
}

static const char *document(json_t *o, const struct tl_view *media)
{
    struct tl_view d, a;
    struct tl_vec attributes;
    const char *kind = "document";

    if (!tl_get_object(media, TLF_messageMediaDocument__document, &d) || d.def->id != TL_document)
        return kind;
    attributes = tl_get_vector(&d, TLF_document__attributes);
    while (tl_vec_object(&attributes, &a))
        attribute(o, &a, &kind);
    rpc_put_text(o, "mime_type", tl_get_bytes(&d, TLF_document__mime_type));
    rpc_put_int(o, "size", tl_get_long(&d, TLF_document__size));
    rpc_put_true(o, "spoiler", tl_has(media, TLF_messageMediaDocument__spoiler));
    return kind;
}

static int32_t last_int(struct tl_vec vec)
{
    int32_t v = 0, last = 0;

    while (tl_vec_int(&vec, &v))
        last = v;
    return last;
}

/* The largest size of a photo. */
static void photo(json_t *o, const struct tl_view *media)
{
    struct tl_view p, size;
    struct tl_vec sizes;
    int32_t best = 0, bytes = 0, w = 0, h = 0;

    rpc_put_true(o, "spoiler", tl_has(media, TLF_messageMediaPhoto__spoiler));
    if (!tl_get_object(media, TLF_messageMediaPhoto__photo, &p) || p.def->id != TL_photo)
        return;
    sizes = tl_get_vector(&p, TLF_photo__sizes);
    while (tl_vec_object(&sizes, &size)) {
        int32_t sw = 0, sh = 0, sb = 0;

        if (size.def->id == TL_photoSize) {
            sw = tl_get_int(&size, TLF_photoSize__w);
            sh = tl_get_int(&size, TLF_photoSize__h);
            sb = tl_get_int(&size, TLF_photoSize__size);
        } else if (size.def->id == TL_photoSizeProgressive) {
            sw = tl_get_int(&size, TLF_photoSizeProgressive__w);
            sh = tl_get_int(&size, TLF_photoSizeProgressive__h);
            sb = last_int(tl_get_vector(&size, TLF_photoSizeProgressive__sizes));
        }
        if (sw > best) {
            best = w = sw;
            h = sh;
            bytes = sb;
        }
    }
    rpc_put_int(o, "width", w);
    rpc_put_int(o, "height", h);
    rpc_put_int(o, "size", bytes);
}

/* --- the rest --- */

static void place(json_t *o, const struct tl_view *media, unsigned field)
{
    struct tl_view geo;

    if (!tl_get_object(media, field, &geo) || geo.def->id != TL_geoPoint)
        return;
    rpc_put(o, "latitude", json_real(tl_get_double(&geo, TLF_geoPoint__lat)));
    rpc_put(o, "longitude", json_real(tl_get_double(&geo, TLF_geoPoint__long)));
}

static void contact(json_t *o, const struct tl_view *media)
{
    struct tl_slice first = tl_get_bytes(media, TLF_messageMediaContact__first_name);
    struct tl_slice last = tl_get_bytes(media, TLF_messageMediaContact__last_name);
    char name[256];
    int n =
        snprintf(name, sizeof name, "%.*s%s%.*s", (int)(first.n < 120 ? first.n : 120), (const char *)first.p,
                 first.n && last.n ? " " : "", (int)(last.n < 120 ? last.n : 120), (const char *)last.p);

    rpc_put_text(o, "name", (struct tl_slice){(const uint8_t *)name, (size_t)n});
    rpc_put_text(o, "phone", tl_get_bytes(media, TLF_messageMediaContact__phone_number));
    rpc_put_int(o, "user_id", tl_get_long(media, TLF_messageMediaContact__user_id));
}

static void poll(json_t *o, const struct tl_view *media)
{
    struct tl_view p, question, answer, text;
    json_t *options = json_array();
    struct tl_vec answers;

    if (!options || !tl_get_object(media, TLF_messageMediaPoll__poll, &p)) {
        json_decref(options);
        return;
    }
    rpc_put_long(o, "poll_id", tl_get_long(&p, TLF_poll__id));
    if (tl_get_object(&p, TLF_poll__question, &question))
        rpc_put_text(o, "question", tl_get_bytes(&question, TLF_textWithEntities__text));
    answers = tl_get_vector(&p, TLF_poll__answers);
    while (tl_vec_object(&answers, &answer))
        if (answer.def->id == TL_pollAnswer && tl_get_object(&answer, TLF_pollAnswer__text, &text))
            (void)json_array_append_new(options, rpc_text(tl_get_bytes(&text, TLF_textWithEntities__text)));
    rpc_put(o, "options", options);
}

static void web_page(json_t *o, const struct tl_view *media)
{
    struct tl_view page;

    if (!tl_get_object(media, TLF_messageMediaWebPage__webpage, &page) || page.def->id != TL_webPage)
        return;
    rpc_put_text(o, "url", tl_get_bytes(&page, TLF_webPage__url));
    rpc_put_text(o, "title", tl_get_bytes(&page, TLF_webPage__title));
}

static void game(json_t *o, const struct tl_view *media)
{
    struct tl_view g;

    if (tl_get_object(media, TLF_messageMediaGame__game, &g))
        rpc_put_text(o, "title", tl_get_bytes(&g, TLF_game__title));
}

static void todo(json_t *o, const struct tl_view *media)
{
    struct tl_view list, title;

    if (tl_get_object(media, TLF_messageMediaToDo__todo, &list) &&
        tl_get_object(&list, TLF_todoList__title, &title))
        rpc_put_text(o, "title", tl_get_bytes(&title, TLF_textWithEntities__text));
}

static const char *fill(json_t *o, const struct tl_view *m)
{
    switch (m->def->id) {
    case TL_messageMediaDocument:
        return document(o, m);
    case TL_messageMediaPhoto:
        photo(o, m);
        return "photo";
    case TL_messageMediaGeo:
        place(o, m, TLF_messageMediaGeo__geo);
        return "location";
    case TL_messageMediaGeoLive:
        place(o, m, TLF_messageMediaGeoLive__geo);
        return "live_location";
    case TL_messageMediaVenue:
        place(o, m, TLF_messageMediaVenue__geo);
        rpc_put_text(o, "title", tl_get_bytes(m, TLF_messageMediaVenue__title));
        rpc_put_text(o, "address", tl_get_bytes(m, TLF_messageMediaVenue__address));
        return "venue";
    case TL_messageMediaContact:
        contact(o, m);
        return "contact";
    case TL_messageMediaPoll:
        poll(o, m);
        return "poll";
    case TL_messageMediaDice:
        rpc_put_text(o, "emoji", tl_get_bytes(m, TLF_messageMediaDice__emoticon));
        rpc_put_int(o, "value", tl_get_int(m, TLF_messageMediaDice__value));
        return "dice";
    case TL_messageMediaGame:
        game(o, m);
        return "game";
    case TL_messageMediaInvoice:
        rpc_put_text(o, "title", tl_get_bytes(m, TLF_messageMediaInvoice__title));
        return "invoice";
    case TL_messageMediaWebPage:
        web_page(o, m);
        return "web_page";
    case TL_messageMediaStory:
        return "story";
    case TL_messageMediaGiveaway:
    case TL_messageMediaGiveawayResults:
        return "giveaway";
    case TL_messageMediaPaidMedia:
        return "paid";
    case TL_messageMediaToDo:
        todo(o, m);
        return "todo";
    default:
        rpc_put_str(o, "constructor", tl_def_name(m->def));
        return "other";
    }
}

json_t *rpc_view_media(const struct tl_view *media)
{
    json_t *all = json_object(), *parts = json_object();

    if (!all || !parts || !media->def || media->def->id == TL_messageMediaEmpty) {
        json_decref(all);
        json_decref(parts);
        return NULL;
    }
    rpc_put_str(all, "kind", fill(parts, media)); /* first, although it is known last */
    (void)json_object_update(all, parts);
    json_decref(parts);
    return all;
}
