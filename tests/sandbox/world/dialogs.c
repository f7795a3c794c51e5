/* messages.getDialogs and its relatives. */
#include "tests/sandbox/world_acts.h"

struct row {
    const struct sb_dialog *d;
    int32_t date, id;
};

static int newest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->d->pinned != y->d->pinned)
        return x->d->pinned ? -1 : 1;
    if (x->date != y->date)
        return x->date > y->date ? -1 : 1;
    return x->id == y->id ? 0 : (x->id > y->id ? -1 : 1);
}

/* The dialogs of the main list, pinned ones first. malloc'ed. */
static struct row *sorted(struct sb_turn *t, bool with_pinned, size_t *n)
{
    struct row *rows = sb_alloc((t->me->n_dialogs + 1) * sizeof *rows);

    *n = 0;
    for (size_t i = 0; i < t->me->n_dialogs; i++) {
        const struct sb_dialog *d = t->me->dialogs[i];
        const struct sb_msg *top = sb_top_message(t->w, t->me, d->peer);
        const struct sb_chat *c = d->peer.kind == SB_USER ? NULL : sb_chat_get(t->w, d->peer);

        if (d->hidden || (!top && !c) || (d->pinned && !with_pinned))
            continue;
        rows[(*n)++] = (struct row){d, top ? top->post->date : c->date, top ? top->id : 0};
    }
    qsort(rows, *n, sizeof *rows, newest_first);
    return rows;
}

/* Sets dialogs, messages, chats and users of an answer. */
static void put_dialogs(struct sb_turn *t, const struct row *rows, size_t n, json_t *r)
{
    json_t *dialogs = json_array(), *messages = json_array(), *all;

    for (size_t i = 0; i < n; i++) {
        const struct sb_msg *top = sb_top_message(t->w, t->me, rows[i].d->peer);

        json_array_append_new(dialogs, sb_json_dialog(t->w, t->me, rows[i].d));
        if (top)
            json_array_append_new(messages, sb_json_message(t->w, t->me, top));
    }
    json_object_set_new(r, "dialogs", dialogs);
    json_object_set_new(r, "messages", messages);
    all = json_pack("[O,O]", dialogs, messages);
    sb_add_peers(t->w, t->date, t->me, all, false, r);
    json_decref(all);
}

/* Where a page starts that follows the dialog which the last one ended with. */
static size_t page_start(const struct row *rows, size_t n, int32_t date, int32_t id, struct sb_peer peer)
{
    size_t i;

    if (!date && !id && peer.kind == SB_NOBODY)
        return 0;
    for (i = 0; i < n; i++)
        if (sb_same(rows[i].d->peer, peer))
            return i + 1;
    for (i = 0; i < n; i++)
        if (!rows[i].d->pinned && (rows[i].date < date || (rows[i].date == date && rows[i].id < id)))
            break;
    return i;
}

static void get_dialogs(struct sb_turn *t)
{
    int32_t limit = tl_get_int(t->call, TLF_messages_getDialogs__limit);
    const bool archive = tl_get_int(t->call, TLF_messages_getDialogs__folder_id) == 1;
    struct sb_peer peer = {SB_NOBODY, 0};
    struct row *rows;
    size_t n, from, count;
    json_t *r;

    if (tl_get_id(t->call, TLF_messages_getDialogs__offset_peer) != TL_inputPeerEmpty &&
        !sb_arg_peer(t, TLF_messages_getDialogs__offset_peer, &peer))
        return;
    rows = sorted(t, !tl_has(t->call, TLF_messages_getDialogs__exclude_pinned), &n);
    n = archive ? 0 : n;
    limit = limit <= 0 || limit > 100 ? 100 : limit;
    from = page_start(rows, n, tl_get_int(t->call, TLF_messages_getDialogs__offset_date),
                      tl_get_int(t->call, TLF_messages_getDialogs__offset_id), peer);
    count = n - from < (size_t)limit ? n - from : (size_t)limit;
    if (count == n)
        r = json_pack("{s:s}", "_", "messages.dialogs");
    else
        r = json_pack("{s:s,s:i}", "_", "messages.dialogsSlice", "count", (int)n);
    put_dialogs(t, rows + from, count, r);
    free(rows);
    sb_answer(t, r);
}

