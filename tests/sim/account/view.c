#include <stdio.h>
#include <string.h>

#include "core/peers/peers.h"
#include "tests/sim/account/asim.h"
#include "tl/ids.h"

enum box view_box(mt_chat_id chat)
{
    enum mt_peer_kind kind;
    int64_t id;

    if (!mt_chat_split(chat, &kind, &id) || kind != MT_PEER_CHANNEL)
        return BOX_COMMON;
    return id % 2 ? BOX_FAMILY : BOX_NEWS; /* truth_setup() sees to it that this is so */
}

/* --- an Update object as happenings --- */

static size_t of_message(const struct tl_view *update, unsigned field, int kind, struct happening *h)
{
    int pts = tl_view_field(update, "pts");
    struct tl_slice text = {NULL, 0};
    struct tl_view m;

    if (!tl_get_object(update, field, &m))
        return 0;
    *h = (struct happening){.kind = kind, .pts = pts < 0 ? 0 : tl_get_int(update, (unsigned)pts)};
    h->chat = mt_message_chat(&m, &h->id);
    h->box = view_box(h->chat);
    if (m.def->id == TL_message)
        text = tl_get_bytes(&m, TLF_message__message);
    snprintf(h->text, sizeof h->text, "%.*s", (int)text.n, text.n ? (const char *)text.p : "");
    return 1;
}

static size_t of_ids(const struct tl_view *update, unsigned field, int64_t channel, struct happening *out,
                     size_t max)
{
    struct tl_vec ids = tl_get_vector(update, field);
    int32_t pts = tl_get_int(update, (unsigned)tl_view_field(update, "pts"));
    mt_chat_id chat = channel ? mt_chat_of_channel(channel) : 0;
    size_t n = 0;
    int32_t id;

    while (n < max && tl_vec_int(&ids, &id))
        out[n++] = (struct happening){.kind = HAP_DELETE,
                                      .chat = chat,
                                      .box = channel ? view_box(chat) : BOX_COMMON,
                                      .id = id,
                                      .pts = pts};
    return n;
}

size_t view_read(const void *p, size_t n, struct happening *out, size_t max)
{
    struct tl_view v;

    if (tl_view_open_exact(&v, p, n) || !max)
        return 0;
    switch (v.def->id) {
    case TL_updateNewMessage:
        return of_message(&v, TLF_updateNewMessage__message, HAP_NEW, out);
    case TL_updateNewChannelMessage:
        return of_message(&v, TLF_updateNewChannelMessage__message, HAP_NEW, out);
    case TL_updateEditMessage:
        return of_message(&v, TLF_updateEditMessage__message, HAP_EDIT, out);
    case TL_updateEditChannelMessage:
        return of_message(&v, TLF_updateEditChannelMessage__message, HAP_EDIT, out);
    case TL_updateDeleteMessages:
        return of_ids(&v, TLF_updateDeleteMessages__messages, 0, out, max);
    case TL_updateDeleteChannelMessages:
        return of_ids(&v, TLF_updateDeleteChannelMessages__messages,
                      tl_get_long(&v, TLF_updateDeleteChannelMessages__channel_id), out, max);
    case TL_updateNewEncryptedMessage:
        *out = (struct happening){.kind = HAP_SECRET, .secret = secret_of(&v)};
        return 1;
    default:
        return 0;
    }
}

/* --- what was journaled, told again --- */

/* "b12.3" is the third wording of "b12"; "b12" its first */
static int wording(const char *text)
{
    const char *dot = strchr(text, '.');
    int n = 0;

    return dot && sscanf(dot + 1, "%d", &n) == 1 ? n : 0;
}

static bool wrong(char why[160], const struct happening *h, const char *what)
{
    static const char *const kinds[] = {"new", "edit", "delete", "hole", "afresh", "secret"};

    snprintf(why, 160, "%s of message %d ('%s', pts %d) in box %d: %s", kinds[h->kind], (int)h->id, h->text,
             (int)h->pts, (int)h->box, what);
    return false;
}

static bool advance(struct view *v, const struct happening *h, char why[160])
{
    int32_t *pts = &v->last_pts[h->box];

    /* one update may delete several: the same pts again */
    if (h->pts && (h->pts < *pts || (h->pts == *pts && h->kind != HAP_DELETE)))
        return wrong(why, h, "out of order");
    if (h->pts)
        *pts = h->pts;
    return true;
}

bool view_tell(struct view *v, const struct happening *h, char why[160])
{
    struct said *said;

    if (h->kind == HAP_AFRESH) {
        for (int box = 0; box < BOXES; box++)
            v->afresh[box] = true;
        v->fewer_secrets = true;
        return true;
    }
    if (h->kind == HAP_HOLE) {
        v->afresh[h->box] = false;
        v->hole[h->box] = h->id;
        return true;
    }
    if (h->kind == HAP_SECRET)
        return secret_tell(v, h, why);
    if (h->id <= 0 || h->id >= BOX_IDS)
        return wrong(why, h, "no such number");
    said = &v->said[h->box][h->id];
    if (v->afresh[h->box] && h->id > v->hole[h->box]) /* the first that is heard of it */
        v->hole[h->box] = h->kind == HAP_NEW ? h->id - 1 : h->id;
    if (h->kind == HAP_NEW)
        v->afresh[h->box] = false;
    switch (h->kind) {
    case HAP_NEW:
        if (h->id <= v->last_id[h->box])
            return wrong(why, h, said->known ? "twice" : "after a later one");
        v->last_id[h->box] = h->id;
        *said = (struct said){.chat = h->chat, .known = true, .present = true};
        memcpy(said->text, h->text, sizeof said->text);
        return true;
    case HAP_EDIT:
        if (!said->known && h->id > v->hole[h->box])
            return wrong(why, h, "nobody heard of the message");
        if (said->known && !said->present)
            return wrong(why, h, "it was deleted");
        if (said->known && h->text[0] == 'w' && wording(h->text) < wording(said->text)) /* one writer */
            return wrong(why, h, "an older wording than the one before");
        memcpy(said->text, h->text, sizeof said->text);
        return advance(v, h, why);
    case HAP_DELETE:
        said->present = false;
        return advance(v, h, why);
    case HAP_HOLE:
    case HAP_AFRESH:
    case HAP_SECRET:
        break;
    }
    return true;
}

void view_init(struct view *v, const int32_t first[BOXES])
{
    memset(v, 0, sizeof *v);
    memcpy(v->hole, first, sizeof v->hole);
    memcpy(v->last_id, first, sizeof v->last_id);
}
