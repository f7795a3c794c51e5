/*
 * Service messages: what happened, as an Action and in words that can be printed as they are.
 */
#include "rpc/views/parts.h"

#include <stdio.h>
#include <string.h>

struct say {
    const struct rpc_view *ctx;
    const struct tl_view *a;
    const char *who;
    mt_chat_id sender;
    char *text; /* 512 bytes */
    json_t *o;
    const char *kind;
    const char *change; /* what a `chat` event calls it */
};

/* A cut of a name or title, at a code point, so that a sentence keeps its end. */
static int cut(struct tl_slice s)
{
    size_t n = s.n < 160 ? s.n : 160;

    while (n < s.n && n && (s.p[n] & 0xc0) == 0x80)
        n--;
    return (int)n;
}

static void say(struct say *s, const char *verb)
{
    snprintf(s->text, 512, "%s %s", s->who, verb);
}

static void say_text(struct say *s, const char *verb, struct tl_slice value)
{
    snprintf(s->text, 512, "%s %s \"%.*s\"", s->who, verb, cut(value), value.n ? (const char *)value.p : "");
}

static void put_users(struct say *s, struct tl_vec users, const char *verb)
{
    json_t *list = json_array();
    size_t len = (size_t)snprintf(s->text, 512, "%s %s", s->who, verb);
    int64_t id;

    while (tl_vec_long(&users, &id)) {
        struct mt_peer p;

        rpc_view_find(s->ctx, id, &p);
        (void)json_array_append_new(list, json_integer(id));
        if (len < 400)
            len += (size_t)snprintf(s->text + len, 512 - len, " %.100s%s", p.name[0] ? p.name : "someone",
                                    users.left ? "," : "");
    }
    rpc_put(s->o, "user_ids", list);
}

static void put_user(struct say *s, int64_t id, const char *verb)
{
    struct mt_peer p;
    json_t *list = json_pack("[I]", (json_int_t)id);

    rpc_view_find(s->ctx, id, &p);
    rpc_put(s->o, "user_ids", list);
    snprintf(s->text, 512, "%s %s %.200s", s->who, verb, p.name[0] ? p.name : "someone");
}

static void titled(struct say *s, const char *kind, const char *change, const char *verb,
                   struct tl_slice title)
{
    s->kind = kind;
    s->change = change;
    rpc_put_text(s->o, "title", title);
    say_text(s, verb, title);
}

static bool membership(struct say *s)
{
    struct tl_vec users;
    int64_t id;

    switch (s->a->def->id) {
    case TL_messageActionChatAddUser:
        users = tl_get_vector(s->a, TLF_messageActionChatAddUser__users);
        s->kind = s->change = "added";
        put_users(s, users, "added");
        users = tl_get_vector(s->a, TLF_messageActionChatAddUser__users);
        if (users.left == 1 && tl_vec_long(&users, &id) && id == s->sender) {
            s->kind = s->change = "joined";
            say(s, "joined");
        }
        return true;
    case TL_messageActionChatDeleteUser:
        id = tl_get_long(s->a, TLF_messageActionChatDeleteUser__user_id);
        s->kind = s->change = id == s->sender ? "left" : "removed";
        put_user(s, id, "removed");
        if (id == s->sender)
            say(s, "left");
        return true;
    case TL_messageActionChatJoinedByLink:
        s->kind = s->change = "joined";
        say(s, "joined by an invite link");
        return true;
    case TL_messageActionChatJoinedByRequest:
        s->kind = s->change = "joined";
        say(s, "was let in");
        return true;
    case TL_messageActionContactSignUp:
        s->kind = "joined";
        say(s, "joined Telegram");
        return true;
    default:
        return false;
    }
}