static void get_peer_dialogs(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_messages_getPeerDialogs__peers);
    struct row *rows = sb_alloc((vec.left + 1) * sizeof *rows);
    struct sb_dialog *fresh = sb_alloc((vec.left + 1) * sizeof *fresh);
    struct tl_view item, v;
    struct sb_peer peer;
    size_t n = 0;
    json_t *r;

    while (tl_vec_object(&vec, &item)) {
        const struct sb_dialog *d;

        if (item.def->id != TL_inputDialogPeer || !tl_get_object(&item, TLF_inputDialogPeer__peer, &v))
            continue;
        if (!sb_in_peer(t, &v, &peer) || !sb_may_read(t, peer))
            goto out;
        d = sb_dialog_get(t->me, peer);
        if (!d) { /* nothing there yet: it is shown empty */
            fresh[n].peer = peer;
            d = &fresh[n];
        }
        rows[n++].d = d;
    }
    r = json_pack("{s:s,s:o}", "_", "messages.peerDialogs", "state", sb_json_state(t, t->me, t->me->box.pts));
    put_dialogs(t, rows, n, r);
    sb_answer(t, r);
out:
    free(rows);
    free(fresh);
}

static void get_pinned(struct sb_turn *t)
{
    size_t n, pinned = 0;
    struct row *rows = sorted(t, true, &n);
    json_t *r =
        json_pack("{s:s,s:o}", "_", "messages.peerDialogs", "state", sb_json_state(t, t->me, t->me->box.pts));

    while (pinned < n && rows[pinned].d->pinned)
        pinned++;
    put_dialogs(t, rows, tl_get_int(t->call, TLF_messages_getPinnedDialogs__folder_id) ? 0 : pinned, r);
    free(rows);
    sb_answer(t, r);
}

static struct sb_dialog *dialog_of(struct sb_turn *t, unsigned field)
{
    struct tl_view item, v;
    struct sb_peer peer;

    if (!tl_get_object(t->call, field, &item) || item.def->id != TL_inputDialogPeer ||
        !tl_get_object(&item, TLF_inputDialogPeer__peer, &v)) {
        sb_refuse(t, 400, "PEER_ID_INVALID");
        return NULL;
    }
    return sb_in_peer(t, &v, &peer) && sb_may_read(t, peer) ? sb_dialog_open(t->me, peer) : NULL;
}

static json_t *dialog_update(const char *ctor, const struct sb_dialog *d, const char *flag, bool on)
{
    json_t *u =
        json_pack("{s:s,s:{s:s,s:o}}", "_", ctor, "peer", "_", "dialogPeer", "peer", sb_json_peer(d->peer));

    if (on)
        json_object_set_new(u, flag, json_true());
    return u;
}

static void toggle_pin(struct sb_turn *t)
{
    struct sb_dialog *d = dialog_of(t, TLF_messages_toggleDialogPin__peer);

    if (!d)
        return;
    d->pinned = tl_has(t->call, TLF_messages_toggleDialogPin__pinned);
    sb_note_others(t, t->me, dialog_update("updateDialogPinned", d, "pinned", d->pinned));
    sb_answer_bool(t, true);
}

static void mark_unread(struct sb_turn *t)
{
    struct sb_dialog *d = dialog_of(t, TLF_messages_markDialogUnread__peer);

    if (!d)
        return;
    d->unread_mark = tl_has(t->call, TLF_messages_markDialogUnread__unread);
    sb_note_others(t, t->me, dialog_update("updateDialogUnreadMark", d, "unread", d->unread_mark));
    sb_answer_bool(t, true);
}

static void get_filters(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:[{s:s}]}", "_", "messages.dialogFilters", "filters", "_",
                           "dialogFilterDefault"));
}

static void get_peer_settings(struct sb_turn *t)
{
    struct sb_peer peer;
    json_t *r, *named;

    if (!sb_arg_peer(t, TLF_messages_getPeerSettings__peer, &peer))
        return;
    r = json_pack("{s:s,s:{s:s}}", "_", "messages.peerSettings", "settings", "_", "peerSettings");
    named = sb_json_peer(peer);
    sb_add_peers(t->w, t->date, t->me, named, false, r);
    json_decref(named);
    sb_answer(t, r);
}

const struct sb_method sb_methods_dialogs[] = {
    {TL_messages_getDialogs, 0, get_dialogs},
    {TL_messages_getPeerDialogs, 0, get_peer_dialogs},
    {TL_messages_getPinnedDialogs, 0, get_pinned},
    {TL_messages_toggleDialogPin, 0, toggle_pin},
    {TL_messages_markDialogUnread, 0, mark_unread},
    {TL_messages_getDialogFilters, 0, get_filters},
    {TL_messages_getPeerSettings, 0, get_peer_settings},
    {0},
};
