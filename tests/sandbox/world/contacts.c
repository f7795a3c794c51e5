/* contacts.*: names, numbers and the address book. */
#include "tests/sandbox/world_acts.h"

static void answer_resolved(struct sb_turn *t, struct sb_peer peer)
{
    json_t *r = json_pack("{s:s,s:o}", "_", "contacts.resolvedPeer", "peer", sb_json_peer(peer));

    sb_add_peers(t->w, t->date, t->me, json_object_get(r, "peer"), false, r);
    sb_answer(t, r);
}

static void resolve_username(struct sb_turn *t)
{
    struct tl_slice name = tl_get_bytes(t->call, TLF_contacts_resolveUsername__username);
    struct sb_peer peer = {SB_NOBODY, 0};

    if (!name.n || !sb_username_ok((const char *)name.p, name.n)) {
        sb_refuse(t, 400, "USERNAME_INVALID");
        return;
    }
    peer = sb_by_username(t->w, (const char *)name.p, name.n);
    if (peer.kind == SB_NOBODY)
        sb_refuse(t, 400, "USERNAME_NOT_OCCUPIED");
    else
        answer_resolved(t, peer);
}

static void resolve_phone(struct sb_turn *t)
{
    char *phone = sb_arg_text(t, TLF_contacts_resolvePhone__phone);
    const struct sb_user *u = sb_user_by_phone(t->w, phone[0] == '+' ? phone + 1 : phone);

    if (u)
        answer_resolved(t, (struct sb_peer){SB_USER, u->id});
    else
        sb_refuse(t, 400, "PHONE_NOT_OCCUPIED");
    free(phone);
}

static void get_contacts(struct sb_turn *t)
{
    json_t *list = json_array(), *r;

    for (size_t i = 0; i < t->me->n_contacts; i++) {
        const struct sb_user *u = sb_user_get(t->w, t->me->contacts[i]);

        json_array_append_new(list, json_pack("{s:s,s:I,s:b}", "_", "contact", "user_id", t->me->contacts[i],
                                              "mutual", u && sb_is_contact(u, t->me->id)));
    }
    r = json_pack("{s:s,s:O,s:i}", "_", "contacts.contacts", "contacts", list, "saved_count",
                  (int)t->me->n_contacts);
    sb_add_peers(t->w, t->date, t->me, list, false, r);
    json_object_del(r, "chats");
    json_decref(list);
    sb_answer(t, r);
}

static void get_statuses(struct sb_turn *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->me->n_contacts; i++) {
        const struct sb_user *u = sb_user_get(t->w, t->me->contacts[i]);

        if (u)
            json_array_append_new(list, json_pack("{s:s,s:I,s:o}", "_", "contactStatus", "user_id", u->id,
                                                  "status", sb_json_status(u, t->date)));
    }
    sb_answer(t, list);
}

static bool has(const char *text, const char *q)
{
    return text && strcasestr(text, q);
}

static void search(struct sb_turn *t)
{
    char *q = sb_arg_text(t, TLF_contacts_search__q);
    json_t *mine = json_array(), *others = json_array(), *r;

    if (strlen(q) < 2) {
        sb_refuse(t, 400, *q ? "QUERY_TOO_SHORT" : "SEARCH_QUERY_EMPTY");
    } else {
        for (size_t i = 0; i < t->w->n_users; i++) {
            const struct sb_user *u = t->w->users[i];
            const struct sb_peer peer = {SB_USER, u->id};
            bool known = sb_is_contact(t->me, u->id) || sb_dialog_get(t->me, peer);

            if (has(u->username, q) || (known && (has(u->first, q) || has(u->last, q))))
                json_array_append_new(known ? mine : others, sb_json_peer(peer));
        }
        for (size_t i = 0; i < t->w->n_chats; i++) {
            const struct sb_chat *c = t->w->chats[i];
            bool known = sb_is_member(c, t->me->id);

            if (has(c->username, q) || (known && has(c->title, q)))
                json_array_append_new(known ? mine : others, sb_json_peer(c->self));
        }
        r = json_pack("{s:s,s:O,s:O}", "_", "contacts.found", "my_results", mine, "results", others);
        json_t *both = json_pack("[O,O]", mine, others);

        sb_add_peers(t->w, t->date, t->me, both, false, r);
        json_decref(both);
        sb_answer(t, r);
    }
    json_decref(mine);
    json_decref(others);
    free(q);
}

static void add_contact(struct sb_turn *t)
{
    struct sb_user *u;

    if (!sb_arg_user(t, TLF_contacts_addContact__id, &u))
        return;
    if (!sb_is_contact(t->me, u->id))
        *SB_PUSH(t->me->contacts, t->me->n_contacts, t->me->cap_contacts) = u->id;
    sb_note(t, t->me,
            json_pack("{s:s,s:o,s:{s:s}}", "_", "updatePeerSettings", "peer",
                      sb_json_peer((struct sb_peer){SB_USER, u->id}), "settings", "_", "peerSettings"));
    sb_answer_updates(t);
}

static void import_contacts(struct sb_turn *t)
{
    struct tl_vec vec = tl_get_vector(t->call, TLF_contacts_importContacts__contacts);
    json_t *imported = json_array(), *r;
    struct tl_view v;

    while (tl_vec_object(&vec, &v)) {
        struct tl_slice s = tl_get_bytes(&v, TLF_inputPhoneContact__phone);
        char *phone = sb_dupn(s.p, s.n);
        const struct sb_user *u = sb_user_by_phone(t->w, phone[0] == '+' ? phone + 1 : phone);

        if (u) {
            if (!sb_is_contact(t->me, u->id))
                *SB_PUSH(t->me->contacts, t->me->n_contacts, t->me->cap_contacts) = u->id;
            json_array_append_new(
                imported, json_pack("{s:s,s:I,s:I}", "_", "importedContact", "user_id", u->id, "client_id",
                                    (json_int_t)tl_get_long(&v, TLF_inputPhoneContact__client_id)));
        }
        free(phone);
    }
    r = json_pack("{s:s,s:O,s:[],s:[]}", "_", "contacts.importedContacts", "imported", imported,
                  "popular_invites", "retry_contacts");
    sb_add_peers(t->w, t->date, t->me, imported, false, r);
    json_object_del(r, "chats");
    json_decref(imported);
    sb_answer(t, r);
}

static void get_blocked(struct sb_turn *t)
{
    sb_answer(t, json_pack("{s:s,s:[],s:[],s:[]}", "_", "contacts.blocked", "blocked", "chats", "users"));
}

const struct sb_method sb_methods_contacts[] = {
    {TL_contacts_resolveUsername, 0, resolve_username},
    {TL_contacts_resolvePhone, 0, resolve_phone},
    {TL_contacts_getContacts, 0, get_contacts},
    {TL_contacts_getStatuses, 0, get_statuses},
    {TL_contacts_search, 0, search},
    {TL_contacts_addContact, 0, add_contact},
    {TL_contacts_importContacts, 0, import_contacts},
    {TL_contacts_getBlocked, 0, get_blocked},
    {0},
};