static bool chat_itself(struct say *s)
{
    switch (s->a->def->id) {
    case TL_messageActionChatCreate:
        titled(s, "created", "created", "created the group",
               tl_get_bytes(s->a, TLF_messageActionChatCreate__title));
        return true;
    case TL_messageActionChannelCreate:
        titled(s, "created", "created", "created", tl_get_bytes(s->a, TLF_messageActionChannelCreate__title));
        return true;
    case TL_messageActionChatEditTitle:
        titled(s, "title", "title", "changed the title to",
               tl_get_bytes(s->a, TLF_messageActionChatEditTitle__title));
        return true;
    case TL_messageActionChatEditPhoto:
        s->kind = s->change = "photo";
        say(s, "changed the photo");
        return true;
    case TL_messageActionChatDeletePhoto:
        s->kind = s->change = "photo";
        say(s, "removed the photo");
        return true;
    case TL_messageActionChatMigrateTo:
        s->kind = s->change = "migrated";
        rpc_put_int(s->o, "migrated_to",
                    mt_chat_of_channel(tl_get_long(s->a, TLF_messageActionChatMigrateTo__channel_id)));
        say(s, "made this group a supergroup");
        return true;
    case TL_messageActionChannelMigrateFrom:
        s->kind = "migrated";
        say(s, "made a group this supergroup");
        return true;
    case TL_messageActionTopicCreate:
        titled(s, "topic", NULL, "created the topic",
               tl_get_bytes(s->a, TLF_messageActionTopicCreate__title));
        return true;
    case TL_messageActionTopicEdit:
        titled(s, "topic", NULL, "changed the topic", tl_get_bytes(s->a, TLF_messageActionTopicEdit__title));
        return true;
    default:
        return false;
    }
}

static void call(struct say *s)
{
    int32_t duration = tl_get_int(s->a, TLF_messageActionPhoneCall__duration);

    s->kind = "call";
    rpc_put_int(s->o, "duration", duration);
    if (duration)
        snprintf(s->text, 512, "%s called: %d s", s->who, (int)duration);
    else
        say(s, "called; nobody answered");
}

static void ttl(struct say *s)
{
    int32_t period = tl_get_int(s->a, TLF_messageActionSetMessagesTTL__period);

    s->kind = "ttl";
    rpc_put_int(s->o, "duration", period);
    if (period)
        snprintf(s->text, 512, "%s set messages to be deleted after %d s", s->who, (int)period);
    else
        say(s, "turned the deletion timer off");
}

static bool other(struct say *s)
{
    struct tl_slice text;

    switch (s->a->def->id) {
    case TL_messageActionPinMessage:
        s->kind = "pin"; /* its chat event comes from updatePinned*Messages */
        say(s, "pinned a message");
        return true;
    case TL_messageActionPhoneCall:
        call(s);
        return true;
    case TL_messageActionGroupCall:
        s->kind = "call";
        say(s, tl_has(s->a, TLF_messageActionGroupCall__duration) ? "ended the call" : "started a call");
        return true;
    case TL_messageActionSetMessagesTTL:
        ttl(s);
        return true;
    case TL_messageActionHistoryClear:
        s->kind = "history_cleared";
        snprintf(s->text, 512, "The history was cleared");
        return true;
    case TL_messageActionCustomAction:
        text = tl_get_bytes(s->a, TLF_messageActionCustomAction__message);
        snprintf(s->text, 512, "%.*s", cut(text), text.n ? (const char *)text.p : "");
        return true;
    case TL_messageActionScreenshotTaken:
        say(s, "took a screenshot");
        return true;
    default:
        return false;
    }
}

/* "messageActionSetChatTheme" -> "set chat theme", for actions without words of their own. */
static void say_constructor(struct say *s)
{
    const char *name = tl_def_name(s->a->def) + strlen("messageAction");
    char words[96];
    size_t n = 0;

    for (; *name && n + 2 < sizeof words; name++) {
        bool upper = *name >= 'A' && *name <= 'Z';

        if (upper && n)
            words[n++] = ' ';
        words[n++] = upper ? (char)(*name + 32) : *name;
    }
    words[n] = 0;
    snprintf(s->text, 512, "%s: %s", s->who, words);
}

json_t *rpc_view_action(const struct rpc_view *ctx, const struct tl_view *action, mt_chat_id sender,
                        const char *who, char text[512], const char **change)
{
    json_t *all = json_object(), *parts = json_object();
    struct say s = {.ctx = ctx,
                    .a = action,
                    .who = who && *who ? who : "Someone",
                    .text = text,
                    .o = parts,
                    .sender = sender,
                    .kind = "other"};

    text[0] = 0;
    *change = NULL;
    if (!all || !parts) {
        json_decref(all);
        json_decref(parts);
        return NULL;
    }
    if (!membership(&s) && !chat_itself(&s) && !other(&s))
        say_constructor(&s);
    rpc_put_str(all, "kind", s.kind);
    (void)json_object_update(all, parts);
    rpc_put_str(all, "constructor", tl_def_name(action->def));
    json_decref(parts);
    *change = s.change;
    return all;
}
